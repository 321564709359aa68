/* A temporary database of sqlite's own: in its page cache, then on disk. */
#include "index/seen.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "common/err.h"
#include "index/sql.h"

static const char subject[] = "temporary file of names";

struct kb_seen {
	sqlite3 *db;
	sqlite3_stmt *add;
};

int
kb_seen_new(struct kb_seen **out)
{
	static const char add[] = "INSERT OR IGNORE INTO seen VALUES (?)";
	struct kb_seen *s = calloc(1, sizeof(*s));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX;
	int r = 0, rc;

	if (!s)
		return kb_err(-ENOMEM, "out of memory");
	rc = sqlite3_open_v2("", &s->db, flags, NULL);
	if (rc == SQLITE_OK)
		r = kb_sql_exec(s->db,
			"PRAGMA journal_mode = OFF; PRAGMA cache_size = -2048;"
			"CREATE TABLE seen (name TEXT PRIMARY KEY) "
			"WITHOUT ROWID; BEGIN",
			subject);
	if (rc == SQLITE_OK && r == 0)
		rc = sqlite3_prepare_v2(s->db, add, -1, &s->add, NULL);
	if (rc != SQLITE_OK)
		r = kb_sql_err(s->db, rc, subject);
	if (r < 0)
		kb_seen_free(s);
	else
		*out = s;
	return r;
}

void
kb_seen_free(struct kb_seen *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->add);
	sqlite3_close(s->db);
	free(s);
}

int
kb_seen_add(struct kb_seen *s, const char *name)
{
	int r;

	sqlite3_reset(s->add);
	sqlite3_bind_text(s->add, 1, name, -1, SQLITE_TRANSIENT);
	r = kb_sql_step(s->add, subject);
	if (r < 0)
		return r;
	return sqlite3_changes(s->db) == 0;
}
