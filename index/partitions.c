/*
 * Totals of partitions. Every file carries sums over its own segments, so a
 * total costs one row a layer. That is right as long as no segment is in two
 * layers, which the ranges of starts tell; where they overlap (a commit that
 * was repeated) the segments themselves are summed, each once.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/err.h"
#include "index/handle.h"
#include "index/sql.h"

/* What one layer says of one partition. */
struct span {
	int64_t lowest; /* starts */
	int64_t highest;
	struct kb_index_partition sums;
};

static int
read_span(const struct kb_merge_head *h, struct span *out)
{
	struct kb_index_partition *p = &out->sums;
	sqlite3_stmt *row = h->row;
	bool bad = false;

	*out = (struct span){0};
	p->partition = (int32_t)kb_sql_int(row, 0, 0, INT32_MAX, &bad);
	out->lowest = kb_sql_int(row, 1, 0, INT64_MAX, &bad);
	out->highest = kb_sql_int(row, 2, out->lowest, INT64_MAX, &bad);
	p->end = kb_sql_int(row, 3, 0, INT64_MAX, &bad);
	p->first = kb_sql_int(row, 4, 0, INT64_MAX, &bad);
	p->last = kb_sql_int(row, 5, p->first, INT64_MAX, &bad);
	p->segments = kb_sql_count(row, 6, &bad);
	p->records = kb_sql_count(row, 7, &bad);
	p->bytes = kb_sql_count(row, 8, &bad);
	p->text_length = kb_sql_count(row, 9, &bad);
	p->min_timestamp = kb_sql_time(row, 10);
	p->max_timestamp = kb_sql_time(row, 11);
	p->leader_epoch = -1;
	return bad ? kb_handle_damaged(h, "sums of a partition") : 0;
}

static int64_t
older(int64_t a, int64_t b)
{
	if (a == KB_NO_TIME || b == KB_NO_TIME)
		return a == KB_NO_TIME ? b : a;
	return a < b ? a : b;
}

static int64_t
newer(int64_t a, int64_t b)
{
	if (a == KB_NO_TIME || b == KB_NO_TIME)
		return a == KB_NO_TIME ? b : a;
	return a > b ? a : b;
}

/* Adds b, whose segments are all others than a's. */
static void
add(struct kb_index_partition *a, const struct kb_index_partition *b)
{
	a->segments += b->segments;
	a->records += b->records;
	a->bytes += b->bytes;
	a->text_length += b->text_length;
	if (a->first < 0 || b->first < a->first)
		a->first = b->first;
	if (b->last > a->last)
		a->last = b->last;
	if (b->end > a->end)
		a->end = b->end;
	a->min_timestamp = older(a->min_timestamp, b->min_timestamp);
	a->max_timestamp = newer(a->max_timestamp, b->max_timestamp);
}

static int
add_segment(void *ctx, const struct kb_index_segment *s)
{
	struct kb_index_partition *p = ctx,
				  one = {
					  .segments = 1,
					  .records = s->s.records,
					  .bytes = s->s.bytes,
					  .text_length = s->s.text_length,
					  .first = s->s.first,
					  .last = s->s.last,
					  .end = s->s.end,
					  .min_timestamp = s->s.min_timestamp,
					  .max_timestamp = s->s.max_timestamp,
				  };

	add(p, &one);
	p->leader_epoch = s->s.leader_epoch;
	return 0;
}

static int
take_epoch(void *ctx, const struct kb_index_segment *s)
{
	struct kb_index_partition *p = ctx;

	p->leader_epoch = s->s.leader_epoch;
	return 0;
}

/* Does layer i's range of starts meet that of an older layer? */
static int
meets_older(const struct kb_merge *m, size_t i, const struct span *s)
{
	for (size_t j = 0; j < i; j++) {
		struct span o;
		int r;

		if (!m->heads[j].same)
			continue;
		r = read_span(&m->heads[j], &o);
		if (r < 0)
			return r;
		if (s->lowest <= o.highest && o.lowest <= s->highest)
			return 1;
	}
	return 0;
}

/* The heads with `same` set are the spans of partition p. */
static int
add_spans(struct kb_index *x, const struct kb_topic_ref *t,
	const struct kb_merge *m, struct kb_index_partition *p)
{
	const struct kb_index_partition before = *p;
	int64_t highest = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++) {
		struct span s;

		if (!m->heads[i].same)
			continue;
		r = read_span(&m->heads[i], &s);
		if (r == 0)
			r = meets_older(m, i, &s);
		if (r)
			break;
		add(p, &s.sums);
		if (s.highest > highest)
			highest = s.highest;
	}
	if (r < 0)
		return r;
	if (r == 0)
		return kb_handle_segments(
			x, t, p->partition, highest, take_epoch, p);
	*p = before;
	return kb_handle_segments(x, t, p->partition, 0, add_segment, p);
}

