/*
 * A leader's connection and the one request on it. What a request asks for:
 *
 *	- first the hot partitions, those not known to be at their end; the
 *	  broker is then told not to wait, so that one drained partition
 *	  never delays the others;
 *	- behind them the cold ones; alone, and with fetch.wait.max.ms, only
 *	  when nothing of this leader is with the caller, who may come back
 *	  with a hot one any time.
 *
 * Queues are first in, first out, so every request begins with another
 * partition, and those an answer had no room for come before all others.
 *
 * An answer is looked over as a whole before its first event is handed out.
 * One that cannot be read (damaged, or larger than receive.message.max.bytes)
 * is asked for again partition by partition, so that only the one at fault
 * fails (H13).
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "kafka/conn.h"
#include "kafka/status.h"

/* A receive buffer larger than this many answers is given back. */
#define BUFFER_KEEP 2

int
kb_fetch_leader_get(
	struct kb_fetcher *f, int32_t node, struct kb_fetch_leader **out)
{
	struct kb_fetch_leader *l;

	TAILQ_FOREACH (l, &f->leaders, link)
		if (l->node == node)
			break;
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return kb_err(-ENOMEM, "out of memory");
		l->node = node;
		TAILQ_INIT(&l->hot);
		TAILQ_INIT(&l->cold);
		TAILQ_INSERT_TAIL(&f->leaders, l, link);
		f->leader_count++;
	}
	*out = l;
	return 0;
}

void
kb_fetch_leader_free(struct kb_fetch_leader *l)
{
	kb_conn_close(l->conn);
	free(l);
}

/* ---- losing it ---- */

/* Parts of a request that will not be answered ask for their leader again. */
static void
park_request(struct kb_fetcher *f, struct kb_fetch_request *q, bool refresh)
{
	for (size_t i = 0; i < q->count; i++) {
		struct kb_fetch_part *p = q->parts[i];

		if (p && p->removed)
			kb_fetch_part_free(f, p);
		else if (p)
			kb_fetch_part_park(f, p, refresh);
	}
	q->count = 0;
}

static void
park_queue(struct kb_fetcher *f, struct kb_fetch_queue *q)
{
	struct kb_fetch_part *p;

	while ((p = TAILQ_FIRST(q)))
		kb_fetch_part_park(f, p, true);
}

/* The connection is gone, or could not be had; the sentence says why. */
static void
lose(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	unsigned shift = l->failures < 16 ? l->failures : 16;
	int64_t pause = f->settings.reconnect_ms << shift;

	kb_failure_take(&f->trouble, -EIO);
	kb_log_info("%s: connecting again", f->trouble.text);
	kb_conn_close(l->conn);
	l->conn = NULL;
	l->failures++;
	if (pause > f->settings.reconnect_max_ms)
		pause = f->settings.reconnect_max_ms;
	l->connect_at = kb_clock_ms() + pause;
	park_request(f, &l->flying, true);
	park_queue(f, &l->hot);
	park_queue(f, &l->cold);
}

/* What cannot be lived with, or 1 after losing the connection. */
static int
lose_unless_ours(struct kb_fetcher *f, struct kb_fetch_leader *l, int error)
{
	if (error == -ECANCELED || error == -ENOMEM)
		return error;
	lose(f, l);
	return 1;
}

void
kb_fetch_leader_expire(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	kb_err(-ETIMEDOUT, "%s: no answer to a fetch in time",
		kb_conn_name(l->conn));
	lose(f, l);
}

/* ---- sending ---- */

static bool
has_work(const struct kb_fetch_leader *l)
{
	return !l->flying.count &&
	       (!TAILQ_EMPTY(&l->hot) || (!TAILQ_EMPTY(&l->cold) && !l->held));
}

int64_t
kb_fetch_leader_due(const struct kb_fetch_leader *l)
{
	if (l->flying.count)
		return l->flying.deadline;
	if (!has_work(l))
		return INT64_MAX;
	if (!l->conn && l->connect_at > l->throttled_until)
		return l->connect_at;
	return l->throttled_until;
}

