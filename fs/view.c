/*
 * A view knows, for each segment it touches, at which of its own positions that
 * segment's text begins (before 0 for a first segment that the range cuts): 16
 * bytes a segment. What lies inside a segment is asked from its block rows,
 * and only a block that the range cuts is decoded to know the view's size. A
 * read is a binary search for the segment, another for the block, and then
 * consecutive blocks.
 */
#include "fs/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "format/segment.h"
#include "fs/cache.h"
#include "fs/lines.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "fs/stride.h"
#include "index/index.h"

#define AHEAD_PARTS 16

/* A segment of the view; base + its text position = position in the view. */
struct part {
	int64_t first;
	int64_t base;
};

struct kb_view {
	struct kb_sources *sources;
	const struct kb_place *place;
	struct part *parts;
	size_t count;
	size_t room;
	uint64_t size;
	int64_t newest;
	struct kb_stride stride;
};

/* ---- opening ---- */

/* What a walk over the segments of a range gathers. */
struct gather {
	struct kb_view *v;
	int64_t first;
	int64_t last;
	bool cut_first; /* the range begins inside the first segment */
	bool cut_last;
	uint64_t last_length; /* text of the last segment */
};

static void
note_time(struct kb_view *v, int64_t time)
{
	if (time > v->newest)
		v->newest = time;
}

static int
add_part(struct kb_view *v, int64_t first)
{
	if (v->count == v->room) {
		size_t room = v->room ? 2 * v->room : 1;
		struct part *p =
			reallocarray(v->parts, room, sizeof(*v->parts));

		if (!p)
			return kb_err(-ENOMEM, "range: out of memory");
		v->parts = p;
		v->room = room;
	}
	v->parts[v->count++] = (struct part){first, (int64_t)v->size};
	return 0;
}

static int
gather_segment(void *ctx, const struct kb_index_segment *row)
{
	struct gather *g = ctx;
	const struct kb_segment *s = &row->s;
	int r;

	if (s->first > g->last)
		return 1;
	r = add_part(g->v, s->first);
	if (r < 0)
		return r;
	g->cut_last = s->last > g->last;
	if (s->first < g->first)
		g->cut_first = true;
	if (s->first >= g->first && !g->cut_last)
		note_time(g->v, s->max_timestamp);
	g->v->size += s->text_length;
	g->last_length = s->text_length;
	return 0;
}

/* The part [*out_from, *out_to) of a segment's text that the range leaves. */
struct cut {
	int64_t first;
	int64_t last;
	uint64_t from;
	uint64_t to;
	bool any;
};

static void
extend(struct cut *cut, uint64_t from, uint64_t to)
{
	if (from == to)
		return;
	if (!cut->any)
		cut->from = from;
	cut->any = true;
	cut->to = to;
}

/* A block that the range cuts: its text tells where, and how new it is. */
static int
cut_block(struct kb_view *v, const struct kb_source *source, uint32_t i,
	struct cut *cut)
{
	size_t head = v->place->head_len, from = 0, to = 0;
	int64_t newest = KB_NO_TIME;
	struct kb_entry *e;
	struct kb_slice text;
	int r;

	r = kb_sources_text(v->sources, source, i, false, &e);
	if (r < 0)
		return r;
	text = kb_entry_text(e);
	r = kb_lines_find(text, head, cut->first, &from);
	if (r == 0)
		r = kb_lines_find(text, head, cut->last + 1, &to);
	if (r == 0)
		r = kb_lines_newest(kb_slice_of(text.data + from, to - from),
			head, &newest);
	kb_sources_done(v->sources, e, 0);
	if (r < 0)
		return r;
	note_time(v, newest);
	extend(cut, source->texts[i] + from, source->texts[i] + to);
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

static int
cut_segment(struct kb_view *v, int64_t segment, struct cut *cut)
{
	const struct kb_source *source;
	int r;

	r = kb_sources_get(v->sources, v->place, segment, &source);
	if (r < 0)
		return r;
	for (uint32_t i = first_block_at(source, cut->first);
		r == 0 && i < source->row.block_count &&
		source->blocks[i].first <= cut->last;
		i++) {
		const struct kb_block *b = &source->blocks[i];

		if (b->first < cut->first || b->last > cut->last) {
			r = cut_block(v, source, i, cut);
			continue;
		}
		note_time(v, b->max_timestamp);
		extend(cut, source->texts[i], source->texts[i + 1]);
	}
	kb_sources_put(v->sources, source);
	return r;
}

/* Takes off what the range leaves out of its first and last segment. */
static int
trim(struct kb_view *v, const struct gather *g)
{
	struct cut cut = {.first = g->first, .last = g->last};
	uint64_t less = 0;
	int r;

	if (g->cut_last || (g->cut_first && v->count == 1)) {
		r = cut_segment(v, v->parts[v->count - 1].first, &cut);
		if (r < 0)
			return r;
		v->size -= g->last_length - cut.to;
		if (v->count == 1)
			less = cut.from;
	}
	if (g->cut_first && v->count > 1) {
		cut = (struct cut){.first = g->first, .last = g->last};
		cut.from = (uint64_t)v->parts[1].base;
		r = cut_segment(v, v->parts[0].first, &cut);
		if (r < 0)
			return r;
		less = cut.from;
	}
	for (size_t i = 0; less && i < v->count; i++)
		v->parts[i].base -= (int64_t)less;
	v->size -= less;
	return 0;
}

int
kb_view_open(struct kb_sources *s, struct kb_index *x,
	const struct kb_place *place, const struct kb_selector *what,
	struct kb_view **out)
{
	struct kb_view *v = calloc(1, sizeof(*v));
	struct gather g = {.v = v, .first = what->first, .last = what->last};
	int r;

