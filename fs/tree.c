/*
 * Topics and partitions are rows of a roster: their inode numbers are places
 * in it, and listings go through it in order, so a cookie stays good whatever
 * is committed meanwhile. Files have no row: a listed file's number says
 * partition and first offset, and the index says the rest. Only ranges that
 * are not listed live in a table until the kernel forgets them (ranges.c).
 *
 * `lock` guards the roster; it may be held while asking the index, never while
 * decoding, and no index callback takes it.
 */
#include "fs/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "fs/filename.h"
#include "fs/ino.h"
#include "fs/ranges.h"
#include "fs/roster.h"
#include "fs/view.h"
#include "index/index.h"
#include "store/repo.h"

#define NAMESPACE "@topic"
#define RESTORE "restore"
#define REFRESH_MS 1000
#define ROOT_MS 10000

struct kb_tree {
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_sources *sources;
	struct kb_ranges *ranges;
	bool with_restore;
	pthread_mutex_t lock;
	struct kb_roster roster;
	int64_t refreshed; /* clock of the last look */
	bool refresh_failed;
	int64_t newest;		   /* of all topics, */
	int64_t totalled;	   /* as of this clock; 0 never, */
	uint64_t total_generation; /* and generation */
};

int
kb_tree_new(struct kb_repo *repo, struct kb_index *index,
	struct kb_sources *sources, bool with_restore, struct kb_tree **out)
{
	struct kb_tree *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return kb_err(-ENOMEM, "mount: out of memory");
	r = kb_ranges_new(sources, index, &t->ranges);
	if (r < 0) {
		free(t);
		return r;
	}
	t->repo = repo;
	t->index = index;
	t->sources = sources;
	t->with_restore = with_restore;
	t->newest = KB_NO_TIME;
	t->refreshed = kb_clock_ms();
	kb_roster_init(&t->roster, index);
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

void
kb_tree_free(struct kb_tree *t)
{
	if (!t)
		return;
	kb_roster_release(&t->roster);
	kb_ranges_free(t->ranges);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
kb_tree_refresh(struct kb_tree *t)
{
	int64_t now = kb_clock_ms();
	int r;

	pthread_mutex_lock(&t->lock);
	if (now - t->refreshed < REFRESH_MS) {
		pthread_mutex_unlock(&t->lock);
		return;
	}
	t->refreshed = now;
	r = kb_index_refresh(t->index);
	if (r > 0)
		kb_roster_stale(&t->roster);
	if (r < 0 && !t->refresh_failed)
		kb_log_warn("%s: what was read before is still shown",
			kb_err_text());
	t->refresh_failed = r < 0;
	pthread_mutex_unlock(&t->lock);
}

/* ---- nodes ---- */

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

static int
node_of_root(struct kb_tree *t, struct kb_node *out)
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

static int
node_of_namespace(struct kb_tree *t, struct kb_node *out)
{
	struct kb_roster_topic *topic;
	int r = kb_roster_list(&t->roster);

	if (r < 0)
		return r;
	topic = kb_roster_find(&t->roster, RESTORE);
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

static int
node_of_topic(
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

static int
node_of_partition(
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
static void
node_of_segment(const struct kb_roster_partition *p, const struct kb_segment *s,
	struct kb_node *out)
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

/* The partition of that ordinal; NULL when there is none. */
static struct kb_roster_partition *
partition_at(struct kb_tree *t, uint32_t ordinal)
{
	return ordinal && ordinal < t->roster.partition_count
		       ? t->roster.partitions[ordinal]
		       : NULL;
}

static struct kb_roster_partition *
partition_at_locked(struct kb_tree *t, uint32_t ordinal)
{
	struct kb_roster_partition *p;

	pthread_mutex_lock(&t->lock);
	p = partition_at(t, ordinal);
	pthread_mutex_unlock(&t->lock);
	return p;
}

static int
no_inode(uint64_t ino)
{
	return kb_err(-ESTALE, "inode %" PRIx64 ": not known", ino);
}

static int
stat_dir(struct kb_tree *t, const struct kb_ino *n, struct kb_node *out)
{
	struct kb_roster_partition *p;

	switch (n->kind) {
	case KB_INO_IS_ROOT:
		return node_of_root(t, out);
	case KB_INO_IS_NAMESPACE:
		return node_of_namespace(t, out);
	case KB_INO_IS_TOPIC:
		if (n->ordinal >= t->roster.topic_count)
			return no_inode(n->ordinal);
		return node_of_topic(t, t->roster.topics[n->ordinal], out);
	default:
		p = partition_at(t, n->ordinal);
		return p ? node_of_partition(t, p, out) : no_inode(n->ordinal);
	}
}

static int
stat_file(struct kb_tree *t, const struct kb_ino *n, struct kb_node *out)
{
	struct kb_roster_partition *p = partition_at_locked(t, n->ordinal);
	struct kb_index_segment row;
	int r;

	if (!p)
		return no_inode(n->ordinal);
	r = kb_index_segment_at(
		t->index, &p->place.topic, p->place.partition, n->first, &row);
	if (r == -ENOENT || (r == 0 && row.s.first != n->first))
		return kb_err(-ESTALE, "%s/%" PRId32 ": no file from %" PRId64,
			p->place.topic.name, p->place.partition, n->first);
	if (r == 0)
		node_of_segment(p, &row.s, out);
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
	case KB_INO_IS_RESTORE:
	case KB_INO_IS_NOTHING:
		return no_inode(ino);
	default:
		pthread_mutex_lock(&t->lock);
		r = stat_dir(t, &n, out);
		pthread_mutex_unlock(&t->lock);
		return r;
	}
}

/* ---- looking up ---- */

static int
lookup_topic(
	struct kb_tree *t, bool hidden, const char *name, struct kb_node *out)
{
	struct kb_roster_topic *topic;
	int r = kb_roster_list(&t->roster);

	if (r < 0)
		return r;
	if (!hidden && strcmp(name, NAMESPACE) == 0)
		return node_of_namespace(t, out);
	if (hidden != (strcmp(name, RESTORE) == 0))
		return -ENOENT;
	topic = kb_roster_find(&t->roster, name);
	return topic ? node_of_topic(t, topic, out) : -ENOENT;
}

static int
lookup_partition(struct kb_tree *t, uint32_t ordinal, const char *name,
	struct kb_node *out)
{
	struct kb_roster_partition *p;
	struct kb_roster_topic *topic;
	int32_t number;
	int r;

	if (ordinal >= t->roster.topic_count)
		return no_inode(ordinal);
	if (kb_filename_read_partition(name, &number) < 0)
		return -ENOENT;
	topic = t->roster.topics[ordinal];
	r = kb_roster_load(&t->roster, topic);
	if (r < 0)
		return r;
	p = kb_roster_partition(topic, number);
	return p ? node_of_partition(t, p, out) : -ENOENT;
}

static int
lookup_file(struct kb_tree *t, struct kb_roster_partition *p, const char *name,
	struct kb_node *out)
{
	struct kb_index_segment row;
	int64_t first, last, end;
	int r;

	if (kb_filename_read(name, &first, &last) < 0)
		return -ENOENT;
	r = kb_index_segment_at(
		t->index, &p->place.topic, p->place.partition, first, &row);
	if (r < 0)
		return r;
	if (row.s.first > last)
		return -ENOENT;
	if (row.s.first == first && row.s.last == last &&
		first < KB_INO_OFFSETS) {
		node_of_segment(p, &row.s, out);
		return 0;
	}
	pthread_mutex_lock(&t->lock);
	r = kb_roster_load(&t->roster, p->topic);
	end = p->end;
	pthread_mutex_unlock(&t->lock);
	if (r < 0)
		return r;
	return kb_ranges_lookup(t->ranges, &p->place, first, last, last < end,
		p->topic->row.first_seen, out);
}

int
kb_tree_lookup(struct kb_tree *t, uint64_t parent, const char *name,
	struct kb_node *out)
{
	struct kb_ino n = kb_ino_read(parent);
	struct kb_roster_partition *p;
	int r = -ENOTDIR;

	pthread_mutex_lock(&t->lock);
	switch (n.kind) {
	case KB_INO_IS_ROOT:
		r = lookup_topic(t, false, name, out);
		break;
	case KB_INO_IS_NAMESPACE:
		r = lookup_topic(t, true, name, out);
		break;
	case KB_INO_IS_TOPIC:
		r = lookup_partition(t, n.ordinal, name, out);
		break;
	case KB_INO_IS_PARTITION:
		p = partition_at(t, n.ordinal);
		pthread_mutex_unlock(&t->lock);
		return p ? lookup_file(t, p, name, out) : no_inode(parent);
	default:
		break;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

void
kb_tree_forget(struct kb_tree *t, uint64_t ino, uint64_t lookups)
{
	if (kb_ino_read(ino).kind == KB_INO_IS_VIEW)
		kb_ranges_forget(t->ranges, ino, lookups);
}

int
kb_tree_open(struct kb_tree *t, uint64_t ino, struct kb_view **out)
{
	struct kb_ino n = kb_ino_read(ino);
	struct kb_index_segment row;
	struct kb_roster_partition *p;
	int r;

	if (n.kind == KB_INO_IS_VIEW)
		return kb_ranges_open(t->ranges, ino, out);
	if (n.kind != KB_INO_IS_FILE)
		return -EISDIR;
	p = partition_at_locked(t, n.ordinal);
	if (!p)
		return no_inode(ino);
	r = kb_index_segment_at(
		t->index, &p->place.topic, p->place.partition, n.first, &row);
	if (r < 0)
		return r;
	return kb_view_open(
		t->sources, t->index, &p->place, row.s.first, row.s.last, out);
}

/* ---- listing ---- */

/*
 * Cookies: 1 and 2 lead behind "." and ".."; in the root and in topics 3 + n
 * leads behind row n; in a partition 2 + x leads to offset x.
 */
#define COOKIE_ROWS 2

struct listing {
	struct kb_tree *t;
	const struct kb_roster_partition *partition;
	bool stats;
	kb_tree_fill_fn *fill;
	void *ctx;
};

static int
fill_dir(struct listing *l, const char *name, uint64_t ino, uint64_t cookie)
{
	struct kb_node node = {.ino = ino, .dir = true};
	struct kb_ino n = kb_ino_read(ino);
	int r = l->stats ? stat_dir(l->t, &n, &node) : 0;

	return r < 0 ? r : l->fill(l->ctx, name, &node, cookie);
}

/* Topics; then `@topic` when it has one, then `restore`. */
static int
list_root(struct listing *l, uint64_t row)
{
	struct kb_roster *all = &l->t->roster;
	uint64_t last = UINT32_MAX;
	int r = 0;

	for (; r == 0 && row < all->topic_count; row++) {
		const struct kb_roster_topic *topic = all->topics[row];

		if (topic->present && strcmp(topic->row.shown, RESTORE) != 0)
			r = fill_dir(l, topic->row.shown,
				kb_ino_topic(topic->ordinal),
				COOKIE_ROWS + row + 1);
	}
	if (r == 0 && row < last && kb_roster_find(all, RESTORE))
		r = fill_dir(
			l, NAMESPACE, KB_INO_NAMESPACE, COOKIE_ROWS + last);
	if (r == 0 && row <= last && l->t->with_restore)
		r = l->fill(l->ctx, RESTORE,
			&(struct kb_node){.ino = KB_INO_RESTORE, .dir = true},
			COOKIE_ROWS + last + 1);
	return r;
}

static int
list_namespace(struct listing *l, uint64_t row)
{
	const struct kb_roster_topic *topic =
		kb_roster_find(&l->t->roster, RESTORE);

	if (!topic || row > 0)
		return 0;
	return fill_dir(
		l, RESTORE, kb_ino_topic(topic->ordinal), COOKIE_ROWS + 1);
}

static int
list_topic(struct listing *l, uint32_t ordinal, uint64_t row)
{
	struct kb_roster *all = &l->t->roster;
	struct kb_roster_topic *topic;
	char name[16];
	int r;

	if (ordinal >= all->topic_count)
		return no_inode(ordinal);
	topic = all->topics[ordinal];
	r = kb_roster_load(all, topic);
	for (; r == 0 && row < topic->count; row++) {
		struct kb_roster_partition *p = topic->partitions[row];

		r = kb_roster_number(all, p);
		if (r < 0)
			break;
		snprintf(name, sizeof(name), "%" PRId32, p->place.partition);
		r = fill_dir(l, name, kb_ino_partition(p->place.ordinal),
			COOKIE_ROWS + row + 1);
	}
	return r;
}

static int
list_segment(void *ctx, const struct kb_index_segment *row)
{
	struct listing *l = ctx;
	char name[KB_FILE_NAME_MAX];
	struct kb_node node;

	node_of_segment(l->partition, &row->s, &node);
	kb_filename_format(name, row->s.first, row->s.last);
	return l->fill(
		l->ctx, name, &node, COOKIE_ROWS + (uint64_t)row->s.last + 1);
}

/* Without the lock: the callback runs as the index yields rows. */
static int
list_partition(struct listing *l, uint32_t ordinal, uint64_t offset)
{
	const struct kb_place *place;

	l->partition = partition_at_locked(l->t, ordinal);
	if (!l->partition)
		return no_inode(ordinal);
	place = &l->partition->place;
	return kb_index_segments(l->t->index, &place->topic, place->partition,
		(int64_t)offset, list_segment, l);
}

static int
list_rows(struct listing *l, const struct kb_ino *n, uint64_t row)
{
	struct kb_tree *t = l->t;
	int r;

	if (n->kind == KB_INO_IS_PARTITION)
		return list_partition(l, n->ordinal, row);
	pthread_mutex_lock(&t->lock);
	r = kb_roster_list(&t->roster);
	if (r == 0 && n->kind == KB_INO_IS_ROOT)
		r = list_root(l, row);
	else if (r == 0 && n->kind == KB_INO_IS_NAMESPACE)
		r = list_namespace(l, row);
	else if (r == 0 && n->kind == KB_INO_IS_TOPIC)
		r = list_topic(l, n->ordinal, row);
	else if (r == 0)
		r = -ENOTDIR;
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_tree_list(struct kb_tree *t, uint64_t ino, uint64_t cookie, bool stats,
	kb_tree_fill_fn *fill, void *ctx)
{
	struct listing l = {.t = t, .stats = stats, .fill = fill, .ctx = ctx};
	struct kb_node self = {.ino = ino, .dir = true};
	struct kb_ino n = kb_ino_read(ino);
	int r = 0;

	if (cookie < 1)
		r = fill(ctx, ".", &self, 1);
	if (r == 0 && cookie < 2)
		r = fill(ctx, "..", &self, 2);
	if (r == 0)
		r = list_rows(&l, &n,
			cookie > COOKIE_ROWS ? cookie - COOKIE_ROWS : 0);
	return r < 0 ? r : 0;
}
