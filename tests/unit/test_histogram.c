#include "common/histogram.h"

#include <pthread.h>

#include "suite.h"

#define THREADS 4
#define EACH 100000

static struct kb_histogram h;

START_TEST(histogram__is_empty_at_first)
{
	ck_assert_uint_eq(kb_histogram_count(&h), 0);
	ck_assert_uint_eq(kb_histogram_sum(&h), 0);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 0.5), 0);
	ck_assert_uint_eq(kb_histogram_upto(&h, KB_HISTOGRAM_MAX), 0);
}
END_TEST

START_TEST(histogram__tells_quantiles)
{
	for (int64_t i = 1; i <= 1000; i++)
		kb_histogram_add(&h, i);
	ck_assert_uint_eq(kb_histogram_count(&h), 1000);
	ck_assert_uint_eq(kb_histogram_sum(&h), 500500);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 0), 1);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 0.05), 50);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 0.5), 500);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 0.99), 990);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 1), 1000);
}
END_TEST

START_TEST(histogram__rounds_up_by_a_tenth_at_most)
{
	for (uint64_t v = 1; v < KB_HISTOGRAM_MAX; v += 1 + v / 7) {
		struct kb_histogram one = {0};
		uint64_t q;

		kb_histogram_add(&one, (int64_t)v);
		q = kb_histogram_quantile(&one, 0.5);
		ck_assert_uint_ge(q, v);
		ck_assert_uint_le(q, v + v / 10);
		ck_assert_uint_eq(kb_histogram_upto(&one, q), 1);
	}
}
END_TEST

START_TEST(histogram__bounds_are_inclusive)
{
	static const uint64_t bounds[] = {
		1, 99, 100, 110, 1000, 2500, 250000, 1000000, KB_HISTOGRAM_MAX};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		struct kb_histogram one = {0};

		kb_histogram_add(&one, (int64_t)bounds[i] - 1);
		kb_histogram_add(&one, (int64_t)bounds[i]);
		kb_histogram_add(&one, (int64_t)bounds[i] + 1);
		ck_assert_uint_eq(kb_histogram_upto(&one, bounds[i]),
			bounds[i] == KB_HISTOGRAM_MAX ? 3 : 2);
		ck_assert_uint_eq(kb_histogram_count(&one), 3);
	}
}
END_TEST

START_TEST(histogram__holds_what_is_out_of_range)
{
	kb_histogram_add(&h, -1);
	kb_histogram_add(&h, INT64_MIN);
	kb_histogram_add(&h, INT64_MAX);
	ck_assert_uint_eq(kb_histogram_count(&h), 3);
	ck_assert_uint_eq(kb_histogram_upto(&h, 0), 2);
	ck_assert_uint_eq(kb_histogram_upto(&h, UINT64_MAX), 3);
	ck_assert_uint_eq(kb_histogram_sum(&h), KB_HISTOGRAM_MAX);
	ck_assert_uint_eq(kb_histogram_quantile(&h, 1), KB_HISTOGRAM_MAX);
}
END_TEST

static void *
add_many(void *arg)
{
	(void)arg;
	for (int64_t i = 0; i < EACH; i++)
		kb_histogram_add(&h, i);
	return NULL;
}

START_TEST(histogram__loses_nothing_between_threads)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(kb_histogram_count(&h), THREADS * EACH);
	ck_assert_uint_eq(kb_histogram_sum(&h),
		(uint64_t)THREADS * EACH * (EACH - 1) / 2);
	ck_assert_uint_eq(kb_histogram_upto(&h, 100), THREADS * 101);
}
END_TEST

KB_SUITE("histogram", histogram__is_empty_at_first, histogram__tells_quantiles,
	histogram__rounds_up_by_a_tenth_at_most,
	histogram__bounds_are_inclusive, histogram__holds_what_is_out_of_range,
	histogram__loses_nothing_between_threads)
