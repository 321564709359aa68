/*
 * A connection and its requests in flight. The broker answers in order, so
 * bytes that come belong to the oldest. They are received as they come, never
 * waited for: first the size, then, once there is room for it, the rest,
 * straight into the buffer that is handed out.
 *
 * Room is reserved when a request is sent, so an answer always has it, unless
 * its first batch is larger than all that was asked for. Such an answer stays
 * in the socket until leases are dropped.
 *
 * An answer that cannot be read (damaged, or larger than
 * receive.message.max.bytes) is asked for again partition by partition, so
 * that only the one at fault fails (H13).
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/cursor.h"
#include "common/log.h"
#include "kafka/conn.h"
#include "kafka/lease.h"
#include "kafka/wire.h"

/* ---- requests ---- */

int
kb_fetch_request_new(struct kb_fetcher *f, struct kb_fetch_request **out)
{
	struct kb_fetch_request *q = TAILQ_FIRST(&f->spare);

	if (q) {
		TAILQ_REMOVE(&f->spare, q, link);
	} else {
		q = calloc(1, sizeof(*q));
		if (!q)
			return kb_err(-ENOMEM, "out of memory");
	}
	q->count = 0;
	q->hot = 0;
	q->lease = NULL;
	q->sized = false;
	q->got = 0;
	*out = q;
	return 0;
}

void
kb_fetch_request_free(struct kb_fetcher *f, struct kb_fetch_request *q)
{
	kb_pool_cancel(f->pool, &q->share);
	kb_lease_drop(q->lease);
	TAILQ_INSERT_HEAD(&f->spare, q, link);
}

void
kb_fetch_request_park(
	struct kb_fetcher *f, struct kb_fetch_request *q, bool refresh)
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

/* ---- losing it ---- */

int
kb_fetch_link_lose(struct kb_fetcher *f, struct kb_fetch_link *k, int error)
{
	struct kb_fetch_leader *l = k->leader;
	unsigned shift = l->failures < 16 ? l->failures : 16;
	int64_t pause = f->settings.reconnect_ms << shift;
	struct kb_fetch_request *q;

	if (error == -ECANCELED || error == -ENOMEM)
		return error;
	kb_failure_take(&f->trouble, -EIO);
	kb_log_info("%s: connecting again", f->trouble.text);
	kb_conn_close(k->conn);
	k->conn = NULL;
	k->stalled = false;
	k->flying_count = 0;
	l->failures++;
	if (pause > f->settings.reconnect_max_ms)
		pause = f->settings.reconnect_max_ms;
	l->connect_at = kb_clock_ms() + pause;
	while ((q = TAILQ_FIRST(&k->flying))) {
		TAILQ_REMOVE(&k->flying, q, link);
		kb_fetch_request_park(f, q, true);
		kb_fetch_request_free(f, q);
	}
	kb_fetch_leader_gone(f, l);
	return 1;
}

int64_t
kb_fetch_link_deadline(const struct kb_fetch_link *k)
{
	const struct kb_fetch_request *q = TAILQ_FIRST(&k->flying);

	return q && !k->stalled ? q->deadline : INT64_MAX;
}

void
kb_fetch_link_expire(struct kb_fetcher *f, struct kb_fetch_link *k)
{
	if (kb_fetch_link_deadline(k) > kb_clock_ms())
		return;
	kb_err(-ETIMEDOUT, "%s: no answer to a fetch in time",
		kb_conn_name(k->conn));
	kb_fetch_link_lose(f, k, -ETIMEDOUT);
}

void
kb_fetch_link_resume(struct kb_fetcher *f, struct kb_fetch_link *k)
{
	if (k->stalled)
		TAILQ_FIRST(&k->flying)->deadline =
			kb_clock_ms() + f->settings.answer_ms;
	k->stalled = false;
}

/* ---- sending ---- */

static int
choose_version(const struct kb_fetch_link *k, const struct kb_fetch_part *first,
	int *out)
{
	int r = -EPROTONOSUPPORT;

	if (!kb_uuid_is_zero(&first->id))
		r = kb_conn_version(k->conn, KB_API_FETCH, KB_FETCH_ID_MIN,
			KB_FETCH_ID_MAX, out);
	if (r)
		r = kb_conn_version(k->conn, KB_API_FETCH, KB_FETCH_NAME_MIN,
			KB_FETCH_NAME_MAX, out);
	return r;
}

/* A fair share of the answer, so that its first partition does not take all. */
static int32_t
partition_bytes(const struct kb_fetcher *f, const struct kb_fetch_request *q)
{
	const int32_t least = 1 << 20, most = f->settings.partition_max_bytes;
	int32_t n = q->max_bytes / (int32_t)(q->hot ? q->hot : 1);

	if (n < least)
		n = least < q->max_bytes ? least : q->max_bytes;
	return n < most ? n : most;
}

