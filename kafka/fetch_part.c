/*
 * The life of a partition between answers: who leads it, whether its log is
 * still the one that we know, what an error means.
 *
 * Every error but those that end it parks the partition: metadata is asked
 * anew (once for all partitions of a topic that failed together) and it goes
 * on with whoever leads it then. What has not come right for
 * message.timeout.ms has failed. A topic that metadata does not know, or
 * knows by another id, is given some patience first: right after it was made,
 * or when brokers disagree, that passes.
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "kafka/status.h"

/* How long a topic may be unknown before it counts as deleted. */
#define UNKNOWN_MS 1000

/* The longest pause between two tries. */
#define RETRY_MAX_MS 2000

static int64_t
pause_ms(int64_t first, unsigned failures)
{
	int64_t ms = first << (failures < 10 ? failures : 10);

	return ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

void
kb_fetch_part_unlink(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	if (p->place == KB_PARKED)
		TAILQ_REMOVE(&f->parked, p, link);
	else if (p->place == KB_READY)
		TAILQ_REMOVE(
			p->cold ? &p->leader->cold : &p->leader->hot, p, link);
	else if (p->place == KB_HELD && p->leader)
		p->leader->held--;
}

void
kb_fetch_part_free(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	TAILQ_REMOVE(&f->parts, p, all);
	free(p->topic);
	free(p);
}

void
kb_fetch_part_start(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	p->place = KB_PARKED;
	p->leader = NULL;
	p->parked_at = kb_clock_ms();
	p->retry_at = p->parked_at;
	p->check_epoch = p->last_epoch >= 0;
	TAILQ_INSERT_TAIL(&f->parked, p, link);
}

void
kb_fetch_part_park(struct kb_fetcher *f, struct kb_fetch_part *p, bool refresh)
{
	int64_t now = kb_clock_ms();

	kb_fetch_part_unlink(f, p);
	p->place = KB_PARKED;
	p->leader = NULL;
	p->parked_at = now;
	p->retry_at = now + pause_ms(f->settings.retry_ms, p->failures++);
	if (!p->trouble_since)
		p->trouble_since = now;
	if (refresh) {
		p->refresh = true;
		p->check_epoch = p->last_epoch >= 0;
	}
	TAILQ_INSERT_TAIL(&f->parked, p, link);
}

void
kb_fetch_part_ready(struct kb_fetch_part *p)
{
	struct kb_fetch_leader *l = p->leader;

	p->place = KB_READY;
	if (p->cold)
		TAILQ_INSERT_TAIL(&l->cold, p, link);
	else if (p->unserved)
		TAILQ_INSERT_HEAD(&l->hot, p, link);
	else
		TAILQ_INSERT_TAIL(&l->hot, p, link);
}

static int
make_event(struct kb_fetcher *f, struct kb_fetch_part *p,
	enum kb_fetch_kind kind, struct kb_fetch_event *out)
{
	kb_fetch_part_unlink(f, p);
	p->place = KB_HELD;
	f->wanted--;
	if (p->leader)
		p->leader->held++;
	*out = (struct kb_fetch_event){
		.kind = kind,
		.part = p,
		.user = p->user,
		.offset = p->offset,
		.high_watermark = -1,
		.last_stable = -1,
		.log_start = -1,
		.end = -1,
	};
	if (kind == KB_FETCH_DATA || kind == KB_FETCH_GAP)
		return 0;
	kb_failure_take(&f->failure, 0);
	out->sentence = f->failure.text;
	return 0;
}

int
kb_fetch_part_fail(struct kb_fetcher *f, struct kb_fetch_part *p, int error,
	struct kb_fetch_event *out)
{
	p->failures = 0;
	p->trouble_since = 0;
	make_event(f, p, KB_FETCH_FAILED, out);
	out->error = error;
	return 0;
}

/* It has been in trouble for longer than anybody shall wait. */
static bool
too_long(const struct kb_fetcher *f, const struct kb_fetch_part *p)
{
	return p->trouble_since &&
	       kb_clock_ms() - p->trouble_since >= f->settings.trouble_ms;
}

/* ---- is the log the one that we know? ---- */

static int
truncated(struct kb_fetcher *f, struct kb_fetch_part *p, int64_t end,
	struct kb_fetch_event *out)
{
	make_event(f, p, KB_FETCH_TRUNCATED, out);
	out->end = end;
	return 0;
}

/* Asks where the last batch's leader epoch ends now (KIP-320, H17). */
static int
check_epoch(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int32_t epoch;
	int64_t end;
	int r = kb_cluster_epoch_end(f->cluster, p->topic, &p->id, p->partition,
		p->last_epoch, &epoch, &end);

	if (r)
		return r;
	p->check_epoch = false;
	if (end < 0 || end >= p->offset)
		return 1;
	kb_err(-ESTALE,
		"%s/%d: the log was truncated: leader epoch %d now ends at "
		"offset %" PRId64 ", below %" PRId64 ", which we had reached",
		p->topic, p->partition, p->last_epoch, end, p->offset);
	return truncated(f, p, end, out);
}

/* The leader calls our offset out of range: why? (F2, H17) */
static int
check_range(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int64_t start, end;
	int r;

	r = kb_cluster_offset(f->cluster, p->topic, &p->id, p->partition,
		KB_OFFSET_EARLIEST, KB_READ_UNCOMMITTED, &start);
	if (!r)
		r = kb_cluster_offset(f->cluster, p->topic, &p->id,
			p->partition, KB_OFFSET_LATEST, KB_READ_UNCOMMITTED,
			&end);
	if (r)
		return r;
	p->check_range = false;
	if (start > p->offset) {
		make_event(f, p, KB_FETCH_GAP, out);
		out->log_start = start;
		return 0;
	}
	if (end >= p->offset)
		return 1; /* it was so for a moment */
	kb_err(-ESTALE,
		"%s/%d: the log was truncated: it now ends at offset %" PRId64
		", below %" PRId64 ", which we had reached",
		p->topic, p->partition, end, p->offset);
	return truncated(f, p, end, out);
}

/* ---- who leads it? ---- */

/* One refresh serves all partitions of the topic that waited for one. */
static void
mark_refreshed(struct kb_fetcher *f, const struct kb_fetch_part *p, int64_t at)
{
	struct kb_fetch_part *q;

	TAILQ_FOREACH (q, &f->parked, link)
		if (q->refresh && q->parked_at <= at &&
			!strcmp(q->topic, p->topic))
			q->refresh = false;
}

static int
find_leader(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	int64_t now = kb_clock_ms();
	int32_t node, epoch;
	int r = kb_cluster_leader(f->cluster, p->topic, &p->id, p->partition,
		p->refresh, &node, &epoch);

	if (r)
		return r;
	if (p->refresh)
		mark_refreshed(f, p, now);
	p->refresh = false;
	p->unknown_since = 0;
	r = kb_fetch_leader_get(f, node, &p->leader);
	if (r)
		return r;
	p->leader_epoch = epoch;
	return 1;
}

/* Metadata does not know the topic, or knows another of its name. */
static int
unknown(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int64_t now = kb_clock_ms();

	if (!p->unknown_since)
		p->unknown_since = now;
	if (now - p->unknown_since >= UNKNOWN_MS)
		return make_event(f, p, KB_FETCH_DELETED, out);
	kb_fetch_part_park(f, p, true);
	return 1;
}

/*
 * Errors of the cluster's own calls, which have retried what can be. No
 * metadata is everybody's trouble, anything else the partition's.
 */
static int
cluster_failed(struct kb_fetcher *f, struct kb_fetch_part *p, int error,
	struct kb_fetch_event *out)
{
	bool no_metadata = !p->leader;

	p->leader = NULL;
	switch (error) {
	case -ECANCELED:
	case -ENOMEM:
		return error;
	case -ENOENT:
		return unknown(f, p, out);
	case -EAGAIN:
		if (too_long(f, p))
			return kb_fetch_part_fail(f, p, -EIO, out);
		kb_fetch_part_park(f, p, true);
		return 1;
	case -EACCES:
	case -EREMOTEIO:
	case -EPROTONOSUPPORT:
		return kb_fetch_part_fail(f, p, error, out);
	default:
		if (no_metadata)
			return kb_err(-EIO, "%s", kb_err_text());
		return kb_fetch_part_fail(f, p, -EIO, out);
	}
}

static int
resolve_one(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int r;

	if (too_long(f, p)) {
		kb_err(-EIO, "%s/%d: no data from offset %" PRId64 " on: %s",
			p->topic, p->partition, p->offset, f->trouble.text);
		return kb_fetch_part_fail(f, p, -EIO, out);
	}
	r = find_leader(f, p);
	if (r == 1 && p->check_epoch)
		r = check_epoch(f, p, out);
	if (r == 1 && p->check_range)
		r = check_range(f, p, out);
	if (r < 0)
		return cluster_failed(f, p, r, out);
	if (r == 1) {
		kb_fetch_part_unlink(f, p);
		kb_fetch_part_ready(p);
	}
	return r;
}

int
kb_fetch_part_resolve(struct kb_fetcher *f, struct kb_fetch_event *out)
{
	int64_t now = kb_clock_ms();
	struct kb_fetch_part *p, *next;
	int r;

	for (p = TAILQ_FIRST(&f->parked); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->retry_at > now)
			continue;
		r = resolve_one(f, p, out);
		if (r != 1)
			return r;
	}
	return 1;
}

