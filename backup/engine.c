/*
 * One thread: the fetcher's events are dealt with as they come, so no lock is
 * needed and memory is bounded by one answer a leader. At most LANES_OPEN
 * partitions are under way at once, which bounds open files and buffers too;
 * the others wait their turn.
 */
#include "backup/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "backup/options.h"
#include "backup/deposit.h"
#include "backup/plan.h"
#include "backup/progress.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/conf.h"
#include "kafka/fetcher.h"

#define LANES_OPEN 64
#define WAIT_MS 200

/*
 * A compacted log may hold nothing between our offset and the cut. The broker
 * then answers at once and empty, again and again; so it does when throttled.
 * This many such answers in this long, with nothing else coming in, decide.
 */
#define IDLE_ANSWERS 5
#define IDLE_MS 5000

struct engine {
	struct kb_plan *plan;
	struct kb_cluster *cluster;
	struct kb_deposit *deposit;
	struct kb_progress *progress;
	struct kb_fetcher *fetcher;
	size_t next_lane;
	size_t running;
	int64_t last_data; /* kb_clock_ms() of the last batch that came */
	int64_t patience; /* ms without any data before a lane is given up */
};

static int
start_lanes(struct engine *e)
{
	int r = 0;

	while (r == 0 && e->running < LANES_OPEN &&
		e->next_lane < e->plan->lane_count) {
		struct kb_lane *l = &e->plan->lanes[e->next_lane++];

		if (l->state != KB_LANE_WAITING)
			continue;
		r = kb_fetcher_add(e->fetcher, l->topic.name, &l->topic.id,
			l->partition, l->next, l->last_epoch, l, &l->part);
		if (r == 0) {
			l->state = KB_LANE_RUNNING;
			e->running++;
			e->last_data = kb_clock_ms();
		}
	}
	return r;
}

static void
end_lane(struct engine *e, struct kb_lane *l, enum kb_lane_state state)
{
	kb_fetcher_remove(e->fetcher, l->part);
	l->part = NULL;
	kb_lane_release(l);
	l->state = state;
	e->running--;
}

/* This partition goes no further; the others do. */
static void
stop_lane(struct engine *e, struct kb_lane *l, const char *sentence)
{
	kb_progress_clear(e->progress);
	kb_log_error("%s", sentence);
	e->deposit->totals.problems++;
	end_lane(e, l, KB_LANE_STOPPED);
}

/* Errors that concern one partition only, whatever it was doing. */
static bool
is_of_lane(int error)
{
	return error == -EEXIST || error == -EBADMSG ||
		error == -EPROTONOSUPPORT;
}

/* Publishes what is whole, then stops with the sentence given. */
static int
publish_and_stop(struct engine *e, struct kb_lane *l, const char *sentence)
{
	char text[512];
	int r;

	snprintf(text, sizeof(text), "%s", sentence);
	r = kb_lane_publish(l, e->deposit);
	if (r < 0 && !is_of_lane(r))
		return r;
	stop_lane(e, l, text);
	return 0;
}

/* After an event was dealt with: r is how that went. */
static int
go_on(struct engine *e, struct kb_lane *l, int r)
{
	if (r == 0 && l->next < l->cut) {
		kb_fetcher_advance(e->fetcher, l->part, l->next,
			l->last_epoch);
		return 0;
	}
	if (r == 0)
		r = kb_lane_publish(l, e->deposit);
	if (r == 0) {
		end_lane(e, l, KB_LANE_DONE);
		return 0;
	}
	if (!is_of_lane(r))
		return r;
	return publish_and_stop(e, l, kb_err_text());
}

static int
on_damage(struct engine *e, struct kb_lane *l, int64_t end)
{
	char detail[sizeof(((struct kb_gap *)0)->detail)];
	int r;

	if (!e->deposit->options->skip_damaged || end < 0)
		return publish_and_stop(e, l, kb_err_text());
	snprintf(detail, sizeof(detail), "%s", kb_err_text());
	if (end > l->cut)
		end = l->cut;
	r = kb_lane_put_gap(l, e->deposit, end, KB_GAP_DAMAGED, detail);
	if (r == 0) {
		kb_progress_clear(e->progress);
		kb_log_error("%s: skipped up to offset %" PRId64 ", recorded "
			"as a gap", detail, end);
		e->deposit->totals.problems++;
	}
	return go_on(e, l, r);
}

