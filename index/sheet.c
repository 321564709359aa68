/*
 * The file has no name while it is written: one transaction, no journal, no
 * fsync, since nobody will look at it if we crash. What is published are its
 * bytes, streamed through the store, which makes them durable.
 *
 * Without a journal nothing can be rolled back, so the first error sticks: a
 * file that failed is never finished.
 */
#include "index/sheet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "index/layer.h"
#include "index/scratch.h"
#include "index/seal.h"
#include "index/sql.h"
#include "store/layout.h"
#include "store/store.h"

#define COPY_CHUNK (64 << 10)

static const char schema_sql[] =
#include "index/schema.sql.inc"
	;
static const char finish_sql[] =
#include "index/finish.sql.inc"
	;

#define PUT "INSERT OR REPLACE INTO "

static const char *const statements[KB_SHEET_STATEMENTS] = {
	[KB_SHEET_PUT_META] = PUT "meta VALUES (?,?,?,?,?)",
	[KB_SHEET_PUT_SETTING] = PUT "setting VALUES (?,?,?,?)",
	[KB_SHEET_PUT_SEGMENT] =
		PUT "segment VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
		    "?,?,?,?)",
	[KB_SHEET_PUT_BLOCK] =
		PUT "block VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[KB_SHEET_PUT_GAP] = PUT "gap VALUES (?,?,?,?,?,?,?)",
	[KB_SHEET_PUT_RUN] = PUT "run VALUES (?,?,?,?,?,?,?)",
	[KB_SHEET_PUT_TOMBSTONE] = PUT "tombstone VALUES (?,?,?,?,?)",
	[KB_SHEET_DROP_BLOCKS] = "DELETE FROM block WHERE topic = ?1 AND "
				 "partition = ?2 AND start = ?3",
	[KB_SHEET_PUT_TOPIC] =
		"INSERT OR IGNORE INTO topic (name, id) VALUES (?,?)",
	[KB_SHEET_FIND_TOPIC] =
		"SELECT key FROM topic WHERE name = ? AND id = ?",
};

static const char own_subject[] = "new index file in TMPDIR";

static int
create_tables(struct kb_sheet *s, int page_size)
{
	char text[200];
	int r;

	snprintf(text, sizeof(text),
		"PRAGMA page_size = %d; PRAGMA journal_mode = OFF; "
		"PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; "
		"PRAGMA cache_size = -2048; BEGIN",
		page_size);
	r = kb_sql_exec(s->db, text, s->subject);
	if (r == 0)
		r = kb_sql_exec(s->db, schema_sql, s->subject);
	snprintf(text, sizeof(text), "INSERT INTO info VALUES (%d, %d)",
		KB_LAYER_SCHEMA, KB_JSONL_VERSION);
	return r < 0 ? r : kb_sql_exec(s->db, text, s->subject);
}

int
kb_sheet_init(struct kb_sheet *s, int page_size)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	char path[KB_SCRATCH_PATH];
	int r, rc;

	*s = (struct kb_sheet){.subject = own_subject};
	r = kb_scratch_open(path, &s->fd);
	if (r < 0)
		return r;
	rc = sqlite3_open_v2(path, &s->db, flags, NULL);
	if (rc != SQLITE_OK)
		r = kb_sql_err(s->db, rc, path);
	unlink(path);
	if (r == 0)
		r = create_tables(s, page_size);
	if (r < 0)
		kb_sheet_release(s);
	return r;
}

