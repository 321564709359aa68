#include "index/index.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"

#define orders rows_orders

/* An empty index over each kind of store. */
#define INDEX_TEST(name)                                                       \
	static void name##_in(struct kb_repo *repo, struct kb_index *x);       \
	STORE_TEST(name)                                                       \
	{                                                                      \
		struct kb_repo repo = {.store = s};                            \
		struct kb_index *x;                                            \
                                                                               \
		ck_ok(kb_index_open(&repo, &x));                               \
		name##_in(&repo, x);                                           \
		kb_index_close(x);                                             \
	}                                                                      \
	static void name##_in(struct kb_repo *repo, struct kb_index *x)

INDEX_TEST(index__is_empty_without_files)
{
	struct kb_index_segment s;
	struct kb_index_topic t;
	struct kb_index_partition p;
	struct kb_meta m;
	struct kb_run run;

	(void)repo;
	ck_assert(kb_index_empty(x));
	ck_assert_int_eq(kb_index_topic(x, "orders", &t), -ENOENT);
	ck_assert_int_eq(kb_index_segment_at(x, &orders, 0, 0, &s), -ENOENT);
	ck_assert_int_eq(kb_index_partition(x, &orders, 0, &p), -ENOENT);
	ck_assert_int_eq(kb_index_meta(x, &orders, &m), -ENOENT);
	ck_assert_int_eq(kb_index_last_run(x, &run), -ENOENT);
	ck_assert_str_eq(rows_starts(x, &orders, 0, 0), "");
	ck_ok(kb_index_refresh(x));
}

static int
note_hole(void *ctx, int64_t start, int64_t end)
{
	char *at = ctx;

	sprintf(at + strlen(at), "%d-%d,", (int)start, (int)end);
	return 0;
}

static const char *
holes(struct kb_index *x, int32_t partition)
{
	static char all[200];

	all[0] = '\0';
	ck_ok(kb_index_holes(x, &orders, partition, note_hole, all));
	return all;
}

static void
commit_gap(struct kb_index *x, int64_t start, int64_t end)
{
	struct kb_gap gap = {.start = start, .end = end};
	struct kb_index_delta *d;

	gap.reason = KB_GAP_RETENTION;
	ck_ok(kb_index_delta_new(&d));
	ck_ok(kb_index_delta_gap(d, &orders, 0, &gap));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
}

/* Three in one file, two in files of their own, and a hole at 30..40. */
static void
fill(struct kb_index *x)
{
	struct kb_index_delta *d;

	ck_ok(kb_index_delta_new(&d));
	rows_add(d, &orders, 0, 20, 200);
	rows_add(d, &orders, 0, 0, 100);
	rows_add(d, &orders, 0, 10, 900);
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	rows_commit(x, &orders, 0, 40, 300);
	rows_commit(x, &orders, 0, 50, 1000);
	rows_commit(x, &orders, 1, 0, KB_NO_TIME);
}

static int
remove_index_file(void *ctx, const char *name, bool is_dir)
{
	char path[100];

	(void)is_dir;
	snprintf(path, sizeof(path), "index/00000001/%s", name);
	return kb_store_remove(ctx, path);
}

INDEX_TEST(index__keeps_what_it_has_when_all_files_go)
{
	fill(x);
	ck_ok(kb_store_list(
		repo->store, "index/00000001", remove_index_file, repo->store));
	ck_assert_int_eq(kb_index_refresh(x), -ESTALE);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "reindex"));
	ck_assert_str_eq(rows_starts(x, &orders, 0, 0), "0,10,20,40,50,");
}

INDEX_TEST(index__tells_offsets_that_nothing_covers)
{
	(void)repo;
	fill(x);
	ck_assert_str_eq(holes(x, 0), "30-40,");
	ck_assert_str_eq(holes(x, 1), "");
	commit_gap(x, 32, 36);
	ck_assert_str_eq(holes(x, 0), "30-32,36-40,");
	commit_gap(x, 36, 40);
	ck_assert_str_eq(holes(x, 0), "30-32,");
	commit_gap(x, 30, 32);
	ck_assert_str_eq(holes(x, 0), "");
	commit_gap(x, 70, 80); /* behind the last segment, not at its end */
	ck_assert_str_eq(holes(x, 0), "60-70,");
}

