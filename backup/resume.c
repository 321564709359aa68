/*
 * A run that died may have published objects whose rows were never committed.
 * Their names are predictable: each starts where the one before ended. So the
 * chain is followed object by object; one that starts further on proves that
 * the index has lost rows, and nothing is guessed then.
 *
 * That run may have died between the link and the fsync of the directory, too:
 * an object is settled before it gets a row.
 */
#include "backup/resume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "backup/lane.h"
#include "backup/deposit.h"
#include "backup/verb.h"
#include "common/err.h"
#include "common/log.h"
#include "index/index.h"
#include "index/scan.h"
#include "store/repo.h"
#include "store/store.h"

/* Objects at or beyond what the index knows; few, or the index is behind. */
struct beyond {
	int64_t covered;
	struct kb_layout_object *objects;
	size_t count;
};

static int
collect(void *ctx, const char *name, bool is_dir)
{
	struct beyond *b = ctx;
	struct kb_layout_object object, *grown;

	if (is_dir || kb_layout_read_object(name, &object) < 0 ||
		object.start < b->covered)
		return 0;
	grown = reallocarray(b->objects, b->count + 1, sizeof(*grown));
	if (!grown)
		return kb_err(-ENOMEM, "out of memory");
	b->objects = grown;
	b->objects[b->count++] = object;
	return 0;
}

static const struct kb_layout_object *
find_start(const struct beyond *b, int64_t start)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->objects[i].start == start)
			return &b->objects[i];
	return NULL;
}

static int
adopt_gap(const struct kb_lane *l, struct kb_deposit *o,
	const struct kb_layout_object *object, struct kb_resume *at)
{
	char name[KB_NAME_MAX];
	struct kb_gap gap;
	int r;

	kb_layout_gap(
		name, &l->topic, l->partition, object->start, object->end);
	r = kb_store_settle(o->repo->store, name);
	if (r == 0)
		r = kb_gap_read(o->repo->store, name, &gap);
	if (r < 0)
		return r;
	at->covered = gap.end;
	return kb_index_delta_gap(o->delta, &l->topic, l->partition, &gap);
}

static int
adopt_segment(const struct kb_lane *l, struct kb_deposit *o,
	const struct kb_layout_object *object, struct kb_resume *at)
{
	struct kb_scan *scan = NULL;
	struct kb_index_segment row;
	const struct kb_block *blocks;
	int r;

	kb_layout_segment(row.object, &l->topic, l->partition, object->start);
	r = kb_store_settle(o->repo->store, row.object);
	if (r == 0)
		r = kb_scan_new(kb_verb_cancel(), &scan);
	if (r == 0)
		r = kb_scan_run(scan, o->repo->store, row.object, &l->topic,
			l->partition, object->start, &row.s, &blocks);
	if (r == 0)
		r = kb_index_delta_segment(
			o->delta, &l->topic, l->partition, &row, blocks);
	if (r == 0) {
		at->covered = row.s.end;
		at->last = row.s.last;
		at->last_epoch = row.s.leader_epoch;
	}
	kb_scan_free(scan);
	return r;
}

static int
follow_chain(const struct kb_lane *l, struct kb_deposit *o, struct beyond *b,
	struct kb_resume *at)
{
	const struct kb_layout_object *next;
	size_t taken = 0;
	int r;

	while ((next = find_start(b, at->covered))) {
		kb_log_info("%s: taking up what was published at offset "
			    "%" PRId64 " and not yet indexed",
			kb_lane_name(l), next->start);
		r = next->is_gap ? adopt_gap(l, o, next, at)
				 : adopt_segment(l, o, next, at);
		if (r < 0)
			return r;
		at->any = true;
		taken++;
	}
	if (taken < b->count)
		return kb_err(-ESTALE,
			"%s: objects lie beyond offset %" PRId64
			" that the index does not know; run `kbak reindex %s` "
			"first",
			kb_lane_name(l), at->covered,
			kb_store_name(o->repo->store));
	return 0;
}

int
kb_resume_find(
	const struct kb_lane *l, struct kb_deposit *o, struct kb_resume *out)
{
	struct kb_resume at = {.last = -1, .last_epoch = -1};
	struct kb_index_partition p;
	struct beyond b = {0};
	char dir[KB_NAME_MAX];
	int r;

	r = kb_index_partition(o->index, &l->topic, l->partition, &p);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && (p.segments || p.gaps))
		at = (struct kb_resume){p.end, p.last, p.leader_epoch, true};
	b.covered = at.covered;
	kb_layout_partition(dir, &l->topic, l->partition);
	r = kb_store_list(o->repo->store, dir, collect, &b);
	if (r == 0)
		r = follow_chain(l, o, &b, &at);
	free(b.objects);
	if (r == 0)
		*out = at;
	return r;
}
