/*
 * The header is read in two steps. As soon as the magic byte is there the
 * length is judged, so that garbage is called garbage however little of it we
 * hold; the other fields are judged when the whole batch is there. Both magics
 * of old message sets have their length and magic at the same places, which
 * is how they are told from damage. A length that passed is that of a whole
 * header at least, so its fields are read from where they stand.
 */
#include "format/batch.h"

#include <errno.h>
#include <inttypes.h>

#include "common/bytes.h"
#include "common/err.h"
#include "format/crc32c.h"

/* What batchLength does not count: itself and the base offset. */
#define PREFIX 12
/* The first bytes that tell what this is: up to the magic byte. */
#define KNOWABLE 17
/* Where the checksum stands, and where the bytes it covers begin. */
#define CRC_AT 17
#define COVERED_AT 21
/* The smallest old message: checksum, magic, attributes, two lengths. */
#define OLD_MESSAGE_MIN 14

/* 0 when the length is that of a batch of magic 2, header included. */
static int
judge_start(const uint8_t *p)
{
	int64_t base = (int64_t)kb_load_be64(p);
	int32_t length = (int32_t)kb_load_be32(p + 8);
	int8_t magic = (int8_t)p[16];

	if ((magic == 0 || magic == 1) && length >= OLD_MESSAGE_MIN)
		return kb_err(-EPROTONOSUPPORT,
			"batch at offset %" PRId64
			": message set of magic %d, only 2 is supported",
			base, magic);
	if (magic != 2)
		return kb_err(-EBADMSG, "not a record batch: magic %d", magic);
	if (length < KB_BATCH_HEADER - PREFIX || length > INT32_MAX - PREFIX)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64 ": length %" PRId32, base,
			length);
	return 0;
}

static int
judge_fields(const struct kb_batch *b)
{
	if (b->base_offset < 0 || b->last_offset_delta < 0 ||
		b->base_offset >= INT64_MAX - b->last_offset_delta)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64
			": last offset delta %" PRId32,
			b->base_offset, b->last_offset_delta);
	if (b->count < 0)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64 ": %" PRId32 " records",
			b->base_offset, b->count);
	if (kb_batch_codec(b) > KB_CODEC_ZSTD)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64 ": unknown compression %d",
			b->base_offset, kb_batch_codec(b));
	return 0;
}

int
kb_batch_parse(struct kb_slice in, struct kb_batch *out)
{
	const uint8_t *p = in.data;
	struct kb_batch b;
	size_t len;
	int r;

	if (in.len < KNOWABLE)
		return 1;
	r = judge_start(p);
	if (r < 0)
		return r;
	len = (size_t)kb_load_be32(p + 8) + PREFIX;
	if (in.len < len)
		return 1;
	b = (struct kb_batch){
		.base_offset = (int64_t)kb_load_be64(p),
		.leader_epoch = (int32_t)kb_load_be32(p + 12),
		.crc = kb_load_be32(p + CRC_AT),
		.attributes = (int16_t)kb_load_be16(p + 21),
		.last_offset_delta = (int32_t)kb_load_be32(p + 23),
		.base_timestamp = (int64_t)kb_load_be64(p + 27),
		.max_timestamp = (int64_t)kb_load_be64(p + 35),
		.producer_id = (int64_t)kb_load_be64(p + 43),
		.producer_epoch = (int16_t)kb_load_be16(p + 51),
		.base_sequence = (int32_t)kb_load_be32(p + 53),
		.count = (int32_t)kb_load_be32(p + 57),
		.bytes = kb_slice_of(p, len),
		.body = kb_slice_of(p + KB_BATCH_HEADER, len - KB_BATCH_HEADER),
	};
	r = judge_fields(&b);
	if (r < 0)
		return r;
	*out = b;
	return 0;
}

static struct kb_slice
covered(const uint8_t *bytes, size_t len)
{
	return kb_slice_of(bytes + COVERED_AT, len - COVERED_AT);
}

int
kb_batch_check(const struct kb_batch *b)
{
	uint32_t crc = kb_crc32c(covered(b->bytes.data, b->bytes.len));

	if (crc != b->crc)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64 ": checksum is %08" PRIx32
			", its bytes give %08" PRIx32,
			b->base_offset, b->crc, crc);
	return 0;
}

void
kb_batch_seal(uint8_t *bytes, size_t len, const struct kb_batch_header *h)
{
	kb_store_be64(bytes, (uint64_t)h->base_offset);
	kb_store_be32(bytes + 8, (uint32_t)(len - PREFIX));
	kb_store_be32(bytes + 12, (uint32_t)h->leader_epoch);
	bytes[16] = 2;
	kb_store_be16(bytes + 21, (uint16_t)h->attributes);
	kb_store_be32(bytes + 23, (uint32_t)h->last_offset_delta);
	kb_store_be64(bytes + 27, (uint64_t)h->base_timestamp);
	kb_store_be64(bytes + 35, (uint64_t)h->max_timestamp);
	kb_store_be64(bytes + 43, (uint64_t)h->producer_id);
	kb_store_be16(bytes + 51, (uint16_t)h->producer_epoch);
	kb_store_be32(bytes + 53, (uint32_t)h->base_sequence);
	kb_store_be32(bytes + 57, (uint32_t)h->count);
	kb_store_be32(bytes + CRC_AT, kb_crc32c(covered(bytes, len)));
}

void
kb_batch_header_of(const struct kb_batch *b, struct kb_batch_header *out)
{
	*out = (struct kb_batch_header){
		.base_offset = b->base_offset,
		.leader_epoch = b->leader_epoch,
		.attributes = b->attributes,
		.last_offset_delta = b->last_offset_delta,
		.base_timestamp = b->base_timestamp,
		.max_timestamp = b->max_timestamp,
		.producer_id = b->producer_id,
		.producer_epoch = b->producer_epoch,
		.base_sequence = b->base_sequence,
		.count = b->count,
	};
}
