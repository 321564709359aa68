#include "fs/facts.h"

#include "format/segment.h"
#include "suite.h"

START_TEST(facts__of_nothing_change_nothing)
{
	struct kb_facts none = kb_facts_none(), f = {3, 0, 7, -500, 90};

	ck_assert_uint_eq(none.records, 0);
	ck_assert_int_eq(none.first, -1);
	ck_assert_int_eq(none.max_timestamp, KB_NO_TIME);
	kb_facts_add(&f, &none);
	kb_facts_add(&none, &f);
	ck_assert_mem_eq(&none, &f, sizeof(f));
	ck_assert_uint_eq(f.records, 3);
	ck_assert_int_eq(f.first, 0);
	ck_assert_int_eq(f.min_timestamp, -500);
}
END_TEST

START_TEST(facts__widen_both_ways_and_add_up)
{
	struct kb_facts f = {2, 10, 20, 100, 200},
			more = {3, 5, 15, KB_NO_TIME, KB_NO_TIME},
			later = {1, 30, 30, 50, 50};

	kb_facts_add(&f, &more);
	kb_facts_add(&f, &later);
	ck_assert_uint_eq(f.records, 6);
	ck_assert_int_eq(f.first, 5);
	ck_assert_int_eq(f.last, 30);
	ck_assert_int_eq(f.min_timestamp, 50);
	ck_assert_int_eq(f.max_timestamp, 200);
}
END_TEST

KB_SUITE("facts", facts__of_nothing_change_nothing,
	facts__widen_both_ways_and_add_up)
