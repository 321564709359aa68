#include "fs/past.h"

#include <errno.h>

#include "fs/ino.h"
#include "random.h"
#include "suite.h"

static struct kb_past *past;

static uint64_t
dir(int64_t before, uint64_t plain)
{
	uint64_t ino;

	ck_ok(kb_past_dir(past, before, plain, &ino));
	return ino;
}

static uint64_t
file(uint64_t folder, int64_t first)
{
	uint64_t ino, listed;

	ck_ok(kb_past_number(past, folder, first, &listed));
	ck_ok(kb_past_file(past, folder, first, &ino));
	ck_assert_uint_eq(ino, listed);
	return ino;
}

static void
is(uint64_t ino, int64_t before, uint64_t plain, int64_t first)
{
	struct kb_past_place at;

	ck_ok(kb_past_find(past, ino, &at));
	ck_assert_int_eq(at.before, before);
	ck_assert_uint_eq(at.plain, plain);
	ck_assert_int_eq(at.first, first);
}

static void
is_gone(uint64_t ino)
{
	struct kb_past_place at;

	ck_assert_int_eq(kb_past_find(past, ino, &at), -ESTALE);
}

START_TEST(past__numbers_say_time_and_place)
{
	uint64_t root, topic, zero, one, other;

	ck_ok(kb_past_new(&past));
	root = dir(100, KB_INO_ROOT);
	topic = dir(100, kb_ino_topic(3));
	zero = dir(100, kb_ino_partition(7));
	one = dir(100, kb_ino_partition(8));
	other = dir(200, kb_ino_partition(7));
	is(root, 100, KB_INO_ROOT, 0);
	is(topic, 100, kb_ino_topic(3), 0);
	is(zero, 100, kb_ino_partition(7), 0);
	is(file(zero, 12), 100, kb_ino_partition(7), 12);
	is(file(one, 12), 100, kb_ino_partition(8), 12);
	is(file(other, 13), 200, kb_ino_partition(7), 13);
	ck_assert_uint_lt(file(zero, 12), file(zero, 13));
	ck_assert_uint_eq(dir(100, kb_ino_topic(3)), topic);
	kb_past_free(past);
}
END_TEST

START_TEST(past__lives_until_all_of_it_is_forgotten)
{
	uint64_t folder, f, next, ino;

	ck_ok(kb_past_new(&past));
	folder = dir(100, kb_ino_partition(7));
	f = file(folder, 12);
	kb_past_forget(past, folder, 1);
	is(f, 100, kb_ino_partition(7), 12);
	/* its folder's number is not given away as long */
	next = file(dir(200, kb_ino_partition(9)), 12);
	ck_assert_uint_ne(next, f);
	kb_past_forget(past, f, 1);
	is_gone(f);
	is_gone(folder);
	is(next, 200, kb_ino_partition(9), 12);
	ck_assert_int_eq(kb_past_file(past, folder, 12, &ino), -ESTALE);
	ck_assert_uint_eq(file(dir(300, kb_ino_partition(1)), 12), f);
	is(f, 300, kb_ino_partition(1), 12);
	kb_past_free(past);
}
END_TEST

START_TEST(past__counts_what_was_listed)
{
	uint64_t folder, ino;

	ck_ok(kb_past_new(&past));
	folder = dir(100, kb_ino_partition(7));
	ck_ok(kb_past_number(past, folder, 12, &ino));
	kb_past_count(past, ino);
	kb_past_forget(past, folder, 1);
	is(ino, 100, kb_ino_partition(7), 12);
	kb_past_forget(past, ino, 1);
	is_gone(ino);
	kb_past_free(past);
}
END_TEST

START_TEST(past__counts_lookups)
{
	uint64_t root;

	ck_ok(kb_past_new(&past));
	root = dir(100, KB_INO_ROOT);
	dir(100, KB_INO_ROOT);
	dir(100, KB_INO_ROOT);
	kb_past_forget(past, root, 2);
	is(root, 100, KB_INO_ROOT, 0);
	kb_past_forget(past, root, 1);
	is_gone(root);
	kb_past_forget(past, root, 1);
	ck_assert_uint_ne(dir(100, KB_INO_ROOT), root);
	kb_past_free(past);
}
END_TEST

#define STEPS 20000
#define HELD 300

/* A number means the same from its first lookup to its last forget. */
START_TEST(past__random_lookups_never_mix)
{
	struct {
		uint64_t ino;
		struct kb_past_place at;
	} held[HELD] = {{0}};
	struct random r = {11};

	ck_ok(kb_past_new(&past));
	for (int i = 0; i < STEPS; i++) {
		size_t at = random_below(&r, HELD);
		int64_t before = (int64_t)random_below(&r, 5);
		uint64_t plain =
			kb_ino_partition(1 + (uint32_t)random_below(&r, 9));
		uint64_t folder;

		if (held[at].ino) {
			is(held[at].ino, held[at].at.before, held[at].at.plain,
				held[at].at.first);
			kb_past_forget(past, held[at].ino, 1);
			held[at].ino = 0;
			continue;
		}
		folder = held[at].ino = dir(before, plain);
		held[at].at = (struct kb_past_place){before, plain, 0};
		if (random_below(&r, 2)) {
			held[at].at.first = (int64_t)random_below(&r, 50);
			held[at].ino = file(folder, held[at].at.first);
			kb_past_forget(past, folder, 1);
		}
	}
	for (int i = 0; i < HELD; i++)
		if (held[i].ino)
			kb_past_forget(past, held[i].ino, 1);
	for (int i = 0; i < HELD; i++)
		if (held[i].ino)
			is_gone(held[i].ino);
	kb_past_free(past);
}
END_TEST

KB_SUITE("past", past__numbers_say_time_and_place,
	past__lives_until_all_of_it_is_forgotten, past__counts_lookups,
	past__counts_what_was_listed, past__random_lookups_never_mix)
