/*
 * Nobody can wait for a condition variable and for file descriptors at once;
 * so waiting is done in moments that are short for a person who has pressed
 * Ctrl-C, and a request to stop is looked for between them.
 */
#include "common/wait.h"

#include <errno.h>
#include <time.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"

#define MOMENT_NS (20 * 1000 * 1000)

void
kb_wait_init(struct kb_wait *w)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &attr);
	pthread_condattr_destroy(&attr);
}

void
kb_wait_release(struct kb_wait *w)
{
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
}

void
kb_wait_lock(struct kb_wait *w)
{
	pthread_mutex_lock(&w->mutex);
}

void
kb_wait_unlock(struct kb_wait *w)
{
	pthread_mutex_unlock(&w->mutex);
}

void
kb_wait_change(struct kb_wait *w)
{
	pthread_cond_broadcast(&w->changed);
}

int
kb_wait_moment(struct kb_wait *w, struct kb_cancel *cancel,
	struct kb_cancel *interrupt, int64_t deadline)
{
	struct timespec until;

	if (kb_cancel_fired(cancel) || kb_cancel_fired(interrupt))
		return kb_err(-ECANCELED, "interrupted");
	if (kb_clock_ms() >= deadline)
		return kb_err(-ETIMEDOUT, "timed out");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += MOMENT_NS;
	if (until.tv_nsec >= 1000 * 1000 * 1000) {
		until.tv_nsec -= 1000 * 1000 * 1000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&w->changed, &w->mutex, &until);
	return 0;
}
