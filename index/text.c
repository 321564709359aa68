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
#include <string.h>

#include "common/err.h"
#include "format/batch.h"
#include "format/codec.h"
#include "format/period.h"
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
	const struct kb_period *period; /* NULL: any time */
	bool values;
	/* What is done with each record, and the length to come to. */
	int (*add)(struct span *s, const struct kb_record *r);
	uint64_t expected;
	struct kb_buf *out; /* NULL: only measure */
	struct kb_text_survey *survey;
	uint64_t length;
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

int
kb_text_stored(struct kb_blob *blob, const char *object,
	const struct kb_block *b, struct kb_buf *out)
{
	ssize_t n;
	int r;

	if (b->size < KB_BATCH_HEADER || b->size > KB_DECODE_MAX)
		return kb_err(-ESTALE,
			"%s: block at %" PRIu64 ": a size of %" PRIu64
			" bytes in the index: run `kbak reindex`",
			object, b->position, b->size);
	r = kb_buf_reserve(out, b->size);
	if (r < 0)
		return r;
	n = kb_blob_read(blob, b->position, out->data + out->len, b->size);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < b->size)
		return kb_err(-EBADMSG,
			"%s: ends at %" PRIu64 ", inside a block of the index",
			object, b->position + (uint64_t)n);
	out->len += (size_t)n;
	return 0;
}

static int
read_stored(struct kb_text *t, struct kb_blob *blob, const struct span *s)
{
	if (t->stored.cap > KEEP_MAX && s->block->size <= KEEP_MAX)
		kb_buf_release(&t->stored);
	kb_buf_clear(&t->stored);
	return kb_text_stored(blob, s->object, s->block, &t->stored);
}

/*
 * Counts one record and, where text is asked for, renders it. Only where its
 * longest possible line would not fit is it measured first.
 */
static int
add_line(struct span *s, const struct kb_record *r)
{
	struct kb_buf *out = s->out;
	uint64_t len;
	int e;

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
add_value(struct span *s, const struct kb_record *r)
{
	int e = 0;

	s->length += r->value.len + 1;
	if (s->out)
		e = kb_buf_put(s->out, r->value.data, r->value.len);
	if (s->out && e == 0)
		e = kb_buf_put(s->out, "\n", 1);
	return e;
}

/* A record that takes so many bytes. */
static void
note(struct kb_text_survey *v, const struct kb_record *r, uint64_t length)
{
	int64_t time = r->timestamp;

	if (v->records++ == 0)
		v->first = r->offset;
	v->last = r->offset;
	v->length += length;
	if (time != KB_NO_TIME &&
		(v->min_timestamp == KB_NO_TIME || time < v->min_timestamp))
		v->min_timestamp = time;
	if (time > v->max_timestamp)
		v->max_timestamp = time;
	if (v->newline < 0 && r->value.len &&
		memchr(r->value.data, '\n', r->value.len))
		v->newline = r->offset;
}

static int
add_mark(struct span *s, const struct kb_record *r)
{
	struct kb_text_mark mark = {.offset = r->offset,
		.timestamp = r->timestamp,
		.newline = r->value.len &&
			   memchr(r->value.data, '\n', r->value.len)};

	s->length += r->value.len + 1;
	mark.end = s->length;
	return kb_buf_put(s->out, &mark, sizeof(mark));
}

static int
add_sifted(struct span *s, const struct kb_record *r)
{
	uint64_t before = s->length;
	int e = s->values ? add_value(s, r) : add_line(s, r);

	note(s->survey, r, s->length - before);
	return e;
}

static bool
is_meant(const struct span *s, const struct kb_record *r)
{
	return r->offset >= s->from && r->offset <= s->to &&
	       (!s->period || kb_period_has(s->period, r->timestamp));
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
		if (record.offset > s->to)
			return 0; /* offsets rise */
		if (!is_meant(s, &record))
			continue;
		r = s->add(s, &record);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

/* As far as its header says; records set by the broker share their time. */
static bool
may_hold(const struct span *s, const struct kb_batch *b)
{
	bool shared = b->attributes & KB_BATCH_LOGAPPEND;

	return b->base_offset <= s->to && kb_batch_last(b) >= s->from &&
	       (!s->period || !shared ||
		       kb_period_has(s->period, b->max_timestamp));
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
		if (r == 0 && may_hold(s, &b))
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

/* Of a whole block it is known how long that is. */
static int
check_length(const struct span *s)
{
	const struct kb_block *b = s->block;

	if (!s->period && s->from <= b->first && s->to >= b->last &&
		s->length != s->expected)
		return kb_err(-ESTALE,
			"%s: block at %" PRIu64 ": %" PRIu64 " bytes of text, "
			"%" PRIu64 " in the index: run `kbak reindex`",
			s->object, b->position, s->length, s->expected);
	return 0;
}

/* What fails leaves nothing behind in out. */
static int
run(struct kb_text *t, struct kb_blob *blob, struct span *s)
{
	size_t before = s->out ? s->out->len : 0;
	int r = read_stored(t, blob, s);

	if (r == 0)
		r = add_batches(t, s);
	if (r == 0)
		r = check_length(s);
	if (r < 0 && s->out)
		s->out->len = before;
	return r;
}

int
kb_text_block(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, int64_t from, int64_t to,
	struct kb_buf *out)
{
	struct span s = {
		.object = object,
		.block = block,
		.from = from,
		.to = to,
		.add = add_line,
		.expected = block->text_length,
		.out = out,
	};

	kb_jsonl_init(&s.view, topic->name, partition);
	return run(t, blob, &s);
}

static struct kb_text_survey
survey_of_none(void)
{
	return (struct kb_text_survey){
		.first = -1,
		.last = -1,
		.min_timestamp = KB_NO_TIME,
		.max_timestamp = KB_NO_TIME,
		.newline = -1,
	};
}

int
kb_text_sift(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, const struct kb_pick *pick, bool values,
	struct kb_buf *out, struct kb_text_survey *out_survey)
{
	struct span s = {
		.object = object,
		.block = block,
		.from = pick->first,
		.to = pick->last,
		.period = &pick->period,
		.values = values,
		.add = add_sifted,
		.out = out,
		.survey = out_survey,
	};

	*out_survey = survey_of_none();
	kb_jsonl_init(&s.view, topic->name, partition);
	return run(t, blob, &s);
}

/* Of each record of the block what add makes of its value. */
static int
run_values(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_block *block,
	int (*add)(struct span *s, const struct kb_record *r),
	struct kb_buf *out)
{
	struct span s = {
		.object = object,
		.block = block,
		.from = block->first,
		.to = block->last,
		.add = add,
		.expected = block->values_length,
		.out = out,
	};

	return run(t, blob, &s);
}

int
kb_text_values(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_block *block, struct kb_buf *out)
{
	return run_values(t, blob, object, block, add_value, out);
}

int
kb_text_marks(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_block *block, struct kb_buf *out)
{
	return run_values(t, blob, object, block, add_mark, out);
}
