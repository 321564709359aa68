#include "fs/cache.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "suite.h"

#define TEXT 10000
#define BUDGET (10 * (TEXT + 1000)) /* room for ten */

static struct kb_cache *cache;
static atomic_int loads;
static int fail_with;

/* Text of TEXT bytes, each the key's number. */
static int
load(void *ctx, struct kb_buf *out)
{
	atomic_fetch_add(&loads, 1);
	if (fail_with)
		return kb_err(fail_with, "told to fail");
	ck_ok(kb_buf_reserve(out, TEXT));
	memset(out->data, *(int *)ctx, TEXT);
	out->len = TEXT;
	return 0;
}

static int
get_with(int number, bool holding, kb_cache_load_fn *fn, struct kb_entry **e)
{
	struct kb_cache_ask ask = {.key = {1, 2, (uint64_t)number},
		.length = TEXT,
		.holding = holding,
		.load = fn,
		.ctx = &number};

	return kb_cache_get(cache, &ask, e);
}

static int
get(int number, struct kb_entry **e)
{
	return get_with(number, false, load, e);
}

static void
touch(int number)
{
	struct kb_entry *e;

	ck_ok(get(number, &e));
	ck_assert_uint_eq(kb_entry_text(e).len, TEXT);
	ck_assert_int_eq(kb_entry_text(e).data[TEXT - 1], number);
	kb_cache_put(cache, e, 0);
}

static size_t
used(void)
{
	struct kb_cache_counts counts;

	kb_cache_count(cache, &counts);
	return counts.used;
}

static void
begin(size_t budget)
{
	ck_ok(kb_cache_new(budget, &cache));
	atomic_store(&loads, 0);
	fail_with = 0;
}

START_TEST(cache__loads_once_and_evicts_the_least_recently_used)
{
	begin(BUDGET);
	for (int i = 0; i < 10; i++)
		touch(i);
	touch(0);
	ck_assert_int_eq(atomic_load(&loads), 10);
	touch(10); /* 1 goes, not 0 */
	ck_assert_uint_le(used(), BUDGET);
	touch(0);
	ck_assert_int_eq(atomic_load(&loads), 11);
	touch(1);
	ck_assert_int_eq(atomic_load(&loads), 12);
	kb_cache_free(cache);
}
END_TEST

START_TEST(cache__text_larger_than_the_budget_is_admitted_alone)
{
	begin(TEXT / 2);
	touch(1);
	touch(2);
	ck_assert_uint_eq(used(), 0);
	kb_cache_free(cache);
}
END_TEST

START_TEST(cache__remembers_damage_but_not_bad_luck)
{
	struct kb_entry *e;

	begin(BUDGET);
	fail_with = -EBADMSG;
	ck_assert_int_eq(get(1, &e), -EBADMSG);
	kb_err(-1, "something else");
	ck_assert_int_eq(get(1, &e), -EBADMSG);
	ck_assert_str_eq(kb_err_text(), "told to fail");
	ck_assert_int_eq(atomic_load(&loads), 1);
	fail_with = -EIO;
	ck_assert_int_eq(get(2, &e), -EIO);
	fail_with = 0;
	touch(2);
	ck_assert_int_eq(atomic_load(&loads), 3);
	kb_cache_free(cache);
}
END_TEST

START_TEST(cache__text_that_was_handed_out_whole_goes_first)
{
	struct kb_entry *e;

	begin(BUDGET);
	for (int i = 0; i < 10; i++)
		touch(i);
	ck_ok(get(5, &e));
	kb_cache_put(cache, e, TEXT / 2);
	ck_ok(get(5, &e));
	kb_cache_put(cache, e, TEXT / 2);
	touch(5); /* still there */
	ck_assert_int_eq(atomic_load(&loads), 10);
	touch(10);
	for (int i = 0; i < 11; i++)
		if (i != 5)
			touch(i);
	ck_assert_int_eq(atomic_load(&loads), 11);
	kb_cache_free(cache);
}
END_TEST

/* ---- ahead of readers ---- */

static bool
load_ahead(int number)
{
	struct kb_cache_ask ask = {.key = {1, 2, (uint64_t)number},
		.length = TEXT,
		.load = load,
		.ctx = &number};

	return kb_cache_load_ahead(cache, &ask);
}

START_TEST(cache__reader_finds_what_was_loaded_ahead)
{
	struct kb_cache_counts counts;

	begin(BUDGET);
	ck_assert(load_ahead(1));
	ck_assert(load_ahead(1));
	touch(1);
	touch(2);
	ck_assert_int_eq(atomic_load(&loads), 2);
	kb_cache_count(cache, &counts);
	ck_assert_uint_eq(counts.budget, BUDGET);
	ck_assert_uint_eq(counts.texts, 2);
	ck_assert_uint_eq(counts.ahead, 1);
	ck_assert_uint_eq(counts.hits, 1);
	ck_assert_uint_eq(counts.misses, 1);
	kb_cache_free(cache);
}
END_TEST

