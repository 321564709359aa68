/*
 * Segments and gaps of a partition follow each other without a hole: each
 * begins where the one before ended. A hole means that rows or objects are
 * lost, or that a damaged segment was left out of a new index.
 */
#include <stdlib.h>

#include "common/buf.h"
#include "index/index.h"

/* Offsets [start, end). */
struct span {
	int64_t start;
	int64_t end;
};

struct walk {
	struct kb_buf gaps; /* struct span each, in order */
	size_t gap;	    /* the first that was not passed yet */
	int64_t next;	    /* the first offset not covered yet */
	struct kb_buf holes;
};

static int
keep_gap(void *ctx, const struct kb_gap *g)
{
	struct walk *w = ctx;
	struct span s = {g->start, g->end};

	return kb_buf_put(&w->gaps, &s, sizeof(s));
}

/* What lies between `next` and `start` is covered by gaps, or a hole. */
static int
go_to(struct walk *w, int64_t start)
{
	const struct span *gaps = (const void *)w->gaps.data;
	size_t count = w->gaps.len / sizeof(*gaps);

	while (w->next < start) {
		struct span hole = {w->next, start};
		bool any = w->gap < count && gaps[w->gap].start < start;
		int r = 0;

		if (any && gaps[w->gap].start > w->next)
			hole.end = gaps[w->gap].start;
		else if (any)
			hole.end = hole.start; /* none: the gap begins here */
		if (hole.start < hole.end)
			r = kb_buf_put(&w->holes, &hole, sizeof(hole));
		if (r < 0)
			return r;
		w->next = hole.end;
		if (any && gaps[w->gap].end > w->next)
			w->next = gaps[w->gap].end;
		w->gap += any;
	}
	return 0;
}

static int
see_segment(void *ctx, const struct kb_index_segment *row)
{
	struct walk *w = ctx;
	int r = go_to(w, row->s.start);

	if (r == 0 && row->s.end > w->next)
		w->next = row->s.end;
	return r;
}

int
kb_index_holes(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, kb_index_hole_fn *each, void *ctx)
{
	struct kb_index_partition p;
	struct walk w = {0};
	const struct span *holes;
	int r = kb_index_partition(x, t, partition, &p);

	if (r == 0)
		r = kb_index_gaps(x, t, partition, keep_gap, &w);
	if (r == 0)
		r = kb_index_segments(x, t, partition, 0, see_segment, &w);
	if (r == 0)
		r = go_to(&w, p.end);
	holes = (const void *)w.holes.data;
	for (size_t i = 0; r == 0 && i < w.holes.len / sizeof(*holes); i++)
		r = each(ctx, holes[i].start, holes[i].end);
	kb_buf_release(&w.gaps);
	kb_buf_release(&w.holes);
	return r;
}
