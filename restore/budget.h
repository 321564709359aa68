/* One budget of memory for all files that are being restored. */
#ifndef KB_RESTORE_BUDGET_H
#define KB_RESTORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "restore/wait.h"

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

#endif