/* ---- what an answer says ---- */

static int
judge_data(struct kb_fetcher *f, struct kb_fetch_part *p,
	const struct kb_fetched *got, struct kb_fetch_event *out)
{
	int64_t limit = f->isolation == KB_READ_COMMITTED ? got->last_stable
							  : got->high_watermark;

	if (got->aborted_count > f->aborted_cap) {
		struct kb_aborted *a = reallocarray(
			f->aborted, got->aborted_count, sizeof(*a));

		if (!a)
			return kb_err(-ENOMEM,
				"out of memory: %zu aborted transactions",
				got->aborted_count);
		f->aborted = a;
		f->aborted_cap = got->aborted_count;
	}
	kb_fetched_aborted(got, f->aborted);
	p->failures = 0;
	p->trouble_since = 0;
	p->alone = false;
	p->unserved = !got->records.len && p->offset < limit;
	p->cold = !got->records.len && (!p->unserved || f->answer_empty);
	make_event(f, p, KB_FETCH_DATA, out);
	out->records = got->records;
	out->high_watermark = got->high_watermark;
	out->last_stable = got->last_stable;
	out->log_start = got->log_start;
	out->aborted = f->aborted;
	out->aborted_count = got->aborted_count;
	return 0;
}

static int
fatal(struct kb_fetcher *f, struct kb_fetch_part *p, int16_t code,
	struct kb_fetch_event *out)
{
	int error = code == 29 /* TOPIC_AUTHORIZATION_FAILED */ ? -EACCES
								: -EREMOTEIO;

