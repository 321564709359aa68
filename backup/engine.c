/*
 * The fetch thread. It receives, walks the headers of what came to know where
 * each partition goes on, and hands the bytes over: workers take the batches
 * apart, publishers make segments durable. So the wire is never waited for by
 * the disk or the decoder, nor the other way round, as far as the budget
 * reaches.
 *
 * At most LANES_OPEN partitions are under way at once, which bounds open files
 * and buffers; the others wait their turn.
 */
#include "backup/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "backup/crew.h"
#include "backup/deposit.h"
#include "backup/hand.h"
#include "backup/options.h"
#include "backup/parcel.h"
#include "backup/plan.h"
#include "backup/progress.h"
#include "common/budget.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "format/batch.h"
#include "kafka/conf.h"
#include "kafka/fetcher.h"

#define LANES_OPEN 64
#define WAIT_MS 200
#define WORKERS_MAX 16

/* Merging small batches takes this much memory in all lanes together. */
#define MERGE_MEMORY ((size_t)16 << 20)
#define MERGE_MIN ((size_t)128 << 10)

/*
 * A compacted log may hold nothing between our offset and the cut. The broker
 * then answers at once and empty, again and again; so it does when throttled.
 * This many such answers in this long, with nothing else coming in, decide.
 */
#define IDLE_ANSWERS 5
#define IDLE_MS 5000

struct engine {
	struct kb_plan *plan;
	struct kb_deposit *deposit;
	struct kb_progress *progress;
	struct kb_fetcher *fetcher;
	struct kb_budget *budget;
	struct kb_post post;
	size_t next_lane;
	size_t open;	   /* lanes started and not ended */
	size_t fetching;   /* of these, those still with the fetcher */
	int64_t last_data; /* kb_clock_ms() of the last batch that came */
	int64_t patience;  /* ms without any data before a lane is given up */
	struct kb_failure failure; /* what ends the run */
	pthread_mutex_t lock;	   /* guards the list */
	pthread_cond_t changed;
	struct kb_lane *ended;
};

/* ---- lanes begin and end ---- */

static int
start_lanes(struct engine *e)
{
	int r = 0;

	while (r == 0 && e->open < LANES_OPEN &&
		e->next_lane < e->plan->lane_count) {
		struct kb_lane *l = &e->plan->lanes[e->next_lane++];

		if (l->state != KB_LANE_WAITING)
			continue;
		l->engine = e;
		l->fetch_next = l->next;
		l->fetch_epoch = l->last_epoch;
		r = kb_fetcher_add(e->fetcher, l->topic.name, &l->topic.id,
			l->partition, l->next, l->last_epoch, l, &l->part);
		if (r == 0) {
			l->state = KB_LANE_RUNNING;
			e->open++;
			e->fetching++;
			e->last_data = kb_clock_ms();
		}
	}
	return r;
}

static void
stop_fetching(struct engine *e, struct kb_lane *l)
{
	if (!l->part)
		return;
	kb_fetcher_remove(e->fetcher, l->part);
	l->part = NULL;
	e->fetching--;
}

/* No more comes in; the lane ends once all that came is dealt with. */
static int
end_lane(struct engine *e, struct kb_lane *l, int error, const char *why)
{
	stop_fetching(e, l);
	return kb_parcel_end(&e->post, l, error, why);
}

/* Any thread: the lane's last parcel is dealt with. */
static void
on_ended(struct kb_lane *l)
{
	struct engine *e = l->engine;

	pthread_mutex_lock(&e->lock);
	l->next_ended = e->ended;
	e->ended = l;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

/* Errors that concern one partition only; all others end the run. */
static bool
is_of_lane(int error)
{
	return error == -EEXIST || error == -EBADMSG ||
	       error == -EPROTONOSUPPORT || error == -ESTALE ||
	       error == -ENOENT || error == -EREMOTEIO || error == -EACCES ||
	       error == -ETIMEDOUT;
}

static void
conclude_lane(struct engine *e, struct kb_lane *l)
{
	const struct kb_failure *why =
		l->published_failure.code ? &l->published_failure : &l->failure;

	e->open--;
	l->state = why->code ? KB_LANE_STOPPED : KB_LANE_DONE;
	if (l->writer)
		atomic_fetch_sub(&e->deposit->gauges.open_segments, 1);
	kb_lane_release(l);
	if (!why->code || why->code == -ECANCELED)
		return;
	atomic_fetch_add(&e->deposit->totals.problems, 1);
	if (!is_of_lane(why->code) && !e->failure.code) {
		e->failure = *why; /* said at the end */
		return;
	}
	kb_progress_clear(e->progress);
	kb_log_error("%s", why->text);
}

/* Takes in what has ended; waits for the next one when `wait`. */
static void
conclude_lanes(struct engine *e, bool wait)
{
	struct kb_lane *l, *next;
	struct timespec until;

	pthread_mutex_lock(&e->lock);
	if (wait && !e->ended) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&e->changed, &e->lock, &until);
	}
	l = e->ended;
	e->ended = NULL;
	pthread_mutex_unlock(&e->lock);
	for (; l; l = next) {
		next = l->next_ended;
		conclude_lane(e, l);
	}
}