/* One request speaks one language, and some partitions go alone. */
static bool
may_join(const struct kb_fetch_request *q, const struct kb_fetch_part *p)
{
	const struct kb_fetch_part *first = q->count ? q->parts[0] : p;

	if (q->count == KB_FETCH_REQUEST_MAX)
		return false;
	if (q->count && (p->alone || first->alone))
		return false;
	return kb_uuid_is_zero(&p->id) == kb_uuid_is_zero(&first->id);
}

static void
collect(struct kb_fetcher *f, struct kb_fetch_queue *from,
	struct kb_fetch_request *q)
{
	struct kb_fetch_part *p, *next;

	for (p = TAILQ_FIRST(from); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (!may_join(q, p))
			continue;
		kb_fetch_part_unlink(f, p);
		p->place = KB_FLYING;
		q->parts[q->count++] = p;
	}
}

static int
choose_version(const struct kb_fetch_leader *l, int *out)
{
	const struct kb_fetch_part *first = l->flying.parts[0];
	int r = -EPROTONOSUPPORT;

	if (!kb_uuid_is_zero(&first->id))
		r = kb_conn_version(l->conn, KB_API_FETCH, KB_FETCH_ID_MIN,
			KB_FETCH_ID_MAX, out);
	if (r)
		r = kb_conn_version(l->conn, KB_API_FETCH, KB_FETCH_NAME_MIN,
			KB_FETCH_NAME_MAX, out);
	return r;
}

static int
write_request(struct kb_fetcher *f, const struct kb_fetch_request *q, bool wait)
{
	struct kb_fetch_want wants[KB_FETCH_REQUEST_MAX];
	struct kb_fetch_limits limits = {
		.max_wait_ms = wait ? f->settings.max_wait_ms : 0,
		.min_bytes = f->settings.min_bytes,
		.max_bytes = f->settings.max_bytes,
		.isolation = f->isolation,
	};

	for (size_t i = 0; i < q->count; i++) {
		const struct kb_fetch_part *p = q->parts[i];

		wants[i] = (struct kb_fetch_want){
			.topic = p->topic,
			.id = &p->id,
			.partition = p->partition,
			.leader_epoch = p->leader_epoch,
			.offset = p->offset,
			.max_bytes = f->settings.partition_max_bytes,
		};
	}
	kb_buf_clear(&f->request);
	return kb_fetch_request_put(
		&f->request, q->version, &limits, wants, q->count);
}

static int
send_request(struct kb_fetcher *f, struct kb_fetch_leader *l, bool wait)
{
	struct kb_fetch_request *q = &l->flying;
	int r = choose_version(l, &q->version);

	if (!r)
		r = write_request(f, q, wait);
	if (r)
		return r;
	q->deadline = kb_clock_ms() + f->settings.answer_ms;
	return kb_conn_send(l->conn, KB_API_FETCH, q->version,
		kb_fetch_flexible(q->version), kb_buf_slice(&f->request),
		q->deadline, &q->id);
}

int
kb_fetch_leader_send(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	bool wait = TAILQ_EMPTY(&l->hot);
	int r = 0;

	if (!has_work(l) || kb_fetch_leader_due(l) > kb_clock_ms())
		return 0;
	if (!l->conn)
		r = kb_cluster_connect(f->cluster, l->node, &l->conn);
	if (!r) {
		collect(f, &l->hot, &l->flying);
		collect(f, &l->cold, &l->flying);
		r = send_request(f, l, wait);
	}
	if (r < 0)
		r = lose_unless_ours(f, l, r);
	return r < 0 ? r : 0;
}

/* ---- receiving ---- */

/* Walks the whole answer: it is sound, and is there anything in it? */
static int
look_over(struct kb_fetcher *f, int version)
{
	struct kb_fetch_answer a;
	struct kb_fetched got;
	int r = kb_fetch_answer_init(&a, version, kb_buf_slice(&f->bytes));

	f->answer = a;
	f->answer_empty = true;
	while (!r) {
		r = kb_fetch_answer_next(&a, &got);
		if (!r && got.records.len)
			f->answer_empty = false;
	}
	return r < 0 ? r : 0;
}

/* An answer of one partition condemns it; of several, each is asked alone. */
static int
unreadable(struct kb_fetcher *f, struct kb_fetch_leader *l,
	struct kb_fetch_event *out)
{
	struct kb_fetch_part *only = NULL;
	struct kb_failure why;

