/*
 * Attempts nest: a question to a leader may ask for metadata first, under the
 * same attempt. Whoever sees the deadline first gives up and says so, and the
 * loops around pass that on (`over`).
 */
#include "kafka/attempt.h"

#include <errno.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/log.h"
#include "kafka/conf.h"

void
kb_attempt_start(struct kb_attempt *a, const struct kb_conf *conf,
	struct kb_cancel *cancel)
{
	*a = (struct kb_attempt){
		.deadline = kb_clock_ms() +
			    kb_conf_get_int(conf, "message.timeout.ms"),
		.conf = conf,
		.cancel = cancel,
		.pause_ms = kb_conf_get_int(conf, "reconnect.backoff.ms"),
	};
}

/*
 * Gives up for the reason at hand; for the one before, when it was only the
 * deadline that ended the last try.
 */
static int
give_up(struct kb_attempt *a, int code)
{
	if (code == -ETIMEDOUT && a->last.code)
		kb_failure_raise(&a->last);
	a->over = true;
	return kb_err(-ETIMEDOUT,
		"%s (given up after %s ms, message.timeout.ms)", kb_err_text(),
		kb_conf_get(a->conf, "message.timeout.ms"));
}

/* Pauses before the next try, unless the deadline comes before. */
static int
pause_for(struct kb_attempt *a, int64_t ms, int code)
{
	if (a->over)
		return code;
	if (kb_clock_ms() + ms >= a->deadline)
		return give_up(a, code);
	kb_failure_take(&a->last, code);
	kb_log_debug("%s; trying again", a->last.text);
	return kb_cancel_sleep(a->cancel, (int)ms);
}

int
kb_attempt_retry(struct kb_attempt *a, int code)
{
	return pause_for(a, kb_conf_get_int(a->conf, "retry.backoff.ms"), code);
}

int
kb_attempt_reconnect(struct kb_attempt *a, int code)
{
	int64_t max = kb_conf_get_int(a->conf, "reconnect.backoff.max.ms");
	int64_t ms = a->pause_ms < max ? a->pause_ms : max;

	a->pause_ms = ms > 0 ? 2 * ms : 1;
	return pause_for(a, ms, code);
}

bool
kb_attempt_is_network(int code)
{
	switch (code) {
	case -ETIMEDOUT:
	case -ECONNRESET:
	case -ECONNREFUSED:
	case -ECONNABORTED:
	case -EHOSTUNREACH:
	case -EHOSTDOWN:
	case -ENETUNREACH:
	case -ENETDOWN:
	case -ENETRESET:
	case -EPIPE:
		return true;
	default:
		return false;
	}
}
