/* Rows from structs; what they are written to is a sheet. */
#include "index/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "format/segment.h"
#include "index/blend.h"
#include "index/index.h"
#include "index/sheet.h"
#include "index/sql.h"

struct kb_draft {
	struct kb_sheet sheet;
	bool empty;
};

int
kb_draft_new(int page_size, struct kb_draft **out)
{
	struct kb_draft *d = malloc(sizeof(*d));
	int r = d ? kb_sheet_init(&d->sheet, page_size)
		  : kb_err(-ENOMEM, "index: out of memory");

	if (r < 0) {
		free(d);
		return r;
	}
	d->empty = true;
	*out = d;
	return 0;
}

void
kb_draft_free(struct kb_draft *d)
{
	if (!d)
		return;
	kb_sheet_release(&d->sheet);
	free(d);
}

bool
kb_draft_empty(const struct kb_draft *d)
{
	return d->empty;
}

int
kb_draft_finish(struct kb_draft *d)
{
	return kb_sheet_finish(&d->sheet);
}

int
kb_draft_publish(struct kb_draft *d, struct kb_store *s, const char *name)
{
	return kb_sheet_publish(&d->sheet, s, name);
}

int
kb_draft_merge(struct kb_draft *d, struct kb_layer *const *layers, size_t count)
{
	d->empty = false;
	return kb_blend(&d->sheet, layers, count);
}

/* ---- rows ---- */

/* Before each row. */
static int
ready(struct kb_draft *d)
{
	d->empty = false;
	return kb_sheet_check(&d->sheet);
}

static void
bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
	sqlite3_bind_int64(st, at, (int64_t)v);
}

static int
put_segment(struct kb_draft *d, const struct kb_topic_ref *t, int32_t partition,
	const struct kb_segment *s, const char *object)
{
	sqlite3_stmt *st = NULL;
	int r = kb_sheet_prepare_at(
		&d->sheet, KB_SHEET_PUT_SEGMENT, t, partition, &st);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 3, s->start);
	sqlite3_bind_int64(st, 4, s->end);
	sqlite3_bind_int64(st, 5, s->first);
	sqlite3_bind_int64(st, 6, s->last);
	bind_u64(st, 7, s->bytes);
	bind_u64(st, 8, s->records);
	bind_u64(st, 9, s->dropped);
	kb_sql_bind_time(st, 10, s->min_timestamp);
	kb_sql_bind_time(st, 11, s->max_timestamp);
	bind_u64(st, 12, s->undated);
	bind_u64(st, 13, s->text_length);
	bind_u64(st, 14, s->values_length);
	bind_u64(st, 15, s->raw_length);
	sqlite3_bind_int(st, 16, s->leader_epoch);
	sqlite3_bind_int(st, 17, s->newline_in_value);
	sqlite3_bind_int64(st, 18, s->block_count);
	sqlite3_bind_blob(
		st, 19, s->sha256, sizeof(s->sha256), SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 20, object, -1, SQLITE_TRANSIENT);
	return kb_sheet_run(&d->sheet, st);
}

static int
put_block(struct kb_draft *d, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, const struct kb_block *b)
{
	sqlite3_stmt *st = NULL;
	int r = kb_sheet_prepare_at(
		&d->sheet, KB_SHEET_PUT_BLOCK, t, partition, &st);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 3, start);
	sqlite3_bind_int64(st, 4, b->first);
	sqlite3_bind_int64(st, 5, b->last);
	bind_u64(st, 6, b->position);
	bind_u64(st, 7, b->size);
	bind_u64(st, 8, b->records);
	bind_u64(st, 9, b->dropped);
	kb_sql_bind_time(st, 10, b->min_timestamp);
	kb_sql_bind_time(st, 11, b->max_timestamp);
	bind_u64(st, 12, b->undated);
	bind_u64(st, 13, b->text_length);
	bind_u64(st, 14, b->values_length);
	bind_u64(st, 15, b->raw_length);
	sqlite3_bind_int(st, 16, b->newline_in_value);
	return kb_sheet_run(&d->sheet, st);
}

static int
drop_blocks(struct kb_draft *d, const struct kb_topic_ref *t, int32_t partition,
	int64_t start)
{
	sqlite3_stmt *st = NULL;
	int r = kb_sheet_prepare_at(
		&d->sheet, KB_SHEET_DROP_BLOCKS, t, partition, &st);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 3, start);
	return kb_sheet_run(&d->sheet, st);
}

