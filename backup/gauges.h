/* What a run measures of itself. Any thread adds and looks at any time. */
#ifndef KB_BACKUP_GAUGES_H
#define KB_BACKUP_GAUGES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"

struct kb_plan;

/* More brokers than this are not told apart. */
#define KB_GAUGES_NODES 256

/* What came from a broker. */
struct kb_gauges_node {
	int32_t node;
	atomic_uint_fast64_t bytes; /* of record batches */
};

/* {0} at first. */
struct kb_gauges {
	struct kb_histogram fetch;   /* us from a request to its answer */
	struct kb_histogram index;   /* us a worker spends on a parcel */
	struct kb_histogram publish; /* us until a segment or gap is durable */
	/* What has been written to segments, published or not yet. */
	atomic_uint_fast64_t records;
	atomic_uint_fast64_t raw;	   /* decoded bytes */
	atomic_uint_fast64_t stored;	   /* bytes */
	atomic_int_fast64_t open_segments; /* neither published nor dropped */
	atomic_uint_fast64_t memory;	   /* payload held, bytes */
	atomic_int_fast64_t moved; /* kb_clock_ms() of the last progress */
	struct kb_gauges_node nodes[KB_GAUGES_NODES]; /* in order of coming */
	atomic_size_t node_count;
};

/* Something came, was dealt with, or was published. */
void
kb_gauges_moved(struct kb_gauges *g);

/* Bytes of batches came from this broker. One thread only. */
void
kb_gauges_came(struct kb_gauges *g, int32_t node, size_t bytes);

/*
 * The offsets still to be dealt with, in all. each (may be NULL) is called for
 * every topic that has partitions in the plan, with the topic's share.
 */
int64_t
kb_gauges_lag(const struct kb_plan *plan,
	void (*each)(void *ctx, const char *topic, int64_t lag), void *ctx);

#endif
