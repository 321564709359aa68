/*
 * Fetches partitions from their leaders, or from the replica in our rack that
 * a leader names (`client.rack`, KIP-392): some connections a leader, several
 * requests in flight on each, one event loop, no thread. A partition is in at
 * most one outstanding request. Requests go by topic id from Fetch 13, by name
 * with 4..11. Throttling, leader moves, lost connections and slow brokers are
 * dealt with inside; what a caller must decide comes out as an event. One
 * thread at a time.
 */
#ifndef KB_KAFKA_FETCHER_H
#define KB_KAFKA_FETCHER_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/uuid.h"
#include "kafka/cluster.h"
#include "kafka/txn.h"

struct kb_budget;
struct kb_fetch_part;
struct kb_fetcher;
struct kb_lease;

struct kb_fetcher_options {
	/*
	 * All bytes asked for and not yet come, and of answers not yet let go
	 * of, are held from it; NULL: unlimited. Nobody else may watch it. It
	 * outlives the fetcher and all leases.
	 */
	struct kb_budget *budget;
	int connections; /* a leader; 0: 1 */
	int requests;	 /* in flight a connection; 0: 3 */
};

/* options NULL: as if all were zero. */
int
kb_fetcher_new(struct kb_cluster *cluster, enum kb_isolation isolation,
	const struct kb_fetcher_options *options, struct kb_fetcher **out);
/* Leases that are held stay valid. */
void
kb_fetcher_free(struct kb_fetcher *f);

/*
 * Fetch this partition from `offset` on, until kb_fetcher_remove(). id zero:
 * by name only. last_epoch: leader epoch of the last batch already stored, -1
 * none: asked about at the first fetch and after each leader change. user
 * comes back in events.
 */
int
kb_fetcher_add(struct kb_fetcher *f, const char *topic,
	const struct kb_uuid *id, int32_t partition, int64_t offset,
	int32_t last_epoch, void *user, struct kb_fetch_part **out);
void
kb_fetcher_remove(struct kb_fetcher *f, struct kb_fetch_part *p);

/*
 * Where to go on, once an event of this partition has been dealt with. A
 * partition is not fetched again until told.
 */
void
kb_fetcher_advance(struct kb_fetcher *f, struct kb_fetch_part *p,
	int64_t offset, int32_t last_epoch);

enum kb_fetch_kind {
	KB_FETCH_DATA, /* records: whole batches then perhaps a torn tail;
			  may be empty (not the end: H5) */
	KB_FETCH_GAP,  /* the log now starts at log_start, above our offset;
			  confirmed with ListOffsets at the leader (F2) */
	KB_FETCH_TRUNCATED, /* the log was cut: epoch last_epoch ends at
			       `end`, below our offset, or is not that of
			       the batch before it, or our offset lies
			       beyond the log's end (H17) */
	KB_FETCH_DELETED,   /* the topic is gone or has another id (H6) */
	KB_FETCH_FAILED, /* error and sentence: this partition cannot go on */
};

struct kb_fetch_event {
	enum kb_fetch_kind kind;
	struct kb_fetch_part *part;
	void *user;
	int64_t offset;		 /* that was asked for */
	struct kb_slice records; /* DATA: valid while the lease is held, without
				    a hold until the next kb_fetcher_next() */
	struct kb_lease *lease;	 /* DATA: of the answer, perhaps shared */
	int64_t high_watermark;
	int64_t last_stable;
	int64_t log_start;		  /* DATA, GAP; -1 unknown */
	const struct kb_aborted *aborted; /* DATA: valid as records are */
	size_t aborted_count;
	int32_t node;	 /* DATA: the broker that sent it */
	int64_t took_us; /* DATA: from request to answer; 0 but for the first
			    event of an answer */
	int64_t end;	 /* TRUNCATED */
	int error;	 /* FAILED: -errno */
	const char *sentence; /* FAILED, TRUNCATED, DELETED: borrowed */
};

/*
 * The next event. 0. 1: timeout_ms passed, or nothing is being fetched.
 * -ECANCELED. -EIO: no broker of the cluster could be reached for
 * message.timeout.ms. An answer of `fetch.max.bytes` in all is asked for at
 * most, less where the budget or many requests in flight want it, and
 * `fetch.message.max.bytes` (4 MiB unless set) at most a partition, starting
 * with another partition each time. One batch may exceed both, and the budget:
 * it is then received when no lease is held. Partitions at their end are asked
 * for, and waited for on the broker for fetch.wait.max.ms, once no other of
 * the same leader is with the caller: so advance or remove, do not hold.
 */
int
kb_fetcher_next(
	struct kb_fetcher *f, int timeout_ms, struct kb_fetch_event *out);

#endif
