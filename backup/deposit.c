/*
 * Publishing is fsync, link, fsync; nobody who could fetch or decode should
 * wait for that, and several at once cost little more than one. So it is done
 * by publishers, one lane's things strictly in order.
 *
 * Commits are put together, since each costs a file and its fsyncs. Nothing
 * depends on a commit being early: progress is read back from published
 * objects (DESIGN.md, invariant "durable first"), and what a crash leaves
 * published and not committed, the next run finds by name. It finds only what
 * lies behind the last row of a partition, so rows must be committed in the
 * order of publication: one commit at a time, and none after one that failed.
 */
#include "backup/deposit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/crew.h"
#include "backup/lane.h"
#include "backup/options.h"
#include "common/clock.h"
#include "common/err.h"
#include "index/index.h"
#include "store/repo.h"
#include "store/store.h"

#define PUBLISHERS 16
#define COMMIT_EVERY_MS 1000

/* One thing to be published. */
struct item {
	struct kb_task task;
	struct kb_deposit *deposit;
	struct kb_lane *lane;
	struct kb_blob_writer *writer; /* a segment */
	struct kb_segment sums;
	struct kb_block *blocks; /* likewise */
	struct kb_gap gap;	 /* without these */
};

int
kb_deposit_init(struct kb_deposit *o, const struct kb_backup_options *options,
	struct kb_repo *repo, struct kb_index *index)
{
	memset(o, 0, sizeof(*o));
	o->options = options;
	o->repo = repo;
	o->index = index;
	o->merge_bytes = KB_MERGE_MAX;
	o->committed = kb_clock_ms();
	kb_gauges_moved(&o->gauges);
	pthread_mutex_init(&o->lock, NULL);
	pthread_mutex_init(&o->committing, NULL);
	return kb_index_delta_new(&o->delta);
}

void
kb_deposit_release(struct kb_deposit *o)
{
	kb_deposit_stop(o);
	if (!o->delta)
		return;
	kb_index_delta_free(o->delta);
	o->delta = NULL;
	pthread_mutex_destroy(&o->lock);
	pthread_mutex_destroy(&o->committing);
}

int
kb_deposit_start(struct kb_deposit *o)
{
	return kb_crew_new(PUBLISHERS, &(struct kb_crew_hands){0}, &o->crew);
}

void
kb_deposit_stop(struct kb_deposit *o)
{
	kb_crew_free(o->crew);
	o->crew = NULL;
}

/* ---- rows ---- */

static int
commit_waiting(struct kb_deposit *o)
{
	struct kb_index_delta *full = NULL, *fresh;
	int r = kb_index_delta_new(&fresh);

	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	o->committed = kb_clock_ms();
	if (kb_index_delta_empty(o->delta)) {
		full = fresh;
	} else {
		full = o->delta;
		o->delta = fresh;
	}
	pthread_mutex_unlock(&o->lock);
	if (!kb_index_delta_empty(full))
		r = kb_index_commit(o->index, full);
	kb_index_delta_free(full);
	return r;
}

int
kb_deposit_commit(struct kb_deposit *o)
{
	int r;

	pthread_mutex_lock(&o->committing);
	if (o->uncommitted.code) {
		r = kb_failure_raise(&o->uncommitted);
	} else {
		r = commit_waiting(o);
		if (r < 0)
			kb_failure_take(&o->uncommitted, r);
	}
	pthread_mutex_unlock(&o->committing);
	return r;
}

static int
commit_if_due(struct kb_deposit *o)
{
	bool due;

	pthread_mutex_lock(&o->lock);
	due = kb_clock_ms() - o->committed >= COMMIT_EVERY_MS;
	if (due)
		o->committed = kb_clock_ms(); /* others need not */
	pthread_mutex_unlock(&o->lock);
	return due && o->index ? kb_deposit_commit(o) : 0;
}

int
kb_deposit_meta(struct kb_deposit *o, const struct kb_meta *m, uint64_t n)
{
	int r;

	pthread_mutex_lock(&o->lock);
	r = kb_index_delta_meta(o->delta, m, n);
	pthread_mutex_unlock(&o->lock);
	return r;
}

int
kb_deposit_run(struct kb_deposit *o, const struct kb_run *run, uint64_t n)
{
	int r;

	pthread_mutex_lock(&o->lock);
	r = kb_index_delta_run(o->delta, run, n);
	pthread_mutex_unlock(&o->lock);
	return r;
}

/* ---- publishing ---- */

