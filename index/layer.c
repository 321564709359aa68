/*
 * Opening: immutable=1 spares sqlite all locks and looks at journals; no
 * mmap, so that a file that shrinks under us is an error and not a SIGBUS; a
 * small page cache, as a stack is a dozen files and RSS is bounded. A file is
 * not trusted: views and triggers, of which ours have none, are off.
 *
 * Statements are compiled at first use and kept. All queries stand here, side
 * by side with the schema they belong to.
 */
#include "index/layer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "format/jsonl.h"
#include "index/scratch.h"
#include "index/sql.h"
#include "store/store.h"

#define APPLICATION_ID 0x6b62616b
#define COPY_CHUNK (64 << 10)

#define TOPIC "(SELECT key FROM topic WHERE name = ?1 AND id = ?2)"
#define OF_PARTITION "WHERE topic = " TOPIC " AND partition = ?3 "
#define ALL(columns, table, order)                                             \
	"SELECT topic.name, topic.id, " columns                                \
	" FROM topic CROSS JOIN " table " ON " table ".topic = topic.key "     \
	"ORDER BY topic.name, topic.id, " order

#define SEGMENT                                                                \
	"start, until, first, last, bytes, records, dropped, min_time, "       \
	"max_time, undated, text_length, values_length, raw_length, "          \
	"leader_epoch, newline, blocks, sha256, object "
#define BLOCK                                                                  \
	"first, last, position, size, records, dropped, min_time, max_time, "  \
	"undated, text_length, values_length, raw_length, newline "

static const char *const queries[KB_LAYER_QUERIES] = {
	[KB_LAYER_SEGMENTS] =
		"SELECT " SEGMENT "FROM segment " OF_PARTITION
		"AND start >= ifnull((SELECT max(start) FROM segment " OF_PARTITION
		"AND start <= ?4), 0) ORDER BY start",
	[KB_LAYER_BLOCKS] =
		"SELECT " BLOCK "FROM block " OF_PARTITION
		"AND start = ?4 AND first >= ifnull((SELECT max(first) "
		"FROM block " OF_PARTITION "AND start = ?4 AND first <= ?5), "
		"0) ORDER BY first",
	[KB_LAYER_GAPS] = "SELECT partition, start, until, reason, noticed, "
			  "detail FROM gap WHERE topic = " TOPIC
			  " AND partition BETWEEN ?3 AND ?4 "
			  "ORDER BY partition, start, until",
	[KB_LAYER_SPANS] =
		"SELECT partition, lowest, highest, until, first, "
		"last, segments, records, bytes, text_length, min_time, "
		"max_time FROM span WHERE topic = " TOPIC
		" AND partition BETWEEN ?3 AND ?4 ORDER BY partition",
	[KB_LAYER_PEAK] = "SELECT start FROM peak " OF_PARTITION
			  "AND time >= ?4 ORDER BY time LIMIT 1",
	[KB_LAYER_TROUGH] = "SELECT start FROM trough " OF_PARTITION
			    "AND time < ?4 ORDER BY time DESC LIMIT 1",
	[KB_LAYER_META] = "SELECT n, seen, partitions, replication FROM meta "
			  "WHERE topic = " TOPIC " ORDER BY n DESC LIMIT 1",
	[KB_LAYER_SETTINGS] =
		"SELECT name, value FROM setting WHERE topic = " TOPIC
		" AND n = ?4 ORDER BY name",
	[KB_LAYER_TOPICS] =
		"SELECT t.name, t.id, a.n, a.seen, z.n, z.seen, "
		"z.partitions FROM topic t "
		"LEFT JOIN meta a ON a.topic = t.key AND a.n = (SELECT min(n) "
		"FROM meta WHERE topic = t.key) "
		"LEFT JOIN meta z ON z.topic = t.key AND z.n = (SELECT max(n) "
		"FROM meta WHERE topic = t.key) "
		"WHERE t.name BETWEEN ?1 AND ?2 ORDER BY t.name, t.id",
	[KB_LAYER_RUN] = "SELECT n, started, ended, complete, records, bytes, "
			 "problems FROM run ORDER BY n DESC LIMIT 1",
	[KB_LAYER_ALL_METAS] =
		ALL("n, seen, partitions, replication", "meta", "n"),
	[KB_LAYER_ALL_SETTINGS] =
		ALL("n, setting.name, value", "setting", "n, setting.name"),
	[KB_LAYER_ALL_SEGMENTS] =
		ALL("partition, " SEGMENT, "segment", "partition, start"),
	[KB_LAYER_ALL_GAPS] = ALL("partition, start, until, reason, noticed, "
				  "detail",
		"gap", "partition, start, until"),
	[KB_LAYER_ALL_TOMBSTONES] = ALL("partition, start, until, pruned",
		"tombstone", "partition, start"),
	[KB_LAYER_ALL_RUNS] = "SELECT n, started, ended, complete, records, "
			      "bytes, problems FROM run ORDER BY n",
};

/* ---- opening ---- */

/* `file:...?immutable=1` for a path of any bytes; malloc'd. */
static char *
uri_of(const char *path)
{
	static const char tail[] = "?immutable=1";
	struct kb_buf b = {0};
	int r = kb_buf_printf(&b, "file:");

	for (; r == 0 && *path; path++) {
		bool plain = *path != '%' && *path != '?' && *path != '#';

		r = kb_buf_printf(
			&b, plain ? "%c" : "%%%02X", (unsigned char)*path);
	}
	if (r == 0)
		r = kb_buf_put(&b, tail, sizeof(tail));
	if (r < 0)
		kb_buf_release(&b);
	return (char *)b.data;
}

