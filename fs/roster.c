/*
 * A row is made when a topic or partition is first met and keeps its place, so
 * inode numbers and listing cookies made of places stay good whatever is
 * committed meanwhile. A topic is known by name and id: `shown` of an old
 * incarnation changes when the topic is created again. Totals are loaded a
 * topic at a time, when asked for, and kept until the index changes.
 */
#include "fs/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "format/jsonl.h"
#include "fs/ino.h"

void
kb_roster_init(struct kb_roster *r, struct kb_index *index)
{
	memset(r, 0, sizeof(*r));
	r->index = index;
	r->partition_count = 1;
	r->generation = 1;
}

void
kb_roster_release(struct kb_roster *r)
{
	for (size_t i = 0; i < r->topic_count; i++) {
		for (size_t j = 0; j < r->topics[i]->count; j++)
			free(r->topics[i]->partitions[j]);
		free(r->topics[i]->partitions);
		free(r->topics[i]);
	}
	free(r->topics);
	free(r->partitions);
	kb_hash_release(&r->by_id);
	kb_hash_release(&r->by_shown);
}

void
kb_roster_stale(struct kb_roster *r)
{
	r->generation++;
}

static int
no_memory(void)
{
	return kb_err(-ENOMEM, "mount: out of memory");
}

/* Makes room for one more pointer in the array that `array` points to. */
static int
grow(void *array, size_t count, size_t *room)
{
	size_t more = *room ? 2 * *room : 16;
	void *p;

	if (count < *room)
		return 0;
	p = reallocarray(*(void **)array, more, sizeof(void *));
	if (!p)
		return no_memory();
	*(void **)array = p;
	*room = more;
	return 0;
}

/* ---- topics ---- */

static uint64_t
hash_id(const struct kb_index_topic *row)
{
	uint64_t h = kb_hash_text(0, row->name);

	h = kb_hash_mix(h, kb_load_be64(row->id.b));
	return kb_hash_mix(h, kb_load_be64(row->id.b + 8));
}

static struct kb_roster_topic *
find_id(struct kb_roster *r, const struct kb_index_topic *row)
{
	struct kb_link *l = kb_hash_find(&r->by_id, hash_id(row));

	for (; l; l = kb_hash_next(l)) {
		struct kb_roster_topic *t =
			kb_link_entry(l, struct kb_roster_topic, by_id);

		if (kb_uuid_equal(&t->row.id, &row->id) &&
			strcmp(t->row.name, row->name) == 0)
			return t;
	}
	return NULL;
}

/* NULL with a sentence. */
static struct kb_roster_topic *
add_topic(struct kb_roster *r, const struct kb_index_topic *row)
{
	struct kb_roster_topic *t;

	if (r->topic_count == KB_INO_TOPICS) {
		kb_err(-EOVERFLOW, "mount: too many topics");
		return NULL;
	}
	if (grow(&r->topics, r->topic_count, &r->topic_room) < 0)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t) {
		no_memory();
		return NULL;
	}
	t->row = *row;
	t->newest = KB_NO_TIME;
	t->ordinal = (uint32_t)r->topic_count;
	if (kb_hash_add(&r->by_id, &t->by_id, hash_id(row)) < 0) {
		free(t);
		no_memory();
		return NULL;
	}
	r->topics[r->topic_count++] = t;
	return t;
}

static int
meet_topic(void *ctx, const struct kb_index_topic *row)
{
	struct kb_roster *r = ctx;
	struct kb_roster_topic *t = find_id(r, row);

	if (!t) {
		t = add_topic(r, row);
		if (!t)
			return -ENOMEM;
	}
	memcpy(t->row.shown, row->shown, sizeof(t->row.shown));
	t->present = true;
	if (kb_hash_add(&r->by_shown, &t->by_shown,
		    kb_hash_text(0, row->shown)) < 0)
		return no_memory();
	return 0;
}

int
kb_roster_list(struct kb_roster *r)
{
	int e;

	if (r->listed == r->generation)
		return 0;
	kb_hash_release(&r->by_shown);
	for (size_t i = 0; i < r->topic_count; i++)
		r->topics[i]->present = false;
	e = kb_index_topics(r->index, meet_topic, r);
	if (e == 0)
		r->listed = r->generation;
	return e;
}

struct kb_roster_topic *
kb_roster_find(struct kb_roster *r, const char *shown)
{
	struct kb_link *l = kb_hash_find(&r->by_shown, kb_hash_text(0, shown));

	for (; l; l = kb_hash_next(l)) {
		struct kb_roster_topic *t =
			kb_link_entry(l, struct kb_roster_topic, by_shown);

		if (strcmp(t->row.shown, shown) == 0)
			return t;
	}
	return NULL;
}

/* ---- partitions ---- */

/* Where in the topic's row of partitions `number` is, or would be. */
static size_t
place_of(const struct kb_roster_topic *t, int32_t number)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->partitions[mid]->place.partition < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct kb_roster_partition *
kb_roster_partition(const struct kb_roster_topic *t, int32_t number)
{
	size_t at = place_of(t, number);

	return at < t->count && t->partitions[at]->place.partition == number
		       ? t->partitions[at]
		       : NULL;
}

static int
add_partition(struct kb_roster_topic *t, int32_t number,
	struct kb_roster_partition **out)
{
	size_t at = place_of(t, number);
	struct kb_roster_partition *p;
	struct kb_jsonl v;

	if (grow(&t->partitions, t->count, &t->room) < 0)
		return -ENOMEM;
	p = calloc(1, sizeof(*p));
	if (!p)
		return no_memory();
	kb_jsonl_init(&v, t->row.name, number);
	p->topic = t;
	p->place.partition = number;
	p->place.topic.name = t->row.name;
	p->place.topic.id = t->row.id;
	p->place.head_len = v.head_len;
	memmove(t->partitions + at + 1, t->partitions + at,
		(t->count - at) * sizeof(*t->partitions));
	t->partitions[at] = p;
	t->count++;
	*out = p;
	return 0;
}

static int
meet_partition(void *ctx, const struct kb_index_partition *row)
{
	struct kb_roster_topic *t = ctx;
	struct kb_roster_partition *p = kb_roster_partition(t, row->partition);
	int e = p ? 0 : add_partition(t, row->partition, &p);

	if (e < 0)
		return e;
	p->newest = row->segments ? row->max_timestamp : KB_NO_TIME;
	p->end = row->end;
	if (p->newest > t->newest)
		t->newest = p->newest;
	return 0;
}

int
kb_roster_load(struct kb_roster *r, struct kb_roster_topic *t)
{
	struct kb_topic_ref ref = {t->row.name, t->row.id};
	int e;

	if (t->loaded == r->generation)
		return 0;
	e = kb_index_partitions(r->index, &ref, meet_partition, t);
	if (e == 0)
		t->loaded = r->generation;
	return e;
}

int
kb_roster_number(struct kb_roster *r, struct kb_roster_partition *p)
{
	if (p->place.ordinal)
		return 0;
	if (r->partition_count == KB_INO_PARTITIONS)
		return kb_err(-EOVERFLOW, "mount: too many partitions");
	if (grow(&r->partitions, r->partition_count, &r->partition_room) < 0)
		return -ENOMEM;
	p->place.ordinal = (uint32_t)r->partition_count;
	r->partitions[r->partition_count++] = p;
	return 0;
}
