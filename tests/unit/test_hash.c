#include "fs/hash.h"

#include <stdbool.h>

#include "suite.h"

#define MANY 1000

struct thing {
	int number;
	struct kb_link link;
};

static struct thing things[MANY];

/* Hashes that collide now and then. */
static uint64_t
hash_of(int number)
{
	return kb_hash_mix(0, (uint64_t)number % 300);
}

static bool
has(const struct kb_hash *t, int number)
{
	struct kb_link *l = kb_hash_find(t, hash_of(number));

	for (; l; l = kb_hash_next(l))
		if (kb_link_entry(l, struct thing, link)->number == number)
			return true;
	return false;
}

START_TEST(hash__finds_what_is_in_it_and_nothing_else)
{
	struct kb_hash t = {0};

	ck_assert_ptr_null(kb_hash_find(&t, 1));
	for (int i = 0; i < MANY; i++) {
		things[i].number = i;
		ck_ok(kb_hash_add(&t, &things[i].link, hash_of(i)));
	}
	ck_assert_uint_eq(t.count, MANY);
	for (int i = 0; i < MANY; i += 2)
		kb_hash_remove(&t, &things[i].link);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(has(&t, i), i % 2);
	ck_assert(!has(&t, MANY));
	for (struct kb_link *l; (l = kb_hash_any(&t));)
		kb_hash_remove(&t, l);
	ck_assert_uint_eq(t.count, 0);
	kb_hash_release(&t);
}
END_TEST

START_TEST(hash__texts_that_differ_hash_differently)
{
	ck_assert_uint_ne(kb_hash_text(0, "a"), kb_hash_text(0, "b"));
	ck_assert_uint_ne(kb_hash_text(1, "a"), kb_hash_text(2, "a"));
	ck_assert_uint_ne(kb_hash_text(0, "ab"), kb_hash_text(0, "ba"));
}
END_TEST

KB_SUITE("hash", hash__finds_what_is_in_it_and_nothing_else,
	hash__texts_that_differ_hash_differently)
