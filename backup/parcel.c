/*
 * A parcel is a task of its lane's strand. One small allocation an answer and
 * partition; the bytes themselves stay in the receive buffer, which the lease
 * keeps, and go back to the budget as soon as the parcel is dealt with.
 */
#include "backup/parcel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup/deposit.h"
#include "backup/options.h"
#include "common/clock.h"
#include "common/log.h"
#include "kafka/lease.h"

enum kind {
	PARCEL_DATA,
	PARCEL_GAP,
	PARCEL_END,
	PARCEL_ABANDON,
};

struct parcel {
	struct kb_task task; /* first */
	enum kind kind;
	struct kb_post post;
	struct kb_lane *lane;
	/* DATA */
	struct kb_lease *lease;
	struct kb_slice records;
	const struct kb_aborted *aborted;
	size_t aborted_count;
	/* GAP */
	int64_t end;
	enum kb_gap_reason reason;
	/* GAP: the detail; END, ABANDON: why */
	struct kb_failure why;
};

/* The first failure counts. */
static void
fail(struct kb_lane *l, int r)
{
	if (!l->failure.code)
		kb_failure_take(&l->failure, r);
	atomic_store(&l->broken, true);
}

/* Damage: a gap when told to skip it, else what is whole, and the end. */
static int
skip_damage(struct parcel *p, struct kb_hand *hand, int64_t end)
{
	struct kb_deposit *o = p->post.deposit;
	struct kb_lane *l = p->lane;
	struct kb_failure why;
	int r;

	kb_failure_take(&why, -EBADMSG);
	if (!o->options->skip_damaged || end <= l->next)
		return -EBADMSG; /* not to be skipped, or who knows how far */
	if (end > l->cut)
		end = l->cut;
	r = kb_lane_put_gap(l, o, hand, end, KB_GAP_DAMAGED, why.text);
	if (r < 0)
		return r;
	kb_log_error("%s: skipped up to offset %" PRId64 ", recorded as a gap",
		why.text, end);
	atomic_fetch_add(&o->totals.problems, 1);
	return 0;
}

static int
take_data(struct parcel *p, struct kb_hand *hand)
{
	struct kb_lane *l = p->lane;
	int64_t damage_end;
	int r = kb_lane_answer(l, p->aborted, p->aborted_count);

	while (r == 0) {
		r = kb_lane_take(
			l, p->post.deposit, hand, &p->records, &damage_end);
		if (r != -EBADMSG)
			return r;
		r = skip_damage(p, hand, damage_end);
	}
	return r;
}

static int
open_data(struct parcel *p, struct kb_hand *hand)
{
	struct kb_gauges *g = &p->post.deposit->gauges;
	int64_t began = kb_clock_us();
	int r = take_data(p, hand);

	kb_histogram_add(&g->index, kb_clock_us() - began);
	kb_gauges_moved(g);
	return r;
}

/* Also of a broken lane: what came before the failure is whole. */
static void
open_end(struct parcel *p, struct kb_hand *hand)
{
	struct kb_lane *l = p->lane;
	int r = 0;

	if (p->why.code && !l->failure.code)
		l->failure = p->why;
	if (p->kind == PARCEL_END)
		r = kb_lane_publish(l, p->post.deposit, hand);
	if (r < 0)
		fail(l, r);
	kb_deposit_end(p->post.deposit, l, p->post.ended);
}

static void
open_parcel(struct kb_task *task, void *hand)
{
	struct parcel *p = (struct parcel *)task;
	bool broken = atomic_load(&p->lane->broken);
	int r = 0;

	if (p->kind == PARCEL_DATA && !broken)
		r = open_data(p, hand);
	if (p->kind == PARCEL_GAP && !broken)
		r = kb_lane_put_gap(p->lane, p->post.deposit, hand, p->end,
			p->reason, p->why.text);
	if (r < 0)
		fail(p->lane, r);
	if (p->lease)
		kb_lease_drop(p->lease);
	if (p->kind == PARCEL_END || p->kind == PARCEL_ABANDON)
		open_end(p, hand);
	free(p);
}

static int
post(const struct kb_post *to, struct kb_lane *l, const struct parcel *what)
{
	struct parcel *p = malloc(sizeof(*p));

	if (!p)
		return kb_err(-ENOMEM, "out of memory");
	*p = *what;
	p->task.run = open_parcel;
	p->post = *to;
	p->lane = l;
	kb_crew_post(to->crew, &l->work, &p->task);
	return 0;
}

int
kb_parcel_data(const struct kb_post *p, struct kb_lane *l,
	const struct kb_fetch_event *e)
{
	struct parcel what = {
		.kind = PARCEL_DATA,
		.lease = e->lease,
		.records = e->records,
		.aborted = e->aborted,
		.aborted_count = e->aborted_count,
	};
	int r;

	kb_lease_hold(e->lease);
	r = post(p, l, &what);
	if (r < 0)
		kb_lease_drop(e->lease);
	return r;
}

int
kb_parcel_gap(const struct kb_post *p, struct kb_lane *l, int64_t end,
	enum kb_gap_reason reason, const char *detail)
{
	struct parcel what = {
		.kind = PARCEL_GAP,
		.end = end,
		.reason = reason,
	};

	snprintf(what.why.text, sizeof(what.why.text), "%s", detail);
	return post(p, l, &what);
}

static int
post_end(const struct kb_post *p, struct kb_lane *l, enum kind kind, int error,
	const char *why)
{
	struct parcel what = {.kind = kind};

	what.why.code = error;
	snprintf(what.why.text, sizeof(what.why.text), "%s", why ? why : "");
	return post(p, l, &what);
}

int
kb_parcel_end(
	const struct kb_post *p, struct kb_lane *l, int error, const char *why)
{
	return post_end(p, l, PARCEL_END, error, why);
}

int
kb_parcel_abandon(
	const struct kb_post *p, struct kb_lane *l, int error, const char *why)
{
	return post_end(p, l, PARCEL_ABANDON, error, why);
}
