/*
 * Directories of the past are those of today under other numbers; files are
 * those segments that hold a record of the time, with the records of it. What
 * a file shows follows from its segment and the time alone, so it is as fixed
 * as the segment is, wherever the time lies. A segment that lies on one side
 * of the time costs what it costs in the tree of today; one that straddles it
 * is sifted when somebody looks at its file, not when it is listed.
 */
#include "fs/past_tree.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "fs/facts.h"
#include "fs/filename.h"
#include "fs/nodes.h"
#include "fs/past.h"
#include "fs/selector.h"
#include "fs/view.h"
#include "index/index.h"

/* ---- directories ---- */

void
kb_past_tree_age(const struct kb_tree *t, int64_t before, struct kb_node *node)
{
	if (node->ino == KB_INO_ROOT)
		node->nlink -= t->with_restore;
	if (node->mtime > before)
		node->mtime = before;
}

static int
stat_dir(struct kb_tree *t, const struct kb_past_place *at, uint64_t ino,
	struct kb_node *out)
{
	int r = kb_tree_stat(t, at->plain, out);

	if (r < 0)
		return r;
	kb_past_tree_age(t, at->before, out);
	out->ino = ino;
	return 0;
}

int
kb_past_tree_enter(struct kb_tree *t, int64_t before, struct kb_node *out)
{
	struct kb_past_place at = {before, KB_INO_ROOT, 0};
	uint64_t ino;
	int r = kb_past_dir(t->past, before, KB_INO_ROOT, &ino);

	if (r < 0)
		return r;
	r = stat_dir(t, &at, ino, out);
	if (r < 0)
		kb_past_forget(t->past, ino, 1);
	return r;
}

/* There is no view in a view. */
static int
lookup_dir(struct kb_tree *t, const struct kb_past_place *at, const char *name,
	struct kb_node *out)
{
	int r = -ENOENT;

	if (name[0] != '@' || strcmp(name, KB_NAMESPACE) == 0)
		r = kb_tree_lookup(t, at->plain, name, out);
	if (r < 0)
		return r;
	kb_past_tree_age(t, at->before, out);
	return kb_past_dir(t->past, at->before, out->ino, &out->ino);
}

/* ---- files ---- */

static struct kb_roster_partition *
partition_of(struct kb_tree *t, const struct kb_past_place *at)
{
	return kb_nodes_partition_at(t, kb_ino_read(at->plain).ordinal);
}

static struct kb_selector
selector_of(const struct kb_segment *s, int64_t before)
{
	struct kb_selector what = kb_selector_offsets(s->first, s->last);

	what.period = kb_period_before(before);
	return what;
}

static int
segment_at(struct kb_tree *t, const struct kb_roster_partition *p,
	int64_t first, struct kb_segment *out)
{
	struct kb_index_segment row;
	int r = kb_index_segment_at(
		t->index, &p->place.topic, p->place.partition, first, &row);

	if (r == 0)
		*out = row.s;
	return r;
}

/* The node of a segment's file, its number left out. */
static int
stat_segment(struct kb_tree *t, const struct kb_roster_partition *p,
	const struct kb_segment *s, int64_t before, struct kb_node *out)
{
	struct kb_selector what = selector_of(s, before);
	struct kb_view *v;
	int64_t newest;
	int r;

	kb_nodes_segment(p, s, out);
	if (kb_period_takes(&what.period, s->min_timestamp, s->max_timestamp,
		    s->undated, s->records) == KB_ALL)
		return 0;
	r = kb_view_open(t->sources, t->index, &p->place, &what, &v);
	if (r < 0)
		return r;
	out->size = kb_view_size(v);
	newest = kb_view_facts(v)->max_timestamp;
	out->mtime = newest != KB_NO_TIME ? newest : p->topic->row.first_seen;
	kb_view_close(v);
	return 0;
}

/* The listed file of a segment, if `what` is just that. 1: it is not. */
static int
lookup_listed(struct kb_tree *t, const struct kb_past_place *at, uint64_t dir,
	const struct kb_selector *what, struct kb_node *out)
{
	const struct kb_roster_partition *p = partition_of(t, at);
	struct kb_selector listed;
	struct kb_segment s = {0};
	uint64_t ino;
	int r = segment_at(t, p, what->first, &s);

	if (r < 0)
		return r;
	listed = selector_of(&s, at->before);
	if (!kb_selector_equal(what, &listed) || s.first >= KB_INO_PAST_OFFSETS)
		return 1;
	r = stat_segment(t, p, &s, at->before, out);
	if (r == 0)
		r = kb_past_file(t->past, dir, s.first, &ino);
	if (r == 0)
		out->ino = ino;
	return r;
}

