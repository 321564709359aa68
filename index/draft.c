/*
 * A draft is an sqlite file without a name: one transaction, no journal, no
 * fsync, since nobody will look at it if we crash. What is published are its
 * bytes, streamed through the store, which makes them durable.
 *
 * Without a journal nothing can be rolled back, so the first error sticks: a
 * draft that failed is never finished.
 */
#include "index/draft.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/file.h"
#include "format/segment.h"
#include "index/index.h"
#include "index/layer.h"
#include "index/merge.h"
#include "index/scratch.h"
#include "index/seal.h"
#include "index/sql.h"
#include "store/store.h"

#define COPY_CHUNK (64 << 10)

static const char schema_sql[] =
#include "index/schema.sql.inc"
	;
static const char finish_sql[] =
#include "index/finish.sql.inc"
	;

enum statement {
	PUT_META,
	PUT_SETTING,
	PUT_SEGMENT,
	PUT_BLOCK,
	PUT_GAP,
	PUT_RUN,
	PUT_TOMBSTONE,
	DROP_BLOCKS,
	PUT_TOPIC,
	FIND_TOPIC,
	STATEMENTS,
};

#define PUT "INSERT OR REPLACE INTO "

static const char *const statements[STATEMENTS] = {
	[PUT_META] = PUT "meta VALUES (?,?,?,?,?)",
	[PUT_SETTING] = PUT "setting VALUES (?,?,?,?)",
	[PUT_SEGMENT] = PUT "segment VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
			    "?,?,?)",
	[PUT_BLOCK] = PUT "block VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_GAP] = PUT "gap VALUES (?,?,?,?,?,?,?)",
	[PUT_RUN] = PUT "run VALUES (?,?,?,?,?,?,?)",
	[PUT_TOMBSTONE] = PUT "tombstone VALUES (?,?,?,?,?)",
	[DROP_BLOCKS] = "DELETE FROM block WHERE topic = ?1 AND "
			"partition = ?2 AND start = ?3",
	[PUT_TOPIC] = "INSERT OR IGNORE INTO topic (name, id) VALUES (?,?)",
	[FIND_TOPIC] = "SELECT key FROM topic WHERE name = ? AND id = ?",
};

struct kb_draft {
	sqlite3 *db;
	int fd;	    /* the same file, to read its bytes */
	int failed; /* the first error, with its sentence */
	struct kb_failure failure;
	bool empty;
	bool finished;
	const char *subject; /* whom errors are about */
	sqlite3_stmt *statements[STATEMENTS];
	/* the topic that came last */
	char topic[KB_TOPIC_MAX + 1];
	struct kb_uuid topic_id;
	int64_t topic_key;
};

static const char own_subject[] = "new index file";

int
kb_draft_new(int page_size, struct kb_draft **out)
{
	struct kb_draft *d = calloc(1, sizeof(*d));
	char path[KB_SCRATCH_PATH], pragmas[200];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	int r, rc;

	if (!d)
		return kb_err(-ENOMEM, "index: out of memory");
	d->empty = true;
	d->subject = own_subject;
	r = kb_scratch_open(path, &d->fd);
	if (r < 0) {
		free(d);
		return r;
	}
	rc = sqlite3_open_v2(path, &d->db, flags, NULL);
	if (rc != SQLITE_OK)
		r = kb_sql_err(d->db, rc, path);
	unlink(path);
	snprintf(pragmas, sizeof(pragmas),
		"PRAGMA page_size = %d; PRAGMA journal_mode = OFF; "
		"PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; "
		"PRAGMA cache_size = -2048; BEGIN",
		page_size);
	if (r == 0)
		r = kb_sql_exec(d->db, pragmas, d->subject);
	if (r == 0)
		r = kb_sql_exec(d->db, schema_sql, d->subject);
	snprintf(pragmas, sizeof(pragmas), "INSERT INTO info VALUES (%d, %d)",
		KB_LAYER_SCHEMA, KB_JSONL_VERSION);
	if (r == 0)
		r = kb_sql_exec(d->db, pragmas, d->subject);
	if (r == 0)
		*out = d;
	else
		kb_draft_free(d);
	return r;
}

void
kb_draft_free(struct kb_draft *d)
{
	if (!d)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(d->statements[i]);
	sqlite3_close(d->db);
	close(d->fd);
	free(d);
}

bool
kb_draft_empty(const struct kb_draft *d)
{
	return d->empty;
}

