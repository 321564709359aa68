/*
 * A block is read whole, in one go; its batches are then dealt with one by
 * one, so that beside the block's bytes only one batch is ever decoded. Batches
 * outside the range are stepped over by their headers alone, neither checked
 * nor decoded: a damaged batch spoils only the reads that need it.
 *
 * 1. A row of the index is a claim: the length of its text is compared with
 *    what was rendered, never relied upon.
 */
#include "index/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/batch.h"
#include "format/codec.h"
#include "format/record.h"
#include "store/store.h"

/* Memory above this is given back at the next smaller block. */
#define KEEP_MAX ((size_t)8 << 20)

struct kb_text {
	struct kb_decoder *decoder;
	struct kb_buf stored;
};

/* What is asked of one block, and what came of it. */
struct span {
	const char *object;
	const struct kb_block *block;
	struct kb_jsonl view;
	int64_t from;
	int64_t to;
	struct kb_buf *out; /* NULL: only measure */
	uint64_t length;
	uint64_t records;
};

int
kb_text_new(struct kb_text **out)
{
	struct kb_text *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return kb_err(-ENOMEM, "out of memory");
	r = kb_decoder_new(&t->decoder);
	if (r < 0) {
		free(t);
		return r;
	}
	*out = t;
	return 0;
}

void
kb_text_free(struct kb_text *t)
{
	if (!t)
		return;
	kb_decoder_free(t->decoder);
	kb_buf_release(&t->stored);
	free(t);
}

static int
damaged(const struct span *s, uint64_t position, const char *what)
{
	return kb_err(-EBADMSG, "%s: batch at %" PRIu64 ": %s", s->object,
		position, what);
}

/* Reads the block's stored bytes. */
static int
read_stored(struct kb_text *t, struct kb_blob *blob, const struct span *s)
{
	const struct kb_block *b = s->block;
	ssize_t n;
	int r;

	if (b->size < KB_BATCH_HEADER || b->size > KB_DECODE_MAX)
		return kb_err(-ESTALE,
			"%s: block at %" PRIu64 ": a size of %" PRIu64
			" bytes in the index: run `kbak reindex`",
			s->object, b->position, b->size);
	if (t->stored.cap > KEEP_MAX && b->size <= KEEP_MAX)
		kb_buf_release(&t->stored);
	kb_buf_clear(&t->stored);
	r = kb_buf_reserve(&t->stored, b->size);
	if (r < 0)
		return r;
	n = kb_blob_read(blob, b->position, t->stored.data, b->size);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < b->size)
		return kb_err(-EBADMSG,
			"%s: ends at %" PRIu64 ", inside a block of the index",
			s->object, b->position + (uint64_t)n);
	t->stored.len = (size_t)n;
	return 0;
}

/*
 * Counts one record and, where text is asked for, renders it. Only where its
 * longest possible line would not fit is it measured first.
 */
static int
add_record(struct span *s, const struct kb_record *r)
{
	struct kb_buf *out = s->out;
	uint64_t len;
	int e;

	s->records++;
	if (!out) {
		s->length += kb_jsonl_measure(&s->view, r);
		return 0;
	}
	if (out->cap - out->len <
		kb_jsonl_bound(&s->view, r) + KB_JSONL_SLACK) {
		len = kb_jsonl_measure(&s->view, r);
		e = kb_buf_reserve(out, len + KB_JSONL_SLACK);
		if (e < 0)
			return e;
	}
	len = kb_jsonl_render(&s->view, r, (char *)out->data + out->len);
	out->len += len;
	s->length += len;
	return 0;
}

static int
add_batch(struct kb_text *t, struct span *s, const struct kb_batch *b)
{
	struct kb_record record;
	struct kb_records it;
	struct kb_slice raw;
	int r = kb_batch_check(b);

	if (r == 0)
		r = kb_decoder_run(t->decoder, kb_batch_codec(b), b->body,
			KB_DECODE_MAX, &raw);
	if (r < 0)
		return r;
	kb_records_init(&it, b, raw);
	while ((r = kb_records_next(&it, &record)) == 0) {
		if (record.offset < s->from || record.offset > s->to)
			continue;
		r = add_record(s, &record);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static int
add_batches(struct kb_text *t, struct span *s)
{
	struct kb_slice rest = kb_buf_slice(&t->stored);
	uint64_t position = s->block->position;
	struct kb_batch b;
	int r;

	while (rest.len > 0) {
		r = kb_batch_parse(rest, &b);
		if (r > 0)
			return damaged(s, position, "cut off");
		if (r == 0 && b.base_offset <= s->to &&
			kb_batch_last(&b) >= s->from)
			r = add_batch(t, s, &b);
		if (r == -EBADMSG || r == -EPROTONOSUPPORT)
			return damaged(s, position, kb_err_text());
		if (r < 0)
			return r;
		rest.data += b.bytes.len;
		rest.len -= b.bytes.len;
		position += b.bytes.len;
	}
	return 0;
}

static int
run(struct kb_text *t, struct kb_blob *blob, const struct kb_topic_ref *topic,
	int32_t partition, struct span *s)
{
	const struct kb_block *b = s->block;
	int r = read_stored(t, blob, s);

	if (r < 0)
		return r;
	kb_jsonl_init(&s->view, topic->name, partition);
	r = add_batches(t, s);
	if (r < 0)
		return r;
	if (s->from <= b->first && s->to >= b->last &&
		s->length != b->text_length)
		return kb_err(-ESTALE,
			"%s: block at %" PRIu64 ": %" PRIu64 " bytes of text, "
			"%" PRIu64 " in the index: run `kbak reindex`",
			s->object, b->position, s->length, b->text_length);
	return 0;
}

int
kb_text_block(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, int64_t from, int64_t to,
	struct kb_buf *out)
{
	size_t before = out->len;
	struct span s = {
		.object = object,
		.block = block,
		.from = from,
		.to = to,
		.out = out,
	};
	int r = run(t, blob, topic, partition, &s);

	if (r < 0)
		out->len = before;
	return r;
}

int
kb_text_measure(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, int64_t from, int64_t to,
	uint64_t *out_length, uint64_t *out_records)
{
	struct span s = {
		.object = object,
		.block = block,
		.from = from,
		.to = to,
	};
	int r = run(t, blob, topic, partition, &s);

	if (r < 0)
		return r;
	*out_length = s.length;
	*out_records = s.records;
	return 0;
}
