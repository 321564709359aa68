/*
 * Records are framed once, straight into the buffer that becomes the body, so
 * a record is copied once. A body never grows above KB_DECODE_MAX: what this
 * program writes, it reads. Trimming walks the old body with the producer's
 * own timestamps, also under LogAppendTime, so that record bodies keep them;
 * what readers see there is the batch's maxTimestamp, which stays.
 */
#include "format/encoder.h"

#include <errno.h>
#include <inttypes.h>

#include "common/bytes.h"
#include "common/err.h"
#include "format/codec.h"

/* More memory than this is not kept for the next batch. */
#define KEEP_MAX ((size_t)8 << 20)

void
kb_encoder_init(struct kb_encoder *e)
{
	*e = (struct kb_encoder){0};
}

void
kb_encoder_release(struct kb_encoder *e)
{
	kb_buf_release(&e->raw);
	kb_encoder_init(e);
}

/* ---- one record ---- */

static size_t
varint_size(int64_t v)
{
	return kb_uvarint_size(kb_zigzag(v));
}

static int64_t
length_of(struct kb_slice s)
{
	return s.data ? (int64_t)s.len : -1;
}

static uint64_t
bytes_size(struct kb_slice s)
{
	return varint_size(length_of(s)) + (s.data ? s.len : 0);
}

static uint8_t *
write_varint(uint8_t *p, int64_t v)
{
	return p + kb_uvarint_write(p, kb_zigzag(v));
}

static uint8_t *
write_raw(uint8_t *p, struct kb_slice s)
{
	if (s.data && s.len)
		memcpy(p, s.data, s.len);
	return s.data ? p + s.len : p;
}

static uint8_t *
write_bytes(uint8_t *p, struct kb_slice s)
{
	return write_raw(write_varint(p, length_of(s)), s);
}

static void
begin(struct kb_encoder *e, int64_t base_offset, int64_t base_timestamp)
{
	if (e->raw.cap > KEEP_MAX)
		kb_buf_release(&e->raw);
	kb_buf_clear(&e->raw);
	e->base_offset = base_offset;
	e->base_timestamp = base_timestamp;
}

/* Frames r behind the others; returns as kb_encoder_add(). */
static int
append(struct kb_encoder *e, const struct kb_record *r)
{
	int64_t offset_delta = r->offset - e->base_offset, time_delta;
	uint64_t body, whole;
	uint8_t *p;
	int err;

	if (offset_delta > INT32_MAX || __builtin_sub_overflow(r->timestamp,
						e->base_timestamp, &time_delta))
		return 1;
	body = 1 + varint_size(time_delta) + varint_size(offset_delta) +
	       bytes_size(r->key) + bytes_size(r->value) +
	       varint_size(r->header_count) + r->headers.len;
	whole = body + varint_size((int64_t)body);
	if (whole > KB_DECODE_MAX)
		return kb_err(-EMSGSIZE,
			"record of %" PRIu64 " bytes: a batch holds %zu", whole,
			KB_DECODE_MAX);
	if (whole > KB_DECODE_MAX - e->raw.len)
		return 1;
	err = kb_buf_reserve(&e->raw, whole);
	if (err < 0)
		return err;
	p = write_varint(e->raw.data + e->raw.len, (int64_t)body);
	*p++ = 0; /* attributes */
	p = write_varint(p, time_delta);
	p = write_varint(p, offset_delta);
	p = write_bytes(p, r->key);
	p = write_bytes(p, r->value);
	p = write_varint(p, r->header_count);
	write_raw(p, r->headers);
	e->raw.len += whole;
	if (!e->count || r->timestamp > e->max_timestamp)
		e->max_timestamp = r->timestamp;
	e->last_offset = r->offset;
	e->count++;
	return 0;
}

int
kb_encoder_add(struct kb_encoder *e, const struct kb_record *r)
{
	if (r->offset < 0 || (e->count && r->offset <= e->last_offset))
		return kb_err(-EINVAL,
			"record at offset %" PRId64 " behind offset %" PRId64,
			r->offset, e->last_offset);
	if (!e->count)
		begin(e, r->offset, r->timestamp);
	return append(e, r);
}

