/*
 * Rows of the index say everything of directories and of listed files. Of a
 * range, the facts are those of the view of its lines, whatever form was asked
 * for, and the stored bytes are the size of the view of its batches. Of a
 * period there is no such view.
 */
#include "fs/attrs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/nodes.h"
#include "fs/past_tree.h"
#include "fs/ranges.h"
#include "fs/selector.h"
#include "fs/view.h"
#include "index/index.h"

#define PREFIX "user.kbak."
#define BIT(which) (1u << (which))
#define FACTS                                                                  \
	(BIT(KB_ATTR_FIRST_OFFSET) | BIT(KB_ATTR_LAST_OFFSET) |                \
		BIT(KB_ATTR_RECORDS) | BIT(KB_ATTR_MIN_TIMESTAMP) |            \
		BIT(KB_ATTR_MAX_TIMESTAMP))

static const char *const names[KB_ATTRS] = {
	[KB_ATTR_TOPIC_ID] = PREFIX "topic_id",
	[KB_ATTR_FIRST_OFFSET] = PREFIX "first_offset",
	[KB_ATTR_LAST_OFFSET] = PREFIX "last_offset",
	[KB_ATTR_RECORDS] = PREFIX "records",
	[KB_ATTR_MIN_TIMESTAMP] = PREFIX "min_timestamp",
	[KB_ATTR_MAX_TIMESTAMP] = PREFIX "max_timestamp",
	[KB_ATTR_STORED_BYTES] = PREFIX "stored_bytes",
	[KB_ATTR_SHA256] = PREFIX "sha256",
};

/* ---- names and values ---- */

unsigned
kb_attrs_named(const char *name)
{
	for (unsigned i = 0; i < KB_ATTRS; i++)
		if (strcmp(name, names[i]) == 0)
			return BIT(i);
	return 0;
}

int
kb_attrs_list(const struct kb_attrs *a, struct kb_buf *out)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < KB_ATTRS; i++)
		if (a->has & BIT(i))
			r = kb_buf_put(out, names[i], strlen(names[i]) + 1);
	return r;
}

static int64_t
number_of(const struct kb_attrs *a, enum kb_attr which)
{
	switch (which) {
	case KB_ATTR_FIRST_OFFSET:
		return a->facts.first;
	case KB_ATTR_LAST_OFFSET:
		return a->facts.last;
	case KB_ATTR_RECORDS:
		return (int64_t)a->facts.records;
	case KB_ATTR_MIN_TIMESTAMP:
		return a->facts.min_timestamp;
	case KB_ATTR_MAX_TIMESTAMP:
		return a->facts.max_timestamp;
	default:
		return (int64_t)a->stored_bytes;
	}
}

size_t
kb_attrs_value(
	const struct kb_attrs *a, enum kb_attr which, char out[KB_ATTR_MAX])
{
	if (which == KB_ATTR_TOPIC_ID)
		kb_uuid_format(&a->topic_id, out);
	else if (which == KB_ATTR_SHA256)
		kb_sha256_format(a->sha256, out);
	else
		snprintf(out, KB_ATTR_MAX, "%" PRId64, number_of(a, which));
	return strlen(out);
}

/* ---- where they come from ---- */

/* What facts say when there is no record, or none with a time, is left out. */
static void
add_facts(struct kb_attrs *a, const struct kb_facts *facts)
{
	a->facts = *facts;
	a->has |= BIT(KB_ATTR_RECORDS);
	if (facts->records)
		a->has |= BIT(KB_ATTR_FIRST_OFFSET) | BIT(KB_ATTR_LAST_OFFSET);
	if (facts->max_timestamp != KB_NO_TIME)
		a->has |=
			BIT(KB_ATTR_MIN_TIMESTAMP) | BIT(KB_ATTR_MAX_TIMESTAMP);
}

static void
add_id(struct kb_attrs *a, const struct kb_uuid *id)
{
	a->topic_id = *id;
	a->has |= BIT(KB_ATTR_TOPIC_ID);
}

static void
add_stored(struct kb_attrs *a, uint64_t bytes)
{
	a->stored_bytes = bytes;
	a->has |= BIT(KB_ATTR_STORED_BYTES);
}

static void
add_sha256(struct kb_attrs *a, const struct kb_segment *s)
{
	memcpy(a->sha256, s->sha256, sizeof(a->sha256));
	a->has |= BIT(KB_ATTR_SHA256);
}

static int
sum_partition(void *ctx, const struct kb_index_partition *p)
{
	struct kb_attrs *a = ctx;
	struct kb_facts facts = {.records = p->records,
		.first = p->first,
		.last = p->last,
		.min_timestamp = p->min_timestamp,
		.max_timestamp = p->max_timestamp};

	if (p->segments == 0)
		return 0;
	kb_facts_add(&a->facts, &facts);
	a->stored_bytes += p->bytes;
	return 0;
}

/* Offsets of several partitions say nothing together. */
static int
gather_topic(struct kb_tree *t, uint32_t ordinal, struct kb_attrs *out)
{
	const struct kb_roster_topic *topic = NULL;
	struct kb_topic_ref ref;
	int r;

	pthread_mutex_lock(&t->lock);
	if (ordinal < t->roster.topic_count)
		topic = t->roster.topics[ordinal];
	pthread_mutex_unlock(&t->lock);
	if (!topic)
		return kb_nodes_unknown(ordinal);
	ref = (struct kb_topic_ref){topic->row.name, topic->row.id};
	r = kb_index_partitions(t->index, &ref, sum_partition, out);
	if (r < 0)
		return r;
	add_facts(out, &out->facts);
	add_stored(out, out->stored_bytes);
	add_id(out, &ref.id);
	out->has &= ~(BIT(KB_ATTR_FIRST_OFFSET) | BIT(KB_ATTR_LAST_OFFSET));
	return 0;
}

