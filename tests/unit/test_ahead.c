#include "fs/ahead.h"

#include <pthread.h>
#include <stdbool.h>

#include "suite.h"

#define MOST 10000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool open_gate;
static int started, done[MOST], total;

/* Waits at the gate; then notes the job's number. */
static void
run(void *ctx, const struct kb_ahead_job *job)
{
	ck_assert_ptr_eq(ctx, &total);
	pthread_mutex_lock(&lock);
	started++;
	pthread_cond_broadcast(&moved);
	while (!open_gate)
		pthread_cond_wait(&moved, &lock);
	done[job->from]++;
	total++;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&lock);
}

static void
push(struct kb_ahead *a, int number)
{
	struct kb_ahead_job job = {.from = (uint64_t)number};

	kb_ahead_push(a, &job);
}

static void
await(const int *what, int count)
{
	pthread_mutex_lock(&lock);
	while (*what < count)
		pthread_cond_wait(&moved, &lock);
	pthread_mutex_unlock(&lock);
}

static void
open_it(void)
{
	pthread_mutex_lock(&lock);
	open_gate = true;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&lock);
}

START_TEST(ahead__jobs_are_done_at_once_and_each_once)
{
	struct kb_ahead *a;

	ck_ok(kb_ahead_new(3, run, &total, &a));
	for (int i = 0; i < 3; i++)
		push(a, i);
	await(&started, 3); /* nobody waits for another */
	open_it();
	for (int i = 3; i < 100; i++)
		push(a, i);
	await(&total, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(done[i], 1);
	kb_ahead_free(a);
}
END_TEST

START_TEST(ahead__forgets_the_oldest_when_it_cannot_follow)
{
	struct kb_ahead *a;

	ck_ok(kb_ahead_new(1, run, &total, &a));
	push(a, 0);
	await(&started, 1);
	for (int i = 1; i < MOST; i++)
		push(a, i);
	open_it();
	await(&done[MOST - 1], 1);
	ck_assert_int_eq(done[0], 1);
	ck_assert_int_eq(done[1], 0);
	ck_assert_int_eq(done[MOST - 2], 1);
	kb_ahead_free(a);
}
END_TEST

START_TEST(ahead__ends_without_doing_the_rest)
{
	struct kb_ahead *a;

	open_it();
	ck_ok(kb_ahead_new(2, run, &total, &a));
	kb_ahead_free(a);
	kb_ahead_free(NULL);
	ck_assert_int_eq(total, 0);
}
END_TEST

KB_SUITE("ahead", ahead__jobs_are_done_at_once_and_each_once,
	ahead__forgets_the_oldest_when_it_cannot_follow,
	ahead__ends_without_doing_the_rest)
