/*
 * Listings go through the roster's rows in their order, or through the index
 * by offset; a cookie is a place in that, so nothing is kept between calls and
 * a partition of any size streams. The past is listed like today, entry by
 * entry; a file of which it has no record is passed over.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "fs/filename.h"
#include "fs/nodes.h"
#include "fs/past.h"
#include "fs/past_tree.h"
#include "index/index.h"

/*
 * Cookies: 1 and 2 lead behind "." and ".."; in the root and in topics 3 + n
 * leads behind row n; in a partition 2 + x leads to offset x.
 */
#define COOKIE_ROWS 2

struct listing {
	struct kb_tree *t;
	const struct kb_roster_partition *partition;
	const struct kb_past_place *past; /* NULL: today */
	uint64_t self;
	int64_t from; /* first offset to be listed */
	int64_t next; /* where the next segment should start; -1 unknown */
	bool hole;
	bool stats;
	kb_tree_fill_fn *fill;
	void *ctx;
};

/* A directory's entry, of today; of the past when that is what is listed. */
static int
fill_entry(struct listing *l, const char *name, const struct kb_node *node,
	uint64_t cookie)
{
	struct kb_node aged = *node;

	if (!l->past)
		return l->fill(l->ctx, name, node, cookie);
	kb_past_tree_age(l->t, l->past->before, &aged);
	aged.ino = kb_ino_past_dir(kb_ino_read(l->self).past, node->ino);
	return l->fill(l->ctx, name, &aged, cookie);
}

static int
fill_dir(struct listing *l, const char *name, uint64_t ino, uint64_t cookie)
{
	struct kb_node node = {.ino = ino, .dir = true};
	struct kb_ino n = kb_ino_read(ino);
	int r = l->stats ? kb_nodes_dir(l->t, &n, &node) : 0;

	return r < 0 ? r : fill_entry(l, name, &node, cookie);
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

		if (topic->present && strcmp(topic->row.shown, KB_RESTORE) != 0)
			r = fill_dir(l, topic->row.shown,
				kb_ino_topic(topic->ordinal),
				COOKIE_ROWS + row + 1);
	}
	if (r == 0 && row < last && kb_roster_find(all, KB_RESTORE))
		r = fill_dir(
			l, KB_NAMESPACE, KB_INO_NAMESPACE, COOKIE_ROWS + last);
	if (r == 0 && row <= last && l->t->with_restore && !l->past)
		r = l->fill(l->ctx, KB_RESTORE,
			&(struct kb_node){.ino = KB_INO_RESTORE, .dir = true},
			COOKIE_ROWS + last + 1);
	return r;
}

static int
list_namespace(struct listing *l, uint64_t row)
{
	const struct kb_roster_topic *topic =
		kb_roster_find(&l->t->roster, KB_RESTORE);

	if (!topic || row > 0)
		return 0;
	return fill_dir(
		l, KB_RESTORE, kb_ino_topic(topic->ordinal), COOKIE_ROWS + 1);
}

static int
list_topic(struct listing *l, uint32_t ordinal, uint64_t row)
{
	struct kb_roster *all = &l->t->roster;
	struct kb_roster_topic *topic;
	char name[16];
	int r;

	if (ordinal >= all->topic_count)
		return kb_nodes_unknown(ordinal);
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

/* The same of a segment as it was; 1: the past has nothing of it. */
static int
recall(const struct listing *l, const struct kb_segment *s,
	struct kb_node *node)
{
	struct kb_period before = kb_period_before(l->past->before);
	enum kb_extent e = kb_period_takes(&before, s->min_timestamp,
		s->max_timestamp, s->undated, s->records);

	if (e == KB_NONE)
		return 1;
	node->ready = e == KB_ALL && s->first < KB_INO_PAST_OFFSETS;
	return kb_past_number(l->t->past, l->self, s->first, &node->ino);
}

static int
list_segment(void *ctx, const struct kb_index_segment *row)
{
	struct listing *l = ctx;
	char name[KB_FILE_NAME_MAX];
	struct kb_node node;
	int r = 0;

	if (l->next >= 0 && row->s.start > l->next)
		l->hole = true;
	l->next = row->s.end;
	if (row->s.last < l->from)
		return 0;
	kb_nodes_segment(l->partition, &row->s, &node);
	if (l->past)
		r = recall(l, &row->s, &node);
	if (r)
		return r < 0 ? r : 0;
	kb_filename_format(name, row->s.first, row->s.last);
	return l->fill(
		l->ctx, name, &node, COOKIE_ROWS + (uint64_t)row->s.last + 1);
}

/* A search for holes; those below `from` have been said. */
struct search {
	struct kb_place place;
	int64_t from;
};

static int
say_hole(void *ctx, int64_t start, int64_t end)
{
	const struct search *s = ctx;

	if (start >= s->from)
		kb_log_error("%s/%" PRId32 ": offsets %" PRId64 "-%" PRId64
			     " are missing, in no segment and no gap: "
			     "`kbak verify` tells what is damaged",
			s->place.topic.name, s->place.partition, start,
			end - 1);
	return 0;
}

/*
 * A segment that the index has lost, or left out, cannot be seen in a listing:
 * the log says it, once a mount. What looks like a hole may be a known gap.
 */
static void
search_holes(struct kb_tree *t, struct kb_roster_partition *p)
{
	struct search s = {.place = p->place};
	bool again;

	pthread_mutex_lock(&t->lock);
	s.from = p->searched;
	again = p->end > p->searched;
	p->searched = p->end;
	pthread_mutex_unlock(&t->lock);
	if (again && kb_index_holes(t->index, &s.place.topic, s.place.partition,
			     say_hole, &s) < 0)
		kb_log_error("%s", kb_err_text());
}

/* Does the partition go on behind its last segment? */
static int
compare_end(struct listing *l, struct kb_roster_partition *p)
{
	struct kb_tree *t = l->t;
	int r;

	pthread_mutex_lock(&t->lock);
	r = kb_roster_load(&t->roster, p->topic);
	if (r == 0 && p->end > l->next)
		l->hole = true;
	pthread_mutex_unlock(&t->lock);
	return r;
}

/*
 * Without the lock: the callback runs as the index yields rows. The row before
 * the first is asked for, too, to see whether the first follows it.
 */
static int
list_partition(struct listing *l, uint32_t ordinal, uint64_t offset)
{
	struct kb_roster_partition *p = kb_nodes_partition_at(l->t, ordinal);
	const struct kb_place *place;
	int r;

	if (!p)
		return kb_nodes_unknown(ordinal);
	l->partition = p;
	l->from = (int64_t)offset;
	l->next = offset ? -1 : 0;
	place = &p->place;
	r = kb_index_segments(l->t->index, &place->topic, place->partition,
		offset ? l->from - 1 : 0, list_segment, l);
	if (r == 0)
		r = compare_end(l, p);
	if (l->hole)
		search_holes(l->t, p);
	return r;
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
	struct kb_past_place past;
	int r = 0;

	l.self = ino;
	if (n.kind == KB_INO_IS_PAST_DIR) {
		r = kb_past_find(t->past, ino, &past);
		if (r < 0)
			return r;
		l.past = &past;
		n = kb_ino_read(past.plain);
	}
	if (cookie < 1)
		r = fill(ctx, ".", &self, 1);
	if (r == 0 && cookie < 2)
		r = fill(ctx, "..", &self, 2);
	if (r == 0)
		r = list_rows(&l, &n,
			cookie > COOKIE_ROWS ? cookie - COOKIE_ROWS : 0);
	return r < 0 ? r : 0;
}