static int
publish_segment(struct kb_deposit *o, struct item *it)
{
	struct kb_index_segment row = {.s = it->sums};
	struct kb_lane *l = it->lane;
	struct kb_backup_totals *t = &o->totals;
	int r;

	kb_layout_segment(row.object, &l->topic, l->partition, row.s.start);
	r = kb_blob_publish(it->writer);
	it->writer = NULL;
	if (r == -EEXIST)
		return kb_err(r,
			"%s: another backup has just stored "
			"this partition from offset %" PRId64
			"; its segment stays, ours is dropped",
			kb_lane_name(l), row.s.start);
	if (r < 0)
		return r;
	atomic_fetch_add(&t->segments, 1);
	atomic_fetch_add(&t->records, row.s.records);
	atomic_fetch_add(&t->raw, row.s.raw_length);
	atomic_fetch_add(&t->stored, row.s.bytes);
	pthread_mutex_lock(&o->lock);
	r = kb_index_delta_segment(
		o->delta, &l->topic, l->partition, &row, it->blocks);
	pthread_mutex_unlock(&o->lock);
	return r;
}

static int
publish_gap(struct kb_deposit *o, const struct item *it)
{
	struct kb_lane *l = it->lane;
	int r;

	r = kb_gap_publish(o->repo->store, &l->topic, l->partition, &it->gap);
	if (r < 0)
		return r;
	atomic_fetch_add(&o->totals.gaps, 1);
	pthread_mutex_lock(&o->lock);
	r = kb_index_delta_gap(o->delta, &l->topic, l->partition, &it->gap);
	pthread_mutex_unlock(&o->lock);
	return r;
}

static int
publish(struct kb_deposit *o, struct item *it)
{
	int64_t began = kb_clock_us();
	int r;

	r = it->blocks ? publish_segment(o, it) : publish_gap(o, it);
	kb_histogram_add(&o->gauges.publish, kb_clock_us() - began);
	kb_gauges_moved(&o->gauges);
	return r;
}

/* An item that will not be published any more, or has been. */
static void
drop_item(struct kb_deposit *o, const struct item *it)
{
	if (it->blocks)
		atomic_fetch_sub(&o->gauges.open_segments, 1);
	kb_blob_abandon(it->writer);
	free(it->blocks);
}

static void
run_item(struct kb_task *task, void *hand)
{
	struct item *it = (struct item *)task;
	struct kb_deposit *o = it->deposit;
	struct kb_lane *l = it->lane;
	int r = 0;

	(void)hand;
	if (!l->published_failure.code) {
		r = publish(o, it);
		if (r == 0)
			r = commit_if_due(o);
		if (r < 0) {
			kb_failure_take(&l->published_failure, r);
			atomic_store(&l->broken, true);
		}
	}
	drop_item(o, it);
	free(it);
}

/* Takes `it`, a copy of which is posted; says how it went when done at once. */
static int
put(struct kb_deposit *o, struct kb_lane *l, const struct item *what)
{
	struct item *it = malloc(sizeof(*it));

	if (!it) {
		drop_item(o, what);
		return kb_err(-ENOMEM, "out of memory");
	}
	*it = *what;
	it->task.run = run_item;
	it->deposit = o;
	it->lane = l;
	if (o->crew) {
		kb_crew_post(o->crew, &l->publishing, &it->task);
		return 0;
	}
	run_item(&it->task, NULL);
	return l->published_failure.code
		       ? kb_failure_raise(&l->published_failure)
		       : 0;
}

int
kb_deposit_segment(struct kb_deposit *o, struct kb_lane *l,
	struct kb_blob_writer *w, const struct kb_segment *sums,
	const struct kb_block *blocks)
{
	size_t size = sums->block_count * sizeof(*blocks);
	struct item it = {.writer = w, .sums = *sums};

	it.blocks = malloc(size);
	if (!it.blocks) {
		atomic_fetch_sub(&o->gauges.open_segments, 1);
		kb_blob_abandon(w);
		return kb_err(-ENOMEM, "out of memory");
	}
	memcpy(it.blocks, blocks, size);
	return put(o, l, &it);
}

int
kb_deposit_gap(
	struct kb_deposit *o, struct kb_lane *l, const struct kb_gap *gap)
{
	return put(o, l, &(struct item){.gap = *gap});
}

static void
run_end(struct kb_task *task, void *hand)
{
	struct kb_lane_end *end = (struct kb_lane_end *)task;

	(void)hand;
	end->ended(end->lane);
}

void
kb_deposit_end(struct kb_deposit *o, struct kb_lane *l,
	void (*ended)(struct kb_lane *l))
{
	l->end.task.run = run_end;
	l->end.lane = l;
	l->end.ended = ended;
	if (o->crew)
		kb_crew_post(o->crew, &l->publishing, &l->end.task);
	else
		ended(l);
}
