/*
 * ListOffsets v2 (API 2), OffsetForLeaderEpoch v3 (API 23) and InitProducerId
 * v0 (API 22) on the wire. No I/O.
 */
#ifndef KB_KAFKA_OFFSETS_H
#define KB_KAFKA_OFFSETS_H

#include <stdint.h>

#include "common/buf.h"
#include "kafka/cluster.h"

#define KB_LIST_OFFSETS_VERSION 2
#define KB_EPOCH_END_VERSION 3
#define KB_INIT_PRODUCER_ID_VERSION 0

/*
 * The questions of one request, each about another partition, are sorted by
 * this; the answer may have any order.
 */
int
kb_question_compare(const struct kb_question *a, const struct kb_question *b);

/* Appends a request's body; time as in kb_cluster_offset(). */
int
kb_list_offsets_request_put(struct kb_buf *out,
	struct kb_question *const *questions, size_t count,
	enum kb_isolation isolation);

/*
 * Fills in error, the broker's, and offset, -1 when there is none. -EBADMSG:
 * malformed, or not about just these partitions.
 */
int
kb_list_offsets_answer_read(struct kb_slice bytes,
	struct kb_question *const *questions, size_t count);

/* leader_epoch: what we take for the current one, -1 unknown (KIP-320). */
int
kb_epoch_end_request_put(
	struct kb_buf *out, struct kb_question *const *questions, size_t count);
/* Fills in error, ends and offset. */
int
kb_epoch_end_answer_read(struct kb_slice bytes,
	struct kb_question *const *questions, size_t count);

/* Without a transactional id. */
int
kb_init_producer_id_request_put(struct kb_buf *out);
int
kb_init_producer_id_answer_read(struct kb_slice bytes, int16_t *out_error,
	int64_t *out_id, int16_t *out_epoch);

#endif