INDEX_TEST(index__finds_segments_by_offset)
{
	static const struct {
		int64_t offset, start;
	} cases[] = {{0, 0}, {1, 0}, {8, 0}, {9, 10}, {10, 10}, {11, 10},
		{28, 20}, {29, 40}, {35, 40}, {40, 40}, {48, 40}, {49, 50},
		{58, 50}};
	struct kb_index_segment s;

	(void)repo;
	fill(x);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_ok(kb_index_segment_at(x, &orders, 0, cases[i].offset, &s));
		ck_assert_int_eq(s.s.start, cases[i].start);
	}
	ck_assert_int_eq(kb_index_segment_at(x, &orders, 0, 59, &s), -ENOENT);
	ck_assert_int_eq(
		kb_index_segment_at(x, &orders, 0, INT64_MAX, &s), -ENOENT);
	ck_assert_int_eq(kb_index_segment_at(x, &orders, 2, 0, &s), -ENOENT);
}

INDEX_TEST(index__lists_segments_in_offset_order)
{
	(void)repo;
	fill(x);
	ck_assert_str_eq(rows_starts(x, &orders, 0, 0), "0,10,20,40,50,");
	ck_assert_str_eq(rows_starts(x, &orders, 0, 8), "0,10,20,40,50,");
	ck_assert_str_eq(rows_starts(x, &orders, 0, 9), "10,20,40,50,");
	ck_assert_str_eq(rows_starts(x, &orders, 0, 30), "40,50,");
	ck_assert_str_eq(rows_starts(x, &orders, 0, 59), "");
	ck_assert_str_eq(rows_starts(x, &orders, 1, 0), "0,");
}

static int
count_in_order(void *ctx, const struct kb_index_segment *s)
{
	int *n = ctx;

	ck_assert_int_eq(s->s.start, *n * ROWS_STEP);
	return ++*n == 2500 ? 7 : 0;
}

/* Others get their turn every thousand rows; nobody must see it. */
INDEX_TEST(index__lists_thousands_of_segments)
{
	struct kb_index_delta *d;
	int n = 0;

	(void)repo;
	ck_ok(kb_index_delta_new(&d));
	for (int i = 0; i < 2400; i++)
		rows_add(d, &orders, 0, (int64_t)i * ROWS_STEP, 100);
	ck_ok(kb_index_commit(x, d));
	ck_ok(kb_index_segments(x, &orders, 0, 0, count_in_order, &n));
	ck_assert_int_eq(n, 2400);
	for (int i = 2400; i < 3000; i++)
		rows_add(d, &orders, 0, (int64_t)i * ROWS_STEP, 100);
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	n = 1000;
	ck_assert_int_eq(kb_index_segments(x, &orders, 0, 1000 * ROWS_STEP,
				 count_in_order, &n),
		7);
	ck_assert_int_eq(n, 2500);
}

INDEX_TEST(index__finds_the_first_segment_with_a_time)
{
	static const struct {
		int64_t time, start;
	} cases[] = {{0, 0}, {105, 0}, {106, 10}, {300, 10}, {905, 10},
		{906, 50}, {1005, 50}};
	struct kb_index_segment s;

	(void)repo;
	fill(x);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_ok(kb_index_segment_at_time(
			x, &orders, 0, cases[i].time, &s));
		ck_assert_int_eq(s.s.start, cases[i].start);
	}
	ck_assert_int_eq(
		kb_index_segment_at_time(x, &orders, 0, 1006, &s), -ENOENT);
	ck_assert_int_eq(
		kb_index_segment_at_time(x, &orders, 1, 0, &s), -ENOENT);
}

INDEX_TEST(index__finds_the_last_segment_before_a_time)
{
	static const struct {
		int64_t time, start;
	} cases[] = {{101, 0}, {200, 0}, {201, 20}, {300, 20}, {301, 40},
		{900, 40}, {1000, 40}, {1001, 50}, {INT64_MAX, 50}};
	int64_t start;

	(void)repo;
	fill(x);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_ok(kb_index_last_before(
			x, &orders, 0, cases[i].time, &start));
		ck_assert_int_eq(start, cases[i].start);
	}
	ck_assert_int_eq(kb_index_last_before(x, &orders, 0, 100, &start), 1);
	/* a record without a time is older than any */
	ck_ok(kb_index_last_before(x, &orders, 1, 0, &start));
	ck_assert_int_eq(start, 0);
}

