/*
 * Lengths are read as 64-bit numbers and compared with what is left of the
 * record before anything is taken, so one cursor per record bounds it all.
 * Lengths below zero mean null, as Kafka's own reader has it; a header's name
 * is the exception, it must be there. The record's own attributes byte has no
 * meaning yet (KIP-98) and is passed over.
 */
#include "format/record.h"

#include <errno.h>
#include <inttypes.h>

#include "common/err.h"
#include "format/batch.h"

/* A name length and a value length. */
#define HEADER_MIN 2

void
kb_records_init(
	struct kb_records *it, const struct kb_batch *b, struct kb_slice raw)
{
	*it = (struct kb_records){
		.at = kb_cursor_of(raw),
		.base_offset = b->base_offset,
		.base_timestamp = b->base_timestamp,
		.append_timestamp = b->max_timestamp,
		.last = b->base_offset - 1,
		.last_offset_delta = b->last_offset_delta,
		.left = b->count,
		.logappend = b->attributes & KB_BATCH_LOGAPPEND,
	};
}

static int
damaged(const struct kb_records *it, const char *what)
{
	return kb_err(-EBADMSG,
		"batch at offset %" PRId64 ": record after offset %" PRId64
		": %s",
		it->base_offset, it->last, what);
}

static bool
take_header(struct kb_cursor *c, struct kb_slice *out_name,
	struct kb_slice *out_value)
{
	*out_name = kb_cursor_bytes(c, kb_cursor_varint(c));
	*out_value = kb_cursor_bytes(c, kb_cursor_varint(c));
	return !c->bad && out_name->data;
}

/* Walks over all headers; they must end where the record ends. */
static bool
take_headers(struct kb_cursor *c, struct kb_record *r)
{
	int64_t count = kb_cursor_varint(c);
	size_t room = kb_cursor_left(c);
	struct kb_slice name, value;

	if (c->bad || count < 0 || (uint64_t)count > room / HEADER_MIN)
		return false;
	r->header_count = (uint32_t)count;
	r->headers = kb_slice_of(c->at, room);
	for (; count; count--) {
		if (!take_header(c, &name, &value))
			return false;
	}
	return true;
}

/* Offset and timestamp from their deltas; NULL or what is wrong. */
static const char *
place(const struct kb_records *it, int64_t offset_delta, int64_t time_delta,
	struct kb_record *r)
{
	if (offset_delta < 0 || offset_delta > it->last_offset_delta)
		return "offset outside the batch";
	r->offset = it->base_offset + offset_delta;
	if (r->offset <= it->last)
		return "offset does not rise";
	if (__builtin_add_overflow(
		    it->base_timestamp, time_delta, &r->timestamp))
		return "timestamp out of range";
	r->logappend = it->logappend;
	if (it->logappend)
		r->timestamp = it->append_timestamp;
	return NULL;
}

int
kb_records_next(struct kb_records *it, struct kb_record *out)
{
	struct kb_record r = {0};
	struct kb_cursor c;
	int64_t len, time_delta, offset_delta;
	const char *wrong;

	if (!it->left) {
		if (kb_cursor_left(&it->at))
			return damaged(it, "bytes left over after the last");
		return 1;
	}
	len = kb_cursor_varint(&it->at);
	if (it->at.bad || len < 0 || (uint64_t)len > kb_cursor_left(&it->at))
		return damaged(it, "bad length");
	c = kb_cursor_of(kb_slice_of(it->at.at, (size_t)len));
	kb_cursor_i8(&c); /* attributes */
	time_delta = kb_cursor_varint(&c);
	offset_delta = kb_cursor_varint(&c);
	r.key = kb_cursor_bytes(&c, kb_cursor_varint(&c));
	r.value = kb_cursor_bytes(&c, kb_cursor_varint(&c));
	if (!take_headers(&c, &r) || kb_cursor_left(&c))
		return damaged(it, "its parts do not fill its length");
	wrong = place(it, offset_delta, time_delta, &r);
	if (wrong)
		return damaged(it, wrong);
	kb_cursor_take(&it->at, (uint64_t)len);
	it->last = r.offset;
	it->left--;
	*out = r;
	return 0;
}

void
kb_headers_init(struct kb_headers *it, const struct kb_record *r)
{
	it->at = kb_cursor_of(r->headers);
	it->left = r->header_count;
}

int
kb_headers_next(struct kb_headers *it, struct kb_slice *out_name,
	struct kb_slice *out_value)
{
	struct kb_slice name, value;

	if (!it->left || !take_header(&it->at, &name, &value))
		return 1;
	it->left--;
	*out_name = name;
	*out_value = value;
	return 0;
}

static int
put_bytes(struct kb_buf *buf, struct kb_slice s)
{
	int r = kb_buf_put_varint(buf, s.data ? (int64_t)s.len : -1);

	return r < 0 || !s.data ? r : kb_buf_put(buf, s.data, s.len);
}

int
kb_headers_put(
	struct kb_buf *headers, struct kb_slice name, struct kb_slice value)
{
	size_t was = headers->len;
	int r;

	r = kb_buf_put_varint(headers, (int64_t)name.len);
	if (r == 0)
		r = kb_buf_put(headers, name.data, name.len);
	if (r == 0)
		r = put_bytes(headers, value);
	if (r < 0)
		headers->len = was;
	return r;
}
