/*
 * Table by table, the layers' rows are merged by key and copied, the newest
 * layer's row where several have the key. Rows come and go in order, so the
 * new file's B-trees grow at their ends and no page is ever split in two
 * halves; and no more than a row a layer is in memory.
 */
#include "index/blend.h"

#include <errno.h>

#include "common/err.h"
#include "index/merge.h"
#include "index/sheet.h"
#include "index/sql.h"
#include "store/layout.h"

/* Columns [from..] of src become parameters [at..] of st. */
static void
bind_row(sqlite3_stmt *st, int at, sqlite3_stmt *src, int from)
{
	for (int i = from; i < sqlite3_column_count(src); i++)
		sqlite3_bind_value(st, at++, sqlite3_column_value(src, i));
}

/* The topic that a row of an ALL query begins with. */
static int
row_topic(sqlite3_stmt *row, const char *name, struct kb_topic_ref *out)
{
	bool bad = false;

	out->name = (const char *)sqlite3_column_text(row, 0);
	kb_sql_blob(row, 1, out->id.b, sizeof(out->id.b), &bad);
	if (!out->name || bad)
		return kb_err(-EBADMSG,
			"%s: damaged index file: not a topic; "
			"`kbak reindex` makes a new one",
			name);
	return 0;
}

static int
copy_row(struct kb_sheet *s, enum kb_sheet_statement which, sqlite3_stmt *row,
	bool with_topic)
{
	struct kb_topic_ref t;
	sqlite3_stmt *st = NULL;
	int64_t key = 0;
	int r = 0;

	if (with_topic)
		r = row_topic(row, s->subject, &t);
	if (with_topic && r == 0)
		r = kb_sheet_topic(s, &t, &key);
	if (r == 0)
		r = kb_sheet_prepare(s, which, &st);
	if (r < 0)
		return r;
	if (with_topic) {
		sqlite3_bind_int64(st, 1, key);
		bind_row(st, 2, row, 2);
	} else {
		bind_row(st, 1, row, 0);
	}
	r = kb_sheet_run(s, st);
	return r < 0 ? r : 0;
}

/* Blocks go with the segment row that won, never with another's. */
static int
copy_blocks(struct kb_sheet *s, struct kb_layer *from, sqlite3_stmt *segment)
{
	struct kb_merge m = {0};
	const struct kb_merge_head *head;
	struct kb_topic_ref t;
	struct kb_merge_args args = {
		.topic = &t,
		.partition = sqlite3_column_int(segment, 2),
		.a = sqlite3_column_int64(segment, 3),
	};
	sqlite3_stmt *st = NULL;
	int r = row_topic(segment, s->subject, &t);

	if (r == 0)
		r = kb_merge_begin(&m, &from, 1, KB_LAYER_BLOCKS, 1, &args);
	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r == 0)
			r = kb_sheet_prepare_at(
				s, KB_SHEET_PUT_BLOCK, &t, args.partition, &st);
		if (r)
			break;
		sqlite3_bind_int64(st, 3, args.a);
		bind_row(st, 4, head->row, 0);
		r = kb_sheet_run(s, st);
		r = r < 0 ? r : 0;
	}
	kb_merge_end(&m);
	return r < 0 ? r : 0;
}

static const struct {
	enum kb_layer_query query;
	enum kb_sheet_statement put;
	int keys; /* topic name and id count */
	bool with_topic;
} tables[] = {
	{KB_LAYER_ALL_METAS, KB_SHEET_PUT_META, 3, true},
	{KB_LAYER_ALL_SETTINGS, KB_SHEET_PUT_SETTING, 4, true},
	{KB_LAYER_ALL_SEGMENTS, KB_SHEET_PUT_SEGMENT, 4, true},
	{KB_LAYER_ALL_GAPS, KB_SHEET_PUT_GAP, 5, true},
	{KB_LAYER_ALL_TOMBSTONES, KB_SHEET_PUT_TOMBSTONE, 4, true},
	{KB_LAYER_ALL_RUNS, KB_SHEET_PUT_RUN, 1, false},
};

static int
merge_table(struct kb_sheet *s, struct kb_layer *const *layers, size_t count,
	size_t table)
{
	struct kb_merge m = {0};
	const struct kb_merge_head *head;
	int r = kb_merge_begin(&m, layers, count, tables[table].query,
		tables[table].keys, NULL);

	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r)
			break;
		kb_sheet_blame(s, head->layer->name);
		r = copy_row(s, tables[table].put, head->row,
			tables[table].with_topic);
		if (r == 0 && tables[table].put == KB_SHEET_PUT_SEGMENT)
			r = copy_blocks(s, head->layer, head->row);
	}
	kb_sheet_blame(s, NULL);
	kb_merge_end(&m);
	return r < 0 ? r : 0;
}

int
kb_blend(struct kb_sheet *s, struct kb_layer *const *layers, size_t count)
{
	int r = kb_sheet_check(s);

	for (size_t i = 0; r == 0 && i < sizeof(tables) / sizeof(*tables); i++)
		r = merge_table(s, layers, count, i);
	return kb_sheet_fail(s, r);
}
