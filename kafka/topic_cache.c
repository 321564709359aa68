/* Entries sorted by name; a topic is looked up far more often than learnt. */
#include "kafka/topic_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "kafka/cluster.h"

struct entry {
	struct kb_metadata_topic topic;
	int64_t seen;
};

struct kb_topic_cache {
	struct entry *entries;
	size_t count, cap;
};

int
kb_topic_cache_new(struct kb_topic_cache **out)
{
	struct kb_topic_cache *t = calloc(1, sizeof(*t));

	if (!t)
		return kb_err(-ENOMEM, "out of memory");
	*out = t;
	return 0;
}

void
kb_topic_cache_free(struct kb_topic_cache *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		free(t->entries[i].topic.name);
		free(t->entries[i].topic.partitions);
	}
	free(t->entries);
	free(t);
}

/* Where name is, or where it would be put. */
static size_t
position(const struct kb_topic_cache *t, const char *name, bool *out_found)
{
	size_t lo = 0, hi = t->count;

	*out_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(name, t->entries[mid].topic.name);

		if (order == 0)
			*out_found = true;
		if (order > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Makes room for a new entry at i. */
static int
insert(struct kb_topic_cache *t, size_t i, const char *name)
{
	char *copy = strdup(name);

	if (copy && t->count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct entry *more = realloc(t->entries, cap * sizeof(*more));

		if (more) {
			t->entries = more;
			t->cap = cap;
		}
	}
	if (!copy || t->count == t->cap) {
		free(copy);
		return kb_err(-ENOMEM, "out of memory");
	}
	memmove(&t->entries[i + 1], &t->entries[i],
		(t->count - i) * sizeof(*t->entries));
	t->entries[i] = (struct entry){.topic.name = copy};
	t->count++;
	return 0;
}

static int
learn(struct kb_topic_cache *t, const struct kb_metadata_topic *topic,
	int64_t now)
{
	size_t size = topic->partition_count * sizeof(*topic->partitions);
	struct kb_metadata_partition *partitions = malloc(size ? size : 1);
	bool found;
	size_t i = position(t, topic->name, &found);
	struct kb_metadata_topic *known;
	int r = 0;

	if (!partitions)
		return kb_err(-ENOMEM, "out of memory: %zu bytes", size);
	if (!found)
		r = insert(t, i, topic->name);
	if (r < 0) {
		free(partitions);
		return r;
	}
	if (size)
		memcpy(partitions, topic->partitions, size);
	known = &t->entries[i].topic;
	free(known->partitions);
	known->partitions = partitions;
	known->partition_count = topic->partition_count;
	known->id = topic->id;
	known->error = topic->error;
	known->internal = topic->internal;
	t->entries[i].seen = now;
	return 0;
}

int
kb_topic_cache_learn(
	struct kb_topic_cache *t, const struct kb_metadata *m, int64_t now)
{
	int r = 0;

	for (size_t i = 0; i < m->topic_count && r == 0; i++)
		r = learn(t, &m->topics[i], now);
	return r;
}

const struct kb_metadata_topic *
kb_topic_cache_find(
	const struct kb_topic_cache *t, const char *name, int64_t since)
{
	bool found;
	size_t i = position(t, name, &found);

	if (!found || t->entries[i].seen < since)
		return NULL;
	return &t->entries[i].topic;
}
