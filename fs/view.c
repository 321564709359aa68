/*
 * A view knows, for each segment it touches, at which of its own positions that
 * segment's bytes begin: 32 bytes a segment. What lies inside a segment is
 * asked from its block rows, and only a block that the range cuts is looked
 * into to know the view's size. Of a segment that a period takes in part, the
 * records lie as its sift says (fs/sift.h).
 */
#include "fs/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/segment.h"
#include "fs/cut.h"
#include "fs/selector.h"
#include "fs/sift.h"
#include "fs/sources.h"
#include "fs/view_parts.h"
#include "index/index.h"

#define NO_PART SIZE_MAX

/* What a walk over the segments of a range gathers. */
struct gather {
	struct kb_view *v;
	const struct kb_selector *what;
	int64_t end;	/* segments that start above it have nothing */
	bool cut_first; /* the range begins inside the first segment */
	bool cut_last;
	size_t newline; /* first whole segment that holds one, of values */
};

/* Its base is its length at first. */
static int
add_part(struct kb_view *v, int64_t first, uint64_t length)
{
	if (v->count == v->room) {
		size_t room = v->room ? 2 * v->room : 1;
		struct kb_part *p =
			reallocarray(v->parts, room, sizeof(*v->parts));

		if (!p)
			return kb_err(-ENOMEM, "range: out of memory");
		v->parts = p;
		v->room = room;
	}
	v->parts[v->count++] = (struct kb_part){.first = first, .base = length};
	return 0;
}

static uint64_t
length_of(const struct kb_segment *s, enum kb_form form)
{
	switch (form) {
	case KB_FORM_VALUES:
		return s->values_length;
	case KB_FORM_LOG:
		return s->bytes;
	default:
		return s->text_length;
	}
}

static int
gather_segment(void *ctx, const struct kb_index_segment *row)
{
	struct gather *g = ctx;
	const struct kb_segment *s = &row->s;
	struct kb_facts facts = {s->records, s->first, s->last,
		s->min_timestamp, s->max_timestamp};
	int r;

	if (s->first > g->what->last)
		return 1;
	r = add_part(g->v, s->first, length_of(s, g->what->form));
	if (r < 0)
		return r;
	g->cut_last = s->last > g->what->last;
	if (s->first < g->what->first)
		g->cut_first = true;
	if (s->first < g->what->first || g->cut_last)
		return 0;
	kb_facts_add(&g->v->facts, &facts);
	if (g->what->form == KB_FORM_VALUES && s->newline_in_value &&
		g->newline == NO_PART)
		g->newline = g->v->count - 1;
	return 0;
}

/* The same of a period. */
static int
gather_period(void *ctx, const struct kb_index_segment *row)
{
	struct gather *g = ctx;
	const struct kb_segment *s = &row->s;
	const struct kb_selector *what = g->what;
	struct kb_facts facts = {s->records, s->first, s->last,
		s->min_timestamp, s->max_timestamp};
	enum kb_extent e = kb_period_takes(&what->period, s->min_timestamp,
		s->max_timestamp, s->undated, s->records);
	int r;

	if (s->first > what->last || s->start > g->end)
		return 1;
	if (e == KB_NONE)
		return 0;
	r = add_part(g->v, s->first, length_of(s, what->form));
	if (r < 0)
		return r;
	if (e == KB_ALL && s->first >= what->first && s->last <= what->last &&
		!(what->form == KB_FORM_VALUES && s->newline_in_value))
		kb_facts_add(&g->v->facts, &facts);
	else
		g->v->parts[g->v->count - 1].sifted = true;
	return 0;
}

static int
cut(struct kb_view *v, size_t part, const struct kb_selector *what)
{
	struct kb_part *p = &v->parts[part];
	struct kb_cut c;
	int r;

	r = kb_cut_segment(v->sources, v->place, p->first, what, &c);
	if (r < 0)
		return r;
	p->from = c.from;
	p->alone = c.alone;
	p->base = c.to - c.from;
	kb_facts_add(&v->facts, &c.facts);
	return 0;
}

