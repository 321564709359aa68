/*
 * One budget of bytes for many holders: the files of a mount that are being
 * restored, the answers of a backup that are under way.
 */
#ifndef KB_COMMON_BUDGET_H
#define KB_COMMON_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/wait.h"

struct kb_cancel;

/* What one holds. {0} at first; used by one thread at a time. */
struct kb_share {
	size_t held;
};

struct kb_budget {
	struct kb_wait wait;
	size_t total;
	size_t used;
	const struct kb_share *alone; /* the one that may exceed total */
	int fd;			      /* of kb_budget_watch(); -1 none */
	bool wanted; /* somebody was refused, and the fd has not told yet */
};

void
kb_budget_init(struct kb_budget *b, size_t total);
void
kb_budget_release(struct kb_budget *b);

/*
 * From now on the share holds `held` bytes. False: that is more than before
 * and does not fit; nothing has changed. The one that was admitted alone is
 * never refused, until it fits again. Any thread.
 */
bool
kb_budget_try(struct kb_budget *b, struct kb_share *share, size_t held);

/*
 * The same, but it is let in, larger than the whole budget or not, also when
 * all others together hold no more than `others`: what the caller knows to be
 * only promised, by itself, to those who come after this share.
 */
bool
kb_budget_try_alone(struct kb_budget *b, struct kb_share *share, size_t held,
	size_t others);

/* The same, whether it fits or not: for what is held already. */
void
kb_budget_set(struct kb_budget *b, struct kb_share *share, size_t held);

/*
 * The same as kb_budget_try(), but waits until it fits or nobody else is
 * admitted alone. -ECANCELED, -ETIMEDOUT as kb_wait_moment().
 */
int
kb_budget_wait(struct kb_budget *b, struct kb_share *share, size_t held,
	struct kb_cancel *cancel, struct kb_cancel *interrupt, int timeout_ms);

/* What is held in all. Any thread. */
size_t
kb_budget_used(struct kb_budget *b);

/*
 * For poll(2) loops: from now on b->fd becomes readable when something is
 * given back after a refusal; kb_budget_heard() makes it unreadable, and then
 * is the time to try again. One loop a budget. Errors of eventfd(2).
 */
int
kb_budget_watch(struct kb_budget *b);
void
kb_budget_heard(struct kb_budget *b);

#endif
