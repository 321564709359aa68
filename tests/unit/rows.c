#include "rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "index/stack.h"

const struct kb_topic_ref rows_orders = {"orders", {{1}}};

void
rows_make(struct rows_segment *out, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, int64_t time)
{
	struct kb_segment *s = &out->row.s;

	*out = (struct rows_segment){0};
	s->start = start;
	s->end = start + ROWS_STEP;
	s->first = start + 1;
	s->last = start + ROWS_STEP - 2;
	s->bytes = 300;
	s->records = ROWS_STEP - 2;
	s->dropped = 2;
	s->min_timestamp = time;
	s->max_timestamp = time == KB_NO_TIME ? time : time + 5;
	s->undated = time == KB_NO_TIME ? s->records : 0;
	s->text_length = 900 + (uint64_t)(start % 7);
	s->values_length = 500;
	s->raw_length = 700;
	s->leader_epoch = (int32_t)(start / 100);
	s->block_count = ROWS_BLOCKS;
	memset(s->sha256, (int)(start % 251), sizeof(s->sha256));
	kb_layout_segment(out->row.object, t, partition, start);
	for (int i = 0; i < ROWS_BLOCKS; i++) {
		struct kb_block *b = &out->blocks[i];

		b->first = s->first + 2 * i;
		b->last = i + 1 < ROWS_BLOCKS ? b->first + 1 : s->last;
		b->position = 100 * (uint64_t)i;
		b->size = 100;
		b->records = (uint64_t)(b->last - b->first + 1);
		b->dropped = i == 0;
		b->min_timestamp = s->min_timestamp;
		b->max_timestamp = s->max_timestamp;
		b->undated = s->undated ? b->records : 0;
		b->text_length = 300;
		b->values_length = 150;
		b->raw_length = 230;
		b->newline_in_value = i == 1;
	}
}

void
rows_add(struct kb_index_delta *d, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, int64_t time)
{
	struct rows_segment s;

	rows_make(&s, t, partition, start, time);
	ck_ok(kb_index_delta_segment(d, t, partition, &s.row, s.blocks));
}

void
rows_commit(struct kb_index *x, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int64_t time)
{
	struct kb_index_delta *d;

	ck_ok(kb_index_delta_new(&d));
	rows_add(d, t, partition, start, time);
	ck_ok(kb_index_commit(x, d));
	ck_assert(kb_index_delta_empty(d));
	kb_index_delta_free(d);
}

void
rows_commit_meta(struct kb_index *x, const struct kb_topic_ref *t, uint64_t n,
	int64_t seen, int32_t partitions)
{
	struct kb_meta m = {.id = t->id,
		.seen = seen,
		.partitions = partitions,
		.replication_factor = 3};
	struct kb_index_delta *d;

	snprintf(m.topic, sizeof(m.topic), "%s", t->name);
	ck_ok(kb_meta_put(&m, "cleanup.policy", "compact"));
	ck_ok(kb_index_delta_new(&d));
	ck_ok(kb_index_delta_meta(d, &m, n));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	kb_meta_release(&m);
}

struct starts {
	char text[4000];
	size_t len;
};

static int
add_start(void *ctx, const struct kb_index_segment *s)
{
	struct starts *o = ctx;

	o->len += (size_t)snprintf(o->text + o->len, sizeof(o->text) - o->len,
		"%" PRId64 ",", s->s.start);
	return 0;
}

const char *
rows_starts(struct kb_index *x, const struct kb_topic_ref *t, int32_t partition,
	int64_t from)
{
	static struct starts o;

	o = (struct starts){0};
	ck_ok(kb_index_segments(x, t, partition, from, add_start, &o));
	return o.text;
}

size_t
rows_files(struct kb_store *s)
{
	struct kb_stack k = {0};
	size_t n;

	ck_ok(kb_stack_list(s, &k));
	n = k.count;
	kb_stack_release(&k);
	return n;
}

/* ---- everything as text ---- */

/* Callbacks may not call back: what comes next is remembered and asked. */
struct list {
	struct kb_buf *out;
	struct kb_buf items;
};

