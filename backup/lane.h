/*
 * One partition on its way into the repository: batches come in as fetched,
 * segments and gaps go out. Offsets: what lies below `covered` is published,
 * what lies below `next` has been dealt with, `cut` ends the run.
 */
#ifndef KB_BACKUP_LANE_H
#define KB_BACKUP_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "kafka/fetcher.h"
#include "kafka/txn.h"
#include "store/gap.h"
#include "store/layout.h"

struct kb_blob_writer;
struct kb_deposit;
struct kb_summary;

enum kb_lane_state {
	KB_LANE_WAITING, /* planned */
	KB_LANE_RUNNING,
	KB_LANE_DONE, /* the cut was reached */
	KB_LANE_STOPPED, /* something is missing; it has been said */
};

struct kb_lane {
	struct kb_topic_ref topic; /* name borrowed from the plan */
	int32_t partition;
	enum kb_lane_state state;
	bool compacted; /* the topic's cleanup.policy says so */
	int64_t from; /* covered at the start of the run */
	int64_t covered;
	int64_t next;
	int64_t cut;
	int32_t last_epoch; /* of the last batch dealt with; -1 none */
	int idle; /* answers without a batch since the last one */
	struct kb_fetch_part *part; /* while running */
	/* The segment being written; NULL while there is none. */
	struct kb_blob_writer *writer;
	struct kb_summary *summary; /* kept while running */
	struct kb_txn txn;
};

/* Frees what a lane holds; an unpublished segment is forgotten. */
void
kb_lane_release(struct kb_lane *l);

/* "orders/3", in a buffer of this thread. */
const char *
kb_lane_name(const struct kb_lane *l);

/*
 * Takes one answer's batches: checks, filters, cuts, repacks, writes, rolls.
 * Moves `next`. -EBADMSG: the broker's bytes are damaged; all before them is
 * taken, and *out_damage_end is the first offset after the damage, -1 when
 * that cannot be known. -EEXIST: another writer published this segment.
 * -EPROTONOSUPPORT: old message format. Errors of the store.
 */
int
kb_lane_take(struct kb_lane *l, struct kb_deposit *o,
	const struct kb_fetch_event *e, int64_t *out_damage_end);

/* Publishes the segment being written, if there is one with records. */
int
kb_lane_publish(struct kb_lane *l, struct kb_deposit *o);

/*
 * Publishes what is whole, then a gap from there to `end`, and goes on there.
 * Nothing when end lies at or below what is covered.
 */
int
kb_lane_put_gap(struct kb_lane *l, struct kb_deposit *o, int64_t end,
	enum kb_gap_reason reason, const char *detail);

#endif
