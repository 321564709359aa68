/*
 * Every value read from an index file is checked for kind and range on its
 * way into a struct, since a file may be damaged in ways that sqlite does not
 * see: a reader collects `bad` over a row and complains once.
 */
#include "index/sql.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "format/segment.h"

int
kb_sql_err(sqlite3 *db, int rc, const char *name)
{
	const char *why = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	int sys = db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return kb_err(-ENOMEM, "%s: out of memory", name);
	case SQLITE_FULL:
		return kb_err(-ENOSPC, "%s: no space left", name);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (sys > 0)
			return kb_err(
				-EIO, "%s: %s: %s", name, why, strerror(sys));
		return kb_err(-EIO, "%s: %s", name, why);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
	case SQLITE_TOOBIG:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return kb_err(-EBADMSG,
			"%s: damaged index file: %s; "
			"`kbak reindex` makes a new one",
			name, why);
	default:
		return kb_err(-EIO, "%s: sqlite: %s", name, why);
	}
}

int
kb_sql_exec(sqlite3 *db, const char *sql, const char *name)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : kb_sql_err(db, rc, name);
}

int
kb_sql_step(sqlite3_stmt *st, const char *name)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 0;
	if (rc == SQLITE_DONE)
		return 1;
	return kb_sql_err(sqlite3_db_handle(st), rc, name);
}

void
kb_sql_bind_time(sqlite3_stmt *st, int at, int64_t time)
{
	if (time == KB_NO_TIME)
		sqlite3_bind_null(st, at);
	else
		sqlite3_bind_int64(st, at, time);
}

int64_t
kb_sql_time(sqlite3_stmt *st, int at)
{
	if (sqlite3_column_type(st, at) != SQLITE_INTEGER)
		return KB_NO_TIME;
	return sqlite3_column_int64(st, at);
}

int64_t
kb_sql_int(sqlite3_stmt *st, int at, int64_t low, int64_t high, bool *bad)
{
	int64_t v = sqlite3_column_int64(st, at);

	if (sqlite3_column_type(st, at) != SQLITE_INTEGER || v < low ||
		v > high) {
		*bad = true;
		return low;
	}
	return v;
}

uint64_t
kb_sql_count(sqlite3_stmt *st, int at, bool *bad)
{
	return (uint64_t)kb_sql_int(st, at, 0, INT64_MAX, bad);
}

void
kb_sql_text(sqlite3_stmt *st, int at, char *out, size_t room, bool *bad)
{
	const unsigned char *s = sqlite3_column_text(st, at);
	size_t n = s ? (size_t)sqlite3_column_bytes(st, at) : 0;

	if (!s || n >= room || memchr(s, '\0', n)) {
		*bad = true;
		n = 0;
	}
	if (n)
		memcpy(out, s, n);
	out[n] = '\0';
}

void
kb_sql_blob(sqlite3_stmt *st, int at, void *out, size_t len, bool *bad)
{
	const void *p = sqlite3_column_blob(st, at);

	if (p && (size_t)sqlite3_column_bytes(st, at) == len) {
		memcpy(out, p, len);
		return;
	}
	memset(out, 0, len);
	*bad = true;
}
