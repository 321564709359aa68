/*
 * 1. used is the sum of all shares.
 * 2. used exceeds total by what one share alone holds, at most (and by what
 *    kb_budget_set() was told of after the fact).
 * So a line larger than the whole budget gets through, one at a time.
 */
#include "restore/budget.h"

#include <errno.h>

#include "common/clock.h"
#include "common/err.h"

void
kb_budget_init(struct kb_budget *b, size_t total)
{
	kb_wait_init(&b->wait);
	b->total = total;
	b->used = 0;
	b->alone = NULL;
}

void
kb_budget_release(struct kb_budget *b)
{
	kb_wait_release(&b->wait);
}

static bool
fits(const struct kb_budget *b, const struct kb_share *share, size_t held)
{
	size_t others = b->used - share->held;

	return held <= share->held || share == b->alone ||
	       (held <= b->total && others <= b->total - held);
}

static void
assign(struct kb_budget *b, struct kb_share *share, size_t held)
{
	b->used = b->used - share->held + held;
	share->held = held;
	if (share == b->alone && b->used <= b->total)
		b->alone = NULL;
	kb_wait_change(&b->wait);
}

bool
kb_budget_try(struct kb_budget *b, struct kb_share *share, size_t held)
{
	bool ok;

	kb_wait_lock(&b->wait);
	ok = fits(b, share, held);
	if (ok)
		assign(b, share, held);
	kb_wait_unlock(&b->wait);
	return ok;
}

void
kb_budget_set(struct kb_budget *b, struct kb_share *share, size_t held)
{
	kb_wait_lock(&b->wait);
	assign(b, share, held);
	if (share == b->alone && held == 0)
		b->alone = NULL;
	kb_wait_unlock(&b->wait);
}

int
kb_budget_wait(struct kb_budget *b, struct kb_share *share, size_t held,
	struct kb_cancel *cancel, struct kb_cancel *interrupt, int timeout_ms)
{
	int64_t deadline = kb_clock_ms() + timeout_ms;
	int r = 0;

	kb_wait_lock(&b->wait);
	while (!fits(b, share, held) && b->alone) {
		r = kb_wait_moment(&b->wait, cancel, interrupt, deadline);
		if (r < 0)
			break;
	}
	if (r == -ETIMEDOUT)
		r = kb_err(r,
			"other files that are being restored hold all "
			"%zu bytes of memory for lines",
			b->total);
	if (r == 0) {
		if (!fits(b, share, held))
			b->alone = share;
		assign(b, share, held);
	}
	kb_wait_unlock(&b->wait);
	return r;
}
