/*
 * ListOffsets v2 (API 2), OffsetForLeaderEpoch v3 (API 23) and InitProducerId
 * v0 (API 22) on the wire, each for one partition or none. No I/O.
 */
#ifndef KB_KAFKA_OFFSETS_H
#define KB_KAFKA_OFFSETS_H

#include <stdint.h>

#include "common/buf.h"
#include "kafka/cluster.h"

#define KB_LIST_OFFSETS_VERSION 2
#define KB_EPOCH_END_VERSION 3
#define KB_INIT_PRODUCER_ID_VERSION 0

/* Appends a request's body; time as in kb_cluster_offset(). */
int
kb_list_offsets_request_put(struct kb_buf *out, const char *topic,
	int32_t partition, int64_t time, enum kb_isolation isolation);

/*
 * *out_error is the broker's; *out_offset -1 when there is none. -EBADMSG:
 * malformed, or about another topic or partition.
 */
int
kb_list_offsets_answer_read(struct kb_slice bytes, const char *topic,
	int32_t partition, int16_t *out_error, int64_t *out_offset);

/* leader_epoch: what we take for the current one, -1 unknown (KIP-320). */
int
kb_epoch_end_request_put(struct kb_buf *out, const char *topic,
	int32_t partition, int32_t leader_epoch, int32_t epoch);
int
kb_epoch_end_answer_read(struct kb_slice bytes, const char *topic,
	int32_t partition, int16_t *out_error, int32_t *out_epoch,
	int64_t *out_end);

/* Without a transactional id. */
int
kb_init_producer_id_request_put(struct kb_buf *out);
int
kb_init_producer_id_answer_read(struct kb_slice bytes, int16_t *out_error,
	int64_t *out_id, int16_t *out_epoch);

#endif