INDEX_TEST(index__gives_back_a_segment_as_it_was_put_in)
{
	struct kb_index_segment back;
	struct rows_segment s;

	(void)repo;
	fill(x);
	rows_make(&s, &orders, 0, 40, 300);
	ck_ok(kb_index_segment_at(x, &orders, 0, 40, &back));
	ck_assert_str_eq(back.object, s.row.object);
	ck_assert_int_eq(back.s.first, s.row.s.first);
	ck_assert_int_eq(back.s.last, s.row.s.last);
	ck_assert_int_eq(back.s.end, s.row.s.end);
	ck_assert_uint_eq(back.s.bytes, s.row.s.bytes);
	ck_assert_uint_eq(back.s.records, s.row.s.records);
	ck_assert_uint_eq(back.s.dropped, s.row.s.dropped);
	ck_assert_int_eq(back.s.min_timestamp, s.row.s.min_timestamp);
	ck_assert_int_eq(back.s.max_timestamp, s.row.s.max_timestamp);
	ck_assert_uint_eq(back.s.undated, 0);
	ck_assert_uint_eq(back.s.text_length, s.row.s.text_length);
	ck_assert_uint_eq(back.s.values_length, s.row.s.values_length);
	ck_assert_uint_eq(back.s.raw_length, s.row.s.raw_length);
	ck_assert_int_eq(back.s.leader_epoch, s.row.s.leader_epoch);
	ck_assert_int_eq(back.s.newline_in_value, s.row.s.newline_in_value);
	ck_assert_uint_eq(back.s.block_count, s.row.s.block_count);
	ck_assert_mem_eq(back.s.sha256, s.row.s.sha256, KB_SHA256_SIZE);
	ck_ok(kb_index_segment_at(x, &orders, 1, 0, &back));
	ck_assert_int_eq(back.s.max_timestamp, KB_NO_TIME);
	ck_assert_uint_eq(back.s.undated, back.s.records);
}

struct blocks {
	struct kb_block b[10];
	int count, stop_at;
};

static int
take_block(void *ctx, const struct kb_block *b)
{
	struct blocks *o = ctx;

	o->b[o->count++] = *b;
	return o->count == o->stop_at ? 42 : 0;
}

INDEX_TEST(index__gives_back_blocks_in_order)
{
	struct blocks o = {.stop_at = -1};
	struct rows_segment s;

	(void)repo;
	fill(x);
	rows_make(&s, &orders, 0, 10, 900);
	ck_ok(kb_index_blocks(x, &orders, 0, 10, take_block, &o));
	ck_assert_int_eq(o.count, ROWS_BLOCKS);
	for (int i = 0; i < ROWS_BLOCKS; i++) {
		ck_assert_int_eq(o.b[i].first, s.blocks[i].first);
		ck_assert_int_eq(o.b[i].last, s.blocks[i].last);
		ck_assert_uint_eq(o.b[i].position, s.blocks[i].position);
		ck_assert_uint_eq(o.b[i].size, s.blocks[i].size);
		ck_assert_uint_eq(o.b[i].records, s.blocks[i].records);
		ck_assert_uint_eq(o.b[i].dropped, s.blocks[i].dropped);
		ck_assert_int_eq(
			o.b[i].newline_in_value, s.blocks[i].newline_in_value);
	}
	ck_assert_int_eq(
		kb_index_blocks(x, &orders, 0, 11, take_block, &o), -ENOENT);
	o = (struct blocks){.stop_at = 2};
	ck_assert_int_eq(
		kb_index_blocks(x, &orders, 0, 10, take_block, &o), 42);
	ck_assert_int_eq(o.count, 2);
}

INDEX_TEST(index__is_the_same_when_rows_come_again)
{
	struct kb_buf once = {0}, twice = {0};

	(void)repo;
	fill(x);
	rows_commit_meta(x, &orders, 1, 5, 3);
	rows_dump(x, &once);
	rows_commit(x, &orders, 0, 10, 900);
	rows_commit(x, &orders, 0, 50, 1000);
	rows_commit(x, &orders, 1, 0, KB_NO_TIME);
	rows_commit_meta(x, &orders, 1, 5, 3);
	rows_dump(x, &twice);
	ck_assert_str_eq((char *)once.data, (char *)twice.data);
	kb_buf_release(&once);
	kb_buf_release(&twice);
}

