#include "backup/progress.h"

#include "backup/deposit.h"
#include "suite.h"

static char line[512];

static const struct kb_progress_state half = {
	.sums = {.records = 500000,
		.raw = 1000000000,
		.fetched = 200000000,
		.stored = 250000000},
	.rates = {.raw = 512300000, .fetched = 98760000},
	.spent_ms = 20000,
	.offsets = 1000,
	.left = 500,
	.topics = 1,
	.slowest = "orders",
	.slowest_left = 500,
};

static const char *
line_of(struct kb_progress_state s)
{
	kb_progress_line(&s, line, sizeof(line));
	return line;
}

START_TEST(progress__tells_how_far_it_is)
{
	ck_assert_str_eq(line_of(half),
		" 50.0 %  500000 records  "
		"payload 512.3 MB/s  wire 98.8 MB/s  stored 25.0 %  lag 500  "
		"ETA 20 s");
}
END_TEST

START_TEST(progress__names_the_slowest_of_several_topics)
{
	struct kb_progress_state s = half;

	s.topics = 2;
	s.slowest_left = 499;
	ck_assert_ptr_nonnull(strstr(line_of(s), " lag 500 (orders: 499) "));
	s.left = s.slowest_left = 0;
	ck_assert_ptr_nonnull(strstr(line_of(s), "  lag 0  ETA 0 s"));
}
END_TEST

START_TEST(progress__knows_nothing_at_first)
{
	struct kb_progress_state s = {.offsets = 7, .left = 7, .topics = 1};

	ck_assert_str_eq(line_of(s), "  0.0 %  0 records  payload 0.0 MB/s  "
				     "wire 0.0 MB/s  stored -  lag 7  ETA -");
}
END_TEST

START_TEST(progress__has_nothing_to_do)
{
	ck_assert_ptr_nonnull(
		strstr(line_of((struct kb_progress_state){0}), "100.0 %"));
}
END_TEST

START_TEST(progress__is_complete_only_when_all_is_done)
{
	struct kb_progress_state s = half;

	s.offsets = 1000000;
	s.left = 1;
	ck_assert_ptr_nonnull(strstr(line_of(s), " 99.9 %"));
	s.left = 0;
	ck_assert_ptr_nonnull(strstr(line_of(s), "100.0 %"));
}
END_TEST

START_TEST(progress__tells_long_times)
{
	struct kb_progress_state s = half;

	s.spent_ms = 187000;
	ck_assert_ptr_nonnull(strstr(line_of(s), "ETA 3:07"));
	s.spent_ms = 7387000;
	ck_assert_ptr_nonnull(strstr(line_of(s), "ETA 2:03:07"));
	s.spent_ms = INT64_MAX;
	ck_assert_ptr_nonnull(strstr(line_of(s), "ETA -"));
}
END_TEST

START_TEST(progress__cuts_a_line_to_the_terminal)
{
	ck_assert_int_gt(kb_progress_line(&half, line, 20), 20);
	ck_assert_str_eq(line, " 50.0 %  500000 rec");
}
END_TEST

static struct kb_deposit done;

static const char *
summary(int64_t ms)
{
	kb_progress_summary(&done, ms, line, sizeof(line));
	return line;
}

START_TEST(progress__sums_up)
{
	done.totals.records = 12;
	done.totals.raw = 1000000;
	done.totals.stored = 333333;
	done.totals.segments = 3;
	ck_assert_str_eq(summary(2000),
		"12 records, 1.0 MB of payload, "
		"333.3 kB stored (33.3 %) in 3 segments, 2.0 s, 500.0 kB/s\n");
	done.totals.gaps = 1;
	done.totals.problems = 2;
	ck_assert_ptr_nonnull(
		strstr(summary(2000), ", 500.0 kB/s, 1 gaps, 2 PROBLEMS\n"));
}
END_TEST

START_TEST(progress__sums_up_latencies)
{
	for (int i = 0; i < 98; i++)
		kb_histogram_add(&done.gauges.fetch, 870);
	kb_histogram_add(&done.gauges.fetch, 2100000);
	kb_histogram_add(&done.gauges.fetch, 2100000);
	kb_histogram_add(&done.gauges.index, 1300);
	kb_histogram_add(&done.gauges.publish, 15000);
	ck_assert_str_eq(summary(0),
		"0 records, 0 B of payload, 0 B stored "
		"(-) in 0 segments, 0.0 s, 0 B/s\n"
		"p50/p99: fetch 870 us/2.1 s, index 1.3 ms/1.3 ms, "
		"publish 15 ms/15 ms\n");
}
END_TEST

KB_SUITE("progress", progress__tells_how_far_it_is,
	progress__names_the_slowest_of_several_topics,
	progress__knows_nothing_at_first, progress__has_nothing_to_do,
	progress__is_complete_only_when_all_is_done, progress__tells_long_times,
	progress__cuts_a_line_to_the_terminal, progress__sums_up,
	progress__sums_up_latencies)
