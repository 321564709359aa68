#include "kafka/pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "kafka/lease.h"
#include "suite.h"

#define TOTAL (1 << 20)
#define PIECE (TOTAL / 8)

static struct kb_budget budget;
static struct kb_pool *pool;
static struct kb_share share;

static void
setup(void)
{
	kb_budget_init(&budget, TOTAL);
	ck_ok(kb_budget_watch(&budget));
	ck_ok(kb_pool_new(&budget, &pool));
}

static void
teardown(void)
{
	kb_pool_free(pool);
	ck_assert_uint_eq(kb_budget_used(&budget), 0);
	kb_budget_release(&budget);
}

/* What was reserved becomes a lease, full of x. */
static struct kb_lease *
fill(size_t size)
{
	struct kb_lease *lease;

	ck_ok(kb_pool_take(pool, &share, size, &lease));
	ck_assert_uint_eq(share.held, 0);
	memset(kb_lease_data(lease), 'x', size);
	return lease;
}

static struct kb_lease *
take(size_t reserve, size_t size)
{
	ck_assert(kb_pool_reserve(pool, &share, reserve));
	return fill(size);
}

static bool
is_told(void)
{
	struct pollfd p = {.fd = budget.fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(pool__shrinks_a_reservation_to_the_size)
{
	struct kb_lease *lease;

	setup();
	ck_assert(kb_pool_reserve(pool, &share, PIECE));
	ck_assert_uint_eq(kb_budget_used(&budget), PIECE);
	ck_ok(kb_pool_take(pool, &share, 5000, &lease));
	ck_assert_uint_ge(kb_budget_used(&budget), 5000);
	ck_assert_uint_le(kb_budget_used(&budget), 2 * 4096);
	kb_lease_drop(lease);
	teardown();
}
END_TEST

START_TEST(pool__gives_a_reservation_back)
{
	setup();
	ck_assert(kb_pool_reserve(pool, &share, PIECE));
	kb_pool_cancel(pool, &share);
	teardown();
}
END_TEST

START_TEST(pool__keeps_the_bytes_until_the_last_drop)
{
	struct kb_lease *lease;
	size_t used;

	setup();
	lease = take(PIECE, PIECE);
	used = kb_budget_used(&budget);
	kb_lease_hold(lease);
	kb_lease_drop(lease);
	ck_assert_uint_eq(kb_budget_used(&budget), used);
	ck_assert_int_eq(kb_lease_data(lease)[PIECE - 1], 'x');
	kb_lease_drop(lease);
	teardown();
}
END_TEST

START_TEST(pool__uses_the_last_buffer_dropped_first)
{
	struct kb_lease *a, *b;
	uint8_t *first, *last;

	setup();
	a = take(PIECE, PIECE);
	b = take(PIECE, PIECE);
	first = kb_lease_data(a);
	last = kb_lease_data(b);
	kb_lease_drop(a);
	kb_lease_drop(b);
	b = take(PIECE, PIECE - 5000);
	ck_assert_ptr_eq(kb_lease_data(b), last);
	a = take(PIECE, PIECE - 5000);
	ck_assert_ptr_eq(kb_lease_data(a), first);
	kb_lease_drop(a);
	kb_lease_drop(b);
	teardown();
}
END_TEST

/* A small answer must not sit in a large buffer that counts for more. */
START_TEST(pool__gives_no_large_buffer_to_a_small_answer)
{
	struct kb_lease *lease;

	setup();
	kb_lease_drop(take(PIECE, PIECE));
	lease = take(PIECE, 100);
	ck_assert_uint_le(kb_budget_used(&budget), 4096);
	kb_lease_drop(lease);
	teardown();
}
END_TEST

START_TEST(pool__refuses_what_does_not_fit_and_tells_when_it_may)
{
	struct kb_lease *leases[8];

	setup();
	for (int i = 0; i < 8; i++)
		leases[i] = take(PIECE, PIECE);
	ck_assert(!is_told());
	ck_assert(!kb_pool_reserve(pool, &share, PIECE));
	ck_assert(!is_told());
	kb_lease_drop(leases[0]);
	ck_assert(is_told());
	kb_budget_heard(&budget);
	ck_assert(!is_told());
	ck_assert(kb_pool_reserve(pool, &share, PIECE));
	/* Nobody was refused since. */
	kb_lease_drop(leases[1]);
	ck_assert(!is_told());
	kb_pool_cancel(pool, &share);
	for (int i = 2; i < 8; i++)
		kb_lease_drop(leases[i]);
	teardown();
}
END_TEST

/* Sizes of buffers are rounded up, but not beyond what was reserved. */
START_TEST(pool__has_room_for_all_that_was_reserved)
{
	const size_t less = PIECE - 4096;
	struct kb_share shares[8] = {0}, rest = {0};
	struct kb_lease *leases[8];

	setup();
	for (int i = 0; i < 8; i++)
		ck_assert(kb_pool_reserve(pool, &shares[i], less));
	ck_assert(kb_pool_reserve(pool, &rest, TOTAL - 8 * less));
	for (int i = 0; i < 8; i++)
		ck_ok(kb_pool_take(pool, &shares[i], less - 1, &leases[i]));
	ck_assert_uint_eq(kb_budget_used(&budget), TOTAL);
	kb_pool_cancel(pool, &rest);
	for (int i = 0; i < 8; i++)
		kb_lease_drop(leases[i]);
	teardown();
}
END_TEST

START_TEST(pool__lets_a_larger_answer_in_when_nothing_is_leased)
{
	struct kb_share later = {0};
	struct kb_lease *small, *large;

	setup();
	small = take(PIECE, PIECE);
	ck_assert(kb_pool_reserve(pool, &share, PIECE));
	ck_assert(kb_pool_reserve(pool, &later, PIECE));
	ck_assert_int_eq(kb_pool_take(pool, &share, 2 * TOTAL, &large), 1);
	ck_assert_int_eq(kb_pool_take(pool, &share, TOTAL - PIECE, &large), 1);
	kb_lease_drop(small);
	ck_assert(is_told());
	ck_ok(kb_pool_take(pool, &share, 2 * TOTAL, &large));
	/* Promises made before are kept, new ones are not made. */
	ck_ok(kb_pool_take(pool, &later, PIECE, &small));
	ck_assert(!kb_pool_reserve(pool, &share, 1));
	kb_lease_drop(large);
	kb_lease_drop(small);
	teardown();
}
END_TEST

START_TEST(pool__outlives_its_owner_while_leased)
{
	struct kb_lease *lease;

	setup();
	lease = take(PIECE, PIECE);
	kb_pool_free(pool);
	pool = NULL;
	ck_assert_int_eq(kb_lease_data(lease)[0], 'x');
	kb_lease_drop(lease);
	teardown();
}
END_TEST

START_TEST(pool__works_without_a_budget)
{
	struct kb_lease *leases[4];

	ck_ok(kb_pool_new(NULL, &pool));
	for (int i = 0; i < 4; i++)
		leases[i] = take(16, 20 << 20);
	for (int i = 0; i < 4; i++)
		kb_lease_drop(leases[i]);
	kb_pool_free(pool);
	kb_lease_drop(NULL);
}
END_TEST

/* ---- threads ---- */

#define ROUNDS 2000
#define QUEUE 16

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct kb_lease *leases[QUEUE];
	size_t count;
	bool over;
} queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};

