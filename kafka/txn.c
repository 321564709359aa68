/*
 * Every answer carries all aborted transactions that overlap it, those begun
 * before it included, for as long as their abort markers lie at or above the
 * offset asked for. So each answer stands for itself: what was active in the
 * answer before is either named again or its marker has been passed. Keeping
 * nothing across answers is what makes resuming in the middle right, and what
 * keeps a marker that compaction removed from tainting its producer for ever.
 *
 * A producer has one transaction at a time on a partition, so a set of
 * producer ids is enough: its abort marker ends the aborted transaction
 * before the next one of the same producer can begin.
 */
#include "kafka/txn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/err.h"
#include "format/batch.h"

/* Control record types (KIP-98); others exist and mean nothing here. */
#define CONTROL_ABORT 0

void
kb_txn_release(struct kb_txn *t)
{
	free(t->pending);
	free(t->active);
	*t = (struct kb_txn){0};
}

static int
compare_first(const void *a, const void *b)
{
	const struct kb_aborted *x = a, *y = b;

	return (x->first_offset > y->first_offset) -
	       (x->first_offset < y->first_offset);
}

int
kb_txn_answer(struct kb_txn *t, const struct kb_aborted *list, size_t count)
{
	struct kb_aborted *pending = t->pending;

	t->active_count = 0;
	t->pending_at = 0;
	t->pending_count = 0;
	if (!count)
		return 0;
	if (count > t->pending_cap) {
		pending = reallocarray(pending, count, sizeof(*pending));
		if (!pending)
			return kb_err(-ENOMEM,
				"out of memory: %zu aborted transactions",
				count);
		t->pending = pending;
		t->pending_cap = count;
	}
	memcpy(pending, list, count * sizeof(*list));
	qsort(pending, count, sizeof(*pending), compare_first);
	t->pending_count = count;
	return 0;
}

/* Its place in the active set, or active_count. */
static size_t
find_active(const struct kb_txn *t, int64_t producer_id)
{
	size_t i = 0;

	while (i < t->active_count && t->active[i] != producer_id)
		i++;
	return i;
}

static int
activate(struct kb_txn *t, int64_t producer_id)
{
	if (find_active(t, producer_id) < t->active_count)
		return 0;
	if (t->active_count == t->active_cap) {
		size_t cap = t->active_cap ? 2 * t->active_cap : 16;
		int64_t *active = reallocarray(t->active, cap, sizeof(*active));

		if (!active)
			return kb_err(-ENOMEM,
				"out of memory: "
				"%zu aborted producers",
				cap);
		t->active = active;
		t->active_cap = cap;
	}
	t->active[t->active_count++] = producer_id;
	return 0;
}

static void
deactivate(struct kb_txn *t, int64_t producer_id)
{
	size_t i = find_active(t, producer_id);

	if (i < t->active_count)
		t->active[i] = t->active[--t->active_count];
}

static int
activate_until(struct kb_txn *t, int64_t last)
{
	int r;

	for (; t->pending_at < t->pending_count; t->pending_at++) {
		const struct kb_aborted *a = &t->pending[t->pending_at];

		if (a->first_offset > last)
			break;
		r = activate(t, a->producer_id);
		if (r)
			return r;
	}
	return 0;
}

/* Compaction leaves control batches without a record: they end nothing. */
static int
judge_marker(struct kb_txn *t, const struct kb_batch *b, struct kb_slice key)
{
	if (!b->count)
		return 0;
	if (!key.data || key.len < 4)
		return kb_err(-EBADMSG,
			"control batch at offset %" PRId64
			": its key has %zu bytes, a marker's has 4",
			b->base_offset, key.len);
	if (kb_load_be16(key.data + 2) == CONTROL_ABORT)
		deactivate(t, b->producer_id);
	return 0;
}

int
kb_txn_judge(struct kb_txn *t, const struct kb_batch *b, struct kb_slice key,
	enum kb_txn_verdict *out)
{
	int r = activate_until(t, kb_batch_last(b));

	if (r)
		return r;
	if (b->attributes & KB_BATCH_CONTROL) {
		r = judge_marker(t, b, key);
		if (r)
			return r;
		*out = KB_TXN_MARKER;
		return 0;
	}
	*out = KB_TXN_KEEP;
	if (b->attributes & KB_BATCH_TRANSACTIONAL &&
		find_active(t, b->producer_id) < t->active_count)
		*out = KB_TXN_ABORTED;
	return 0;
}
