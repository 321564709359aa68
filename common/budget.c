/*
 * 1. used is the sum of all shares.
 * 2. used exceeds total by what one share alone holds, at most (and by what
 *    kb_budget_set() was told of after the fact).
 * 3. While `wanted`, the next change to less writes to fd: nobody who was
 *    refused misses the room that comes.
 * So what is larger than the whole budget gets through, one at a time.
 */
#include "common/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"

void
kb_budget_init(struct kb_budget *b, size_t total)
{
	kb_wait_init(&b->wait);
	b->total = total;
	b->used = 0;
	b->alone = NULL;
	b->fd = -1;
	b->wanted = false;
}

void
kb_budget_release(struct kb_budget *b)
{
	if (b->fd >= 0)
		close(b->fd);
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
tell(struct kb_budget *b)
{
	uint64_t one = 1;

	/* It fails only when it is readable already, and by far. */
	if (write(b->fd, &one, sizeof(one)) == sizeof(one))
		b->wanted = false;
}

static void
assign(struct kb_budget *b, struct kb_share *share, size_t held)
{
	if (b->wanted && held < share->held)
		tell(b);
	b->used = b->used - share->held + held;
	share->held = held;
	if (share == b->alone && b->used <= b->total)
		b->alone = NULL;
	kb_wait_change(&b->wait);
}

/* With the lock held; gives it up. */
static bool
decide(struct kb_budget *b, struct kb_share *share, size_t held, bool ok)
{
	if (ok)
		assign(b, share, held);
	else
		b->wanted = b->fd >= 0;
	kb_wait_unlock(&b->wait);
	return ok;
}

bool
kb_budget_try(struct kb_budget *b, struct kb_share *share, size_t held)
{
	kb_wait_lock(&b->wait);
	return decide(b, share, held, fits(b, share, held));
}

bool
kb_budget_try_alone(
	struct kb_budget *b, struct kb_share *share, size_t held, size_t others)
{
	kb_wait_lock(&b->wait);
	return decide(b, share, held,
		fits(b, share, held) || b->used - share->held <= others);
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
			"others hold all %zu bytes of memory for too long",
			b->total);
	if (r == 0) {
		if (!fits(b, share, held))
			b->alone = share;
		assign(b, share, held);
	}
	kb_wait_unlock(&b->wait);
	return r;
}

size_t
kb_budget_used(struct kb_budget *b)
{
	size_t used;

	kb_wait_lock(&b->wait);
	used = b->used;
	kb_wait_unlock(&b->wait);
	return used;
}

int
kb_budget_watch(struct kb_budget *b)
{
	int fd;

	if (b->fd >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return kb_err(-errno, "eventfd: %s", strerror(errno));
	kb_wait_lock(&b->wait);
	b->fd = fd;
	kb_wait_unlock(&b->wait);
	return 0;
}

void
kb_budget_heard(struct kb_budget *b)
{
	uint64_t count;

	/* Nothing to read is as good. */
	if (read(b->fd, &count, sizeof(count)) < 0)
		return;
}
