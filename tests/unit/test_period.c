#include "format/period.h"

#include <errno.h>

#include "random.h"
#include "suite.h"

START_TEST(period__has_its_borders_and_knows_records_without_a_time)
{
	struct kb_period p = {100, 200, false}, always = kb_period_always();
	struct kb_period before = kb_period_before(200);

	ck_assert(!kb_period_has(&p, 99));
	ck_assert(kb_period_has(&p, 100));
	ck_assert(kb_period_has(&p, 200));
	ck_assert(!kb_period_has(&p, 201));
	ck_assert(!kb_period_has(&p, KB_NO_TIME));
	ck_assert(kb_period_has(&before, 199));
	ck_assert(!kb_period_has(&before, 200));
	ck_assert(kb_period_has(&before, KB_NO_TIME));
	ck_assert(kb_period_has(&always, INT64_MAX));
	ck_assert(kb_period_is_always(&always));
	ck_assert(!kb_period_is_always(&before));
}
END_TEST

/* Records of a row as the index keeps it, and what the period takes. */
static enum kb_extent
takes(const struct kb_period *p, const int64_t *times, uint64_t n,
	uint64_t *out_taken)
{
	int64_t min = KB_NO_TIME, max = KB_NO_TIME;
	uint64_t undated = 0;

	*out_taken = 0;
	for (uint64_t i = 0; i < n; i++) {
		*out_taken += kb_period_has(p, times[i]);
		if (times[i] == KB_NO_TIME) {
			undated++;
			continue;
		}
		if (min == KB_NO_TIME || times[i] < min)
			min = times[i];
		if (max == KB_NO_TIME || times[i] > max)
			max = times[i];
	}
	return kb_period_takes(p, min, max, undated, n);
}

START_TEST(period__judges_rows_as_their_records)
{
	struct random r = {3};
	int seen[3] = {0};

	for (int i = 0; i < 200000; i++) {
		struct kb_period p = {(int64_t)random_below(&r, 12),
			(int64_t)random_below(&r, 12), random_below(&r, 2)};
		uint64_t n = 1 + random_below(&r, 3), taken;
		int64_t times[3];
		enum kb_extent e;

		for (uint64_t j = 0; j < n; j++)
			times[j] = (int64_t)random_below(&r, 12) - 1;
		e = takes(&p, times, n, &taken);
		seen[e]++;
		ck_assert_int_eq(e == KB_ALL, taken == n);
		ck_assert(e != KB_NONE || taken == 0);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_gt(seen[i], 1000);
}
END_TEST

START_TEST(period__of_both_is_what_both_have)
{
	struct random r = {4};

	for (int i = 0; i < 100000; i++) {
		struct kb_period a = {(int64_t)random_below(&r, 9),
			(int64_t)random_below(&r, 9), random_below(&r, 2)};
		struct kb_period b = {(int64_t)random_below(&r, 9),
			(int64_t)random_below(&r, 9), random_below(&r, 2)};
		struct kb_period both = kb_period_both(&a, &b);
		int64_t time = (int64_t)random_below(&r, 11) - 1;

		ck_assert_int_eq(kb_period_has(&both, time),
			kb_period_has(&a, time) && kb_period_has(&b, time));
	}
}
END_TEST

KB_SUITE("period", period__has_its_borders_and_knows_records_without_a_time,
	period__judges_rows_as_their_records, period__of_both_is_what_both_have)
