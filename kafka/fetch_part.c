/*
 * A partition between answers, and what an answer says of it. Every error but
 * those that end it parks the partition (kafka/fetch_resolve.c), and it goes
 * on with whoever leads it then. What has not come right for
 * message.timeout.ms has failed.
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "kafka/status.h"

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

int
kb_fetch_part_event(struct kb_fetcher *f, struct kb_fetch_part *p,
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
	kb_fetch_part_event(f, p, KB_FETCH_FAILED, out);
	out->error = error;
	return 0;
}

bool
kb_fetch_part_too_long(
	const struct kb_fetcher *f, const struct kb_fetch_part *p)
{
	return p->trouble_since &&
	       kb_clock_ms() - p->trouble_since >= f->settings.trouble_ms;
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
	if (p->unserved && !p->cold) {
		/* the answer was full: that says nothing about p */
		kb_fetch_part_ready(p);
		return 1;
	}
	kb_fetch_part_event(f, p, KB_FETCH_DATA, out);
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
	if (!kb_fetch_part_too_long(f, p)) {
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