/* ---- events ---- */

/* Goes on fetching, or ends the lane at its cut. */
static int
go_on(struct engine *e, struct kb_lane *l)
{
	if (l->fetch_next >= l->cut)
		return end_lane(e, l, 0, NULL);
	kb_fetcher_advance(e->fetcher, l->part, l->fetch_next, l->fetch_epoch);
	return 0;
}

/*
 * Moves to where to fetch next, by the headers alone. What cannot be walked is
 * left to the worker, who will say it: until then the same is fetched again.
 */
static void
walk(struct kb_lane *l, struct kb_slice row)
{
	struct kb_batch b;

	while (l->fetch_next < l->cut && kb_batch_parse(row, &b) == 0) {
		if (kb_batch_last(&b) >= l->fetch_next)
			l->fetch_next = kb_batch_last(&b) + 1;
		l->fetch_epoch = b.leader_epoch;
		row.data += b.bytes.len;
		row.len -= b.bytes.len;
	}
}

/* Has the log nothing more below the cut? See IDLE_ANSWERS. */
static int
on_nothing(
	struct engine *e, struct kb_lane *l, const struct kb_fetch_event *event)
{
	int64_t waited = kb_clock_ms() - e->last_data;
	int64_t end = event->last_stable;
	char text[512];

	l->idle++;
	if (l->compacted && l->idle >= IDLE_ANSWERS && waited >= IDLE_MS &&
		end >= l->cut)
		l->fetch_next = l->cut;
	if (waited < e->patience || l->fetch_next >= l->cut)
		return go_on(e, l);
	if (end >= 0 && end <= l->fetch_next)
		snprintf(text, sizeof(text),
			"%s: the log has lost records: it now ends at offset "
			"%" PRId64 ", and ended at %" PRId64
			" when the run began; all that is left is stored",
			kb_lane_name(l), end, l->cut);
	else
		snprintf(text, sizeof(text),
			"%s: the broker sent nothing for %" PRId64
			" s; stored up to offset %" PRId64 " of %" PRId64
			"; run the same command again to go on",
			kb_lane_name(l), waited / 1000, l->fetch_next, l->cut);
	return end_lane(e, l, -ETIMEDOUT, text);
}

static int
on_data(struct engine *e, struct kb_lane *l, const struct kb_fetch_event *event)
{
	struct kb_gauges *g = &e->deposit->gauges;
	int r;

	if (event->took_us)
		kb_histogram_add(&g->fetch, event->took_us);
	if (!event->records.len)
		return on_nothing(e, l, event);
	l->idle = 0;
	walk(l, event->records);
	kb_gauges_moved(g);
	kb_gauges_came(g, event->node, event->records.len);
	e->last_data = kb_clock_ms();
	r = kb_parcel_data(&e->post, l, event);
	return r < 0 ? r : go_on(e, l);
}

static int
on_gap(struct engine *e, struct kb_lane *l, const struct kb_fetch_event *event)
{
	int r;

	kb_progress_clear(e->progress);
	kb_log_error("%s: the broker has deleted offsets %" PRId64
		     " to %" PRId64
		     " before they were backed up; recorded as a "
		     "gap",
		kb_lane_name(l), l->fetch_next, event->log_start - 1);
	atomic_fetch_add(&e->deposit->totals.problems, 1);
	l->fetch_next = event->log_start;
	l->fetch_epoch = -1; /* its end may lie inside the gap */
	r = kb_parcel_gap(&e->post, l, event->log_start, KB_GAP_RETENTION,
		"deleted by the broker between two backups");
	return r < 0 ? r : go_on(e, l);
}

static int
on_deleted(struct engine *e, struct kb_lane *l, const char *sentence)
{
	char text[512];
	int r;

	snprintf(text, sizeof(text),
		"%s: %s; the next run takes up the topic "
		"if it exists again",
		kb_lane_name(l), sentence);
	r = kb_parcel_gap(&e->post, l, l->cut, KB_GAP_DELETED, sentence);
	return r < 0 ? r : end_lane(e, l, -ENOENT, text);
}

static int
on_truncated(struct engine *e, struct kb_lane *l, const char *sentence)
{
	char text[512];

	snprintf(text, sizeof(text),
		"%s; nothing more is stored of this "
		"partition",
		sentence);
	stop_fetching(e, l);
	return kb_parcel_abandon(&e->post, l, -ESTALE, text);
}

