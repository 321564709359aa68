/*
 * Did a batch whose answer was lost arrive? The log tells: its end, and the
 * header of the batch that begins where ours would.
 */
#ifndef KB_KAFKA_ARRIVAL_H
#define KB_KAFKA_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

struct kb_batch;
struct kb_cluster;
struct kb_conn;

/* What tells a batch from all others. */
struct kb_arrival {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t sequence;
	int32_t count;
};

/*
 * Asks whether the batch is in the log at offset `end`, where the log ended
 * before it was sent. conn leads to the partition's leader. 0: it is there,
 * and all in-sync replicas have it. 1: the log still ends at `end`. 2: the
 * broker cannot tell now; ask again later. -EBUSY: another batch is there.
 * -EREMOTEIO: the log ends below, or begins above `end`. Others as
 * kb_cluster_offset() and kb_conn_call().
 */
int
kb_arrival_ask(struct kb_cluster *cluster, struct kb_conn *conn,
	const char *topic, int32_t partition, int64_t end,
	const struct kb_arrival *batch);

#endif
