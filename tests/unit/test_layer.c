#include "index/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "rows.h"
#include "store/local.h"

/* A test with a file of its own. */
#define LAYER_TEST(name)                                                       \
	static void name##_in(void);                                           \
	START_TEST(name)                                                       \
	{                                                                      \
		setup();                                                       \
		name##_in();                                                   \
		teardown();                                                    \
	}                                                                      \
	END_TEST                                                               \
	static void name##_in(void)

/* An index of one file, which a test may spoil. */
static char *dir;
static struct kb_repo repo;
static char *path;

static void
setup(void)
{
	struct kb_index_delta *d;
	struct kb_index *x;
	char name[KB_STACK_NAME];
	struct kb_gap gap = {.start = 20, .end = 30, .noticed = 4};
	struct kb_meta m = {.topic = "orders", .id = {{1}}, .partitions = 2};

	dir = stores_make_dir();
	ck_ok(kb_store_open_local(dir, true, &repo.store));
	ck_ok(kb_index_open(&repo, &x));
	ck_ok(kb_index_delta_new(&d));
	for (int i = 0; i < 2; i++)
		rows_add(d, &rows_orders, 0, ROWS_STEP * i, 100 + i);
	ck_ok(kb_index_delta_gap(d, &rows_orders, 0, &gap));
	ck_ok(kb_index_delta_meta(d, &m, 1));
	ck_ok(kb_index_delta_run(d, &(struct kb_run){.ended = 1}, 1));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	kb_index_close(x);
	kb_stack_name(name, 1, &(struct kb_stack_file){1, 1});
	ck_ok(kb_store_path(repo.store, name, &path));
	ck_ok(chmod(path, 0600));
}

static void
teardown(void)
{
	kb_store_free(repo.store);
	stores_remove_dir(dir);
	free(path);
}

static void
alter(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK,
		"%s: %s", sql, why);
	sqlite3_close(db);
}

static int
open_index(void)
{
	struct kb_index *x;
	int r = kb_index_open(&repo, &x);

	if (r == 0)
		kb_index_close(x);
	return r;
}

LAYER_TEST(layer__opens_what_was_committed)
{
	ck_ok(open_index());
}

LAYER_TEST(layer__opens_a_path_of_odd_bytes)
{
	struct kb_index *x;
	char odd[100];

	kb_store_free(repo.store);
	snprintf(odd, sizeof(odd), "%s/a?b#c%%20 d", dir);
	ck_ok(kb_store_open_local(odd, true, &repo.store));
	ck_ok(kb_index_open(&repo, &x));
	rows_commit(x, &rows_orders, 0, 0, 1);
	kb_index_close(x);
	ck_ok(kb_index_open(&repo, &x));
	ck_assert_str_eq(rows_starts(x, &rows_orders, 0, 0), "0,");
	kb_index_close(x);
}

LAYER_TEST(layer__of_another_schema_is_stale)
{
	alter("UPDATE info SET schema = 99");
	ck_assert_int_eq(open_index(), -ESTALE);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "schema 99"));
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "kbak reindex"));
}

LAYER_TEST(layer__of_another_text_view_is_stale)
{
	alter("UPDATE info SET text = text + 1");
	ck_assert_int_eq(open_index(), -ESTALE);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "kbak reindex"));
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "0000000001.sqlite"));
}

LAYER_TEST(layer__of_somebody_else_is_refused)
{
	alter("PRAGMA application_id = 7");
	ck_assert_int_eq(open_index(), -EBADMSG);
}

LAYER_TEST(layer__without_versions_is_refused)
{
	alter("DELETE FROM info");
	ck_assert_int_eq(open_index(), -EBADMSG);
	alter("DROP TABLE info");
	ck_assert_int_eq(open_index(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "kbak reindex"));
}

LAYER_TEST(layer__that_is_no_database_is_refused)
{
	static const off_t sizes[] = {0, 1, 15, 99, 511};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ck_ok(truncate(path, sizes[i]));
		ck_assert_int_eq(open_index(), -EBADMSG);
	}
}

/* ---- damage inside ---- */

static int
no_topic(void *ctx, const struct kb_index_topic *t)
{
	(void)ctx;
	(void)t;
	return 0;
}

static int
no_partition(void *ctx, const struct kb_index_partition *p)
{
	(void)ctx;
	(void)p;
	return 0;
}

static int
no_segment(void *ctx, const struct kb_index_segment *s)
{
	(void)ctx;
	ck_assert_int_le(0, s->s.start);
	ck_assert_int_le(s->s.start, s->s.first);
	ck_assert_int_le(s->s.first, s->s.last);
	ck_assert_int_lt(s->s.last, s->s.end);
	return 0;
}

static int
no_block(void *ctx, const struct kb_block *b)
{
	(void)ctx;
	ck_assert_int_le(b->first, b->last);
	return 0;
}

static int
no_gap(void *ctx, const struct kb_gap *g)
{
	(void)ctx;
	ck_assert_int_lt(g->start, g->end);
	return 0;
}

/* Asks everything; the worst answer. */
static int
ask_all(void)
{
	struct kb_index_segment s;
	struct kb_meta m = {0};
	struct kb_index *x;
	struct kb_run run;
	int worst = 0;
	int r = kb_index_open(&repo, &x);

	if (r < 0)
		return r;
	for (int i = 0; i < 9; i++) {
		const struct kb_topic_ref *t = &rows_orders;

		switch (i) {
		case 0:
			r = kb_index_topics(x, no_topic, NULL);
			break;
		case 1:
			r = kb_index_partitions(x, t, no_partition, NULL);
			break;
		case 2:
			r = kb_index_segments(x, t, 0, 0, no_segment, NULL);
			break;
		case 3:
			r = kb_index_blocks(x, t, 0, 0, no_block, NULL);
			break;
		case 4:
			r = kb_index_gaps(x, t, 0, no_gap, NULL);
			break;
		case 5:
			r = kb_index_segment_at(x, t, 0, 11, &s);
			break;
		case 6:
			r = kb_index_segment_at_time(x, t, 0, 106, &s);
			break;
		case 7:
			r = kb_index_meta(x, t, &m);
			kb_meta_release(&m);
			break;
		default:
			r = kb_index_last_run(x, &run);
		}
		if (r < worst)
			worst = r;
	}
	kb_index_close(x);
	return worst;
}