/* ---- statements ---- */

/* Keeps the first error. */
static int
fail(struct kb_draft *d, int r)
{
	if (r < 0 && !d->failed) {
		d->failed = r;
		kb_failure_take(&d->failure, r);
	}
	return r;
}

static int
ready(struct kb_draft *d)
{
	if (d->failed)
		return kb_failure_raise(&d->failure);
	d->empty = false;
	return 0;
}

/* The statement, compiled once, its parameters forgotten. */
static int
prepare(struct kb_draft *d, enum statement which, sqlite3_stmt **out)
{
	int rc = SQLITE_OK;

	if (!d->statements[which])
		rc = sqlite3_prepare_v3(d->db, statements[which], -1,
			SQLITE_PREPARE_PERSISTENT, &d->statements[which], NULL);
	*out = d->statements[which];
	if (rc != SQLITE_OK)
		return kb_sql_err(d->db, rc, d->subject);
	sqlite3_reset(*out);
	sqlite3_clear_bindings(*out);
	return 0;
}

/* Runs a statement; 0 a row, 1 done. It is reset by its next prepare(). */
static int
run(struct kb_draft *d, sqlite3_stmt *st)
{
	int r = kb_sql_step(st, d->subject);

	if (r == 1)
		sqlite3_reset(st);
	return r;
}

static void
bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
	sqlite3_bind_int64(st, at, (int64_t)v);
}

static void
bind_topic(sqlite3_stmt *st, const struct kb_topic_ref *t)
{
	sqlite3_bind_text(st, 1, t->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(st, 2, t->id.b, sizeof(t->id.b), SQLITE_TRANSIENT);
}

/* The topic's key in this file; a new one when it is not there. */
static int
topic_key(struct kb_draft *d, const struct kb_topic_ref *t, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int r;

	*out = d->topic_key;
	if (d->topic_key && strcmp(d->topic, t->name) == 0 &&
		kb_uuid_equal(&d->topic_id, &t->id))
		return 0;
	if (strlen(t->name) > KB_TOPIC_MAX)
		return kb_err(-EINVAL, "%s: topic name too long", d->subject);
	r = prepare(d, PUT_TOPIC, &st);
	if (r < 0)
		return r;
	bind_topic(st, t);
	r = run(d, st);
	if (r >= 0)
		r = prepare(d, FIND_TOPIC, &st);
	if (r < 0)
		return r;
	bind_topic(st, t);
	r = run(d, st);
	if (r)
		return r < 0 ? r
			     : kb_err(-EBADMSG, "%s: topic lost", d->subject);
	strcpy(d->topic, t->name);
	d->topic_id = t->id;
	d->topic_key = *out = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

/* Prepares a statement whose first parameters are topic and partition. */
static int
prepare_at(struct kb_draft *d, enum statement which,
	const struct kb_topic_ref *t, int32_t partition, sqlite3_stmt **out)
{
	int64_t key;
	int r = topic_key(d, t, &key);

	*out = NULL;
	if (r == 0)
		r = prepare(d, which, out);
	if (r < 0)
		return r;
	sqlite3_bind_int64(*out, 1, key);
	sqlite3_bind_int(*out, 2, partition);
	return 0;
}

/* ---- rows from structs ---- */

static int
put_segment(struct kb_draft *d, const struct kb_topic_ref *t, int32_t partition,
	const struct kb_segment *s, const char *object)
{
	sqlite3_stmt *st = NULL;
	int r = prepare_at(d, PUT_SEGMENT, t, partition, &st);

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
	bind_u64(st, 12, s->text_length);
	bind_u64(st, 13, s->values_length);
	bind_u64(st, 14, s->raw_length);
	sqlite3_bind_int(st, 15, s->leader_epoch);
	sqlite3_bind_int(st, 16, s->newline_in_value);
	sqlite3_bind_int64(st, 17, s->block_count);
	sqlite3_bind_blob(
		st, 18, s->sha256, sizeof(s->sha256), SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 19, object, -1, SQLITE_TRANSIENT);
	return run(d, st);
}

static int
put_block(struct kb_draft *d, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, const struct kb_block *b)
{
	sqlite3_stmt *st = NULL;
	int r = prepare_at(d, PUT_BLOCK, t, partition, &st);

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
	bind_u64(st, 12, b->text_length);
	bind_u64(st, 13, b->values_length);
	bind_u64(st, 14, b->raw_length);
	sqlite3_bind_int(st, 15, b->newline_in_value);
	return run(d, st);
}

static int
drop_blocks(struct kb_draft *d, const struct kb_topic_ref *t, int32_t partition,
	int64_t start)
{
	sqlite3_stmt *st = NULL;
	int r = prepare_at(d, DROP_BLOCKS, t, partition, &st);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 3, start);
	return run(d, st);
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
		return fail(d, kb_err(-EINVAL, "%s: not a segment's name of %s",
				       s->object, dir));
	r = drop_blocks(d, t, partition, s->s.start);
	if (r >= 0)
		r = put_segment(d, t, partition, &s->s, s->object + n + 1);
	for (uint32_t i = 0; r >= 0 && i < s->s.block_count; i++)
		r = put_block(d, t, partition, s->s.start, &blocks[i]);
	return r < 0 ? fail(d, r) : 0;
}

int
kb_draft_gap(struct kb_draft *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap)
{
	sqlite3_stmt *st = NULL;
	int r = ready(d);

	if (r == 0)
		r = prepare_at(d, PUT_GAP, t, partition, &st);
	if (r < 0)
		return fail(d, r);
	sqlite3_bind_int64(st, 3, gap->start);
	sqlite3_bind_int64(st, 4, gap->end);
	sqlite3_bind_text(
		st, 5, kb_gap_reason_name(gap->reason), -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, gap->noticed);
	sqlite3_bind_text(st, 7, gap->detail, -1, SQLITE_TRANSIENT);
	r = run(d, st);
	return r < 0 ? fail(d, r) : 0;
}

static int
put_setting(struct kb_draft *d, int64_t topic, uint64_t n,
	const struct kb_meta_setting *s)
{
	sqlite3_stmt *st = NULL;
	int r = prepare(d, PUT_SETTING, &st);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, topic);
	bind_u64(st, 2, n);
	sqlite3_bind_text(st, 3, s->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 4, s->value, -1, SQLITE_TRANSIENT);
	return run(d, st);
}