START_TEST(cache__loads_ahead_only_where_nobody_needs_the_room)
{
	struct kb_entry *held[9];

	begin(BUDGET);
	for (int i = 0; i < 9; i++)
		ck_ok(get(i, &held[i]));
	touch(9);
	ck_assert(load_ahead(10));  /* 9 goes, which nobody holds */
	ck_assert(!load_ahead(11)); /* nobody has read 10 yet */
	touch(10);
	ck_assert(load_ahead(11));
	touch(12); /* a reader comes first */
	ck_assert_int_eq(atomic_load(&loads), 13);
	for (int i = 0; i < 9; i++)
		kb_cache_put(cache, held[i], 0);
	ck_assert_uint_le(used(), BUDGET);
	kb_cache_free(cache);
}
END_TEST

START_TEST(cache__failure_ahead_is_met_by_the_reader)
{
	struct kb_entry *e;

	begin(BUDGET);
	fail_with = -EIO;
	load_ahead(1);
	fail_with = -EBADMSG;
	load_ahead(2);
	fail_with = 0;
	touch(1);
	ck_assert_int_eq(get(2, &e), -EBADMSG);
	ck_assert_int_eq(atomic_load(&loads), 3);
	kb_cache_free(cache);
}
END_TEST

/* ---- several threads ---- */

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool gate_open, gate_reached;

static int
load_behind_gate(void *ctx, struct kb_buf *out)
{
	pthread_mutex_lock(&gate_lock);
	gate_reached = true;
	pthread_cond_broadcast(&gate_moved);
	while (!gate_open)
		pthread_cond_wait(&gate_moved, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
	return load(ctx, out);
}

static void *
touch_behind_gate(void *ctx)
{
	struct kb_entry *e;

	ck_ok(get_with(*(int *)ctx, false, load_behind_gate, &e));
	kb_cache_put(cache, e, 0);
	return NULL;
}

START_TEST(cache__one_load_whoever_asks_and_others_go_on)
{
	pthread_t threads[4];
	int number = 7;

	begin(BUDGET);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, touch_behind_gate, &number);
	pthread_mutex_lock(&gate_lock);
	while (!gate_reached)
		pthread_cond_wait(&gate_moved, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
	touch(8); /* nobody waits for another's block */
	pthread_mutex_lock(&gate_lock);
	gate_open = true;
	pthread_cond_broadcast(&gate_moved);
	pthread_mutex_unlock(&gate_lock);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(atomic_load(&loads), 2);
	kb_cache_free(cache);
}
END_TEST

static void *
touch_giant(void *done)
{
	int number = 99;
	struct kb_cache_ask ask = {.key = {1, 2, 99},
		.length = 2 * BUDGET,
		.load = load,
		.ctx = &number};
	struct kb_entry *e;

	ck_ok(kb_cache_get(cache, &ask, &e));
	kb_cache_put(cache, e, 0);
	atomic_store((atomic_bool *)done, true);
	return NULL;
}

START_TEST(cache__who_waits_for_much_room_holds_up_nobody)
{
	struct kb_cache_counts counts;
	atomic_bool done = false;
	struct kb_entry *held;
	pthread_t giant;

	begin(BUDGET);
	ck_ok(get(0, &held));
	pthread_create(&giant, NULL, touch_giant, &done);
	do {
		sched_yield();
		kb_cache_count(cache, &counts);
	} while (counts.misses < 2);
	for (int i = 1; i < 9; i++)
		touch(i);
	ck_assert(!atomic_load(&done));
	kb_cache_put(cache, held, 0);
	pthread_join(giant, NULL);
	ck_assert(atomic_load(&done));
	kb_cache_free(cache);
}
END_TEST

#define READERS 8

/* Each holds two at once, of a budget for one and a half. */
static void *
read_pairs(void *ctx)
{
	unsigned seed = *(unsigned *)ctx;

	for (int i = 0; i < 500; i++) {
		struct kb_entry *a, *b;
		int first = (int)(rand_r(&seed) % 6);

		ck_ok(get(first, &a));
		ck_ok(get_with((first + 1) % 6, true, load, &b));
		ck_assert_int_eq(kb_entry_text(a).data[0], first);
		ck_assert_int_eq(kb_entry_text(b).data[0], (first + 1) % 6);
		kb_cache_put(cache, a, 0);
		kb_cache_put(cache, b, 0);
	}
	return NULL;
}

START_TEST(cache__readers_of_several_blocks_never_wait_in_a_circle)
{
	pthread_t threads[READERS];
	unsigned seeds[READERS];

	begin(TEXT * 3 / 2);
	for (unsigned i = 0; i < READERS; i++) {
		seeds[i] = i;
		pthread_create(&threads[i], NULL, read_pairs, &seeds[i]);
	}
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_le(used(), TEXT * 3 / 2);
	kb_cache_free(cache);
}
END_TEST

KB_SUITE("cache", cache__loads_once_and_evicts_the_least_recently_used,
	cache__text_larger_than_the_budget_is_admitted_alone,
	cache__remembers_damage_but_not_bad_luck,
	cache__text_that_was_handed_out_whole_goes_first,
	cache__reader_finds_what_was_loaded_ahead,
	cache__loads_ahead_only_where_nobody_needs_the_room,
	cache__failure_ahead_is_met_by_the_reader,
	cache__one_load_whoever_asks_and_others_go_on,
	cache__who_waits_for_much_room_holds_up_nobody,
	cache__readers_of_several_blocks_never_wait_in_a_circle)
