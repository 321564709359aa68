/*
 * Nodes are made of rows: directories of the roster, listed files of the
 * index. Nothing is decoded for one.
 */
#include "fs/nodes.h"

#include <errno.h>
#include <inttypes.h>

#include "common/clock.h"
#include "common/err.h"
#include "fs/past_tree.h"
#include "fs/ranges.h"
#include "fs/selector.h"
#include "index/index.h"
#include "store/repo.h"

#define ROOT_MS 10000

static int64_t
time_or(int64_t time, int64_t other)
{
	return time != KB_NO_TIME ? time : other;
}

/*
 * The newest time of all topics asks each of them, so while the repository
 * grows it is not asked at every step of it.
 */
static int
total(struct kb_tree *t)
{
	struct kb_roster *all = &t->roster;
	int64_t now = kb_clock_ms();
	int r = 0;

	if (t->total_generation == all->generation ||
		(t->totalled && now - t->totalled < ROOT_MS))
		return 0;
	for (size_t i = 0; r == 0 && i < all->topic_count; i++) {
		r = kb_roster_load(all, all->topics[i]);
		if (all->topics[i]->newest > t->newest)
			t->newest = all->topics[i]->newest;
	}
	t->totalled = now;
	t->total_generation = all->generation;
	return r;
}

int
kb_nodes_root(struct kb_tree *t, struct kb_node *out)
{
	uint32_t dirs = t->with_restore;
	int r = kb_roster_list(&t->roster);

	if (r == 0)
		r = total(t);
	for (size_t i = 0; i < t->roster.topic_count; i++)
		dirs += t->roster.topics[i]->present;
	*out = (struct kb_node){.ino = KB_INO_ROOT,
		.dir = true,
		.mode = KB_DIR_MODE,
		.nlink = 2 + dirs,
		.mtime = time_or(t->newest, t->repo->created)};
	return r;
}

int
kb_nodes_namespace(struct kb_tree *t, struct kb_node *out)
{
	struct kb_roster_topic *topic;
	int r = kb_roster_list(&t->roster);

	if (r < 0)
		return r;
	topic = kb_roster_find(&t->roster, KB_RESTORE);
	if (topic)
		r = kb_roster_load(&t->roster, topic);
	*out = (struct kb_node){.ino = KB_INO_NAMESPACE,
		.dir = true,
		.mode = KB_DIR_MODE,
		.nlink = topic ? 3 : 2,
		.mtime = time_or(
			topic ? topic->newest : KB_NO_TIME, t->repo->created)};
	return r;
}

int
kb_nodes_topic(
	struct kb_tree *t, struct kb_roster_topic *topic, struct kb_node *out)
{
	int r = kb_roster_load(&t->roster, topic);

	*out = (struct kb_node){.ino = kb_ino_topic(topic->ordinal),
		.dir = true,
		.mode = KB_DIR_MODE,
		.nlink = 2 + (uint32_t)topic->count,
		.mtime = time_or(topic->newest, topic->row.first_seen)};
	return r;
}

int
kb_nodes_partition(
	struct kb_tree *t, struct kb_roster_partition *p, struct kb_node *out)
{
	int r = kb_roster_load(&t->roster, p->topic);

	if (r == 0)
		r = kb_roster_number(&t->roster, p);
	*out = (struct kb_node){.ino = kb_ino_partition(p->place.ordinal),
		.dir = true,
		.mode = KB_DIR_MODE,
		.nlink = 2,
		.mtime = time_or(p->newest, p->topic->row.first_seen)};
	return r;
}

/* A listed file. Its number is only for d_ino when it is out of the scheme. */
void
kb_nodes_segment(const struct kb_roster_partition *p,
	const struct kb_segment *s, struct kb_node *out)
{
	uint64_t ino = s->first < KB_INO_OFFSETS
			       ? kb_ino_file(p->place.ordinal, s->first)
			       : KB_INO_VIEW | (uint64_t)s->first >> 1;

	*out = (struct kb_node){.ino = ino,
		.fixed = true,
		.mode = KB_FILE_MODE,
		.nlink = 1,
		.size = s->text_length,
		.mtime = time_or(s->max_timestamp, p->topic->row.first_seen)};
}

