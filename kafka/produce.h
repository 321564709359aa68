/*
 * Produce (API 0) on the wire: requests written, answers read. No I/O. One
 * batch of one partition a request, acks=all.
 */
#ifndef KB_KAFKA_PRODUCE_H
#define KB_KAFKA_PRODUCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

/* zstd needs 7; from 8 on refusals come with words (KIP-467). */
#define KB_PRODUCE_MIN 3
#define KB_PRODUCE_MAX 8

/* Appends the body of a request. timeout_ms is the broker's. 0, -ENOMEM. */
int
kb_produce_request_put(struct kb_buf *out, const char *topic, int32_t partition,
	int32_t timeout_ms, struct kb_slice batch);

struct kb_produced {
	int16_t error;
	int64_t base_offset; /* -1 unknown */
	int32_t throttle_ms;
	struct kb_slice words; /* the broker's, borrowed; data NULL: none */
};

/*
 * Reads the answer to a request for this partition. -EBADMSG: malformed, or
 * it speaks of another partition.
 */
int
kb_produce_answer_read(struct kb_slice bytes, int version, const char *topic,
	int32_t partition, struct kb_produced *out);

#endif
