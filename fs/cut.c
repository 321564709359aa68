/*
 * Rows of blocks say all of a block that lies inside the range. One that the
 * range cuts is looked into, in the way that is cheapest for its form: lines
 * are found by halving the text, which stays cached for whoever reads it; one
 * line alone is made without the others, as long as it seems to be that; of
 * values, which do not say their offsets, marks are made, and cached like a
 * text; of stored batches the headers are enough, and so damage stays readable
 * as it is.
 */
#include "fs/cut.h"

#include <errno.h>
#include <inttypes.h>

#include "common/err.h"
#include "format/batch.h"
#include "fs/cache.h"
#include "fs/lines.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "index/text.h"

/* The segment being cut, and the block under the knife. */
struct knife {
	struct kb_sources *sources;
	const struct kb_source *source;
	const struct kb_selector *what;
	uint32_t block;
	bool any;
	struct kb_cut *out;
};

/* The cut goes on over [from, to) of the block's own bytes. */
static void
extend(struct knife *k, uint64_t from, uint64_t to,
	const struct kb_facts *facts)
{
	uint64_t start = k->source->starts[k->what->form][k->block];

	if (from == to)
		return;
	if (!k->any)
		k->out->from = start + from;
	k->any = true;
	k->out->to = start + to;
	kb_facts_add(&k->out->facts, facts);
}

/* ---- blocks that are cut ---- */

static int
cut_lines(struct knife *k, struct kb_slice text)
{
	size_t head = k->source->place->head_len, from = 0, to = 0;
	struct kb_facts facts = kb_facts_none();
	int r;

	r = kb_lines_find(text, head, k->what->first, &from);
	if (r == 0)
		r = kb_lines_find(text, head, k->what->last + 1, &to);
	if (r == 0)
		r = kb_lines_survey(
			kb_slice_of(text.data + from, to - from), head, &facts);
	if (r == 0)
		extend(k, from, to, &facts);
	return r;
}

/* The only line of a range, by itself. */
static int
cut_line(struct knife *k)
{
	struct kb_facts facts = kb_facts_none();
	struct kb_slice text;
	struct kb_entry *e;
	int r;

	r = kb_sources_line(
		k->sources, k->source, k->block, k->what->first, false, &e);
	if (r < 0)
		return r;
	text = kb_entry_text(e);
	r = kb_lines_survey(text, k->source->place->head_len, &facts);
	if (r == 0)
		extend(k, 0, text.len, &facts);
	k->out->alone = true;
	kb_sources_done(k->sources, e, 0);
	return r;
}

/* A batch of n bytes at `at`, if it covers an offset of the range. */
static void
add_batch(struct knife *k, uint64_t at, const struct kb_batch *b)
{
	struct kb_facts facts = {.records = (uint64_t)b->count,
		.first = b->base_offset,
		.last = kb_batch_last(b),
		.min_timestamp = b->max_timestamp,
		.max_timestamp = b->max_timestamp};

	if (facts.first <= k->what->last && facts.last >= k->what->first)
		extend(k, at, at + b->bytes.len, &facts);
}

static int
damaged_batches(const struct knife *k)
{
	int r = kb_err(-EBADMSG,
		"%s/%" PRId32 ": a batch in the block from offset %" PRId64
		" is damaged",
		k->source->place->topic.name, k->source->place->partition,
		k->source->blocks[k->block].first);

	kb_sources_tell(k->sources, k->source, k->block);
	return r;
}

static int
cut_batches(struct knife *k, struct kb_slice stored)
{
	struct kb_batch b;
	uint64_t at = 0;

	while (at < stored.len) {
		struct kb_slice rest =
			kb_slice_of(stored.data + at, stored.len - (size_t)at);
		int r = kb_batch_parse(rest, &b);

		if (r != 0)
			return damaged_batches(k);
		add_batch(k, at, &b);
		at += b.bytes.len;
	}
	return 0;
}