int
kb_draft_segment(struct kb_draft *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_index_segment *s,
	const struct kb_block *blocks)
{
	char dir[KB_NAME_MAX];
	size_t n;
	int r = ready(d);

	if (r < 0)
		return r;
	kb_layout_partition(dir, t, partition);
	n = strlen(dir);
	if (strncmp(s->object, dir, n) != 0 || s->object[n] != '/' ||
		strchr(s->object + n + 1, '/'))
		return kb_sheet_fail(&d->sheet,
			kb_err(-EINVAL, "%s: not a segment's name of %s",
				s->object, dir));
	r = drop_blocks(d, t, partition, s->s.start);
	if (r >= 0)
		r = put_segment(d, t, partition, &s->s, s->object + n + 1);
	for (uint32_t i = 0; r >= 0 && i < s->s.block_count; i++)
		r = put_block(d, t, partition, s->s.start, &blocks[i]);
	return r < 0 ? kb_sheet_fail(&d->sheet, r) : 0;
}

int
kb_draft_gap(struct kb_draft *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap)
{
	sqlite3_stmt *st = NULL;
	int r = ready(d);

	if (r == 0)
		r = kb_sheet_prepare_at(
			&d->sheet, KB_SHEET_PUT_GAP, t, partition, &st);
	if (r < 0)
		return kb_sheet_fail(&d->sheet, r);
	sqlite3_bind_int64(st, 3, gap->start);
	sqlite3_bind_int64(st, 4, gap->end);
	sqlite3_bind_text(
		st, 5, kb_gap_reason_name(gap->reason), -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, gap->noticed);
	sqlite3_bind_text(st, 7, gap->detail, -1, SQLITE_TRANSIENT);
	r = kb_sheet_run(&d->sheet, st);
	return r < 0 ? kb_sheet_fail(&d->sheet, r) : 0;
}

static int
put_setting(struct kb_draft *d, int64_t topic, uint64_t n,
	const struct kb_meta_setting *s)
{
	sqlite3_stmt *st = NULL;
	int r = kb_sheet_prepare(&d->sheet, KB_SHEET_PUT_SETTING, &st);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, topic);
	bind_u64(st, 2, n);
	sqlite3_bind_text(st, 3, s->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 4, s->value, -1, SQLITE_TRANSIENT);
	return kb_sheet_run(&d->sheet, st);
}

int
kb_draft_meta(struct kb_draft *d, const struct kb_meta *m, uint64_t n)
{
	struct kb_topic_ref t = {m->topic, m->id};
	sqlite3_stmt *st = NULL;
	int64_t key = 0;
	int r = ready(d);

	if (r == 0)
		r = kb_sheet_topic(&d->sheet, &t, &key);
	if (r == 0)
		r = kb_sheet_prepare(&d->sheet, KB_SHEET_PUT_META, &st);
	if (r < 0)
		return kb_sheet_fail(&d->sheet, r);
	sqlite3_bind_int64(st, 1, key);
	bind_u64(st, 2, n);
	sqlite3_bind_int64(st, 3, m->seen);
	sqlite3_bind_int(st, 4, m->partitions);
	sqlite3_bind_int(st, 5, m->replication_factor);
	r = kb_sheet_run(&d->sheet, st);
	for (size_t i = 0; r >= 0 && i < m->setting_count; i++)
		r = put_setting(d, key, n, &m->settings[i]);
	return r < 0 ? kb_sheet_fail(&d->sheet, r) : 0;
}

int
kb_draft_run(struct kb_draft *d, const struct kb_run *o, uint64_t n)
{
	sqlite3_stmt *st = NULL;
	int r = ready(d);

	if (r == 0)
		r = kb_sheet_prepare(&d->sheet, KB_SHEET_PUT_RUN, &st);
	if (r < 0)
		return kb_sheet_fail(&d->sheet, r);
	bind_u64(st, 1, n);
	sqlite3_bind_int64(st, 2, o->started);
	sqlite3_bind_int64(st, 3, o->ended);
	sqlite3_bind_int(st, 4, o->complete);
	bind_u64(st, 5, o->records);
	bind_u64(st, 6, o->bytes);
	bind_u64(st, 7, o->problems);
	r = kb_sheet_run(&d->sheet, st);
	return r < 0 ? kb_sheet_fail(&d->sheet, r) : 0;
}