int
kb_draft_meta(struct kb_draft *d, const struct kb_meta *m, uint64_t n)
{
	struct kb_topic_ref t = {m->topic, m->id};
	sqlite3_stmt *st = NULL;
	int64_t key = 0;
	int r = ready(d);

	if (r == 0)
		r = topic_key(d, &t, &key);
	if (r == 0)
		r = prepare(d, PUT_META, &st);
	if (r < 0)
		return fail(d, r);
	sqlite3_bind_int64(st, 1, key);
	bind_u64(st, 2, n);
	sqlite3_bind_int64(st, 3, m->seen);
	sqlite3_bind_int(st, 4, m->partitions);
	sqlite3_bind_int(st, 5, m->replication_factor);
	r = run(d, st);
	for (size_t i = 0; r >= 0 && i < m->setting_count; i++)
		r = put_setting(d, key, n, &m->settings[i]);
	return r < 0 ? fail(d, r) : 0;
}

int
kb_draft_run(struct kb_draft *d, const struct kb_run *o, uint64_t n)
{
	sqlite3_stmt *st = NULL;
	int r = ready(d);

	if (r == 0)
		r = prepare(d, PUT_RUN, &st);
	if (r < 0)
		return fail(d, r);
	bind_u64(st, 1, n);
	sqlite3_bind_int64(st, 2, o->started);
	sqlite3_bind_int64(st, 3, o->ended);
	sqlite3_bind_int(st, 4, o->complete);
	bind_u64(st, 5, o->records);
	bind_u64(st, 6, o->bytes);
	bind_u64(st, 7, o->problems);
	r = run(d, st);
	return r < 0 ? fail(d, r) : 0;
}

/* ---- rows from other files ---- */

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
copy_row(struct kb_draft *d, enum statement which, sqlite3_stmt *row,
	bool with_topic)
{
	struct kb_topic_ref t;
	sqlite3_stmt *st = NULL;
	int64_t key = 0;
	int r = 0;

	if (with_topic)
		r = row_topic(row, d->subject, &t);
	if (with_topic && r == 0)
		r = topic_key(d, &t, &key);
	if (r == 0)
		r = prepare(d, which, &st);
	if (r < 0)
		return r;
	if (with_topic) {
		sqlite3_bind_int64(st, 1, key);
		bind_row(st, 2, row, 2);
	} else {
		bind_row(st, 1, row, 0);
	}
	r = run(d, st);
	return r < 0 ? r : 0;
}