	if (!v)
		return kb_err(-ENOMEM, "range: out of memory");
	v->sources = s;
	v->place = place;
	v->newest = KB_NO_TIME;
	kb_stride_init(&v->stride);
	r = kb_index_segments(x, &place->topic, place->partition, what->first,
		gather_segment, &g);
	if (r >= 0)
		r = trim(v, &g);
	if (r == 0 && v->size == 0)
		r = kb_err(-ENOENT,
			"%s/%" PRId32 ": no record from %" PRId64
			" to %" PRId64,
			place->topic.name, place->partition, what->first,
			what->last);
	if (r < 0) {
		kb_view_close(v);
		return r;
	}
	*out = v;
	return 0;
}

void
kb_view_close(struct kb_view *v)
{
	if (!v)
		return;
	kb_stride_release(&v->stride);
	free(v->parts);
	free(v);
}

uint64_t
kb_view_size(const struct kb_view *v)
{
	return v->size;
}

int64_t
kb_view_newest(const struct kb_view *v)
{
	return v->newest;
}

/* ---- reading ---- */

/* More pieces than a span has room for become one, by copying. */
static int
join(struct kb_span *span)
{
	for (int i = span->joined.len ? 1 : 0; i < span->count; i++) {
		if (kb_buf_put(&span->joined, span->iov[i].iov_base,
			    span->iov[i].iov_len) < 0)
			return kb_err(-ENOMEM, "read: out of memory");
		kb_sources_done(
			span->sources, span->entries[i], span->iov[i].iov_len);
		span->entries[i] = NULL;
	}
	span->iov[0].iov_base = span->joined.data;
	span->iov[0].iov_len = span->joined.len;
	span->entries[0] = NULL;
	span->count = 1;
	return 0;
}

void
kb_span_release(struct kb_span *span)
{
	for (int i = 0; i < span->count; i++)
		if (span->entries[i])
			kb_sources_done(span->sources, span->entries[i],
				span->iov[i].iov_len);
	kb_buf_release(&span->joined);
	span->count = 0;
}

static int
add_piece(struct kb_span *span, struct kb_entry *e, struct kb_slice piece)
{
	int r;

	if (span->count == KB_SPAN_PIECES) {
		r = join(span);
		if (r < 0)
			return r;
	}
	span->entries[span->count] = e;
	span->iov[span->count].iov_base = (void *)(uintptr_t)piece.data;
	span->iov[span->count].iov_len = piece.len;
	span->count++;
	span->len += piece.len;
	return 0;
}

/* Index of the block whose text holds position `at` of the segment's. */
static uint32_t
block_of(const struct kb_source *s, uint64_t at)
{
	uint32_t low = 0, high = s->row.block_count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (s->texts[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Adds up to len bytes from text position `at` of one segment. */
static int
read_segment(const struct kb_view *v, const struct kb_source *source,
	uint64_t at, size_t len, struct kb_span *span)
{
	uint32_t i = block_of(source, at);

	for (; len && i < source->row.block_count; i++) {
		size_t skip = at - source->texts[i], n;
		struct kb_slice text;
		struct kb_entry *e;
		int r;

		r = kb_sources_text(v->sources, source, i, span->count > 0, &e);
		if (r < 0)
			return r;
		text = kb_entry_text(e);
		n = text.len - skip < len ? text.len - skip : len;
		r = add_piece(span, e, kb_slice_of(text.data + skip, n));
		if (r < 0) {
			kb_sources_done(v->sources, e, 0);
			return r;
		}
		at += n;
		len -= n;
	}
	return 0;
}

static size_t
part_of(const struct kb_view *v, uint64_t pos)
{
	size_t low = 0, high = v->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->parts[mid].base <= (int64_t)pos)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* What a reader who goes on will need; so many segments of it at once. */
static void
look_ahead(struct kb_view *v, uint64_t pos, uint64_t end)
{
	uint64_t from, to;
	size_t i, stop;

	if (!kb_stride_step(&v->stride, pos, end, &from, &to))
		return;
	if (to > v->size)
		to = v->size;
	if (from >= to)
		return;
	i = part_of(v, from);
	for (stop = i + AHEAD_PARTS; i < stop && i < v->count; i++) {
		int64_t base = v->parts[i].base;

		if (base >= (int64_t)to)
			return;
		kb_sources_ahead(v->sources, v->place, v->parts[i].first,
			(int64_t)from > base ? from - (uint64_t)base : 0,
			to - (uint64_t)base);
	}
}

int
kb_view_read(struct kb_view *v, uint64_t pos, size_t len, struct kb_span *out)
{
	const struct kb_source *source;
	size_t i;
	int r = 0;

	memset(out, 0, sizeof(*out));
	out->sources = v->sources;
	if (pos >= v->size)
		return 0;
	if (len > v->size - pos)
		len = (size_t)(v->size - pos);
	look_ahead(v, pos, pos + len);
	for (i = part_of(v, pos); r == 0 && out->len < len; i++) {
		uint64_t at = (uint64_t)((int64_t)(pos + out->len) -
					 v->parts[i].base);

		r = kb_sources_get(
			v->sources, v->place, v->parts[i].first, &source);
		if (r < 0)
			break;
		r = read_segment(v, source, at, len - out->len, out);
		kb_sources_put(v->sources, source);
	}
	if (r < 0)
		kb_span_release(out);
	return r;
}
