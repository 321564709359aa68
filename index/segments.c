/*
 * Segments, their blocks and gaps. Within a partition segments do not overlap
 * and lie in the order of their starts, so "the segment that may hold offset
 * x" is the one with the highest start at or below x, in each layer: one
 * descent of a B-tree. The merge of the layers' answers is lazy, so asking
 * for one segment costs one step a layer.
 *
 * Numbers are checked on the way out: what is given to a caller is consistent
 * in itself, or the answer is -EBADMSG.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/err.h"
#include "index/handle.h"
#include "index/sql.h"

int
kb_handle_damaged(const struct kb_merge_head *h, const char *what)
{
	return kb_err(-EBADMSG,
		"%s: damaged index file: bad %s; "
		"`kbak reindex` makes a new one",
		h->layer->name, what);
}

/* Times and the count of records without one say the same. */
static bool
times_agree(int64_t min, int64_t max, uint64_t undated, uint64_t records)
{
	bool none = min == KB_NO_TIME && max == KB_NO_TIME;
	bool both = min != KB_NO_TIME && max != KB_NO_TIME && min <= max;

	return undated == records ? none : both && undated < records;
}

/* ---- segments ---- */

/* Writes `data/.../<partition>/`, which read_segment() leaves as it is. */
static size_t
begin_object(struct kb_index_segment *out, const struct kb_topic_ref *t,
	int32_t partition)
{
	size_t n;

	kb_layout_partition(out->object, t, partition);
	n = strlen(out->object);
	out->object[n++] = '/';
	return n;
}

/* dir_len: as begin_object() gave it for out. */
static int
read_segment(const struct kb_merge_head *h, size_t dir_len,
	struct kb_index_segment *out)
{
	struct kb_segment *s = &out->s;
	struct kb_layout_object o;
	sqlite3_stmt *row = h->row;
	char *base = out->object + dir_len;
	bool bad = false;

	s->start = kb_sql_int(row, 0, 0, INT64_MAX, &bad);
	s->end = kb_sql_int(row, 1, 0, INT64_MAX, &bad);
	s->first = kb_sql_int(row, 2, s->start, INT64_MAX, &bad);
	s->last = kb_sql_int(row, 3, s->first, INT64_MAX, &bad);
	s->bytes = kb_sql_count(row, 4, &bad);
	s->records = kb_sql_count(row, 5, &bad);
	s->dropped = kb_sql_count(row, 6, &bad);
	s->min_timestamp = kb_sql_time(row, 7);
	s->max_timestamp = kb_sql_time(row, 8);
	s->undated = kb_sql_count(row, 9, &bad);
	s->text_length = kb_sql_count(row, 10, &bad);
	s->values_length = kb_sql_count(row, 11, &bad);
	s->raw_length = kb_sql_count(row, 12, &bad);
	s->leader_epoch =
		(int32_t)kb_sql_int(row, 13, INT32_MIN, INT32_MAX, &bad);
	s->newline_in_value = kb_sql_int(row, 14, 0, 1, &bad);
	s->block_count = (uint32_t)kb_sql_int(row, 15, 1, UINT32_MAX, &bad);
	kb_sql_blob(row, 16, s->sha256, sizeof(s->sha256), &bad);
	kb_sql_text(row, 17, base, sizeof(out->object) - dir_len, &bad);
	bad |= !times_agree(
		s->min_timestamp, s->max_timestamp, s->undated, s->records);
	if (bad || s->last >= s->end || kb_layout_read_object(base, &o) < 0 ||
		o.is_gap || o.start != s->start)
		return kb_handle_damaged(h, "segment");
	return 0;
}

int
kb_handle_segments(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t from, kb_index_segment_fn *each, void *ctx)
{
	struct kb_merge_args args = {
		.topic = t, .partition = partition, .a = from};
	const struct kb_merge_head *head;
	struct kb_index_segment s;
	size_t dir_len = begin_object(&s, t, partition);
	struct kb_merge m = {0};
	int64_t end = 0;
	int r = kb_merge_begin(
		&m, x->layers, x->count, KB_LAYER_SEGMENTS, 1, &args);

	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r == 0)
			r = read_segment(head, dir_len, &s);
		if (r == 0 && s.s.start < end)
			r = kb_handle_damaged(head, "overlap of segments");
		if (r)
			break;
		end = s.s.end;
		if (s.s.last >= from)
			r = each(ctx, &s);
		else
			continue;
		if (r)
			goto out;
	}
	r = r > 0 ? 0 : r;
out:
	kb_merge_end(&m);
	return r;
}

#define TURN_ROWS 1024

/* So many rows, and then others may have the handle. */
struct turn {
	kb_index_segment_fn *each;
	void *ctx;
	int left;
	bool over;
	int64_t next; /* offset behind the last row */
};

