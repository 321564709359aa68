#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"

#define orders rows_orders

#define PARTITIONS_TEST(name)                                                  \
	static void name##_in(struct kb_index *x);                             \
	STORE_TEST(name)                                                       \
	{                                                                      \
		struct kb_repo repo = {.store = s};                            \
		struct kb_index *x;                                            \
                                                                               \
		ck_ok(kb_index_open(&repo, &x));                               \
		name##_in(x);                                                  \
		kb_index_close(x);                                             \
	}                                                                      \
	static void name##_in(struct kb_index *x)

static int
add_number(void *ctx, const struct kb_index_partition *p)
{
	char one[60];

	snprintf(one, sizeof(one), "%d:%" PRIu64 "+%" PRIu64 " ", p->partition,
		p->segments, p->gaps);
	strcat(ctx, one);
	return 0;
}

/* `number:segments+gaps ` each. Static. */
static const char *
numbers(struct kb_index *x, const struct kb_topic_ref *t)
{
	static char text[1000];

	*text = '\0';
	ck_ok(kb_index_partitions(x, t, add_number, text));
	return text;
}

static void
commit_gap(struct kb_index *x, int32_t partition, int64_t start, int64_t end)
{
	struct kb_gap gap = {.start = start,
		.end = end,
		.reason = KB_GAP_RETENTION,
		.noticed = 5};
	struct kb_index_delta *d;

	ck_ok(kb_index_delta_new(&d));
	ck_ok(kb_index_delta_gap(d, &orders, partition, &gap));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
}

PARTITIONS_TEST(partitions__are_those_counted_and_those_stored)
{
	struct kb_index_partition p;

	rows_commit_meta(x, &orders, 1, 1, 3);
	rows_commit(x, &orders, 1, 0, 1);
	rows_commit(x, &orders, 7, 0, 1);
	rows_commit(x, &orders, 10, 0, 1);
	rows_commit(x, &orders, 7, 10, 1);
	commit_gap(x, 7, 20, 30);
	commit_gap(x, 8, 0, 30);
	ck_assert_str_eq(
		numbers(x, &orders), "0:0+0 1:1+0 2:0+0 7:2+1 8:0+1 10:1+0 ");
	ck_ok(kb_index_partition(x, &orders, 2, &p));
	ck_assert_int_eq(p.end, 0);
	ck_assert_int_eq(p.first, -1);
	ck_assert_int_eq(p.last, -1);
	ck_assert_int_eq(p.min_timestamp, KB_NO_TIME);
	ck_assert_int_eq(p.leader_epoch, -1);
	ck_assert_int_eq(kb_index_partition(x, &orders, 3, &p), -ENOENT);
	ck_assert_int_eq(kb_index_partition(x, &orders, 9, &p), -ENOENT);
	ck_ok(kb_index_partition(x, &orders, 8, &p));
	ck_assert_int_eq(p.end, 30);
	ck_assert_int_eq(p.last, -1);
}

/* Segments 0..1990 with times 5000 - start, and a gap behind them. */
static void
check_sums(struct kb_index *x)
{
	struct kb_index_partition p;
	uint64_t text = 0;

	for (int i = 0; i < 200; i++)
		text += 900 + (uint64_t)(10 * i % 7);
	ck_ok(kb_index_partition(x, &orders, 0, &p));
	ck_assert_uint_eq(p.segments, 200);
	ck_assert_uint_eq(p.gaps, 1);
	ck_assert_uint_eq(p.records, 200 * (ROWS_STEP - 2));
	ck_assert_uint_eq(p.bytes, 200 * 300);
	ck_assert_uint_eq(p.text_length, text);
	ck_assert_int_eq(p.first, 1);
	ck_assert_int_eq(p.last, 1998);
	ck_assert_int_eq(p.end, 2100);
	ck_assert_int_eq(p.min_timestamp, 5000 - 1990);
	ck_assert_int_eq(p.max_timestamp, 5005);
	ck_assert_int_eq(p.leader_epoch, 19);
}

PARTITIONS_TEST(partitions__sum_over_all_files)
{
	struct kb_index_delta *d;

	ck_ok(kb_index_delta_new(&d));
	for (int i = 0; i < 200; i++) {
		rows_add(d, &orders, 0, 10 * i, 5000 - 10 * i);
		if (i % 70 == 0)
			ck_ok(kb_index_commit(x, d));
	}
	ck_ok(kb_index_commit(x, d));
	commit_gap(x, 0, 2000, 2100);
	check_sums(x);
	ck_ok(kb_index_compact(x));
	check_sums(x);
	/* The same again, in the middle: counted once all the same. */
	rows_add(d, &orders, 0, 500, 5000 - 500);
	rows_add(d, &orders, 0, 1990, 5000 - 1990);
	ck_ok(kb_index_commit(x, d));
	check_sums(x);
	rows_add(d, &orders, 0, 0, 5000);
	ck_ok(kb_index_commit(x, d));
	check_sums(x);
	ck_ok(kb_index_compact(x));
	check_sums(x);
	kb_index_delta_free(d);
}

PARTITIONS_TEST(partitions__of_other_topics_stay_out)
{
	static const struct kb_topic_ref other = {"orders", {{2}}};
	static const struct kb_topic_ref more = {"orders2", {{1}}};

	rows_commit(x, &orders, 0, 0, 1);
	rows_commit(x, &other, 1, 0, 1);
	rows_commit(x, &more, 2, 0, 1);
	ck_assert_str_eq(numbers(x, &orders), "0:1+0 ");
	ck_assert_str_eq(numbers(x, &other), "1:1+0 ");
	ck_assert_str_eq(numbers(x, &more), "2:1+0 ");
	ck_assert_str_eq(rows_starts(x, &orders, 1, 0), "");
}

static int
add_gap(void *ctx, const struct kb_gap *g)
{
	char one[60];

	snprintf(
		one, sizeof(one), "%" PRId64 "-%" PRId64 " ", g->start, g->end);
	strcat(ctx, one);
	return 0;
}

PARTITIONS_TEST(partitions__list_gaps_in_offset_order)
{
	char text[200] = "";

	commit_gap(x, 0, 50, 60);
	commit_gap(x, 0, 0, 7);
	commit_gap(x, 1, 3, 4);
	commit_gap(x, 0, 20, 30);
	commit_gap(x, 0, 0, 7);
	ck_ok(kb_index_gaps(x, &orders, 0, add_gap, text));
	ck_assert_str_eq(text, "0-7 20-30 50-60 ");
}

KB_SUITE("partitions", partitions__are_those_counted_and_those_stored,
	partitions__sum_over_all_files, partitions__of_other_topics_stay_out,
	partitions__list_gaps_in_offset_order)