static int
on_event(struct engine *e, const struct kb_fetch_event *event)
{
	struct kb_lane *l = event->user;

	if (atomic_load(&l->broken))
		return end_lane(e, l, 0, NULL);
	switch (event->kind) {
	case KB_FETCH_DATA:
		return on_data(e, l, event);
	case KB_FETCH_GAP:
		return on_gap(e, l, event);
	case KB_FETCH_DELETED:
		return on_deleted(e, l, event->sentence);
	case KB_FETCH_TRUNCATED:
		return on_truncated(e, l, event->sentence);
	case KB_FETCH_FAILED:
		return end_lane(e, l, -EREMOTEIO, event->sentence);
	}
	return 0;
}

/* ---- the run ---- */

static int
run_lanes(struct engine *e, struct kb_cancel *cancel)
{
	struct kb_fetch_event event;
	int r = 0;

	while (r >= 0) {
		r = start_lanes(e);
		if (r < 0 || !e->open)
			break;
		if (e->fetching)
			r = kb_fetcher_next(e->fetcher, WAIT_MS, &event);
		else
			r = 1;
		if (r == 0)
			r = on_event(e, &event);
		conclude_lanes(e, !e->fetching);
		if (r >= 0 && e->failure.code)
			r = kb_failure_raise(&e->failure);
		if (r >= 0 && kb_cancel_fired(cancel))
			r = kb_err(-ECANCELED, "interrupted");
		atomic_store(
			&e->deposit->gauges.memory, kb_budget_used(e->budget));
		kb_progress_tick(e->progress, e->plan, e->deposit);
	}
	return r;
}

/* Ends all lanes, so that what is whole is published, whatever happened. */
static void
end_all(struct engine *e)
{
	for (size_t i = 0; i < e->plan->lane_count; i++) {
		struct kb_lane *l = &e->plan->lanes[i];

		if (l->state == KB_LANE_RUNNING && l->part &&
			end_lane(e, l, -ECANCELED, "interrupted") < 0) {
			e->open--; /* out of memory: forgotten */
			l->state = KB_LANE_STOPPED;
		}
	}
	while (e->open)
		conclude_lanes(e, true);
}

static int
workers(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (int)n;
}

static size_t
merge_bytes(const struct kb_plan *plan)
{
	size_t lanes =
		plan->lane_count < LANES_OPEN ? plan->lane_count : LANES_OPEN;
	size_t each = MERGE_MEMORY / (lanes ? lanes : 1);

	if (each > KB_MERGE_MAX)
		return KB_MERGE_MAX;
	return each < MERGE_MIN ? MERGE_MIN : each;
}

static int
run_threads(struct engine *e, struct kb_cancel *cancel)
{
	static const struct kb_crew_hands hands = {kb_hand_make, kb_hand_free};
	struct kb_failure why = {.code = 0};
	int r;

	r = kb_deposit_start(e->deposit);
	if (r == 0)
		r = kb_crew_new(workers(), &hands, &e->post.crew);
	if (r == 0)
		r = run_lanes(e, cancel);
	if (r < 0)
		kb_failure_take(&why, r);
	if (e->post.crew)
		end_all(e);
	kb_crew_free(e->post.crew);
	kb_deposit_stop(e->deposit);
	r = kb_deposit_commit(e->deposit);
	if (why.code)
		return kb_failure_raise(&why);
	if (e->failure.code)
		return kb_failure_raise(&e->failure);
	return r;
}

int
kb_engine_run(struct kb_plan *plan, struct kb_cluster *cluster,
	struct kb_deposit *o, struct kb_progress *progress,
	struct kb_cancel *cancel)
{
	struct kb_budget budget;
	struct kb_fetcher_options options = {
		.budget = &budget,
		.connections = 1 + o->options->connections,
	};
	struct engine e = {
		.plan = plan,
		.deposit = o,
		.budget = &budget,
		.progress = progress,
		.post = {.deposit = o, .ended = on_ended},
		.last_data = kb_clock_ms(),
		.patience =
			kb_conf_get_int(o->options->conf, "message.timeout.ms"),
	};
	int r;

	o->merge_bytes = merge_bytes(plan);
	kb_budget_init(&budget, o->options->memory);
	pthread_mutex_init(&e.lock, NULL);
	pthread_cond_init(&e.changed, NULL);
	r = kb_fetcher_new(cluster, KB_READ_COMMITTED, &options, &e.fetcher);
	if (r == 0)
		r = run_threads(&e, cancel);
	kb_fetcher_free(e.fetcher);
	pthread_cond_destroy(&e.changed);
	pthread_mutex_destroy(&e.lock);
	atomic_store(&o->gauges.memory, kb_budget_used(&budget));
	kb_budget_release(&budget);
	return r;
}
