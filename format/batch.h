/* RecordBatch v2 (KIP-98): its header, its checksum, its place in a row. */
#ifndef KB_FORMAT_BATCH_H
#define KB_FORMAT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "format/codec.h"

#define KB_BATCH_HEADER 61

/* Bits of attributes. */
enum {
	KB_BATCH_CODEC_MASK = 0x07,
	KB_BATCH_LOGAPPEND = 0x08,
	KB_BATCH_TRANSACTIONAL = 0x10,
	KB_BATCH_CONTROL = 0x20,
	KB_BATCH_DELETE_HORIZON = 0x40,
};

struct kb_batch {
	int64_t base_offset;
	int32_t leader_epoch;
	uint32_t crc;
	int16_t attributes;
	int32_t last_offset_delta;
	int64_t base_timestamp; /* ms; -1 none */
	int64_t max_timestamp;
	int64_t producer_id; /* -1 none, likewise the next two */
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t count;
	struct kb_slice bytes; /* the whole batch, borrowed */
	struct kb_slice body;  /* the records as stored, borrowed */
};

/*
 * Reads the batch at the start of `in`. 0: *out is set, and its numbers are
 * sane: count >= 0, last_offset_delta >= 0, base_offset >= 0, no overflow of
 * the last offset, known codec. 1: `in` ends inside the batch (torn, or just
 * not all there yet); nothing is set. -EBADMSG: this cannot be a batch.
 * -EPROTONOSUPPORT: a message set of magic 0 or 1. The CRC is not looked at.
 */
int
kb_batch_parse(struct kb_slice in, struct kb_batch *out);

/* 0, or -EBADMSG when the bytes and the checksum disagree. */
int
kb_batch_check(const struct kb_batch *b);

static inline enum kb_codec
kb_batch_codec(const struct kb_batch *b)
{
	return (enum kb_codec)(b->attributes & KB_BATCH_CODEC_MASK);
}

/* Of the last offset the batch covers, a record there or not. */
static inline int64_t
kb_batch_last(const struct kb_batch *b)
{
	return b->base_offset + b->last_offset_delta;
}

/* What a header is written from; the rest follows from the records. */
struct kb_batch_header {
	int64_t base_offset;
	int32_t leader_epoch;
	int16_t attributes; /* codec included */
	int32_t last_offset_delta;
	int64_t base_timestamp;
	int64_t max_timestamp;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t count;
};

/*
 * Fills in the header at bytes[0..61) for the body that follows it, length
 * and CRC included. len is of the whole batch, > 61, < 2^31.
 */
void
kb_batch_seal(uint8_t *bytes, size_t len, const struct kb_batch_header *h);

/* Copies b's header fields. */
void
kb_batch_header_of(const struct kb_batch *b, struct kb_batch_header *out);

#endif
