#include "kafka/attempt.h"

#include <errno.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "kafka/conf.h"
#include "suite.h"

static struct kb_conf *conf;
static struct kb_attempt at;

static void
start(const char *timeout_ms, struct kb_cancel *cancel)
{
	ck_ok(kb_conf_new(&conf));
	ck_ok(kb_conf_set(conf, "message.timeout.ms", timeout_ms));
	ck_ok(kb_conf_set(conf, "retry.backoff.ms", "1"));
	ck_ok(kb_conf_set(conf, "reconnect.backoff.ms", "0"));
	ck_ok(kb_conf_set(conf, "reconnect.backoff.max.ms", "4"));
	kb_attempt_start(&at, conf, cancel);
}

START_TEST(attempt__goes_on_before_its_deadline)
{
	start("3600000", NULL);
	for (int i = 0; i < 5; i++) {
		ck_ok(kb_attempt_retry(&at, -EAGAIN));
		ck_ok(kb_attempt_reconnect(&at, -ECONNREFUSED));
	}
	kb_conf_free(conf);
}
END_TEST

START_TEST(attempt__gives_up_and_names_the_last_reason)
{
	start("3600000", NULL);
	kb_err(-EAGAIN, "no leader");
	ck_ok(kb_attempt_retry(&at, -EAGAIN));
	at.deadline = kb_clock_ms();
	kb_err(-ETIMEDOUT, "no answer");
	ck_assert_int_eq(kb_attempt_reconnect(&at, -ETIMEDOUT), -ETIMEDOUT);
	ck_assert_str_eq(kb_err_text(),
		"no leader (given up after 3600000 ms, message.timeout.ms)");
	/* The loops around only pass it on. */
	ck_assert_int_eq(kb_attempt_retry(&at, -ETIMEDOUT), -ETIMEDOUT);
	ck_assert_str_eq(kb_err_text(),
		"no leader (given up after 3600000 ms, message.timeout.ms)");
	kb_conf_free(conf);
}
END_TEST

START_TEST(attempt__is_interrupted)
{
	struct kb_cancel cancel;

	ck_ok(kb_cancel_init(&cancel));
	start("3600000", &cancel);
	kb_cancel_fire(&cancel, 2);
	ck_assert_int_eq(kb_attempt_retry(&at, -EAGAIN), -ECANCELED);
	ck_assert_int_eq(kb_attempt_reconnect(&at, -EPIPE), -ECANCELED);
	kb_conf_free(conf);
	kb_cancel_release(&cancel);
}
END_TEST

START_TEST(attempt__tells_the_network_from_other_troubles)
{
	ck_assert(kb_attempt_is_network(-ECONNREFUSED));
	ck_assert(kb_attempt_is_network(-ECONNRESET));
	ck_assert(kb_attempt_is_network(-ETIMEDOUT));
	ck_assert(kb_attempt_is_network(-EHOSTUNREACH));
	ck_assert(!kb_attempt_is_network(-EBADMSG));
	ck_assert(!kb_attempt_is_network(-ECANCELED));
	ck_assert(!kb_attempt_is_network(-ENOENT));
	ck_assert(!kb_attempt_is_network(0));
}
END_TEST

KB_SUITE("attempt", attempt__goes_on_before_its_deadline,
	attempt__gives_up_and_names_the_last_reason, attempt__is_interrupted,
	attempt__tells_the_network_from_other_troubles)
