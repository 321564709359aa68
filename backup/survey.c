/*
 * One round of requests a question. A partition that is left without an
 * answer is asked about alone, which tries again and says what is wrong. All
 * that are left have waited as long as the first that was given up: none of
 * them is waited for as long again.
 *
 * What is stored is looked at first: an end of the log that was read before
 * would not show that the log was cut meanwhile.
 */
#include "backup/survey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backup/deposit.h"
#include "backup/lane.h"
#include "backup/options.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/cluster.h"

/* For partitions that are asked about after one was given up. */
#define HURRY_MS 1000

struct surveyor {
	struct kb_lane *lanes;
	size_t count;
	struct kb_cluster *cluster;
	struct kb_deposit *deposit;
	struct kb_survey *out;
	/* Of the round, and which lane each is about. */
	struct kb_question *questions;
	size_t *about;
	size_t asked;
};

/* An error that ends the run, not one partition: the store's and our own. */
static bool
is_ours(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EROFS ||
	       error == -ENOMEM || error == -ECANCELED;
}

int
kb_survey_stop(struct kb_lane *l, struct kb_deposit *o, int r)
{
	if (is_ours(r))
		return r;
	kb_log_error("%s", kb_err_text());
	l->state = KB_LANE_STOPPED;
	atomic_fetch_add(&o->totals.problems, 1);
	return 0;
}

/* ---- what is stored ---- */

static int
find_stored(struct surveyor *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->count; i++) {
		struct kb_resume *had = &s->out[i].had;

		*had = (struct kb_resume){.last = -1, .last_epoch = -1};
		kb_gauges_moved(&s->deposit->gauges);
		if (s->deposit->index)
			r = kb_resume_find(&s->lanes[i], s->deposit, had);
		if (r < 0)
			r = kb_survey_stop(&s->lanes[i], s->deposit, r);
	}
	return r;
}

/* ---- a round ---- */

/* A question about each lane that goes on and is `wanted`. */
static void
begin_round(struct surveyor *s, bool (*wanted)(const struct kb_survey *))
{
	s->asked = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct kb_lane *l = &s->lanes[i];

		if (l->state == KB_LANE_STOPPED || !wanted(&s->out[i]))
			continue;
		s->about[s->asked] = i;
		s->questions[s->asked++] = (struct kb_question){
			.topic = l->topic.name,
			.id = &l->topic.id,
			.partition = l->partition,
		};
	}
	kb_gauges_moved(&s->deposit->gauges);
}

static bool
is_any(const struct kb_survey *at)
{
	(void)at;
	return true;
}

static bool
is_first(const struct kb_survey *at)
{
	return !at->had.any;
}

static bool
has_epoch(const struct kb_survey *at)
{
	return at->had.last >= 0 && at->had.last_epoch >= 0;
}

/* The field of each partition that has an offset from this round. */
enum field { EPOCH_END, END, STABLE, EARLIEST, ORIGIN };

static void
keep(struct kb_survey *at, enum field field, int64_t offset)
{
	switch (field) {
	case EPOCH_END:
		at->epoch_end = offset;
		break;
	case END:
		at->end = offset;
		break;
	case STABLE:
		at->stable = offset;
		break;
	case EARLIEST:
		at->earliest = offset;
		break;
	case ORIGIN:
		at->origin = offset;
		break;
	}
}

static int
ask_alone(struct surveyor *s, enum field field, struct kb_question *q)
{
	int32_t epoch;

	if (field == EPOCH_END)
		return kb_cluster_epoch_end(s->cluster, q->topic, q->id,
			q->partition, q->epoch, &epoch, &q->offset);
	return kb_cluster_offset(s->cluster, q->topic, q->id, q->partition,
		q->time,
		field == STABLE ? KB_READ_COMMITTED : KB_READ_UNCOMMITTED,
		&q->offset);
}

/* A log has ends; that there is none is an answer about a time or an epoch. */
static int
check(const struct kb_question *q, enum field field)
{
	if (q->offset >= 0 || field == EPOCH_END || field == ORIGIN)
		return 0;
	return kb_err(-EBADMSG,
		"%s/%d: the leader answers offset %" PRId64
		" where the log begins or ends",
		q->topic, q->partition, q->offset);
}

static int
end_round(struct surveyor *s, enum field field)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < s->asked; k++) {
		struct kb_question *q = &s->questions[k];
		size_t i = s->about[k];

		if (!q->answered)
			r = ask_alone(s, field, q);
		if (r == -ETIMEDOUT)
			kb_cluster_hurry(s->cluster, HURRY_MS);
		if (r == 0)
			r = check(q, field);
		if (r == 0)
			keep(&s->out[i], field, q->offset);
		else
			r = kb_survey_stop(&s->lanes[i], s->deposit, r);
		kb_gauges_moved(&s->deposit->gauges);
	}
	kb_cluster_hurry(s->cluster, 0);
	return r;
}

static int
ask_epoch_ends(struct surveyor *s)
{
	int r;

	begin_round(s, has_epoch);
	for (size_t k = 0; k < s->asked; k++)
		s->questions[k].epoch = s->out[s->about[k]].had.last_epoch;
	r = kb_cluster_epoch_ends(s->cluster, s->questions, s->asked);
	return r < 0 ? r : end_round(s, EPOCH_END);
}

static int
ask_offsets(struct surveyor *s, bool (*wanted)(const struct kb_survey *),
	int64_t time, enum field field)
{
	int r;

	begin_round(s, wanted);
	for (size_t k = 0; k < s->asked; k++)
		s->questions[k].time = time;
	r = kb_cluster_offsets(s->cluster, s->questions, s->asked,
		field == STABLE ? KB_READ_COMMITTED : KB_READ_UNCOMMITTED);
	return r < 0 ? r : end_round(s, field);
}

static int
ask_all(struct surveyor *s)
{
	const struct kb_backup_options *opt = s->deposit->options;
	int r = find_stored(s);

	if (r == 0)
		r = ask_epoch_ends(s);
	if (r == 0)
		r = ask_offsets(s, is_any, KB_OFFSET_LATEST, END);
	if (r == 0)
		r = ask_offsets(s, is_any, KB_OFFSET_LATEST, STABLE);
	if (r == 0)
		r = ask_offsets(s, is_first, KB_OFFSET_EARLIEST, EARLIEST);
	if (r == 0 && opt->origin == KB_ORIGIN_TIME)
		r = ask_offsets(s, is_first, opt->origin_value, ORIGIN);
	return r;
}

int
kb_survey_lanes(struct kb_lane *lanes, size_t count, struct kb_cluster *cluster,
	struct kb_deposit *o, struct kb_survey *out)
{
	struct surveyor s = {
		.lanes = lanes,
		.count = count,
		.cluster = cluster,
		.deposit = o,
		.out = out,
		.questions = calloc(count + 1, sizeof(*s.questions)),
		.about = calloc(count + 1, sizeof(*s.about)),
	};
	int r;

	for (size_t i = 0; i < count; i++)
		out[i] = (struct kb_survey){.epoch_end = -1, .origin = -1};
	r = s.questions && s.about ? ask_all(&s)
				   : kb_err(-ENOMEM, "out of memory");
	free(s.questions);
	free(s.about);
	return r;
}
