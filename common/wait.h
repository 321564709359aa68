/* Waiting for another thread, yet ready to be interrupted. */
#ifndef KB_COMMON_WAIT_H
#define KB_COMMON_WAIT_H

#include <pthread.h>
#include <stdint.h>

struct kb_cancel;

/* A lock and what its holders wait for. */
struct kb_wait {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

void
kb_wait_init(struct kb_wait *w);
void
kb_wait_release(struct kb_wait *w);

void
kb_wait_lock(struct kb_wait *w);
void
kb_wait_unlock(struct kb_wait *w);

/* Wakes all who wait. With the lock held. */
void
kb_wait_change(struct kb_wait *w);

/*
 * With the lock held: gives it up for a moment. 0: look again. -ECANCELED:
 * one of the two (either may be NULL) was fired. -ETIMEDOUT: kb_clock_ms() is
 * past deadline.
 */
int
kb_wait_moment(struct kb_wait *w, struct kb_cancel *cancel,
	struct kb_cancel *interrupt, int64_t deadline);

#endif