void
kb_sheet_release(struct kb_sheet *s)
{
	for (int i = 0; i < KB_SHEET_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	close(s->fd);
}

int
kb_sheet_fail(struct kb_sheet *s, int r)
{
	if (r < 0 && !s->failure.code)
		kb_failure_take(&s->failure, r);
	return r;
}

int
kb_sheet_check(const struct kb_sheet *s)
{
	return s->failure.code ? kb_failure_raise(&s->failure) : 0;
}

void
kb_sheet_blame(struct kb_sheet *s, const char *subject)
{
	s->subject = subject ? subject : own_subject;
}

/* ---- statements ---- */

int
kb_sheet_prepare(
	struct kb_sheet *s, enum kb_sheet_statement which, sqlite3_stmt **out)
{
	int rc = SQLITE_OK;

	if (!s->statements[which])
		rc = sqlite3_prepare_v3(s->db, statements[which], -1,
			SQLITE_PREPARE_PERSISTENT, &s->statements[which], NULL);
	*out = s->statements[which];
	if (rc != SQLITE_OK)
		return kb_sql_err(s->db, rc, s->subject);
	sqlite3_reset(*out);
	sqlite3_clear_bindings(*out);
	return 0;
}

int
kb_sheet_run(struct kb_sheet *s, sqlite3_stmt *st)
{
	int r = kb_sql_step(st, s->subject);

	if (r == 1)
		sqlite3_reset(st);
	return r;
}

static void
bind_topic(sqlite3_stmt *st, const struct kb_topic_ref *t)
{
	sqlite3_bind_text(st, 1, t->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(st, 2, t->id.b, sizeof(t->id.b), SQLITE_TRANSIENT);
}

int
kb_sheet_topic(struct kb_sheet *s, const struct kb_topic_ref *t, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int r;

	*out = s->topic_key;
	if (s->topic_key && strcmp(s->topic, t->name) == 0 &&
		kb_uuid_equal(&s->topic_id, &t->id))
		return 0;
	if (strlen(t->name) > KB_TOPIC_MAX)
		return kb_err(-EINVAL, "%s: topic name too long", s->subject);
	r = kb_sheet_prepare(s, KB_SHEET_PUT_TOPIC, &st);
	if (r < 0)
		return r;
	bind_topic(st, t);
	r = kb_sheet_run(s, st);
	if (r >= 0)
		r = kb_sheet_prepare(s, KB_SHEET_FIND_TOPIC, &st);
	if (r < 0)
		return r;
	bind_topic(st, t);
	r = kb_sheet_run(s, st);
	if (r)
		return r < 0 ? r
			     : kb_err(-EBADMSG, "%s: topic lost", s->subject);
	strcpy(s->topic, t->name);
	s->topic_id = t->id;
	s->topic_key = *out = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

int
kb_sheet_prepare_at(struct kb_sheet *s, enum kb_sheet_statement which,
	const struct kb_topic_ref *t, int32_t partition, sqlite3_stmt **out)
{
	int64_t key;
	int r = kb_sheet_topic(s, t, &key);

	*out = NULL;
	if (r == 0)
		r = kb_sheet_prepare(s, which, out);
	if (r < 0)
		return r;
	sqlite3_bind_int64(*out, 1, key);
	sqlite3_bind_int(*out, 2, partition);
	return 0;
}

/* ---- publishing ---- */

int
kb_sheet_finish(struct kb_sheet *s)
{
	int r = kb_sheet_check(s);

	if (r < 0 || s->finished)
		return r;
	for (int i = 0; i < KB_SHEET_STATEMENTS; i++)
		sqlite3_reset(s->statements[i]);
	r = kb_sql_exec(s->db, finish_sql, s->subject);
	if (r == 0)
		r = kb_sql_exec(s->db, "COMMIT", s->subject);
	s->finished = r == 0;
	return kb_sheet_fail(s, r);
}

/* The file's bytes, and the seal behind them. */
static int
copy_out(struct kb_sheet *s, struct kb_blob_writer *w, struct kb_sha256 *hash,
	uint8_t *chunk)
{
	uint8_t seal[KB_SEAL_SIZE];
	uint64_t pos = 0;
	int r = 0;

	for (;;) {
		ssize_t n = kb_file_pread(s->fd, chunk, COPY_CHUNK, pos);

		if (n < 0)
			return kb_err((int)n, "%s: cannot read back: %s",
				s->subject, strerror((int)-n));
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
kb_sheet_publish(struct kb_sheet *s, struct kb_store *store, const char *name)
{
	struct kb_blob_writer *w = NULL;
	uint8_t *chunk = malloc(COPY_CHUNK);
	struct kb_sha256 *hash = NULL;
	int r = chunk ? kb_sha256_new(&hash)
		      : kb_err(-ENOMEM, "%s: out of memory", name);

	if (r == 0)
		r = kb_store_create(store, name, &w);
	if (r == 0)
		r = copy_out(s, w, hash, chunk);
	free(chunk);
	kb_sha256_free(hash);
	if (r == 0)
		return kb_blob_publish(w);
	kb_blob_abandon(w);
	return r;
}