/* Takes off what the range leaves out of its first and last segment. */
static int
trim(const struct gather *g)
{
	struct kb_view *v = g->v;
	int r = 0;

	if (g->cut_first)
		r = cut(v, 0, g->what);
	if (r == 0 && g->newline != NO_PART)
		r = cut(v, g->newline, g->what);
	if (r == 0 && g->cut_last && !(g->cut_first && v->count == 1))
		r = cut(v, v->count - 1, g->what);
	return r;
}

static int
sift(struct kb_view *v, struct kb_part *p)
{
	const struct kb_source *source;
	const struct kb_sift *f;
	int r;

	r = kb_sources_get(v->sources, v->place, p->first, &source);
	if (r < 0)
		return r == -ENOENT ? -EIO : r; /* the view is there */
	r = kb_sift_get(v->sources, source, &v->what, &f);
	if (r == 0) {
		p->base = kb_sift_size(f);
		kb_facts_add(&v->facts, kb_sift_facts(f));
		kb_sift_put(v->sources, f);
	}
	kb_sources_put(v->sources, source);
	return r;
}

/*
 * From the first segment with a time that is not too old to the last with one
 * that is not too new, or without any: the index knows both.
 */
static int
open_period(struct kb_view *v, struct kb_index *x, struct gather *g)
{
	const struct kb_period *period = &v->what.period;
	const struct kb_topic_ref *t = &v->place->topic;
	int32_t number = v->place->partition;
	int64_t from = v->what.first;
	struct kb_index_segment row;
	int r = 0;

	if (!period->undated && period->from > INT64_MIN) {
		r = kb_index_segment_at_time(x, t, number, period->from, &row);
		if (r == 0 && row.s.first > from)
			from = row.s.first;
	}
	if (r == 0 && period->to < INT64_MAX)
		r = kb_index_last_before(x, t, number, period->to + 1, &g->end);
	if (r == 0)
		r = kb_index_segments(x, t, number, from, gather_period, g);
	for (size_t i = 0; r >= 0 && i < v->count; i++)
		if (v->parts[i].sifted)
			r = sift(v, &v->parts[i]);
	return r == -ENOENT && v->count == 0 ? 0 : r;
}

/* Lengths become positions. */
static void
lay_out(struct kb_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		uint64_t length = v->parts[i].base;

		v->parts[i].base = v->size;
		v->size += length;
	}
}

static int
open_offsets(struct kb_view *v, struct kb_index *x, struct gather *g)
{
	int r = kb_index_segments(x, &v->place->topic, v->place->partition,
		v->what.first, gather_segment, g);

	return r < 0 ? r : trim(g);
}

int
kb_view_open(struct kb_sources *s, struct kb_index *x,
	const struct kb_place *place, const struct kb_selector *what,
	struct kb_view **out)
{
	struct kb_view *v = calloc(1, sizeof(*v));
	struct gather g = {
		.v = v, .what = what, .end = INT64_MAX, .newline = NO_PART};
	bool always = kb_period_is_always(&what->period);
	int r = 0;

	if (what->form == KB_FORM_LOG && !always)
		r = kb_err(-EINVAL,
			"%s/%" PRId32 ": .log shows whole batches, which a "
			"time would cut: .jsonl and .values can show it",
			place->topic.name, place->partition);
	else if (!v)
		r = kb_err(-ENOMEM, "range: out of memory");
	if (r < 0) {
		free(v);
		return r;
	}
	v->sources = s;
	v->place = place;
	v->what = *what;
	v->facts = kb_facts_none();
	kb_stride_init(&v->stride);
	r = always ? open_offsets(v, x, &g) : open_period(v, x, &g);
	lay_out(v);
	if (r >= 0 && v->size == 0)
		r = kb_err(-ENOENT,
			"%s/%" PRId32 ": no such record from %" PRId64
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

size_t
kb_view_segments(const struct kb_view *v)
{
	return v->count;
}

uint64_t
kb_view_size(const struct kb_view *v)
{
	return v->size;
}

const struct kb_facts *
kb_view_facts(const struct kb_view *v)
{
	return &v->facts;
}