/* Has the log nothing more below the cut? See IDLE_ANSWERS. */
static int
on_nothing(struct engine *e, struct kb_lane *l,
	const struct kb_fetch_event *event)
{
	int64_t waited = kb_clock_ms() - e->last_data;
	char text[512];

	if (l->compacted && l->idle >= IDLE_ANSWERS && waited >= IDLE_MS &&
		event->last_stable >= l->cut)
		l->next = l->cut;
	if (waited < e->patience || l->next >= l->cut)
		return go_on(e, l, 0);
	snprintf(text, sizeof(text), "%s: the broker sent nothing for "
		"%" PRId64 " s; stored up to offset %" PRId64 " of %" PRId64
		"; run the same command again to go on", kb_lane_name(l),
		waited / 1000, l->next, l->cut);
	return publish_and_stop(e, l, text);
}

static int
on_data(struct engine *e, struct kb_lane *l, const struct kb_fetch_event *event)
{
	int64_t before = l->next, damage_end;
	int r;

	r = kb_lane_take(l, e->deposit, event, &damage_end);
	if (l->next > before)
		e->last_data = kb_clock_ms();
	if (r == -EBADMSG)
		return on_damage(e, l, damage_end);
	if (r == 0 && event->records.len == 0)
		return on_nothing(e, l, event);
	return go_on(e, l, r);
}

static int
on_gap(struct engine *e, struct kb_lane *l, const struct kb_fetch_event *event)
{
	int r;

	kb_progress_clear(e->progress);
	kb_log_error("%s: the broker has deleted offsets %" PRId64
		" to %" PRId64 " before they were backed up; recorded as a "
		"gap", kb_lane_name(l), l->next, event->log_start - 1);
	e->deposit->totals.problems++;
	r = kb_lane_put_gap(l, e->deposit, event->log_start, KB_GAP_RETENTION,
		"deleted by the broker between two backups");
	return go_on(e, l, r);
}

static int
on_deleted(struct engine *e, struct kb_lane *l, const char *sentence)
{
	char text[512];
	int r;

	snprintf(text, sizeof(text), "%s: %s; the next run takes up the topic "
		"if it exists again", kb_lane_name(l), sentence);
	r = kb_lane_put_gap(l, e->deposit, l->cut, KB_GAP_DELETED, sentence);
	if (r < 0 && !is_of_lane(r))
		return r;
	stop_lane(e, l, text);
	return 0;
}

static int
on_event(struct engine *e, const struct kb_fetch_event *event)
{
	struct kb_lane *l = event->user;
	char text[512];

	switch (event->kind) {
	case KB_FETCH_DATA:
		return on_data(e, l, event);
	case KB_FETCH_GAP:
		return on_gap(e, l, event);
	case KB_FETCH_DELETED:
		return on_deleted(e, l, event->sentence);
	case KB_FETCH_TRUNCATED:
		snprintf(text, sizeof(text), "%s: %s; nothing more is stored "
			"of this partition", kb_lane_name(l),
			event->sentence);
		stop_lane(e, l, text);
		return 0;
	case KB_FETCH_FAILED:
		return publish_and_stop(e, l, event->sentence);
	}
	return 0;
}

/* Publishes what running lanes have; the first error is kept. */
static int
publish_all(struct engine *e, int r)
{
	struct kb_failure first = {.code = 0};

	if (r < 0)
		kb_failure_take(&first, r);
	for (size_t i = 0; i < e->plan->lane_count; i++) {
		struct kb_lane *l = &e->plan->lanes[i];

		if (l->state != KB_LANE_RUNNING)
			continue;
		r = kb_lane_publish(l, e->deposit);
		if (r < 0 && !first.code)
			kb_failure_take(&first, r);
		end_lane(e, l, KB_LANE_STOPPED);
	}
	r = kb_deposit_commit(e->deposit);
	if (r < 0 && !first.code)
		return r;
	return first.code ? kb_failure_raise(&first) : 0;
}

int
kb_engine_run(struct kb_plan *plan, struct kb_cluster *cluster,
	struct kb_deposit *o, struct kb_progress *progress,
	struct kb_cancel *cancel)
{
	struct engine e = {
		.plan = plan,
		.cluster = cluster,
		.deposit = o,
		.progress = progress,
		.last_data = kb_clock_ms(),
		.patience = kb_conf_get_int(o->options->conf,
			"message.timeout.ms"),
	};
	struct kb_fetch_event event;
	int r;

	r = kb_fetcher_new(cluster, KB_READ_COMMITTED, &e.fetcher);
	if (r < 0)
		return r;
	for (;;) {
		r = start_lanes(&e);
		if (r < 0 || !e.running)
			break;
		r = kb_fetcher_next(e.fetcher, WAIT_MS, &event);
		if (r == 0)
			r = on_event(&e, &event);
		if (r >= 0 && kb_cancel_fired(cancel))
			r = kb_err(-ECANCELED, "interrupted");
		if (r >= 0)
			r = kb_deposit_tick(o);
		if (r < 0)
			break;
		kb_progress_tick(progress, plan, &o->totals);
	}
	r = publish_all(&e, r);
	kb_fetcher_free(e.fetcher);
	return r;
}