static int
write_request(struct kb_fetcher *f, const struct kb_fetch_request *q, bool wait)
{
	struct kb_fetch_want wants[KB_FETCH_REQUEST_MAX];
	int32_t max_bytes = partition_bytes(f, q);
	struct kb_fetch_limits limits = {
		.max_wait_ms = wait ? f->settings.max_wait_ms : 0,
		.min_bytes = f->settings.min_bytes,
		.max_bytes = q->max_bytes,
		.isolation = f->isolation,
		.rack = q->parts[0]->rackless ? NULL : f->settings.rack,
	};

	for (size_t i = 0; i < q->count; i++) {
		const struct kb_fetch_part *p = q->parts[i];

		wants[i] = (struct kb_fetch_want){
			.topic = p->topic,
			.id = &p->id,
			.partition = p->partition,
			.leader_epoch = p->leader_epoch,
			.offset = p->offset - p->probing,
			.max_bytes = max_bytes,
		};
	}
	kb_buf_clear(&f->request);
	return kb_fetch_request_put(
		&f->request, q->version, &limits, wants, q->count);
}

int
kb_fetch_link_send(struct kb_fetcher *f, struct kb_fetch_link *k,
	struct kb_fetch_request *q, bool wait)
{
	int r;

	TAILQ_INSERT_TAIL(&k->flying, q, link);
	k->flying_count++;
	r = choose_version(k, q->parts[0], &q->version);
	if (!r)
		r = write_request(f, q, wait);
	if (r)
		return r;
	q->sent_us = kb_clock_us();
	q->deadline = kb_clock_ms() + f->settings.answer_ms;
	return kb_conn_send(k->conn, KB_API_FETCH, q->version,
		kb_fetch_flexible(q->version), kb_buf_slice(&f->request),
		q->deadline, &q->id);
}

/* ---- receiving ---- */

/* An answer of one partition condemns it; of several, each is asked alone. */
static int
unreadable(struct kb_fetcher *f, struct kb_fetch_link *k,
	struct kb_fetch_request *q, struct kb_fetch_event *out)
{
	struct kb_fetch_part *only = NULL;
	struct kb_failure why;

	kb_failure_take(&why, -EBADMSG);
	if (q->count == 1 && !q->parts[0]->removed)
		only = q->parts[0];
	for (size_t i = 0; i < q->count; i++)
		q->parts[i]->alone = true;
	kb_fetch_link_lose(f, k, -EBADMSG);
	if (!only)
		return 1;
	kb_err(-EBADMSG, "%s/%d: nothing can be read from offset %lld on: %s",
		only->topic, only->partition, (long long)only->offset,
		why.text);
	return kb_fetch_part_fail(f, only, -EBADMSG, out);
}

/* The size of the oldest answer, and room for it. 1: not now. */
static int
begin(struct kb_fetcher *f, struct kb_fetch_link *k, struct kb_fetch_request *q)
{
	int r;

	if (!q->sized) {
		r = kb_conn_recv_size(k->conn, q->id, &q->size);
		if (r)
			return r;
		q->sized = true;
	}
	r = kb_pool_take(f->pool, &q->share, q->size, &q->lease);
	k->stalled = r == 1;
	if (r == 0)
		q->deadline = kb_clock_ms() + f->settings.answer_ms;
	return r;
}

/* What is there of the oldest answer. 1: more is to come. */
static int
receive(struct kb_fetcher *f, struct kb_fetch_link *k,
	struct kb_fetch_request *q)
{
	size_t got;
	int r = q->lease ? 0 : begin(f, k, q);

	while (!r && q->got < q->size) {
		r = kb_conn_recv_some(k->conn, kb_lease_data(q->lease) + q->got,
			q->size - q->got, &got);
		if (!r)
			q->got += (uint32_t)got;
	}
	return r;
}

/* The whole answer of q is there. */
static int
land(struct kb_fetcher *f, struct kb_fetch_link *k, struct kb_fetch_request *q)
{
	struct kb_slice bytes = kb_slice_of(kb_lease_data(q->lease), q->size);
	struct kb_cursor at = kb_cursor_of(bytes);
	struct kb_fetch_leader *l = k->leader;
	int64_t now = kb_clock_ms();
	int r;

	kb_wire_tags(&at, kb_fetch_flexible(q->version));
	if (at.bad)
		return kb_err(-EBADMSG, "%s: an answer's header is malformed",
			kb_conn_name(k->conn));
	r = kb_fetch_events_begin(q, kb_slice_of(at.at, kb_cursor_left(&at)));
	if (r)
		return r;
	q->took_us = kb_clock_us() - q->sent_us;
	l->failures = 0;
	l->throttled_until = now + q->answer.throttle_ms;
	kb_fetch_leader_learn(l, q);
	TAILQ_REMOVE(&k->flying, q, link);
	k->flying_count--;
	TAILQ_INSERT_TAIL(&f->landed, q, link);
	q = TAILQ_FIRST(&k->flying);
	if (q)
		q->deadline = now + f->settings.answer_ms;
	return 0;
}

int
kb_fetch_link_receive(struct kb_fetcher *f, struct kb_fetch_link *k,
	struct kb_fetch_event *out)
{
	struct kb_fetch_request *q = TAILQ_FIRST(&k->flying);
	int r = receive(f, k, q);

	if (!r)
		r = land(f, k, q);
	if (r == -EBADMSG)
		return unreadable(f, k, q, out);
	return r < 0 ? kb_fetch_link_lose(f, k, r) : 1;
}