	kb_err(error,
		"%s/%d: the broker refuses to send from offset %" PRId64
		" on: %s",
		p->topic, p->partition, p->offset, kb_status_name(code));
	return kb_fetch_part_fail(f, p, error, out);
}

/* An error that may pass: tried again, but not for ever. */
static int
retry(struct kb_fetcher *f, struct kb_fetch_part *p, int16_t code, bool refresh,
	struct kb_fetch_event *out)
{
	kb_err(-EIO, "%s/%d: fetch from offset %" PRId64 ": %s", p->topic,
		p->partition, p->offset, kb_status_name(code));
	kb_failure_take(&f->trouble, -EIO);
	kb_log_debug("%s: tried again", f->trouble.text);
	if (!too_long(f, p)) {
		kb_fetch_part_park(f, p, refresh);
		return 1;
	}
	return kb_fetch_part_fail(f, p, -EIO, out);
}

int
kb_fetch_part_judge(struct kb_fetcher *f, struct kb_fetch_part *p,
	const struct kb_fetched *got, struct kb_fetch_event *out)
{
	switch (kb_status_action(got->error)) {
	case KB_STATUS_OK:
		return judge_data(f, p, got, out);
	case KB_STATUS_RETRY:
		return retry(f, p, got->error, false, out);
	case KB_STATUS_RANGE:
		p->check_range = true;
		return retry(f, p, got->error, true, out);
	case KB_STATUS_REFRESH:
	case KB_STATUS_EPOCH:
	case KB_STATUS_UNKNOWN:
		return retry(f, p, got->error, true, out);
	case KB_STATUS_FATAL:
		break;
	}
	return fatal(f, p, got->error, out);
}
