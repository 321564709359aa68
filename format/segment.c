/*
 * A batch is summed into a copy of the open block, and that copy is kept only
 * when all of the batch was sound: a refused batch leaves no trace. A block
 * closes as soon as its batches' decoded bodies reach KB_BLOCK_RAW, so block
 * borders depend on the bytes alone, never on who reads them or how fast.
 */
#include "format/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/record.h"

struct kb_summary {
	struct kb_jsonl view;
	struct kb_sha256 *sha;
	struct kb_buf blocks;  /* closed ones, struct kb_block each */
	struct kb_block open;  /* records 0: none is open */
	struct kb_segment sum; /* bytes, end, epoch: of all; else of closed */
};

int
kb_summary_new(struct kb_summary **out)
{
	struct kb_summary *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return kb_err(-ENOMEM, "out of memory for a summary");
	r = kb_sha256_new(&s->sha);
	if (r < 0) {
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
kb_summary_free(struct kb_summary *s)
{
	if (!s)
		return;
	kb_sha256_free(s->sha);
	kb_buf_release(&s->blocks);
	free(s);
}

void
kb_summary_begin(struct kb_summary *s, const char *topic, int32_t partition,
	int64_t start)
{
	kb_jsonl_init(&s->view, topic, partition);
	kb_sha256_finish(s->sha, s->sum.sha256); /* starts afresh */
	kb_buf_clear(&s->blocks);
	s->open = (struct kb_block){0};
	s->sum = (struct kb_segment){.start = start,
		.end = start,
		.min_timestamp = KB_NO_TIME,
		.max_timestamp = KB_NO_TIME};
}

/* Widens a span by [min, max], either of which may be KB_NO_TIME. */
static void
widen(int64_t *span_min, int64_t *span_max, int64_t min, int64_t max)
{
	if (min == KB_NO_TIME)
		return;
	if (*span_min == KB_NO_TIME) {
		*span_min = min;
		*span_max = max;
	}
	if (min < *span_min)
		*span_min = min;
	if (max > *span_max)
		*span_max = max;
}

static void
add_record(const struct kb_jsonl *view, const struct kb_record *r,
	struct kb_block *block)
{
	if (!block->records)
		block->first = r->offset;
	block->last = r->offset;
	block->records++;
	block->undated += r->timestamp == KB_NO_TIME;
	widen(&block->min_timestamp, &block->max_timestamp, r->timestamp,
		r->timestamp);
	block->text_length += kb_jsonl_measure(view, r);
	block->values_length += r->value.len + 1;
	if (!block->newline_in_value && r->value.len)
		block->newline_in_value =
			memchr(r->value.data, '\n', r->value.len);
}

/* Adds all of b to block; -EBADMSG then leaves block of no use. */
static int
add_batch(const struct kb_summary *s, const struct kb_batch *b,
	struct kb_slice raw, struct kb_block *block)
{
	uint64_t before = block->records;
	struct kb_records it;
	struct kb_record rec;
	int r;

	if (b->base_offset < s->sum.end)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64
			" overlaps what ends at offset %" PRId64,
			b->base_offset, s->sum.end);
	kb_records_init(&it, b, raw);
	while ((r = kb_records_next(&it, &rec)) == 0)
		add_record(&s->view, &rec, block);
	if (r < 0)
		return r;
	if (block->records == before)
		return kb_err(-EBADMSG,
			"batch at offset %" PRId64 " has no records",
			b->base_offset);
	block->size += b->bytes.len;
	block->raw_length += raw.len;
	block->dropped += (uint64_t)(kb_batch_last(b) + 1 - s->sum.end) -
			  (block->records - before);
	return 0;
}

/* Room for the block was made when its batch came. */
static void
close_block(struct kb_summary *s)
{
	struct kb_segment *sum = &s->sum;
	const struct kb_block *b = &s->open;

	if (!sum->records)
		sum->first = b->first;
	sum->last = b->last;
	sum->records += b->records;
	sum->dropped += b->dropped;
	widen(&sum->min_timestamp, &sum->max_timestamp, b->min_timestamp,
		b->max_timestamp);
	sum->undated += b->undated;
	sum->text_length += b->text_length;
	sum->values_length += b->values_length;
	sum->raw_length += b->raw_length;
	sum->newline_in_value |= b->newline_in_value;
	sum->block_count++;
	kb_buf_put(&s->blocks, b, sizeof(*b));
	s->open = (struct kb_block){0};
}

int
kb_summary_add(
	struct kb_summary *s, const struct kb_batch *b, struct kb_slice raw)
{
	struct kb_block block = s->open;
	int r = kb_buf_reserve(&s->blocks, sizeof(block));

	if (r < 0)
		return r;
	if (!block.records)
		block = (struct kb_block){.position = s->sum.bytes,
			.min_timestamp = KB_NO_TIME,
			.max_timestamp = KB_NO_TIME};
	r = add_batch(s, b, raw, &block);
	if (r < 0)
		return kb_err(r, "position %" PRIu64 ": %s", s->sum.bytes,
			kb_err_text());
	s->open = block;
	s->sum.bytes += b->bytes.len;
	s->sum.end = kb_batch_last(b) + 1;
	s->sum.leader_epoch = b->leader_epoch;
	kb_sha256_add(s->sha, b->bytes.data, b->bytes.len);
	if (block.raw_length >= KB_BLOCK_RAW)
		close_block(s);
	return 0;
}

uint64_t
kb_summary_bytes(const struct kb_summary *s)
{
	return s->sum.bytes;
}

uint64_t
kb_summary_records(const struct kb_summary *s)
{
	return s->sum.records + s->open.records;
}

int64_t
kb_summary_end(const struct kb_summary *s)
{
	return s->sum.end;
}

int
kb_summary_finish(struct kb_summary *s, struct kb_segment *out,
	const struct kb_block **out_blocks)
{
	if (s->open.records)
		close_block(s);
	if (!s->sum.records)
		return kb_err(-EINVAL, "a segment needs a record");
	kb_sha256_finish(s->sha, s->sum.sha256);
	*out = s->sum;
	*out_blocks = (const struct kb_block *)s->blocks.data;
	return 0;
}