static int
cut_text(struct knife *k)
{
	struct kb_slice text;
	struct kb_entry *e;
	int r;

	r = kb_sources_text(
		k->sources, k->source, k->what->form, k->block, false, &e);
	if (r < 0)
		return r;
	text = kb_entry_text(e);
	r = k->what->form == KB_FORM_LOG ? cut_batches(k, text)
					 : cut_lines(k, text);
	kb_sources_done(k->sources, e, 0);
	return r;
}

/* The first mark at or above an offset. */
static size_t
mark_at(const struct kb_text_mark *marks, size_t count, int64_t offset)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (marks[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
refuse(const struct knife *k, int64_t offset)
{
	return kb_err(-EINVAL,
		"%s/%" PRId32 ": the value at offset %" PRId64
		" holds a newline: .values cannot show it, .jsonl can",
		k->source->place->topic.name, k->source->place->partition,
		offset);
}

static int
cut_marks(struct knife *k, const struct kb_text_mark *marks, size_t count)
{
	size_t from = mark_at(marks, count, k->what->first);
	size_t to = mark_at(marks, count, k->what->last + 1);
	struct kb_facts facts = kb_facts_none();

	if (from == to)
		return 0;
	for (size_t i = from; i < to; i++) {
		const struct kb_text_mark *m = &marks[i];
		struct kb_facts one = {
			1, m->offset, m->offset, m->timestamp, m->timestamp};

		if (m->newline)
			return refuse(k, m->offset);
		kb_facts_add(&facts, &one);
	}
	extend(k, from ? marks[from - 1].end : 0, marks[to - 1].end, &facts);
	return 0;
}

/* Also a block that is whole, when one of its values holds a newline. */
static int
cut_values(struct knife *k)
{
	struct kb_slice marks;
	struct kb_entry *e;
	int r;

	r = kb_sources_text(
		k->sources, k->source, KB_FORM_MARKS, k->block, false, &e);
	if (r < 0)
		return r;
	marks = kb_entry_text(e);
	r = cut_marks(k, (const struct kb_text_mark *)(const void *)marks.data,
		marks.len / sizeof(struct kb_text_mark));
	kb_sources_done(k->sources, e, 0);
	return r;
}

/* ---- the segment ---- */

static int
cut_block(struct knife *k)
{
	const struct kb_block *b = &k->source->blocks[k->block];
	const uint64_t *starts = k->source->starts[k->what->form];
	bool whole = b->first >= k->what->first && b->last <= k->what->last;
	struct kb_facts facts = {b->records, b->first, b->last,
		b->min_timestamp, b->max_timestamp};

	if (k->what->form == KB_FORM_VALUES && (!whole || b->newline_in_value))
		return cut_values(k);
	if (!whole && k->what->form == KB_FORM_JSONL &&
		k->what->first == k->what->last &&
		kb_sources_alone(k->sources, k->source, k->block))
		return cut_line(k);
	if (!whole)
		return cut_text(k);
	extend(k, 0, starts[k->block + 1] - starts[k->block], &facts);
	return 0;
}

static uint32_t
first_block_at(const struct kb_source *s, int64_t offset)
{
	uint32_t low = 0, high = s->row.block_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (s->blocks[mid].last < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
kb_cut_segment(struct kb_sources *s, const struct kb_place *place,
	int64_t segment, const struct kb_selector *what, struct kb_cut *out)
{
	struct knife k = {.sources = s, .what = what, .out = out};
	int r;

	*out = (struct kb_cut){.facts = kb_facts_none()};
	r = kb_sources_get(s, place, segment, &k.source);
	if (r < 0)
		return r;
	k.block = first_block_at(k.source, what->first);
	for (; r == 0 && k.block < k.source->row.block_count &&
		k.source->blocks[k.block].first <= what->last;
		k.block++)
		r = cut_block(&k);
	kb_sources_put(s, k.source);
	return r;
}