static int
gather_partition(
	struct kb_tree *t, const struct kb_place *place, struct kb_attrs *out)
{
	struct kb_index_partition row;
	int r;

	r = kb_index_partition(t->index, &place->topic, place->partition, &row);
	if (r < 0)
		return r;
	sum_partition(out, &row);
	add_facts(out, &out->facts);
	add_stored(out, out->stored_bytes);
	return 0;
}

static int
gather_file(struct kb_tree *t, const struct kb_place *place, int64_t first,
	struct kb_attrs *out)
{
	struct kb_index_segment row;
	struct kb_facts facts;
	int r;

	r = kb_index_segment_at(
		t->index, &place->topic, place->partition, first, &row);
	if (r < 0)
		return r;
	if (row.s.first != first)
		return kb_nodes_unknown((uint64_t)first);
	facts = (struct kb_facts){row.s.records, row.s.first, row.s.last,
		row.s.min_timestamp, row.s.max_timestamp};
	add_facts(out, &facts);
	add_stored(out, row.s.bytes);
	add_sha256(out, &row.s);
	return 0;
}

/* ---- ranges ---- */

/* Size and facts of a range in another form than the name's. */
static int
look_at(struct kb_tree *t, const struct kb_place *place,
	const struct kb_selector *what, uint64_t *out_size,
	struct kb_facts *out_facts)
{
	struct kb_view *v;
	int r = kb_view_open(t->sources, t->index, place, what, &v);

	if (r < 0)
		return r;
	*out_size = kb_view_size(v);
	*out_facts = *kb_view_facts(v);
	kb_view_close(v);
	return 0;
}

/* The segment that the range is just the whole of. -ENOENT: it is not. */
static int
whole_segment(struct kb_tree *t, const struct kb_place *place,
	const struct kb_selector *what, struct kb_segment *out)
{
	struct kb_index_segment row;
	int r;

	r = kb_index_segment_at(
		t->index, &place->topic, place->partition, what->first, &row);
	if (r < 0)
		return r;
	if (row.s.first < what->first || row.s.last > what->last)
		return -ENOENT;
	*out = row.s;
	r = kb_index_segment_at(
		t->index, &place->topic, place->partition, out->last + 1, &row);
	if (r == 0 && row.s.first <= what->last)
		return -ENOENT;
	return r == -ENOENT ? 0 : r;
}

static int
gather_range(struct kb_tree *t, const struct kb_place *place,
	const struct kb_selector *range, unsigned wanted, struct kb_attrs *out)
{
	struct kb_selector what = *range;
	struct kb_facts facts = kb_facts_none();
	struct kb_segment s;
	uint64_t size;
	int r = 0;

	/* Of a period there are no whole batches. */
	if (!kb_period_is_always(&range->period))
		wanted &= FACTS;
	what.form = KB_FORM_LOG;
	if (wanted & BIT(KB_ATTR_STORED_BYTES) || range->form == KB_FORM_LOG) {
		r = look_at(t, place, &what, &size, &facts);
		if (r < 0)
			return r;
		add_stored(out, size);
	}
	if (range->form == KB_FORM_LOG) {
		what.first = facts.first;
		what.last = facts.last;
	}
	what.form = KB_FORM_JSONL;
	if (wanted & FACTS) {
		r = look_at(t, place, &what, &size, &facts);
		if (r < 0)
			return r;
		add_facts(out, &facts);
	}
	if (wanted & BIT(KB_ATTR_SHA256))
		r = whole_segment(t, place, &what, &s);
	if (wanted & BIT(KB_ATTR_SHA256) && r == 0)
		add_sha256(out, &s);
	return r == -ENOENT ? 0 : r;
}

int
kb_attrs_gather(
	struct kb_tree *t, uint64_t ino, unsigned wanted, struct kb_attrs *out)
{
	struct kb_ino n = kb_ino_read(ino);
	const struct kb_roster_partition *p;
	const struct kb_place *place = NULL;
	struct kb_selector what;
	int r = 0;

	*out = (struct kb_attrs){.facts = kb_facts_none()};
	switch (n.kind) {
	case KB_INO_IS_TOPIC:
		r = gather_topic(t, n.ordinal, out);
		break;
	case KB_INO_IS_PARTITION:
	case KB_INO_IS_FILE:
		p = kb_nodes_partition_at(t, n.ordinal);
		if (!p)
			return kb_nodes_unknown(ino);
		place = &p->place;
		r = n.kind == KB_INO_IS_FILE
			    ? gather_file(t, place, n.first, out)
			    : gather_partition(t, place, out);
		break;
	case KB_INO_IS_PAST_FILE:
		r = kb_past_tree_what(t, ino, &place, &what);
		if (r == 0)
			r = gather_range(t, place, &what, wanted, out);
		break;
	case KB_INO_IS_VIEW:
		r = kb_ranges_what(t->ranges, ino, &place, &what);
		if (r == 0)
			r = gather_range(t, place, &what, wanted, out);
		break;
	default:
		break;
	}
	if (r < 0)
		return r;
	if (place)
		add_id(out, &place->topic.id);
	out->has &= wanted;
	return 0;
}