/* ---- listing ---- */

/* Spans and gaps of a topic, side by side, by partition. */
struct walk {
	struct kb_index *x;
	const struct kb_topic_ref *t;
	struct kb_merge spans;
	struct kb_merge gaps;
	int64_t span_at; /* partition they stand at; INT64_MAX: the end */
	int64_t gap_at;
	int64_t gap_end;
};

static int
next_span(struct walk *w)
{
	const struct kb_merge_head *head;
	bool bad = false;
	int r = kb_merge_next(&w->spans, &head);

	w->span_at = INT64_MAX;
	if (r == 0)
		w->span_at = kb_sql_int(head->row, 0, 0, INT32_MAX, &bad);
	if (bad)
		return kb_handle_damaged(head, "sums of a partition");
	return r < 0 ? r : 0;
}

static int
next_gap(struct walk *w)
{
	const struct kb_merge_head *head;
	bool bad = false;
	int r = kb_merge_next(&w->gaps, &head);

	w->gap_at = INT64_MAX;
	if (r == 0) {
		w->gap_at = kb_sql_int(head->row, 0, 0, INT32_MAX, &bad);
		w->gap_end = kb_sql_int(head->row, 2, 0, INT64_MAX, &bad);
	}
	if (bad)
		return kb_handle_damaged(head, "gap");
	return r < 0 ? r : 0;
}

/* Gathers what there is of partition p. */
static int
gather(struct walk *w, int32_t partition, struct kb_index_partition *p)
{
	int r = 0;

	*p = (struct kb_index_partition){
		.partition = partition,
		.first = -1,
		.last = -1,
		.min_timestamp = KB_NO_TIME,
		.max_timestamp = KB_NO_TIME,
		.leader_epoch = -1,
	};
	if (w->span_at == partition) {
		r = add_spans(w->x, w->t, &w->spans, p);
		if (r == 0)
			r = next_span(w);
	}
	while (r == 0 && w->gap_at == partition) {
		p->gaps++;
		if (w->gap_end > p->end)
			p->end = w->gap_end;
		r = next_gap(w);
	}
	return r;
}

/* From partition low to high; all below `counted` are listed. */
static int
walk_partitions(struct walk *w, int64_t low, int64_t high, int64_t counted,
	kb_index_partition_fn *each, void *ctx)
{
	struct kb_index_partition p;
	int r = next_span(w);

	if (r == 0)
		r = next_gap(w);
	for (int64_t at = low; r == 0 && at <= high; at++) {
		if (at >= counted) {
			at = w->span_at < w->gap_at ? w->span_at : w->gap_at;
			if (at > high)
				break;
		}
		r = gather(w, (int32_t)at, &p);
		if (r == 0)
			r = each(ctx, &p);
	}
	return r;
}

/* The lock is held. */
static int
partitions_between(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t low, int32_t high, kb_index_partition_fn *each, void *ctx)
{
	struct kb_merge_args args = {.topic = t, .partition = low, .a = high};
	struct walk w = {.x = x, .t = t};
	int32_t counted = 0;
	int r = kb_handle_counted(x, t, &counted);

	if (r == 0)
		r = kb_merge_begin(&w.spans, x->layers, x->count,
			KB_LAYER_SPANS, 1, &args);
	if (r == 0)
		r = kb_merge_begin(
			&w.gaps, x->layers, x->count, KB_LAYER_GAPS, 3, &args);
	if (r == 0)
		r = walk_partitions(&w, low, high, counted, each, ctx);
	kb_merge_end(&w.spans);
	kb_merge_end(&w.gaps);
	return r;
}

int
kb_index_partitions(struct kb_index *x, const struct kb_topic_ref *t,
	kb_index_partition_fn *each, void *ctx)
{
	int r;

	pthread_mutex_lock(&x->lock);
	r = partitions_between(x, t, 0, INT32_MAX, each, ctx);
	pthread_mutex_unlock(&x->lock);
	return r;
}

static int
take_partition(void *ctx, const struct kb_index_partition *p)
{
	*(struct kb_index_partition *)ctx = *p;
	return 1;
}

int
kb_index_partition(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, struct kb_index_partition *out)
{
	int r;

	pthread_mutex_lock(&x->lock);
	r = partitions_between(x, t, partition, partition, take_partition, out);
	pthread_mutex_unlock(&x->lock);
	if (r == 0)
		return kb_err(-ENOENT, "%s/%" PRId32 ": no such partition",
			t->name, partition);
	return r < 0 ? r : 0;
}
