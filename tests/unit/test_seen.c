#include "index/seen.h"

#include <stdio.h>

#include "suite.h"

START_TEST(seen__tells_new_from_old)
{
	struct kb_seen *s;
	char name[20];

	ck_ok(kb_seen_new(&s));
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "%d", i * 7 % 10000);
		ck_assert_int_eq(kb_seen_add(s, name), 0);
	}
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(kb_seen_add(s, name), 1);
	}
	ck_assert_int_eq(kb_seen_add(s, "10000"), 0);
	ck_assert_int_eq(kb_seen_add(s, ""), 0);
	ck_assert_int_eq(kb_seen_add(s, ""), 1);
	kb_seen_free(s);
	kb_seen_free(NULL);
}
END_TEST

KB_SUITE("seen", seen__tells_new_from_old)
