/*
 * A call that is tried again until its deadline, message.timeout.ms from its
 * start, and the pauses between its tries.
 */
#ifndef KB_KAFKA_ATTEMPT_H
#define KB_KAFKA_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct kb_cancel;
struct kb_conf;

struct kb_attempt {
	int64_t deadline; /* kb_clock_ms() */
	/* private */
	const struct kb_conf *conf;
	struct kb_cancel *cancel;
	int64_t pause_ms;	/* after the next failure of the network */
	struct kb_failure last; /* why it was tried again, the last time */
	bool over;
};

void
kb_attempt_start(struct kb_attempt *a, const struct kb_conf *conf,
	struct kb_cancel *cancel);

/*
 * After an answer that said to come back (retry.backoff.ms), or after a
 * failure of the network (reconnect.backoff.ms, longer each time): code and
 * the sentence say what went wrong. 0: try again now. -ETIMEDOUT: given up,
 * the sentence says why it was tried for so long. -ECANCELED.
 */
int
kb_attempt_retry(struct kb_attempt *a, int code);
int
kb_attempt_reconnect(struct kb_attempt *a, int code);

/* Whether another broker, or the same one later, may do better. */
bool
kb_attempt_is_network(int code);

#endif
