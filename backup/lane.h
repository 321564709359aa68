/*
 * One partition on its way into the repository: batches come in as fetched,
 * segments and gaps go out. Offsets: what lies below `covered` has been handed
 * over to be published, what lies below `next` has been dealt with, `cut` ends
 * the run.
 *
 * A lane is used by one thread at a time (its strands see to that); what
 * another thread may look at meanwhile is atomic.
 */
#ifndef KB_BACKUP_LANE_H
#define KB_BACKUP_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backup/crew.h"
#include "common/err.h"
#include "format/encoder.h"
#include "kafka/txn.h"
#include "store/gap.h"
#include "store/layout.h"

struct kb_blob_writer;
struct kb_deposit;
struct kb_fetch_part;
struct kb_hand;
struct kb_summary;

/* Small batches are put together up to this many raw bytes. */
#define KB_MERGE_MAX ((size_t)1 << 20)

enum kb_lane_state {
	KB_LANE_WAITING, /* planned */
	KB_LANE_RUNNING,
	KB_LANE_DONE,	 /* the cut was reached */
	KB_LANE_STOPPED, /* something is missing; it has been said */
};

/* How kb_deposit_end() comes back. */
struct kb_lane_end {
	struct kb_task task; /* first */
	struct kb_lane *lane;
	void (*ended)(struct kb_lane *l);
};

struct kb_lane {
	struct kb_topic_ref topic; /* name borrowed from the plan */
	int32_t partition;
	bool compacted; /* the topic's cleanup.policy says so */
	int64_t from;	/* covered at the start of the run */
	int64_t cut;
	atomic_int_fast64_t next;
	atomic_bool broken; /* nothing more will be taken of it */

	/* Of the thread that takes batches in. */
	struct kb_strand work;
	int64_t covered;
	int32_t last_epoch; /* of the last batch dealt with; -1 none */
	struct kb_txn txn;
	struct kb_blob_writer *writer; /* the segment; NULL: none begun */
	struct kb_summary *summary;
	int64_t opened;		  /* kb_clock_ms() when the segment was begun */
	struct kb_encoder merged; /* records of small batches */
	int32_t merged_epoch;
	struct kb_failure failure; /* why it goes no further */

	/* Of the publisher. */
	struct kb_strand publishing;
	struct kb_failure published_failure;
	struct kb_lane_end end;

	/* Of the engine. */
	enum kb_lane_state state;
	struct kb_fetch_part *part; /* while it is fetched */
	int64_t fetch_next;
	int32_t fetch_epoch; /* of the last batch fetched; -1 none */
	int idle;	     /* answers without a batch since the last one */
	void *engine;
	struct kb_lane *next_ended;
};

/* Frees what a lane holds; an unpublished segment is forgotten. */
void
kb_lane_release(struct kb_lane *l);

/* "orders/3", in a buffer of this thread. */
const char *
kb_lane_name(const struct kb_lane *l);

/*
 * Begins an answer: what the broker says of aborted transactions, which holds
 * for the batches of this answer. Borrowed until the next.
 */
int
kb_lane_answer(
	struct kb_lane *l, const struct kb_aborted *aborted, size_t count);

/*
 * Takes a row of batches, perhaps torn at its end: checks, filters, cuts,
 * repacks, writes, rolls. Moves `next`. -EBADMSG: the broker's bytes are
 * damaged; all before them is taken, *out_damage_end is the first offset after
 * the damage and *records what lies behind it; -1 when that cannot be known.
 * -EPROTONOSUPPORT: old message format. Errors of the store.
 */
int
kb_lane_take(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	struct kb_slice *records, int64_t *out_damage_end);

/* Hands over the segment being written, if there is one. */
int
kb_lane_publish(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand);

/*
 * Hands over what is whole, then a gap from there to `end`, and goes on there.
 * Nothing when end lies at or below what is covered.
 */
int
kb_lane_put_gap(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	int64_t end, enum kb_gap_reason reason, const char *detail);

#endif