/* Blocks go with the segment row that won, never with another's. */
static int
copy_blocks(struct kb_draft *d, struct kb_layer *from, sqlite3_stmt *segment)
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
	int r = row_topic(segment, d->subject, &t);

	if (r == 0)
		r = kb_merge_begin(&m, &from, 1, KB_LAYER_BLOCKS, 1, &args);
	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r == 0)
			r = prepare_at(d, PUT_BLOCK, &t, args.partition, &st);
		if (r)
			break;
		sqlite3_bind_int64(st, 3, args.a);
		bind_row(st, 4, head->row, 0);
		r = run(d, st);
		r = r < 0 ? r : 0;
	}
	kb_merge_end(&m);
	return r < 0 ? r : 0;
}

static const struct {
	enum kb_layer_query query;
	enum statement put;
	int keys; /* topic name and id count */
	bool with_topic;
} tables[] = {
	{KB_LAYER_ALL_METAS, PUT_META, 3, true},
	{KB_LAYER_ALL_SETTINGS, PUT_SETTING, 4, true},
	{KB_LAYER_ALL_SEGMENTS, PUT_SEGMENT, 4, true},
	{KB_LAYER_ALL_GAPS, PUT_GAP, 5, true},
	{KB_LAYER_ALL_TOMBSTONES, PUT_TOMBSTONE, 4, true},
	{KB_LAYER_ALL_RUNS, PUT_RUN, 1, false},
};

static int
merge_table(struct kb_draft *d, struct kb_layer *const *layers, size_t count,
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
		d->empty = false;
		d->subject = head->layer->name;
		r = copy_row(d, tables[table].put, head->row,
			tables[table].with_topic);
		if (r == 0 && tables[table].put == PUT_SEGMENT)
			r = copy_blocks(d, head->layer, head->row);
	}
	d->subject = own_subject;
	kb_merge_end(&m);
	return r < 0 ? r : 0;
}

int
kb_draft_merge(struct kb_draft *d, struct kb_layer *const *layers, size_t count)
{
	int r = d->failed ? kb_failure_raise(&d->failure) : 0;

	for (size_t i = 0; r == 0 && i < sizeof(tables) / sizeof(*tables); i++)
		r = merge_table(d, layers, count, i);
	return fail(d, r);
}

/* ---- publishing ---- */

int
kb_draft_finish(struct kb_draft *d)
{
	int r = d->failed ? kb_failure_raise(&d->failure) : 0;

	if (r < 0 || d->finished)
		return r;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_reset(d->statements[i]);
	r = kb_sql_exec(d->db, finish_sql, d->subject);
	if (r == 0)
		r = kb_sql_exec(d->db, "COMMIT", d->subject);
	d->finished = r == 0;
	return fail(d, r);
}

/* The draft's bytes, and the seal behind them. */
static int
copy_out(struct kb_draft *d, struct kb_blob_writer *w, struct kb_sha256 *hash,
	uint8_t *chunk)
{
	uint8_t seal[KB_SEAL_SIZE];
	uint64_t pos = 0;
	int r = 0;

	for (;;) {
		ssize_t n = kb_file_pread(d->fd, chunk, COPY_CHUNK, pos);

		if (n < 0)
			return kb_err((int)n, "%s: cannot read back: %s",
				d->subject, strerror((int)-n));
		if (n == 0)
			break;
		kb_sha256_add(hash, chunk, (size_t)n);
		r = kb_blob_write(w, kb_slice_of(chunk, (size_t)n));
		if (r < 0)
			return r;
		pos += (uint64_t)n;
	}
	kb_seal_make(hash, seal);
	return kb_blob_write(w, kb_slice_of(seal, sizeof(seal)));
}

int
kb_draft_publish(struct kb_draft *d, struct kb_store *s, const char *name)
{
	struct kb_blob_writer *w = NULL;
	uint8_t *chunk = malloc(COPY_CHUNK);
	struct kb_sha256 *hash = NULL;
	int r = chunk ? kb_sha256_new(&hash)
		      : kb_err(-ENOMEM, "%s: out of memory", name);

	if (r == 0)
		r = kb_store_create(s, name, &w);
	if (r == 0)
		r = copy_out(d, w, hash, chunk);
	free(chunk);
	kb_sha256_free(hash);
	if (r == 0)
		return kb_blob_publish(w);
	kb_blob_abandon(w);
	return r;
}
