/*
 * A partition between answers, and what an answer says of it. Every error but
 * those that end it parks the partition (kafka/fetch_resolve.c), and it goes
 * on with whoever leads it then. What has not come right for
 * message.timeout.ms has failed.
 *
 * A leader may name a follower in our rack to fetch from (KIP-392). That one
 * is asked for AWAY_MS, then the leader again. Whatever a follower cannot
 * serve, the leader serves, told no rack for RACKLESS_MS lest it names the
 * follower again; a follower's word on offsets or topics never counts.
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "format/batch.h"
#include "kafka/status.h"

#define AWAY_MS (5 * 60 * 1000)
#define RACKLESS_MS (30 * 1000)

/* The longest pause between two tries. */
#define RETRY_MAX_MS 2000

static int64_t
pause_ms(int64_t first, unsigned failures)
{
	int64_t ms = first << (failures < 10 ? failures : 10);

	return ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

static void
leave_queue(struct kb_fetch_part *p)
{
	TAILQ_REMOVE(p->queue, p, link);
	if (p->queue != &p->leader->cold)
		p->leader->hot_count--;
}

void
kb_fetch_part_unlink(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	if (p->place == KB_PARKED)
		TAILQ_REMOVE(&f->parked, p, link);
	else if (p->place == KB_READY)
		leave_queue(p);
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
	p->away = false;
	p->parked_at = kb_clock_ms();
	p->retry_at = p->parked_at;
	p->check_epoch = p->last_epoch >= 0;
	TAILQ_INSERT_TAIL(&f->parked, p, link);
}

/* p, which is nowhere, goes to its leader, which need not have changed. */
static void
come_home(struct kb_fetcher *f, struct kb_fetch_part *p, int64_t rackless_until)
{
	bool check_epoch = p->check_epoch;

	kb_fetch_part_start(f, p);
	p->check_epoch = check_epoch;
	p->rackless_until = rackless_until;
}

void
kb_fetch_part_park(struct kb_fetcher *f, struct kb_fetch_part *p, bool refresh)
{
	int64_t now = kb_clock_ms();

	kb_fetch_part_unlink(f, p);
	if (p->away) {
		come_home(f, p, now + RACKLESS_MS);
		return;
	}
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

static void
enqueue(struct kb_fetch_part *p)
{
	struct kb_fetch_leader *l = p->leader;

	p->place = KB_READY;
	p->queue = p->cold ? &l->cold : p->unserved ? &l->unserved : &l->hot;
	TAILQ_INSERT_TAIL(p->queue, p, link);
	if (!p->cold)
		l->hot_count++;
}

void
kb_fetch_part_ready(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	int64_t now = f->settings.rack ? kb_clock_ms() : 0;

	if (p->away && now >= p->away_until) {
		come_home(f, p, 0);
		return;
	}
	p->rackless = now < p->rackless_until;
	enqueue(p);
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

/* The leader sends us to a follower nearer by, and no records. */
static bool
is_sent_away(const struct kb_fetch_part *p, const struct kb_fetched *got)
{
	return got->preferred >= 0 && got->preferred != p->leader->node &&
	       !p->rackless && !p->away && !got->records.len;
}

static int
send_away(struct kb_fetcher *f, struct kb_fetch_part *p, int32_t node)
{
	int r = kb_fetch_leader_get(f, node, &p->leader);

	if (r)
		return r;
	kb_log_debug("%s/%d: fetched from node %d, in our rack", p->topic,
		p->partition, node);
	p->away = true;
	p->away_until = kb_clock_ms() + AWAY_MS;
	p->cold = false;
	kb_fetch_part_ready(f, p);
	return 1;
}

/* Is the batch before our offset the one that we know? See check_epoch(). */
static int
judge_probe(struct kb_fetcher *f, struct kb_fetch_part *p,
	const struct kb_fetched *got, struct kb_fetch_event *out)
{
	struct kb_batch b;

	p->probing = false;
	if (kb_batch_parse(got->records, &b) != 0 ||
		b.base_offset >= p->offset || b.leader_epoch == p->last_epoch) {
		kb_fetch_part_ready(f, p);
		return 1;
	}
	kb_err(-ESTALE,
		"%s/%d: the log was truncated: offset %" PRId64
		" now is of leader epoch %d, ours, %d, ends at offset %" PRId64,
		p->topic, p->partition, p->offset - 1, b.leader_epoch,
		p->last_epoch, p->offset);
	kb_fetch_part_event(f, p, KB_FETCH_TRUNCATED, out);
	out->end = b.base_offset;
	return 0;
}

static int
judge_data(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_request *q, const struct kb_fetched *got,
	struct kb_fetch_event *out)
{
	int64_t limit = f->isolation == KB_READ_COMMITTED ? got->last_stable
							  : got->high_watermark;
	struct kb_aborted *aborted = kb_fetched_in_place(got);

	p->failures = 0;
	p->trouble_since = 0;
	p->alone = false;
	if (is_sent_away(p, got))
		return send_away(f, p, got->preferred);
	if (p->probing && got->records.len)
		return judge_probe(f, p, got, out);
	kb_fetched_aborted(got, aborted);
	p->unserved = !got->records.len && p->offset < limit;
	p->cold = !got->records.len && (!p->unserved || q->empty);
	if (p->unserved && !p->cold) {
		/* the answer was full: that says nothing about p */
		kb_fetch_part_ready(f, p);
		return 1;
	}
	kb_fetch_part_event(f, p, KB_FETCH_DATA, out);
	out->records = got->records;
	out->lease = q->lease;
	out->high_watermark = got->high_watermark;
	out->last_stable = got->last_stable;
	out->log_start = got->log_start;
	out->aborted = aborted;
	out->aborted_count = got->aborted_count;
	out->node = p->leader->node;
	out->took_us = q->took_us;
	q->took_us = 0;
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

/* Whatever it is, the leader may know better, and is asked at once. */
static int
distrust(struct kb_fetcher *f, struct kb_fetch_part *p, int16_t code)
{
	kb_log_debug("%s/%d: fetch from offset %" PRId64
		     " from node %d: %s: asking the leader",
		p->topic, p->partition, p->offset, p->leader->node,
		kb_status_name(code));
	come_home(f, p, kb_clock_ms() + RACKLESS_MS);
	return 1;
}

int
kb_fetch_part_judge(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_request *q, const struct kb_fetched *got,
	struct kb_fetch_event *out)
{
	enum kb_status_action action;

	if (got->error && p->away)
		return distrust(f, p, got->error);
	action = kb_status_action(got->error);
	if (action == KB_STATUS_RANGE && p->probing) {
		p->probing = false; /* the log begins at our offset */
		kb_fetch_part_ready(f, p);
		return 1;
	}
	switch (action) {
	case KB_STATUS_OK:
		return judge_data(f, p, q, got, out);
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