static int
list_topic(void *ctx, const struct kb_index_topic *t)
{
	struct list *l = ctx;

	ck_ok(kb_buf_printf(l->out, "topic %s %d %" PRId64 " %" PRId64 "\n",
		t->shown, t->partitions, t->first_seen, t->last_seen));
	return kb_buf_put(&l->items, t, sizeof(*t));
}

static int
list_partition(void *ctx, const struct kb_index_partition *p)
{
	struct list *l = ctx;

	ck_ok(kb_buf_printf(l->out,
		"partition %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		" %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
		" %" PRId64 " %d\n",
		p->partition, p->segments, p->gaps, p->records, p->bytes,
		p->text_length, p->first, p->last, p->end, p->min_timestamp,
		p->max_timestamp, p->leader_epoch));
	return kb_buf_put(&l->items, p, sizeof(*p));
}

static int
list_segment(void *ctx, const struct kb_index_segment *s)
{
	struct list *l = ctx;

	ck_ok(kb_buf_printf(l->out,
		"segment %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64
		" %" PRIu64 " %" PRId64 " %" PRId64 " %02x\n",
		s->object, s->s.first, s->s.last, s->s.end, s->s.records,
		s->s.text_length, s->s.min_timestamp, s->s.max_timestamp,
		s->s.sha256[31]));
	return kb_buf_put(&l->items, s, sizeof(*s));
}

static int
list_block(void *ctx, const struct kb_block *b)
{
	return kb_buf_printf(ctx,
		"block %" PRId64 "-%" PRId64 " %" PRIu64 "+%" PRIu64 " %d\n",
		b->first, b->last, b->position, b->size, b->newline_in_value);
}

static int
list_gap(void *ctx, const struct kb_gap *g)
{
	return kb_buf_printf(ctx,
		"gap %" PRId64 "-%" PRId64 " %s %" PRId64 " %s\n", g->start,
		g->end, kb_gap_reason_name(g->reason), g->noticed, g->detail);
}

static void
dump_partition(struct kb_index *x, const struct kb_topic_ref *t, int32_t p,
	struct kb_buf *out)
{
	struct list l = {.out = out};
	const struct kb_index_segment *s;
	size_t n;

	ck_ok(kb_index_segments(x, t, p, 0, list_segment, &l));
	s = (const struct kb_index_segment *)l.items.data;
	n = l.items.len / sizeof(*s);
	for (size_t i = 0; i < n; i++)
		ck_ok(kb_index_blocks(x, t, p, s[i].s.start, list_block, out));
	ck_ok(kb_index_gaps(x, t, p, list_gap, out));
	kb_buf_release(&l.items);
}

static void
dump_topic(struct kb_index *x, const struct kb_index_topic *topic,
	struct kb_buf *out)
{
	struct kb_topic_ref t = {topic->name, topic->id};
	struct list l = {.out = out};
	const struct kb_index_partition *p;
	struct kb_meta m = {0};
	size_t n;

	if (kb_index_meta(x, &t, &m) == 0)
		ck_ok(kb_buf_printf(out, "meta %" PRId64 " %d %d %zu\n", m.seen,
			m.partitions, m.replication_factor, m.setting_count));
	kb_meta_release(&m);
	ck_ok(kb_index_partitions(x, &t, list_partition, &l));
	p = (const struct kb_index_partition *)l.items.data;
	n = l.items.len / sizeof(*p);
	for (size_t i = 0; i < n; i++)
		dump_partition(x, &t, p[i].partition, out);
	kb_buf_release(&l.items);
}

void
rows_dump(struct kb_index *x, struct kb_buf *out)
{
	struct list l = {.out = out};
	const struct kb_index_topic *t;
	struct kb_run run;
	size_t n;

	ck_ok(kb_index_topics(x, list_topic, &l));
	t = (const struct kb_index_topic *)l.items.data;
	n = l.items.len / sizeof(*t);
	for (size_t i = 0; i < n; i++)
		dump_topic(x, &t[i], out);
	kb_buf_release(&l.items);
	if (kb_index_last_run(x, &run) == 0)
		ck_ok(kb_buf_printf(out, "run %" PRId64 " %" PRIu64 "\n",
			run.ended, run.records));
	ck_ok(kb_buf_put(out, "", 1));
}
