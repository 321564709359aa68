/*
 * Rebuilding reads every object there is and writes one file: 1-1 of a new
 * generation, which therefore appears whole or not at all. Nothing is read of
 * the old index.
 *
 * Backups may go on meanwhile. A writer that commits looks for a newer
 * generation after its commit, and commits there, too; what was committed
 * before our file appeared, but published after our walk had passed by, is
 * found by a second walk: it takes what the first has not seen and commits it
 * like any writer. Then the older generations are removed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/err.h"
#include "index/draft.h"
#include "index/handle.h"
#include "index/index.h"
#include "index/scan.h"
#include "index/seen.h"
#include "index/stack.h"
#include "index/walk.h"
#include "store/repo.h"
#include "store/store.h"

struct rebuild {
	struct kb_repo *repo;
	struct kb_store *store;
	struct kb_cancel *cancel;
	kb_index_problem_fn *problem; /* NULL in the second walk */
	void *ctx;
	struct kb_draft *draft;
	struct kb_scan *scan;
	struct kb_seen *seen;
	bool damaged;
	char settled[KB_NAME_MAX]; /* the directory of the last object */
	/* where the last segment ended, and in which partition's directory */
	char partition[KB_NAME_MAX];
	int64_t end;
};

/* Tells of an object that was left out, and goes on. */
static int
report(struct rebuild *b, const struct kb_walk_object *o)
{
	if (b->problem)
		b->problem(b->ctx, o->name, kb_err_text());
	return 0;
}

/* An object that cannot be taken is reported; our own troubles end it all. */
static int
judge(struct rebuild *b, const struct kb_walk_object *o, int r)
{
	switch (r) {
	case -EBADMSG:
	case -EPROTONOSUPPORT:
	case -ENOENT:
	case -EIO:
	case -EFBIG:
		b->damaged = true;
		return report(b, o);
	default:
		return r;
	}
}

/* ---- objects ---- */

/* A segment must lie behind the one before it in its partition. */
static int
check_place(struct rebuild *b, const struct kb_walk_object *o)
{
	char dir[KB_NAME_MAX];

	kb_layout_partition(dir, &o->topic, o->partition);
	if (strcmp(dir, b->partition) != 0) {
		strcpy(b->partition, dir);
		b->end = 0;
	}
	if (o->start < b->end)
		return kb_err(-EBADMSG,
			"%s: starts inside the segment before it, which "
			"ends at %" PRId64,
			o->name, b->end);
	return 0;
}

static int
take_segment(struct rebuild *b, const struct kb_walk_object *o)
{
	const struct kb_block *blocks;
	struct kb_index_segment s;
	int r = check_place(b, o);

	if (r == 0)
		r = kb_scan_run(b->scan, b->store, o->name, &o->topic,
			o->partition, o->start, &s.s, &blocks);
	if (r < 0)
		return judge(b, o, r);
	b->end = s.s.end;
	strcpy(s.object, o->name);
	return kb_draft_segment(b->draft, &o->topic, o->partition, &s, blocks);
}

static int
take_gap(struct rebuild *b, const struct kb_walk_object *o)
{
	struct kb_gap gap;
	int r = kb_gap_read(b->store, o->name, &gap);

	if (r < 0)
		return judge(b, o, r);
	return kb_draft_gap(b->draft, &o->topic, o->partition, &gap);
}

static int
take_meta(struct rebuild *b, const struct kb_walk_object *o)
{
	struct kb_meta m = {0};
	int r = kb_meta_read(b->store, &o->topic, o->n, &m);

	if (r < 0)
		return judge(b, o, r);
	r = kb_draft_meta(b->draft, &m, o->n);
	kb_meta_release(&m);
	return r;
}

static int
take_run(struct rebuild *b, const struct kb_walk_object *o)
{
	struct kb_run run;
	int r = kb_run_read(b->store, o->n, &run);

	if (r < 0)
		return judge(b, o, r);
	return kb_draft_run(b->draft, &run, o->n);
}