LAYER_TEST(layer__rows_that_make_no_sense_are_damage)
{
	static const char *const changes[] = {
		"UPDATE segment SET first = -1 WHERE start = 0",
		"UPDATE segment SET last = until WHERE start = 0",
		"UPDATE segment SET first = last + 1 WHERE start = 0",
		"UPDATE segment SET until = 15 WHERE start = 0",
		"UPDATE segment SET bytes = -5 WHERE start = 0",
		"UPDATE segment SET bytes = bytes + 1 WHERE start = 0",
		"UPDATE segment SET bytes = 1 WHERE start = 0",
		"UPDATE segment SET records = 'many' WHERE start = 0",
		"UPDATE segment SET undated = 99 WHERE start = 0",
		"UPDATE segment SET min_time = NULL WHERE start = 0",
		"UPDATE segment SET min_time = max_time + 1 WHERE start = 0",
		"UPDATE segment SET leader_epoch = 5000000000",
		"UPDATE segment SET sha256 = x'00'",
		"UPDATE segment SET object = '../../../etc/passwd'",
		"UPDATE segment SET object = '00000000000000000077.log'",
		"UPDATE segment SET blocks = 0",
		"DELETE FROM block WHERE position = 100",
		"DELETE FROM block WHERE position = 200",
		"DELETE FROM block",
		"UPDATE block SET size = 0 WHERE position = 100",
		"UPDATE block SET size = size + 1 WHERE position = 200",
		"UPDATE block SET position = 5000 WHERE position = 100",
		"UPDATE block SET last = 1000 WHERE position = 200",
		"UPDATE block SET records = 0 WHERE position = 200",
		"UPDATE block SET undated = records WHERE position = 200",
		"UPDATE block SET undated = -1 WHERE position = 200",
		"UPDATE gap SET until = start",
		"UPDATE gap SET reason = 'why not'",
		"UPDATE gap SET detail = hex(zeroblob(300))",
		"UPDATE topic SET name = name || '/..'",
		"UPDATE topic SET name = '.'",
		"UPDATE meta SET partitions = -1",
		"UPDATE meta SET partitions = 1 << 40",
		"UPDATE run SET complete = 7",
		"UPDATE span SET segments = -1",
		"DROP TABLE block",
		"DROP TABLE segment; CREATE TABLE segment (topic)",
		"DROP TABLE run; CREATE VIEW run AS SELECT 1 AS n, 1 AS "
		"started, 1 AS ended, 1 AS complete, 1 AS records, 1 AS "
		"bytes, 1 AS problems",
	};
	struct kb_buf good = {0};

	ck_ok(kb_file_read_all(path, 1 << 20, &good));
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		int fd, r;

		alter(changes[i]);
		r = ask_all();
		ck_assert_msg(r == -EBADMSG || r == -ENOENT, "%s: %d: %s",
			changes[i], r, kb_err_text());
		fd = open(path, O_WRONLY | O_TRUNC);
		ck_ok(kb_file_write(fd, good.data, good.len));
		close(fd);
	}
	ck_ok(ask_all());
	kb_buf_release(&good);
}

LAYER_TEST(layer__survives_any_flipped_byte)
{
	struct kb_buf good = {0};
	int fd, bad = 0;

	ck_ok(kb_file_read_all(path, 1 << 20, &good));
	fd = open(path, O_WRONLY);
	for (size_t i = 0; i < good.len; i += 3) {
		uint8_t was = good.data[i], is = was ^ (uint8_t)(1 << i % 8);

		ck_assert_int_eq(pwrite(fd, &is, 1, (off_t)i), 1);
		if (ask_all() < 0)
			bad++;
		ck_assert_int_eq(pwrite(fd, &was, 1, (off_t)i), 1);
	}
	ck_assert_int_gt(bad, 50);
	close(fd);
	ck_ok(ask_all());
	kb_buf_release(&good);
}

LAYER_TEST(layer__survives_truncation_under_an_open_handle)
{
	struct kb_index *x;
	struct kb_index_segment s;

	ck_ok(kb_index_open(&repo, &x));
	ck_ok(truncate(path, 1024));
	ck_assert_int_lt(kb_index_segment_at(x, &rows_orders, 0, 0, &s), 0);
	kb_index_close(x);
}

/* A damaged file is never overwritten, nor hidden by a commit. */
LAYER_TEST(layer__damaged_stops_commits)
{
	struct kb_index *x;

	ck_ok(truncate(path, 100));
	ck_assert_int_eq(kb_index_open(&repo, &x), -EBADMSG);
	ck_assert_uint_eq(rows_files(repo.store), 1);
}

KB_SUITE("layer", layer__opens_what_was_committed,
	layer__opens_a_path_of_odd_bytes, layer__of_another_schema_is_stale,
	layer__of_another_text_view_is_stale,
	layer__of_somebody_else_is_refused, layer__without_versions_is_refused,
	layer__that_is_no_database_is_refused,
	layer__rows_that_make_no_sense_are_damage,
	layer__survives_any_flipped_byte,
	layer__survives_truncation_under_an_open_handle,
	layer__damaged_stops_commits)