INDEX_TEST(index__lets_the_newest_file_win)
{
	struct kb_index_delta *d;
	struct kb_index_segment back;
	struct blocks o = {.stop_at = -1};
	struct rows_segment s;

	(void)repo;
	fill(x);
	rows_make(&s, &orders, 0, 10, 900);
	s.row.s.records = 3;
	s.row.s.block_count = 1;
	s.blocks[0].size = s.row.s.bytes;
	s.blocks[0].last = s.row.s.last;
	ck_ok(kb_index_delta_new(&d));
	ck_ok(kb_index_delta_segment(d, &orders, 0, &s.row, s.blocks));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	for (int i = 0; i < 2; i++) {
		ck_ok(kb_index_segment_at(x, &orders, 0, 10, &back));
		ck_assert_uint_eq(back.s.records, 3);
		o.count = 0;
		ck_ok(kb_index_blocks(x, &orders, 0, 10, take_block, &o));
		ck_assert_int_eq(o.count, 1);
		ck_ok(kb_index_compact(x));
	}
}

INDEX_TEST(index__sees_others_commits_after_refresh)
{
	struct kb_index *other;

	ck_ok(kb_index_open(repo, &other));
	rows_commit(x, &orders, 0, 0, 1);
	ck_assert(kb_index_empty(other));
	ck_assert_str_eq(rows_starts(other, &orders, 0, 0), "");
	ck_assert_int_eq(kb_index_refresh(other), 1);
	ck_assert_str_eq(rows_starts(other, &orders, 0, 0), "0,");
	ck_ok(kb_index_refresh(other));
	kb_index_close(other);
}

INDEX_TEST(index__keeps_reading_files_that_were_merged_away)
{
	struct kb_index *other;

	fill(x);
	rows_commit(x, &orders, 1, 10, 1);
	rows_commit(x, &orders, 1, 20, 1);
	ck_assert_uint_eq(rows_files(repo->store), 3);
	ck_ok(kb_index_open(repo, &other));
	ck_ok(kb_index_compact(x));
	ck_assert_uint_eq(rows_files(repo->store), 2);
	ck_assert_str_eq(rows_starts(other, &orders, 0, 0), "0,10,20,40,50,");
	ck_assert_int_eq(kb_index_refresh(other), 1);
	ck_assert_str_eq(rows_starts(other, &orders, 0, 0), "0,10,20,40,50,");
	kb_index_close(other);
}

#define THREADS 4
#define ROUNDS 40

/* Looks up and looks for new files, in turns. */
static void *
use(void *ctx)
{
	struct kb_index *x = ctx;
	struct kb_index_segment s;
	struct kb_index_partition p;

	for (int i = 0; i < ROUNDS; i++) {
		ck_ok(kb_index_refresh(x) < 0);
		ck_ok(kb_index_segment_at(x, &orders, 0, 11, &s));
		ck_assert_int_eq(s.s.start, 10);
		ck_ok(kb_index_partition(x, &orders, 0, &p));
		ck_assert_uint_ge(p.segments, 5);
	}
	return NULL;
}

INDEX_TEST(index__serves_many_threads)
{
	pthread_t threads[THREADS];
	struct kb_index *writer;

	fill(x);
	ck_ok(kb_index_open(repo, &writer));
	for (int i = 0; i < THREADS; i++)
		ck_ok(pthread_create(&threads[i], NULL, use, x));
	for (int i = 0; i < ROUNDS; i++)
		rows_commit(writer, &orders, 0, 60 + ROWS_STEP * i, 1);
	for (int i = 0; i < THREADS; i++)
		ck_ok(pthread_join(threads[i], NULL));
	kb_index_close(writer);
}

KB_SUITE("index", index__serves_many_threads, index__is_empty_without_files,
	index__tells_offsets_that_nothing_covers,
	index__keeps_what_it_has_when_all_files_go,
	index__finds_segments_by_offset, index__lists_segments_in_offset_order,
	index__lists_thousands_of_segments,
	index__finds_the_first_segment_with_a_time,
	index__finds_the_last_segment_before_a_time,
	index__gives_back_a_segment_as_it_was_put_in,
	index__gives_back_blocks_in_order,
	index__is_the_same_when_rows_come_again,
	index__lets_the_newest_file_win,
	index__sees_others_commits_after_refresh,
	index__keeps_reading_files_that_were_merged_away)
