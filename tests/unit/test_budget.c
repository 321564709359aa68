#include "common/budget.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "common/cancel.h"
#include "suite.h"

#define LONG (60 * 1000)

static struct kb_budget budget;
static struct kb_share a, b;
static struct kb_cancel cancel;

static void
setup(void)
{
	kb_budget_init(&budget, 100);
	ck_ok(kb_cancel_init(&cancel));
}

static void
teardown(void)
{
	kb_budget_set(&budget, &a, 0);
	kb_budget_set(&budget, &b, 0);
	ck_assert_uint_eq(budget.used, 0);
	kb_budget_release(&budget);
	kb_cancel_release(&cancel);
}

START_TEST(budget__is_shared)
{
	setup();
	ck_assert(kb_budget_try(&budget, &a, 60));
	ck_assert(!kb_budget_try(&budget, &b, 41));
	ck_assert_uint_eq(b.held, 0);
	ck_assert(kb_budget_try(&budget, &b, 40));
	ck_assert(!kb_budget_try(&budget, &a, 61));
	ck_assert(kb_budget_try(&budget, &a, 10));
	ck_assert(kb_budget_try(&budget, &b, 90));
	teardown();
}
END_TEST

START_TEST(budget__admits_what_is_larger_alone)
{
	setup();
	ck_assert(kb_budget_try(&budget, &b, 50));
	ck_assert(!kb_budget_try(&budget, &a, 1000));
	ck_ok(kb_budget_wait(&budget, &a, 1000, NULL, NULL, LONG));
	ck_assert(kb_budget_try(&budget, &a, 2000));
	ck_assert(!kb_budget_try(&budget, &b, 51));
	/* one at a time */
	ck_assert_int_eq(
		kb_budget_wait(&budget, &b, 51, NULL, NULL, 0), -ETIMEDOUT);
	ck_assert_uint_eq(b.held, 50);
	kb_budget_set(&budget, &a, 10);
	ck_assert(kb_budget_try(&budget, &b, 90));
	ck_assert(!kb_budget_try(&budget, &a, 11));
	teardown();
}
END_TEST

START_TEST(budget__never_refuses_less)
{
	setup();
	kb_budget_set(&budget, &a, 500);
	ck_assert(kb_budget_try(&budget, &a, 400));
	ck_assert(!kb_budget_try(&budget, &b, 1));
	teardown();
}
END_TEST

START_TEST(budget__lets_a_waiter_be_interrupted)
{
	struct kb_share c = {0};

	setup();
	ck_ok(kb_budget_wait(&budget, &a, 1000, NULL, NULL, LONG));
	kb_cancel_fire(&cancel, 1);
	ck_assert_int_eq(kb_budget_wait(&budget, &c, 1, NULL, &cancel, LONG),
		-ECANCELED);
	ck_assert_int_eq(kb_budget_wait(&budget, &c, 1, &cancel, NULL, LONG),
		-ECANCELED);
	ck_assert_uint_eq(c.held, 0);
	teardown();
}
END_TEST

static void *
wait_for_room(void *out)
{
	*(int *)out = kb_budget_wait(&budget, &b, 70, NULL, NULL, LONG);
	return NULL;
}

START_TEST(budget__wakes_a_waiter)
{
	pthread_t thread;
	int r = 1;

	setup();
	ck_ok(kb_budget_wait(&budget, &a, 1000, NULL, NULL, LONG));
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_room, &r), 0);
	kb_budget_set(&budget, &a, 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(b.held, 70);
	teardown();
}
END_TEST

START_TEST(budget__lets_one_in_when_others_only_promised)
{
	struct kb_share promise = {0};

	setup();
	ck_assert(kb_budget_try(&budget, &promise, 30));
	ck_assert(kb_budget_try(&budget, &b, 10));
	ck_assert(!kb_budget_try_alone(&budget, &a, 90, 30));
	kb_budget_set(&budget, &b, 0);
	ck_assert(kb_budget_try_alone(&budget, &a, 1000, 30));
	ck_assert_uint_eq(kb_budget_used(&budget), 1030);
	ck_assert(!kb_budget_try_alone(&budget, &b, 1, 30));
	kb_budget_set(&budget, &promise, 0);
	teardown();
}
END_TEST

static bool
is_readable(void)
{
	struct pollfd p = {.fd = budget.fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(budget__tells_a_loop_of_room_after_a_refusal)
{
	setup();
	ck_ok(kb_budget_watch(&budget));
	ck_ok(kb_budget_watch(&budget));
	ck_assert(kb_budget_try(&budget, &a, 100));
	kb_budget_set(&budget, &a, 90);
	ck_assert(!is_readable());
	ck_assert(!kb_budget_try(&budget, &b, 50));
	ck_assert(!is_readable());
	kb_budget_set(&budget, &a, 80);
	ck_assert(is_readable());
	kb_budget_heard(&budget);
	ck_assert(!is_readable());
	ck_assert(!kb_budget_try(&budget, &b, 50));
	kb_budget_set(&budget, &a, 0);
	ck_assert(is_readable());
	teardown();
}
END_TEST

KB_SUITE("budget", budget__is_shared, budget__admits_what_is_larger_alone,
	budget__never_refuses_less, budget__lets_a_waiter_be_interrupted,
	budget__wakes_a_waiter, budget__lets_one_in_when_others_only_promised,
	budget__tells_a_loop_of_room_after_a_refusal)
