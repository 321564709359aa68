/*
 * What a read-committed consumer sees (KIP-98): the broker sends everything
 * up to the last stable offset, with a list of aborted transactions.
 */
#ifndef KB_KAFKA_TXN_H
#define KB_KAFKA_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_batch;

struct kb_aborted {
	int64_t producer_id;
	int64_t first_offset;
};

/* One partition's filter. {0} is a fresh one. */
struct kb_txn {
	struct kb_aborted *pending; /* sorted by first offset */
	size_t pending_count, pending_cap, pending_at;
	int64_t *active; /* producer ids inside an aborted transaction */
	size_t active_count, active_cap;
};

void
kb_txn_release(struct kb_txn *t);

/*
 * Takes the aborted list of one answer, before its batches: in any order, as
 * the broker gave it for the offset asked for. The answer stands for itself:
 * the broker names again what earlier answers named as long as it matters, so
 * everything known before is forgotten. To be called for empty lists too.
 */
int
kb_txn_answer(struct kb_txn *t, const struct kb_aborted *list, size_t count);

enum kb_txn_verdict { KB_TXN_KEEP, KB_TXN_ABORTED, KB_TXN_MARKER };

/*
 * Judges the next batch of the partition, in order. For a control batch,
 * key is the decoded control record's key (its first record), which tells an
 * abort marker from others; not looked at when the batch has no record.
 * -EBADMSG: not a control record's key.
 */
int
kb_txn_judge(struct kb_txn *t, const struct kb_batch *b, struct kb_slice key,
	enum kb_txn_verdict *out);

#endif
