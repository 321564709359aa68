/* What every store does; test_local.c has what only directories do. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "fault.h"
#include "stores.h"

STORE_TEST(store__gives_back_what_was_published)
{
	struct kb_blob_writer *w;
	struct kb_blob *b;
	uint64_t size;
	char some[8];

	ck_ok(kb_store_create(s, "data/orders/0/1.log", &w));
	ck_ok(kb_blob_write(w, kb_slice_str("hello ")));
	ck_ok(kb_blob_write(w, kb_slice_of(NULL, 0)));
	ck_ok(kb_blob_write(w, kb_slice_str("world")));
	ck_assert_uint_eq(kb_blob_written(w), 11);
	ck_ok(kb_blob_publish(w));
	ck_ok(kb_store_open(s, "data/orders/0/1.log", &b, &size));
	ck_assert_uint_eq(size, 11);
	ck_assert_int_eq(kb_blob_read(b, 6, some, 3), 3);
	ck_assert_mem_eq(some, "wor", 3);
	ck_assert_int_eq(kb_blob_read(b, 9, some, 8), 2);
	ck_assert_mem_eq(some, "ld", 2);
	ck_assert_int_eq(kb_blob_read(b, 11, some, 8), 0);
	ck_assert_int_eq(kb_blob_read(b, 1 << 20, some, 8), 0);
	kb_blob_close(b);
}

STORE_TEST(store__shows_nothing_before_publish_or_after_abandon)
{
	struct kb_blob_writer *w;
	struct kb_blob *b;

	ck_ok(kb_store_create(s, "a/b", &w));
	ck_ok(kb_blob_write(w, kb_slice_str("x")));
	ck_assert_int_eq(kb_store_open(s, "a/b", &b, NULL), -ENOENT);
	ck_assert_str_eq(stores_list(s, ""), "");
	kb_blob_abandon(w);
	kb_blob_abandon(NULL);
	ck_assert_int_eq(kb_store_open(s, "a/b", &b, NULL), -ENOENT);
	ck_assert_str_eq(stores_list(s, ""), "");
}

STORE_TEST(store__publishes_a_name_once)
{
	struct kb_blob_writer *one, *two;

	ck_ok(kb_store_create(s, "n", &one));
	ck_ok(kb_store_create(s, "n", &two));
	ck_ok(kb_blob_write(one, kb_slice_str("one")));
	ck_ok(kb_blob_write(two, kb_slice_str("two")));
	ck_ok(kb_blob_publish(two));
	ck_assert_int_eq(kb_blob_publish(one), -EEXIST);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "n: already published"));
	ck_assert(stores_holds(s, "n", "two"));
	ck_assert_int_eq(stores_put(s, "n", "three"), -EEXIST);
	ck_assert(stores_holds(s, "n", "two"));
}

STORE_TEST(store__keeps_blobs_and_directories_apart)
{
	struct kb_blob *b;

	ck_ok(stores_put(s, "a/b", "x"));
	ck_assert_int_eq(stores_put(s, "a", "x"), -EEXIST);
	ck_assert_int_eq(stores_put(s, "a/b/c", "x"), -ENOTDIR);
	ck_assert_int_eq(kb_store_open(s, "a", &b, NULL), -ENOENT);
	ck_assert_int_eq(kb_store_open(s, "a/b/c", &b, NULL), -ENOENT);
	ck_assert_int_eq(kb_store_remove(s, "a"), -ENOENT);
	ck_assert_str_eq(stores_list(s, "a/b"), "");
	ck_assert_str_eq(stores_list(s, "a"), "b");
}

STORE_TEST(store__settles_what_is_there)
{
	ck_ok(stores_put(s, "a/b/c", "x"));
	ck_ok(stores_put(s, "d", "y"));
	ck_ok(kb_store_settle(s, "a/b/c"));
	ck_ok(kb_store_settle(s, "d"));
	ck_assert(stores_holds(s, "a/b/c", "x"));
	ck_assert_int_eq(kb_store_settle(s, "a/b/e"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "a/b/e: no such object"));
	ck_assert_int_eq(kb_store_settle(s, "e/f"), -ENOENT);
	ck_assert_int_eq(kb_store_settle(s, "d/f"), -ENOENT);
	ck_assert_int_eq(kb_store_settle(s, "../d"), -EINVAL);
	ck_assert_str_eq(stores_list(s, ""), "a/ d");
}

STORE_TEST(store__publishes_empty_blobs)
{
	ck_ok(stores_put(s, "empty", ""));
	ck_assert(stores_holds(s, "empty", ""));
}

STORE_TEST(store__refuses_names_that_are_none)
{
	const char *bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b",
		"a/.", "../a", "a b", "a\nb", "\xc3\xa4", "tmp", "tmp/x"};
	char longest[500];
	struct kb_blob *b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(stores_put(s, bad[i], "x"), -EINVAL);
		ck_assert_int_eq(kb_store_open(s, bad[i], &b, NULL), -EINVAL);
		ck_assert_int_eq(kb_store_remove(s, bad[i]), -EINVAL);
	}
	memset(longest, 'a', sizeof(longest));
	longest[499] = '\0';
	ck_assert_int_eq(stores_put(s, longest, "x"), -EINVAL);
	ck_ok(stores_put(s, "tmp2/.hidden", "x"));
	ck_ok(stores_put(s, "a...b/..c/d..", "x"));
}

STORE_TEST(store__lists_one_level_in_byte_order)
{
	ck_ok(stores_put(s, "d/b", "x"));
	ck_ok(stores_put(s, "d/B", "x"));
	ck_ok(stores_put(s, "d/b.c", "x"));
	ck_ok(stores_put(s, "d/b-c/1", "x"));
	ck_ok(stores_put(s, "d/b-c/2", "x"));
	ck_ok(stores_put(s, "d/a/x/y", "x"));
	ck_ok(stores_put(s, "dd", "x"));
	ck_assert_str_eq(stores_list(s, "d"), "B a/ b b-c/ b.c");
	ck_assert_str_eq(stores_list(s, "d/b-c"), "1 2");
	ck_assert_str_eq(stores_list(s, ""), "d/ dd");
	ck_assert_str_eq(stores_list(s, "nothing/here"), "");
}

static int
stop_at_b(void *ctx, const char *name, bool is_dir)
{
	(void)is_dir;
	(*(int *)ctx)++;
	return *name == 'b' ? 7 : 0;
}

STORE_TEST(store__stops_listing_when_told)
{
	int seen = 0;

	ck_ok(stores_put(s, "a", "x"));
	ck_ok(stores_put(s, "b", "x"));
	ck_ok(stores_put(s, "c", "x"));
	ck_assert_int_eq(kb_store_list(s, "", stop_at_b, &seen), 7);
	ck_assert_int_eq(seen, 2);
}

static int
open_each(void *ctx, const char *name, bool is_dir)
{
	ck_assert(!is_dir);
	ck_assert(stores_holds(ctx, name, "x"));
	return kb_store_remove(ctx, name);
}

STORE_TEST(store__may_be_used_while_listing)
{
	ck_ok(stores_put(s, "a", "x"));
	ck_ok(stores_put(s, "b", "x"));
	ck_ok(kb_store_list(s, "", open_each, s));
	ck_assert_str_eq(stores_list(s, ""), "");
}

STORE_TEST(store__reads_an_open_blob_after_its_removal)
{
	struct kb_blob *b;
	char some[4];

	ck_ok(stores_put(s, "d/x", "old"));
	ck_ok(kb_store_open(s, "d/x", &b, NULL));
	ck_ok(kb_store_remove(s, "d/x"));
	ck_assert_int_eq(kb_store_remove(s, "d/x"), -ENOENT);
	ck_ok(stores_put(s, "d/x", "new"));
	ck_assert_int_eq(kb_blob_read(b, 0, some, 3), 3);
	ck_assert_mem_eq(some, "old", 3);
	kb_blob_close(b);
	ck_assert(stores_holds(s, "d/x", "new"));
}

STORE_TEST(store__reads_no_more_than_allowed)
{
	struct kb_buf b = {0};

	ck_ok(stores_put(s, "x", "12345"));
	ck_assert_int_eq(kb_store_read_all(s, "x", 4, &b), -EFBIG);
	ck_ok(kb_store_read_all(s, "x", 5, &b));
	ck_ok(kb_store_read_all(s, "x", 5, &b));
	ck_assert_uint_eq(b.len, 10);
	ck_assert_int_eq(kb_store_read_all(s, "y", 5, &b), -ENOENT);
	kb_buf_release(&b);
}

STORE_TEST(store__sweep_spares_a_living_writer)
{
	struct kb_blob_writer *w;
	size_t count = 77;

	ck_ok(kb_store_sweep(s, &count));
	ck_assert_uint_eq(count, 0);
	ck_ok(kb_store_create(s, "x", &w));
	ck_ok(kb_blob_write(w, kb_slice_str("x")));
	ck_ok(kb_store_sweep(s, &count));
	ck_assert_uint_eq(count, 0);
	ck_ok(kb_store_sweep(s, NULL));
	ck_ok(kb_blob_publish(w));
	ck_assert(stores_holds(s, "x", "x"));
}

#define RACERS 8

struct race {
	struct kb_store *s;
	int won, lost;
};

static void *
race(void *arg)
{
	struct race *r = arg;
	char name[40];

	for (int i = 0; i < 30; i++) {
		int got;

		snprintf(name, sizeof(name), "race/%d/to/%d", i % 5, i);
		got = stores_put(r->s, name, "x");
		r->won += got == 0;
		r->lost += got == -EEXIST;
	}
	return NULL;
}

STORE_TEST(store__lets_one_of_many_threads_publish_each_name)
{
	struct race racers[RACERS];
	pthread_t threads[RACERS];
	int won = 0, lost = 0;

	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct race){.s = s};
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		won += racers[i].won;
		lost += racers[i].lost;
	}
	ck_assert_int_eq(won, 30);
	ck_assert_int_eq(lost, 30 * (RACERS - 1));
}

START_TEST(store__keeps_a_failed_writer_failed)
{
	struct kb_fault plan = {
		.fail_at = {[KB_FAULT_WRITE] = 2},
		.code = {[KB_FAULT_WRITE] = -ENOSPC},
	};
	struct kb_blob_writer *w;
	struct kb_store *s;

	ck_ok(kb_store_new_memory(&s));
	ck_ok(kb_fault_new(s, &plan, &s));
	ck_ok(kb_store_create(s, "x", &w));
	ck_ok(kb_blob_write(w, kb_slice_str("a")));
	ck_assert_int_eq(kb_blob_write(w, kb_slice_str("b")), -ENOSPC);
	kb_err(-EIO, "something else");
	ck_assert_int_eq(kb_blob_write(w, kb_slice_str("c")), -ENOSPC);
	ck_assert_uint_eq(kb_blob_written(w), 1);
	kb_err(-EIO, "something else");
	ck_assert_int_eq(kb_blob_publish(w), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "x: told to fail"));
	ck_assert_str_eq(stores_list(s, ""), "");
	ck_ok(stores_put(s, "x", "again"));
	kb_store_free(s);
}
END_TEST

START_TEST(store__shows_nothing_of_a_failed_publish)
{
	struct kb_fault plan = {
		.fail_at = {[KB_FAULT_PUBLISH] = 1},
		.code = {[KB_FAULT_PUBLISH] = -EIO},
	};
	struct kb_store *s;

	ck_ok(kb_store_new_memory(&s));
	ck_ok(kb_fault_new(s, &plan, &s));
	ck_assert_int_eq(stores_put(s, "x", "a"), -EIO);
	ck_assert_str_eq(stores_list(s, ""), "");
	ck_ok(stores_put(s, "x", "b"));
	ck_assert(stores_holds(s, "x", "b"));
	kb_store_free(s);
}
END_TEST

KB_SUITE("store", store__gives_back_what_was_published,
	store__shows_nothing_before_publish_or_after_abandon,
	store__publishes_a_name_once, store__keeps_blobs_and_directories_apart,
	store__settles_what_is_there, store__publishes_empty_blobs,
	store__refuses_names_that_are_none,
	store__lists_one_level_in_byte_order, store__stops_listing_when_told,
	store__may_be_used_while_listing,
	store__reads_an_open_blob_after_its_removal,
	store__reads_no_more_than_allowed, store__sweep_spares_a_living_writer,
	store__lets_one_of_many_threads_publish_each_name,
	store__keeps_a_failed_writer_failed,
	store__shows_nothing_of_a_failed_publish)
