#include "store/names.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

static void
add(struct kb_names *n, const char *name, bool is_dir)
{
	ck_ok(kb_names_add(n, name, strlen(name), is_dir));
}

START_TEST(names__come_in_byte_order_and_once)
{
	const char *want[] = {"", "A", "a", "a-", "a.", "a0", "aa", "\xc3"};
	struct kb_names n = {0};
	bool is_dir;

	add(&n, "aa", false);
	add(&n, "\xc3", false);
	add(&n, "a0", true);
	add(&n, "a.", false);
	add(&n, "A", false);
	add(&n, "a0", true);
	add(&n, "a-", false);
	add(&n, "", false);
	ck_ok(kb_names_add(&n, "a/b", 1, false));
	add(&n, "a0", true);
	kb_names_sort(&n);
	ck_assert_uint_eq(kb_names_count(&n), 8);
	for (size_t i = 0; i < 8; i++) {
		ck_assert_str_eq(kb_names_get(&n, i, &is_dir), want[i]);
		ck_assert_int_eq(is_dir, i == 5);
	}
	kb_names_release(&n);
	kb_names_sort(&n);
	ck_assert_uint_eq(kb_names_count(&n), 0);
}
END_TEST

START_TEST(names__take_little_memory)
{
	struct kb_names n = {0};
	char name[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "%020d.log", 100000 - i);
		add(&n, name, false);
	}
	kb_names_sort(&n);
	ck_assert_str_eq(kb_names_get(&n, 0, NULL), "00000000000000000001.log");
	ck_assert_uint_lt(n.text.cap + n.index.cap, 100000 * 70);
	kb_names_release(&n);
}
END_TEST

KB_SUITE("names", names__come_in_byte_order_and_once, names__take_little_memory)