/* Opens the file at path and makes sqlite harmless. -ENOENT. */
static int
open_path(struct kb_layer *l, const char *path)
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	char *uri = uri_of(path);
	int rc;

	if (!uri)
		return kb_err(-ENOMEM, "%s: out of memory", l->name);
	rc = sqlite3_open_v2(uri, &l->db, flags, NULL);
	free(uri);
	if (rc == SQLITE_CANTOPEN && access(path, F_OK) < 0 && errno == ENOENT)
		return kb_err(-ENOENT, "%s: no such index file", l->name);
	if (rc != SQLITE_OK)
		return kb_sql_err(l->db, rc, l->name);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return kb_sql_exec(l->db,
		"PRAGMA mmap_size = 0; PRAGMA cache_size = -256; "
		"PRAGMA cell_size_check = ON",
		l->name);
}

static int
copy_blob(struct kb_store *s, const char *name, int fd)
{
	struct kb_blob *blob = NULL;
	uint8_t *chunk = malloc(COPY_CHUNK);
	uint64_t pos = 0;
	ssize_t n = 1;
	int r = chunk ? 0 : kb_err(-ENOMEM, "%s: out of memory", name);

	if (r == 0)
		r = kb_store_open(s, name, &blob, NULL);
	while (r == 0 && n > 0) {
		n = kb_blob_read(blob, pos, chunk, COPY_CHUNK);
		if (n < 0) {
			r = (int)n;
			break;
		}
		r = kb_file_write(fd, chunk, (size_t)n);
		if (r < 0)
			kb_err(r, "%s: cannot copy to a temporary file", name);
		pos += (uint64_t)n;
	}
	kb_blob_close(blob);
	free(chunk);
	return r;
}

/* For stores whose blobs are no files: through a temporary file. */
static int
open_copy(struct kb_layer *l, struct kb_store *s)
{
	char path[KB_SCRATCH_PATH];
	int fd = -1, r = kb_scratch_open(path, &fd);

	if (r < 0)
		return r;
	r = copy_blob(s, l->name, fd);
	if (r == 0)
		r = open_path(l, path);
	unlink(path);
	close(fd);
	return r;
}

static int
read_pragma(struct kb_layer *l, const char *sql, int64_t *out_a, int64_t *out_b)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(l->db, sql, -1, &st, NULL);
	int r;

	if (rc != SQLITE_OK)
		return kb_sql_err(l->db, rc, l->name);
	r = kb_sql_step(st, l->name);
	if (r == 0) {
		*out_a = sqlite3_column_int64(st, 0);
		*out_b = sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	return r > 0 ? kb_err(-EBADMSG,
			       "%s: damaged index file: empty; "
			       "`kbak reindex` makes a new one",
			       l->name)
		     : r;
}

static int
check_versions(struct kb_layer *l)
{
	int64_t id, schema, text, none;
	int r = read_pragma(l, "PRAGMA application_id", &id, &none);

	if (r == 0 && id != APPLICATION_ID)
		return kb_err(-EBADMSG,
			"%s: not an index file of kbakfs; "
			"`kbak reindex` makes a new index",
			l->name);
	if (r == 0)
		r = read_pragma(
			l, "SELECT schema, text FROM info", &schema, &text);
	if (r < 0)
		return r;
	if (schema != KB_LAYER_SCHEMA)
		return kb_err(-ESTALE,
			"%s: schema %" PRId64 ", this program knows %d; use "
			"the program that wrote it, or `kbak reindex`",
			l->name, schema, KB_LAYER_SCHEMA);
	if (text != KB_JSONL_VERSION)
		return kb_err(-ESTALE,
			"%s: lengths of text view %" PRId64
			", this program's is %d; run `kbak reindex`",
			l->name, text, KB_JSONL_VERSION);
	return 0;
}

int
kb_layer_open(struct kb_store *s, uint64_t generation,
	const struct kb_stack_file *range, struct kb_layer **out)
{
	struct kb_layer *l = calloc(1, sizeof(*l));
	char *path = NULL;
	int r;

	if (!l)
		return kb_err(-ENOMEM, "index: out of memory");
	l->generation = generation;
	l->range = *range;
	kb_stack_name(l->name, generation, range);
	r = kb_store_path(s, l->name, &path);
	if (r == 0)
		r = open_path(l, path);
	else if (r == -EOPNOTSUPP)
		r = open_copy(l, s);
	free(path);
	if (r == 0)
		r = check_versions(l);
	if (r == 0)
		*out = l;
	else
		kb_layer_close(l);
	return r;
}

void
kb_layer_close(struct kb_layer *l)
{
	if (!l)
		return;
	for (int i = 0; i < KB_LAYER_QUERIES; i++)
		sqlite3_finalize(l->statements[i]);
	sqlite3_close(l->db);
	free(l);
}

int
kb_layer_query(struct kb_layer *l, enum kb_layer_query q, sqlite3_stmt **out)
{
	int rc = SQLITE_OK;

	if (!l->statements[q])
		rc = sqlite3_prepare_v3(l->db, queries[q], -1,
			SQLITE_PREPARE_PERSISTENT, &l->statements[q], NULL);
	if (rc != SQLITE_OK)
		return kb_sql_err(l->db, rc, l->name);
	sqlite3_reset(l->statements[q]);
	*out = l->statements[q];
	return 0;
}