/* A walk lists a directory before it tells of what is in it: one is enough. */
static int
settle(struct rebuild *b, const struct kb_walk_object *o)
{
	size_t len = (size_t)(strrchr(o->name, '/') - o->name);
	int r;

	if (strncmp(b->settled, o->name, len) == 0 && !b->settled[len])
		return 0;
	r = kb_store_settle(b->store, o->name);
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* its reader tells of it */
	memcpy(b->settled, o->name, len);
	b->settled[len] = '\0';
	return 0;
}

static int
take(void *ctx, const struct kb_walk_object *o)
{
	struct rebuild *b = ctx;
	int r;

	if (kb_cancel_fired(b->cancel))
		return kb_err(-ECANCELED, "interrupted");
	r = kb_seen_add(b->seen, o->name);
	if (r)
		return r < 0 ? r : 0;
	if (o->kind != KB_WALK_UNKNOWN)
		r = settle(b, o);
	if (r < 0)
		return r;
	switch (o->kind) {
	case KB_WALK_SEGMENT:
		return take_segment(b, o);
	case KB_WALK_GAP:
		return take_gap(b, o);
	case KB_WALK_META:
		return take_meta(b, o);
	case KB_WALK_RUN:
		return take_run(b, o);
	case KB_WALK_UNKNOWN:
		break;
	}
	kb_err(-EINVAL, "%s: not a name of ours, left alone", o->name);
	return report(b, o);
}

/* ---- the generation ---- */

/* Publishes the draft as the first file of a generation above all others. */
static int
publish(struct rebuild *b, uint64_t *out_generation)
{
	const struct kb_stack_file first = {1, 1};
	uint64_t *generations = NULL;
	char name[KB_STACK_NAME];
	size_t n = 0;
	int r = kb_draft_finish(b->draft);

	if (r == 0)
		r = kb_stack_generations(b->store, &generations, &n);
	if (r < 0)
		return r;
	*out_generation = n ? generations[n - 1] : 0;
	free(generations);
	do {
		++*out_generation;
		kb_stack_name(name, *out_generation, &first);
		r = kb_draft_publish(b->draft, b->store, name);
	} while (r == -EEXIST);
	return r;
}

/* The second walk: what appeared during the first. */
static int
catch_up(struct rebuild *b)
{
	struct kb_index *x = NULL;
	int r = kb_draft_new(KB_DRAFT_SMALL, &b->draft);

	b->problem = NULL;
	if (r == 0)
		r = kb_walk(b->store, take, b);
	if (r == 0 && !kb_draft_empty(b->draft))
		r = kb_index_open(b->repo, &x);
	if (x)
		r = kb_handle_commit(x, b->draft);
	kb_index_close(x);
	return r;
}

static int
remove_older(struct kb_store *s, uint64_t than)
{
	uint64_t *generations = NULL;
	size_t n = 0;
	int r = kb_stack_generations(s, &generations, &n);

	for (size_t i = 0; r == 0 && i < n && generations[i] < than; i++)
		r = kb_stack_remove_generation(s, generations[i]);
	free(generations);
	return r;
}

static int
run(struct rebuild *b)
{
	uint64_t generation = 0;
	int r = kb_draft_new(KB_DRAFT_LARGE, &b->draft);

	if (r == 0)
		r = kb_walk(b->store, take, b);
	if (r == 0)
		r = publish(b, &generation);
	kb_draft_free(b->draft);
	b->draft = NULL;
	if (r == 0)
		r = catch_up(b);
	if (r == 0)
		r = remove_older(b->store, generation);
	return r;
}

int
kb_index_rebuild(struct kb_repo *repo, struct kb_cancel *cancel,
	kb_index_problem_fn *problem, void *ctx)
{
	struct rebuild b = {.repo = repo,
		.store = repo->store,
		.cancel = cancel,
		.problem = problem,
		.ctx = ctx};
	int r = kb_scan_new(cancel, &b.scan);

	if (r == 0)
		r = kb_seen_new(&b.seen);
	if (r == 0)
		r = run(&b);
	kb_draft_free(b.draft);
	kb_scan_free(b.scan);
	kb_seen_free(b.seen);
	if (r == 0 && b.damaged)
		r = kb_err(-EBADMSG,
			"damaged objects were left out of the new index");
	return r;
}