static int
take_turn(void *ctx, const struct kb_index_segment *s)
{
	struct turn *u = ctx;

	u->over = u->left-- == 0;
	if (u->over)
		return 1;
	u->next = s->s.last + 1;
	return u->each(u->ctx, s);
}

int
kb_index_segments(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t from, kb_index_segment_fn *each, void *ctx)
{
	struct turn u = {.each = each, .ctx = ctx, .next = from};
	int r;

	do {
		u.left = TURN_ROWS;
		u.over = false;
		pthread_mutex_lock(&x->lock);
		r = kb_handle_segments(x, t, partition, u.next, take_turn, &u);
		pthread_mutex_unlock(&x->lock);
	} while (u.over);
	return r;
}

/* Ends the listing at the first segment that will do. */
struct wanted {
	struct kb_index_segment *out;
	bool by_time;
	int64_t time;
};

static int
take_first(void *ctx, const struct kb_index_segment *s)
{
	struct wanted *w = ctx;

	if (w->by_time && (s->s.max_timestamp == KB_NO_TIME ||
				  s->s.max_timestamp < w->time))
		return 0;
	*w->out = *s;
	return 1;
}

static int
nothing_there(const struct kb_topic_ref *t, int32_t partition, const char *what,
	int64_t which)
{
	return kb_err(-ENOENT,
		"%s/%" PRId32 ": no record at or after %s %" PRId64, t->name,
		partition, what, which);
}

int
kb_index_segment_at(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t offset, struct kb_index_segment *out)
{
	struct wanted w = {.out = out};
	int r = kb_index_segments(x, t, partition, offset, take_first, &w);

	if (r == 0)
		return nothing_there(t, partition, "offset", offset);
	return r < 0 ? r : 0;
}

/*
 * The starts that the layers name for that time, one each: the lowest, and the
 * highest. 1: none does.
 */
static int
find_time(struct kb_index *x, enum kb_layer_query q,
	const struct kb_topic_ref *t, int32_t partition, int64_t time,
	int64_t *out_lowest, int64_t *out_highest)
{
	struct kb_merge_args args = {
		.topic = t, .partition = partition, .a = time};
	const struct kb_merge_head *head;
	struct kb_merge m = {0};
	int64_t count = 0;
	bool bad = false;
	int r = kb_merge_begin(&m, x->layers, x->count, q, 1, &args);

	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r)
			break;
		*out_highest = kb_sql_int(head->row, 0, 0, INT64_MAX, &bad);
		if (bad)
			r = kb_handle_damaged(head, "time");
		if (count++ == 0)
			*out_lowest = *out_highest;
	}
	kb_merge_end(&m);
	return r > 0 && count ? 0 : r;
}

int
kb_index_segment_at_time(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t time, struct kb_index_segment *out)
{
	struct wanted w = {.out = out, .by_time = true, .time = time};
	int64_t start = 0, highest;
	int r;

	pthread_mutex_lock(&x->lock);
	r = find_time(x, KB_LAYER_PEAK, t, partition, time, &start, &highest);
	if (r == 0)
		r = kb_handle_segments(x, t, partition, start, take_first, &w);
	else if (r > 0)
		r = 0;
	pthread_mutex_unlock(&x->lock);
	if (r == 0)
		return nothing_there(t, partition, "time", time);
	return r < 0 ? r : 0;
}

int
kb_index_last_before(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t time, int64_t *out_start)
{
	int64_t lowest;
	int r;

	pthread_mutex_lock(&x->lock);
	r = find_time(
		x, KB_LAYER_TROUGH, t, partition, time, &lowest, out_start);
	pthread_mutex_unlock(&x->lock);
	return r;
}

/* ---- blocks ---- */

static int
read_block(const struct kb_merge_head *h, struct kb_block *b)
{
	sqlite3_stmt *row = h->row;
	bool bad = false;

	b->first = kb_sql_int(row, 0, 0, INT64_MAX, &bad);
	b->last = kb_sql_int(row, 1, b->first, INT64_MAX, &bad);
	b->position = kb_sql_count(row, 2, &bad);
	b->size = kb_sql_count(row, 3, &bad);
	b->records = kb_sql_count(row, 4, &bad);
	b->dropped = kb_sql_count(row, 5, &bad);
	b->min_timestamp = kb_sql_time(row, 6);
	b->max_timestamp = kb_sql_time(row, 7);
	b->undated = kb_sql_count(row, 8, &bad);
	b->text_length = kb_sql_count(row, 9, &bad);
	b->values_length = kb_sql_count(row, 10, &bad);
	b->raw_length = kb_sql_count(row, 11, &bad);
	b->newline_in_value = kb_sql_int(row, 12, 0, 1, &bad);
	bad |= !times_agree(
		b->min_timestamp, b->max_timestamp, b->undated, b->records);
	return bad || b->size == 0 || b->records == 0
		       ? kb_handle_damaged(h, "block")
		       : 0;
}