static void *
drop_all(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		struct kb_lease *lease;

		while (!queue.count && !queue.over)
			pthread_cond_wait(&queue.changed, &queue.lock);
		if (!queue.count)
			break;
		lease = queue.leases[--queue.count];
		pthread_cond_broadcast(&queue.changed);
		pthread_mutex_unlock(&queue.lock);
		ck_assert_int_eq(kb_lease_data(lease)[0], 'x');
		kb_lease_drop(lease);
		pthread_mutex_lock(&queue.lock);
	}
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

/* As a fetcher: waits for the budget's word when there is no room. */
static struct kb_lease *
take_patiently(size_t size)
{
	struct pollfd p = {.fd = budget.fd, .events = POLLIN};

	while (!kb_pool_reserve(pool, &share, size)) {
		ck_assert_int_eq(poll(&p, 1, 60000), 1);
		kb_budget_heard(&budget);
	}
	return fill(size);
}

static void
hand_over(struct kb_lease *lease)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.count == QUEUE)
		pthread_cond_wait(&queue.changed, &queue.lock);
	queue.leases[queue.count++] = lease;
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
}

START_TEST(pool__misses_no_room_that_other_threads_make)
{
	pthread_t threads[3];

	setup();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, drop_all, NULL), 0);
	for (size_t i = 0; i < ROUNDS; i++) {
		struct kb_lease *lease = take_patiently(PIECE + i % 7 * 4096);

		kb_lease_hold(lease);
		hand_over(lease);
		ck_assert_uint_le(kb_budget_used(&budget), TOTAL);
		kb_lease_drop(lease);
	}
	pthread_mutex_lock(&queue.lock);
	queue.over = true;
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	teardown();
}
END_TEST

KB_SUITE("pool", pool__shrinks_a_reservation_to_the_size,
	pool__gives_a_reservation_back,
	pool__keeps_the_bytes_until_the_last_drop,
	pool__uses_the_last_buffer_dropped_first,
	pool__gives_no_large_buffer_to_a_small_answer,
	pool__refuses_what_does_not_fit_and_tells_when_it_may,
	pool__has_room_for_all_that_was_reserved,
	pool__lets_a_larger_answer_in_when_nothing_is_leased,
	pool__outlives_its_owner_while_leased, pool__works_without_a_budget,
	pool__misses_no_room_that_other_threads_make)
