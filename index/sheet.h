/* The sqlite file of a draft: how it is made, filled and published. */
#ifndef KB_INDEX_SHEET_H
#define KB_INDEX_SHEET_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/uuid.h"
#include "format/jsonl.h"

struct kb_store;
struct kb_topic_ref;

/* The texts are in sheet.c, side by side. PUT takes a row of the table. */
enum kb_sheet_statement {
	KB_SHEET_PUT_META,
	KB_SHEET_PUT_SETTING,
	KB_SHEET_PUT_SEGMENT,
	KB_SHEET_PUT_BLOCK,
	KB_SHEET_PUT_GAP,
	KB_SHEET_PUT_RUN,
	KB_SHEET_PUT_TOMBSTONE,
	KB_SHEET_DROP_BLOCKS,
	KB_SHEET_PUT_TOPIC,
	KB_SHEET_FIND_TOPIC,
	KB_SHEET_STATEMENTS,
};

struct kb_sheet {
	sqlite3 *db;
	int fd;			   /* the same file, to read its bytes */
	struct kb_failure failure; /* the first error */
	bool finished;
	const char *subject; /* whom errors are about */
	sqlite3_stmt *statements[KB_SHEET_STATEMENTS];
	/* the topic that came last */
	char topic[KB_TOPIC_MAX + 1];
	struct kb_uuid topic_id;
	int64_t topic_key;
};

/* Makes an empty file with all tables. */
int
kb_sheet_init(struct kb_sheet *s, int page_size);
void
kb_sheet_release(struct kb_sheet *s);

/* Keeps r, the first error, for good; returns r. 0 does nothing. */
int
kb_sheet_fail(struct kb_sheet *s, int r);

/* 0, or the error that was kept. */
int
kb_sheet_check(const struct kb_sheet *s);

/* Whom errors are about from now on; NULL: the file itself. Borrowed. */
void
kb_sheet_blame(struct kb_sheet *s, const char *subject);

/* The statement, compiled once, its parameters forgotten. */
int
kb_sheet_prepare(
	struct kb_sheet *s, enum kb_sheet_statement which, sqlite3_stmt **out);

/* Likewise, its first parameters set: the topic's key, the partition. */
int
kb_sheet_prepare_at(struct kb_sheet *s, enum kb_sheet_statement which,
	const struct kb_topic_ref *t, int32_t partition, sqlite3_stmt **out);

/* Runs a statement. 0: a row. 1: done. */
int
kb_sheet_run(struct kb_sheet *s, sqlite3_stmt *st);

/* The topic's key in this file; a new one when it is not there. */
int
kb_sheet_topic(struct kb_sheet *s, const struct kb_topic_ref *t, int64_t *out);

/* As kb_draft_finish() and kb_draft_publish(). */
int
kb_sheet_finish(struct kb_sheet *s);
int
kb_sheet_publish(struct kb_sheet *s, struct kb_store *store, const char *name);

#endif
