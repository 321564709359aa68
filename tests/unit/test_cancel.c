#include "common/cancel.h"

#include <errno.h>
#include <poll.h>

#include "suite.h"

static struct kb_cancel a, b, both;

static bool
is_readable(const struct kb_cancel *c)
{
	struct pollfd p = {.fd = kb_cancel_fd(c), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(cancel__tells_the_first_reason)
{
	ck_ok(kb_cancel_init(&a));
	ck_assert_int_eq(kb_cancel_fired(&a), 0);
	ck_assert_int_eq(kb_cancel_fired(NULL), 0);
	ck_assert(!is_readable(&a));
	ck_ok(kb_cancel_sleep(&a, 0));
	kb_cancel_fire(&a, 15);
	kb_cancel_fire(&a, 2);
	ck_assert_int_eq(kb_cancel_fired(&a), 15);
	ck_assert(is_readable(&a));
	ck_assert_int_eq(kb_cancel_sleep(&a, 60 * 1000), -ECANCELED);
	kb_cancel_release(&a);
}
END_TEST

START_TEST(cancel__joins_two)
{
	ck_ok(kb_cancel_init(&a));
	ck_ok(kb_cancel_init(&b));
	ck_ok(kb_cancel_join(&both, &a));
	ck_assert(!is_readable(&both));
	ck_ok(kb_cancel_watch(&both, &b));
	kb_cancel_fire(&b, 7);
	ck_assert_int_eq(kb_cancel_fired(&both), 7);
	ck_assert(is_readable(&both));
	ck_assert_int_eq(kb_cancel_sleep(&both, 60 * 1000), -ECANCELED);
	ck_ok(kb_cancel_watch(&both, NULL));
	ck_assert_int_eq(kb_cancel_fired(&both), 0);
	ck_assert(!is_readable(&both));
	kb_cancel_fire(&a, 9);
	ck_assert_int_eq(kb_cancel_fired(&both), 9);
	ck_assert(is_readable(&both));
	kb_cancel_release(&both);
	kb_cancel_release(&a);
	kb_cancel_release(&b);
}
END_TEST

START_TEST(cancel__joins_nobody)
{
	ck_ok(kb_cancel_join(&both, NULL));
	ck_assert_int_eq(kb_cancel_fired(&both), 0);
	ck_assert(!is_readable(&both));
	ck_ok(kb_cancel_sleep(&both, 0));
	kb_cancel_release(&both);
}
END_TEST

KB_SUITE("cancel", cancel__tells_the_first_reason, cancel__joins_two,
	cancel__joins_nobody)