int
kb_nodes_range(struct kb_tree *t, struct kb_roster_partition *p,
	const struct kb_selector *what, struct kb_node *out)
{
	int64_t end;
	int r;

	pthread_mutex_lock(&t->lock);
	r = kb_roster_load(&t->roster, p->topic);
	end = p->end;
	pthread_mutex_unlock(&t->lock);
	if (r < 0)
		return r;
	return kb_ranges_lookup(t->ranges, &p->place, what, what->last < end,
		p->topic->row.first_seen, out);
}

/* The partition of that ordinal; NULL when there is none. */
static struct kb_roster_partition *
partition_at(struct kb_tree *t, uint32_t ordinal)
{
	return ordinal && ordinal < t->roster.partition_count
		       ? t->roster.partitions[ordinal]
		       : NULL;
}

struct kb_roster_partition *
kb_nodes_partition_at(struct kb_tree *t, uint32_t ordinal)
{
	struct kb_roster_partition *p;

	pthread_mutex_lock(&t->lock);
	p = partition_at(t, ordinal);
	pthread_mutex_unlock(&t->lock);
	return p;
}

int
kb_nodes_unknown(uint64_t ino)
{
	return kb_err(-ESTALE, "inode %" PRIx64 ": not known", ino);
}

int
kb_nodes_gone(const struct kb_roster_partition *p, int64_t first)
{
	return kb_err(-ESTALE, "%s/%" PRId32 ": no file from %" PRId64,
		p->place.topic.name, p->place.partition, first);
}

int
kb_nodes_dir(struct kb_tree *t, const struct kb_ino *n, struct kb_node *out)
{
	struct kb_roster_partition *p;

	switch (n->kind) {
	case KB_INO_IS_ROOT:
		return kb_nodes_root(t, out);
	case KB_INO_IS_NAMESPACE:
		return kb_nodes_namespace(t, out);
	case KB_INO_IS_TOPIC:
		if (n->ordinal >= t->roster.topic_count)
			return kb_nodes_unknown(n->ordinal);
		return kb_nodes_topic(t, t->roster.topics[n->ordinal], out);
	default:
		p = partition_at(t, n->ordinal);
		return p ? kb_nodes_partition(t, p, out)
			 : kb_nodes_unknown(n->ordinal);
	}
}

static int
stat_file(struct kb_tree *t, const struct kb_ino *n, struct kb_node *out)
{
	struct kb_roster_partition *p = kb_nodes_partition_at(t, n->ordinal);
	struct kb_index_segment row;
	int r;

	if (!p)
		return kb_nodes_unknown(n->ordinal);
	r = kb_index_segment_at(
		t->index, &p->place.topic, p->place.partition, n->first, &row);
	if (r == -ENOENT || (r == 0 && row.s.first != n->first))
		return kb_nodes_gone(p, n->first);
	if (r == 0)
		kb_nodes_segment(p, &row.s, out);
	return r;
}

int
kb_tree_stat(struct kb_tree *t, uint64_t ino, struct kb_node *out)
{
	struct kb_ino n = kb_ino_read(ino);
	int r;

	switch (n.kind) {
	case KB_INO_IS_FILE:
		return stat_file(t, &n, out);
	case KB_INO_IS_VIEW:
		return kb_ranges_stat(t->ranges, ino, out);
	case KB_INO_IS_PAST_DIR:
	case KB_INO_IS_PAST_FILE:
		return kb_past_tree_stat(t, ino, out);
	case KB_INO_IS_RESTORE:
	case KB_INO_IS_NOTHING:
		return kb_nodes_unknown(ino);
	default:
		pthread_mutex_lock(&t->lock);
		r = kb_nodes_dir(t, &n, out);
		pthread_mutex_unlock(&t->lock);
		return r;
	}
}