/*
 * The layer whose row of that very segment counts, with the row's numbers.
 * 1: no such segment.
 */
static int
owner_of(struct kb_index *x, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, struct kb_index_segment *out,
	struct kb_layer **out_layer)
{
	struct kb_merge_args args = {
		.topic = t, .partition = partition, .a = start};
	const struct kb_merge_head *head;
	size_t dir_len = begin_object(out, t, partition);
	struct kb_merge m = {0};
	int r = kb_merge_begin(
		&m, x->layers, x->count, KB_LAYER_SEGMENTS, 1, &args);

	do {
		if (r == 0)
			r = kb_merge_next(&m, &head);
		if (r == 0)
			r = read_segment(head, dir_len, out);
	} while (r == 0 && out->s.start < start);
	if (r == 0 && out->s.start != start)
		r = 1;
	if (r == 0)
		*out_layer = head->layer;
	kb_merge_end(&m);
	return r;
}

/* Blocks lie side by side from the segment's first byte to its last. */
static int
blocks_of(struct kb_layer *layer, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_segment *s, kb_index_block_fn *each,
	void *ctx)
{
	struct kb_merge_args args = {
		.topic = t, .partition = partition, .a = s->start};
	const struct kb_merge_head *head = NULL;
	struct kb_merge m = {0};
	struct kb_block b;
	uint64_t position = 0;
	int64_t last = s->start - 1;
	int r = kb_merge_begin(&m, &layer, 1, KB_LAYER_BLOCKS, 1, &args);

	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r == 0)
			r = read_block(head, &b);
		if (r == 0 && (b.position != position || b.first <= last ||
				      b.size > s->bytes - position))
			r = kb_handle_damaged(head, "row of blocks");
		if (r)
			break;
		position += b.size;
		last = b.last;
		r = each(ctx, &b);
		if (r)
			goto out;
	}
	if (r == 1)
		r = 0;
	if (r == 0 && (position != s->bytes || last != s->last))
		r = kb_err(-EBADMSG,
			"%s: damaged index file: blocks are missing; "
			"`kbak reindex` makes a new one",
			layer->name);
out:
	kb_merge_end(&m);
	return r;
}

int
kb_index_blocks(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, kb_index_block_fn *each, void *ctx)
{
	struct kb_index_segment s;
	struct kb_layer *layer = NULL;
	int r;

	pthread_mutex_lock(&x->lock);
	r = owner_of(x, t, partition, start, &s, &layer);
	if (r == 0)
		r = blocks_of(layer, t, partition, &s.s, each, ctx);
	else if (r > 0)
		r = kb_err(-ENOENT,
			"%s/%" PRId32 ": no segment starts at %" PRId64,
			t->name, partition, start);
	pthread_mutex_unlock(&x->lock);
	return r;
}

/* ---- gaps ---- */

static int
read_gap(const struct kb_merge_head *h, struct kb_gap *g)
{
	char reason[32];
	bool bad = false;
	int i;

	g->start = kb_sql_int(h->row, 1, 0, INT64_MAX, &bad);
	g->end = kb_sql_int(h->row, 2, 0, INT64_MAX, &bad);
	kb_sql_text(h->row, 3, reason, sizeof(reason), &bad);
	g->noticed = kb_sql_int(h->row, 4, INT64_MIN, INT64_MAX, &bad);
	kb_sql_text(h->row, 5, g->detail, sizeof(g->detail), &bad);
	for (i = KB_GAP_NOT_ASKED; i <= KB_GAP_DELETED; i++) {
		g->reason = (enum kb_gap_reason)i;
		if (strcmp(reason, kb_gap_reason_name(g->reason)) == 0)
			break;
	}
	if (bad || i > KB_GAP_DELETED || g->end <= g->start)
		return kb_handle_damaged(h, "gap");
	return 0;
}

int
kb_index_gaps(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, kb_index_gap_fn *each, void *ctx)
{
	struct kb_merge_args args = {
		.topic = t, .partition = partition, .a = partition};
	const struct kb_merge_head *head;
	struct kb_merge m = {0};
	struct kb_gap g;
	int r;

	pthread_mutex_lock(&x->lock);
	r = kb_merge_begin(&m, x->layers, x->count, KB_LAYER_GAPS, 3, &args);
	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r == 0)
			r = read_gap(head, &g);
		if (r)
			break;
		r = each(ctx, &g);
		if (r)
			goto out;
	}
	r = r > 0 ? 0 : r;
out:
	kb_merge_end(&m);
	pthread_mutex_unlock(&x->lock);
	return r;
}