/* The memory stays: it may have moved, or come into being, since. */
void
kb_encoder_rewind(struct kb_encoder *e, const struct kb_encoder *mark)
{
	struct kb_buf raw = e->raw;

	raw.len = mark->count ? mark->raw.len : 0;
	*e = *mark;
	e->raw = raw;
}

size_t
kb_encoder_size(const struct kb_encoder *e)
{
	return KB_BATCH_HEADER + (e->count ? e->raw.len : 0);
}

/* ---- whole batches ---- */

/* Appends header and body; attributes get the codec. */
static int
put_batch(struct kb_batch_header *h, struct kb_slice raw,
	struct kb_compressor *c, int level, struct kb_buf *out)
{
	size_t at = out->len, len;
	int r = kb_buf_reserve(out, KB_BATCH_HEADER);

	if (r < 0)
		return r;
	out->len += KB_BATCH_HEADER;
	r = c ? kb_compressor_run(c, level, raw, out)
	      : kb_buf_put(out, raw.data, raw.len);
	len = out->len - at;
	if (r == 0 && len > INT32_MAX)
		r = kb_err(-EMSGSIZE, "batch of %zu bytes is too large", len);
	if (r < 0) {
		out->len = at;
		return r;
	}
	h->attributes = (int16_t)(h->attributes & ~KB_BATCH_CODEC_MASK);
	h->attributes |= c ? KB_CODEC_ZSTD : KB_CODEC_NONE;
	kb_batch_seal(out->data + at, len, h);
	return 0;
}

static void
take_places(const struct kb_encoder *e, struct kb_batch_header *h)
{
	h->base_offset = e->base_offset;
	h->last_offset_delta = (int32_t)(e->last_offset - e->base_offset);
	h->base_timestamp = e->base_timestamp;
	h->max_timestamp = e->max_timestamp;
	h->count = e->count;
}

int
kb_encoder_finish(struct kb_encoder *e, struct kb_compressor *c, int level,
	struct kb_batch_header *h, struct kb_buf *out)
{
	int r;

	if (!e->count)
		return kb_err(-EINVAL, "a batch needs a record");
	take_places(e, h);
	h->attributes = 0;
	r = put_batch(h, kb_buf_slice(&e->raw), c, level, out);
	if (r < 0)
		return r;
	e->count = 0;
	return 0;
}

/* Of b, as if no producer session had ever written it. */
static void
anonymous_header(const struct kb_batch *b, struct kb_batch_header *out)
{
	kb_batch_header_of(b, out);
	out->attributes &= KB_BATCH_LOGAPPEND | KB_BATCH_CONTROL;
	out->producer_id = -1;
	out->producer_epoch = -1;
	out->base_sequence = -1;
}

int
kb_encoder_recompress(const struct kb_batch *b, struct kb_slice raw,
	struct kb_compressor *c, int level, struct kb_buf *out)
{
	struct kb_batch_header h;

	anonymous_header(b, &h);
	return put_batch(&h, raw, c, level, out);
}

/* Frames the records of b that lie in range. */
static int
collect(struct kb_encoder *e, const struct kb_batch *b, struct kb_slice raw,
	int64_t from, int64_t until)
{
	struct kb_records it;
	struct kb_record rec;
	int r;

	kb_records_init(&it, b, raw);
	it.logappend = false;
	while ((r = kb_records_next(&it, &rec)) == 0) {
		if (rec.offset < from || rec.offset >= until)
			continue;
		if (!e->count)
			begin(e, rec.offset, b->base_timestamp);
		r = append(e, &rec);
		if (r > 0)
			r = kb_err(-EMSGSIZE,
				"batch at offset %" PRId64
				": too large to be encoded again",
				b->base_offset);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

int
kb_encoder_trim(const struct kb_batch *b, struct kb_slice raw, int64_t from,
	int64_t until, struct kb_compressor *c, int level, struct kb_buf *out)
{
	struct kb_encoder e = {0};
	struct kb_batch_header h;
	int r = collect(&e, b, raw, from, until);

	if (r < 0)
		goto out;
	r = 1;
	if (!e.count)
		goto out;
	anonymous_header(b, &h);
	take_places(&e, &h);
	if (h.attributes & KB_BATCH_LOGAPPEND)
		h.max_timestamp = b->max_timestamp;
	r = put_batch(&h, kb_buf_slice(&e.raw), c, level, out);
out:
	kb_encoder_release(&e);
	return r;
}
