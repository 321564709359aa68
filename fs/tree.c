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
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "fs/filename.h"
#include "fs/instant.h"
#include "fs/nodes.h"
#include "fs/past.h"
#include "fs/past_tree.h"
#include "fs/ranges.h"
#include "fs/selector.h"
#include "fs/view.h"
#include "index/index.h"
#include "store/repo.h"

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
	r = kb_past_new(&t->past);
	if (r < 0) {
		kb_ranges_free(t->ranges);
		free(t);
		return r;
	}
	t->repo = repo;
	t->index = index;
	t->sources = sources;
	t->with_restore = with_restore;
	t->newest = KB_NO_TIME;
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
	kb_past_free(t->past);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int
kb_tree_refresh(struct kb_tree *t)
{
	uint64_t before, after;
	size_t files;
	bool failed;
	int r;

	kb_index_shape(t->index, &before, &files);
	r = kb_index_refresh(t->index);
	kb_index_shape(t->index, &after, &files);
	pthread_mutex_lock(&t->lock);
	if (r > 0)
		kb_roster_stale(&t->roster);
	failed = t->refresh_failed;
	t->refresh_failed = r < 0;
	pthread_mutex_unlock(&t->lock);
	if (r < 0 && !failed)
		kb_log_warn("%s: what was read before is still shown",
			kb_err_text());
	return before && after != before;
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
	if (!hidden && strcmp(name, KB_NAMESPACE) == 0)
		return kb_nodes_namespace(t, out);
	if (hidden != (strcmp(name, KB_RESTORE) == 0))
		return -ENOENT;
	topic = kb_roster_find(&t->roster, name);
	return topic ? kb_nodes_topic(t, topic, out) : -ENOENT;
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
		return kb_nodes_unknown(ordinal);
	if (kb_filename_read_partition(name, &number) < 0)
		return -ENOENT;
	topic = t->roster.topics[ordinal];
	r = kb_roster_load(&t->roster, topic);
	if (r < 0)
		return r;
	p = kb_roster_partition(topic, number);
	return p ? kb_nodes_partition(t, p, out) : -ENOENT;
}

/*
 * `latest` stands for the file of the segment that is last now: the name moves
 * on to another file, the file does not change. -ENOENT.
 */
static int
resolve_latest(struct kb_tree *t, const struct kb_place *place,
	struct kb_selector *what)
{
	struct kb_index_partition all;
	struct kb_index_segment row;
	int r;

	r = kb_index_partition(t->index, &place->topic, place->partition, &all);
	if (r == 0 && all.last < 0)
		r = -ENOENT;
	if (r == 0)
		r = kb_index_segment_at(t->index, &place->topic,
			place->partition, all.last, &row);
	if (r < 0)
		return r;
	what->kind = KB_SELECT_OFFSETS;
	what->first = row.s.first;
	what->last = row.s.last;
	return 0;
}

static int
lookup_offsets(struct kb_tree *t, struct kb_roster_partition *p,
	const struct kb_selector *what, struct kb_node *out)
{
	const struct kb_place *place = &p->place;
	struct kb_index_segment row;
	int r;

	r = kb_index_segment_at(
		t->index, &place->topic, place->partition, what->first, &row);
	if (r < 0)
		return r;
	if (row.s.first > what->last)
		return -ENOENT;
	if (what->form == KB_FORM_JSONL && row.s.first == what->first &&
		row.s.last == what->last && what->first < KB_INO_OFFSETS &&
		kb_period_is_always(&what->period)) {
		kb_nodes_segment(p, &row.s, out);
		return 0;
	}
	return kb_nodes_range(t, p, what, out);
}

static int
lookup_file(struct kb_tree *t, struct kb_roster_partition *p, const char *name,
	struct kb_node *out)
{
	struct kb_selector what;
	bool latest;
	int r;

	if (kb_filename_read(name, &what) < 0)
		return -ENOENT;
	latest = what.kind == KB_SELECT_LATEST;
	r = latest ? resolve_latest(t, &p->place, &what) : 0;
	if (r == 0)
		r = lookup_offsets(t, p, &what, out);
	if (r == 0)
		out->moves = latest;
	return r;
}

int
kb_tree_lookup(struct kb_tree *t, uint64_t parent, const char *name,
	struct kb_node *out)
{
	struct kb_ino n = kb_ino_read(parent);
	struct kb_roster_partition *p;
	int64_t time;
	int r = -ENOTDIR;

	if (n.kind == KB_INO_IS_PAST_DIR)
		return kb_past_tree_lookup(t, parent, name, out);
	if (n.kind == KB_INO_IS_ROOT && kb_instant_read_view(name, &time) == 0)
		return kb_past_tree_enter(t, time, out);
	if (n.kind == KB_INO_IS_PARTITION) {
		p = kb_nodes_partition_at(t, n.ordinal);
		return p ? lookup_file(t, p, name, out)
			 : kb_nodes_unknown(parent);
	}
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
	default:
		break;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

void
kb_tree_forget(struct kb_tree *t, uint64_t ino, uint64_t lookups)
{
	switch (kb_ino_read(ino).kind) {
	case KB_INO_IS_VIEW:
		kb_ranges_forget(t->ranges, ino, lookups);
		break;
	case KB_INO_IS_PAST_DIR:
	case KB_INO_IS_PAST_FILE:
		kb_past_forget(t->past, ino, lookups);
		break;
	default:
		break;
	}
}

void
kb_tree_count(struct kb_tree *t, uint64_t ino)
{
	kb_past_count(t->past, ino);
}

static int
open_past(struct kb_tree *t, uint64_t ino, struct kb_view **out)
{
	const struct kb_place *place;
	struct kb_selector what;
	int r = kb_past_tree_what(t, ino, &place, &what);

	if (r < 0)
		return r;
	return kb_view_open(t->sources, t->index, place, &what, out);
}

int
kb_tree_open(struct kb_tree *t, uint64_t ino, struct kb_view **out)
{
	struct kb_ino n = kb_ino_read(ino);
	struct kb_index_segment row;
	struct kb_roster_partition *p;
	struct kb_selector what;
	int r;

	if (n.kind == KB_INO_IS_VIEW)
		return kb_ranges_open(t->ranges, ino, out);
	if (n.kind == KB_INO_IS_PAST_FILE)
		return open_past(t, ino, out);
	if (n.kind != KB_INO_IS_FILE)
		return -EISDIR;
	p = kb_nodes_partition_at(t, n.ordinal);
	if (!p)
		return kb_nodes_unknown(ino);
	r = kb_index_segment_at(
		t->index, &p->place.topic, p->place.partition, n.first, &row);
	if (r == -ENOENT || (r == 0 && row.s.first != n.first))
		return kb_nodes_gone(p, n.first);
	if (r < 0)
		return r;
	what = kb_selector_offsets(row.s.first, row.s.last);
	return kb_view_open(t->sources, t->index, &p->place, &what, out);
}
