/* sqlite, as far as index/ needs it: errors in our words, values by kind. */
#ifndef KB_INDEX_SQL_H
#define KB_INDEX_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Says what sqlite's rc means, as `name: ...`: -EBADMSG damaged (the sentence
 * names `kbak reindex`), -ENOMEM, -ENOSPC, else -EIO. db may be NULL.
 */
int
kb_sql_err(sqlite3 *db, int rc, const char *name);

/* Runs statements that give no rows. */
int
kb_sql_exec(sqlite3 *db, const char *sql, const char *name);

/* 0: a row. 1: the end, or done. -errno. */
int
kb_sql_step(sqlite3_stmt *st, const char *name);

/* NULL in the table is `none` in the struct, both ways. 0 or -errno. */
void
kb_sql_bind_time(sqlite3_stmt *st, int at, int64_t time);
int64_t
kb_sql_time(sqlite3_stmt *st, int at);

/*
 * A count: at least 0. A negative number, or what is no number, sets
 * *bad, which is otherwise left alone.
 */
uint64_t
kb_sql_count(sqlite3_stmt *st, int at, bool *bad);

/* An offset or a small number within [low, high], likewise. */
int64_t
kb_sql_int(sqlite3_stmt *st, int at, int64_t low, int64_t high, bool *bad);

/* Copies a text of less than `room` bytes, likewise. */
void
kb_sql_text(sqlite3_stmt *st, int at, char *out, size_t room, bool *bad);

/* Copies a blob of exactly len bytes, likewise. */
void
kb_sql_blob(sqlite3_stmt *st, int at, void *out, size_t len, bool *bad);

#endif