	kb_failure_take(&why, -EBADMSG);
	if (l->flying.count == 1 && !l->flying.parts[0]->removed)
		only = l->flying.parts[0];
	for (size_t i = 0; i < l->flying.count; i++)
		l->flying.parts[i]->alone = true;
	lose(f, l);
	if (!only)
		return 1;
	kb_err(-EBADMSG, "%s/%d: nothing can be read from offset %lld on: %s",
		only->topic, only->partition, (long long)only->offset,
		why.text);
	return kb_fetch_part_fail(f, only, -EBADMSG, out);
}

static void
trim_buffer(struct kb_fetcher *f)
{
	if (f->bytes.cap > BUFFER_KEEP * (size_t)f->settings.max_bytes)
		kb_buf_release(&f->bytes);
}

int
kb_fetch_leader_receive(struct kb_fetcher *f, struct kb_fetch_leader *l,
	struct kb_fetch_event *out)
{
	struct kb_fetch_request *q = &l->flying;
	int r;

	trim_buffer(f);
	r = kb_conn_recv(l->conn, q->id, kb_fetch_flexible(q->version),
		kb_clock_ms() + f->settings.answer_ms, &f->bytes);
	if (!r)
		r = look_over(f, q->version);
	if (r == -EBADMSG)
		return unreadable(f, l, out);
	if (r < 0)
		return lose_unless_ours(f, l, r);
	l->failures = 0;
	l->throttled_until = kb_clock_ms() + f->answer.throttle_ms;
	f->landed = *q;
	f->landed_at = 0;
	f->from = l;
	q->count = 0;
	return 1;
}

/* ---- events ---- */

static bool
is_about(const struct kb_fetched *got, const struct kb_fetch_part *p)
{
	if (got->partition != p->partition)
		return false;
	if (!got->topic.data)
		return kb_uuid_equal(&got->id, &p->id);
	return got->topic.len == strlen(p->topic) &&
	       !memcmp(got->topic.data, p->topic, got->topic.len);
}

/* Takes the partition out of the request; NULL: removed, or not asked for. */
static struct kb_fetch_part *
take_part(struct kb_fetcher *f, const struct kb_fetched *got)
{
	struct kb_fetch_request *q = &f->landed;

	for (size_t n = 0; n < q->count; n++) {
		size_t i = (f->landed_at + n) % q->count;
		struct kb_fetch_part *p = q->parts[i];

		if (!p || !is_about(got, p))
			continue;
		q->parts[i] = NULL;
		f->landed_at = i + 1;
		if (!p->removed)
			return p;
		kb_fetch_part_free(f, p);
		return NULL;
	}
	return NULL;
}

/* An error of the request as a whole is one of each partition in it. */
static int
next_refused(struct kb_fetcher *f, struct kb_fetch_part **out_part,
	struct kb_fetched *out)
{
	struct kb_fetch_part *p;

	if (f->landed_at == f->landed.count)
		return 1;
	p = f->landed.parts[f->landed_at];
	f->landed.parts[f->landed_at++] = NULL;
	*out = (struct kb_fetched){.error = f->answer.error};
	*out_part = p->removed ? NULL : p;
	if (p->removed)
		kb_fetch_part_free(f, p);
	return 0;
}

/* *out_part is NULL when nobody asks for it any more. */
static int
next_fetched(struct kb_fetcher *f, struct kb_fetch_part **out_part,
	struct kb_fetched *out)
{
	int r;

	if (f->answer.error)
		return next_refused(f, out_part, out);
	r = kb_fetch_answer_next(&f->answer, out);
	if (!r)
		*out_part = take_part(f, out);
	return r;
}

int
kb_fetch_leader_event(struct kb_fetcher *f, struct kb_fetch_event *out)
{
	struct kb_fetched got;
	struct kb_fetch_part *p;
	int r;

	while (!(r = next_fetched(f, &p, &got))) {
		r = p ? kb_fetch_part_judge(f, p, &got, out) : 1;
		if (r != 1)
			return r;
	}
	/* Partitions that the broker left out. */
	park_request(f, &f->landed, false);
	f->from = NULL;
	return 1;
}