/* The last segment with a record of the time. */
static int
resolve_latest(struct kb_tree *t, const struct kb_past_place *at,
	struct kb_selector *what)
{
	const struct kb_roster_partition *p = partition_of(t, at);
	struct kb_segment s = {0};
	int64_t start;
	int r = kb_index_last_before(t->index, &p->place.topic,
		p->place.partition, at->before, &start);

	if (r == 0)
		r = segment_at(t, p, start, &s);
	if (r)
		return r < 0 ? r : -ENOENT;
	what->kind = KB_SELECT_OFFSETS;
	what->first = s.first;
	what->last = s.last;
	return 0;
}

static int
lookup_file(struct kb_tree *t, const struct kb_past_place *at, uint64_t dir,
	const char *name, struct kb_node *out)
{
	struct kb_period before = kb_period_before(at->before);
	struct kb_selector what;
	bool latest;
	int r = 0;

	if (!partition_of(t, at))
		return kb_nodes_unknown(dir);
	if (kb_filename_read(name, &what) < 0)
		return -ENOENT;
	what.period = kb_period_both(&what.period, &before);
	latest = what.kind == KB_SELECT_LATEST;
	if (latest)
		r = resolve_latest(t, at, &what);
	if (r == 0)
		r = lookup_listed(t, at, dir, &what, out);
	if (r > 0)
		r = kb_nodes_range(t, partition_of(t, at), &what, out);
	if (r == 0)
		out->moves = latest;
	return r;
}

int
kb_past_tree_what(struct kb_tree *t, uint64_t ino,
	const struct kb_place **out_place, struct kb_selector *out_what)
{
	const struct kb_roster_partition *p;
	struct kb_past_place at;
	struct kb_segment s = {0};
	int r;

	if (kb_ino_read(ino).kind != KB_INO_IS_PAST_FILE)
		return -EISDIR;
	r = kb_past_find(t->past, ino, &at);
	if (r < 0)
		return r;
	p = partition_of(t, &at);
	if (!p)
		return kb_nodes_unknown(ino);
	r = segment_at(t, p, at.first, &s);
	if (r == -ENOENT || (r == 0 && s.first != at.first))
		return kb_nodes_gone(p, at.first);
	if (r < 0)
		return r;
	*out_place = &p->place;
	*out_what = selector_of(&s, at.before);
	return 0;
}

static int
stat_file(struct kb_tree *t, const struct kb_past_place *at, uint64_t ino,
	struct kb_node *out)
{
	const struct kb_roster_partition *p = partition_of(t, at);
	struct kb_segment s = {0};
	int r;

	if (!p)
		return kb_nodes_unknown(ino);
	r = segment_at(t, p, at->first, &s);
	if (r == -ENOENT || (r == 0 && s.first != at->first))
		return kb_nodes_gone(p, at->first);
	if (r == 0)
		r = stat_segment(t, p, &s, at->before, out);
	out->ino = ino;
	return r;
}

/* ---- both ---- */

int
kb_past_tree_lookup(struct kb_tree *t, uint64_t parent, const char *name,
	struct kb_node *out)
{
	struct kb_past_place at;
	int r;

	if (kb_ino_read(parent).kind != KB_INO_IS_PAST_DIR)
		return -ENOTDIR;
	r = kb_past_find(t->past, parent, &at);
	if (r < 0)
		return r;
	if (kb_ino_read(at.plain).kind == KB_INO_IS_PARTITION)
		return lookup_file(t, &at, parent, name, out);
	return lookup_dir(t, &at, name, out);
}

int
kb_past_tree_stat(struct kb_tree *t, uint64_t ino, struct kb_node *out)
{
	struct kb_past_place at;
	int r = kb_past_find(t->past, ino, &at);

	if (r < 0)
		return r;
	if (kb_ino_read(ino).kind == KB_INO_IS_PAST_FILE)
		return stat_file(t, &at, ino, out);
	return stat_dir(t, &at, ino, out);
}
