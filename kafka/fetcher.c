/*
 * One loop: settle the parked partitions, send what can be asked for, then
 * hand out what has come, or wait for something to come. Sending before
 * handing out is what overlaps the broker's work with the caller's: while the
 * caller deals with one partition of an answer, those it has advanced before
 * are asked for again.
 *
 * Only one answer at a time is taken into memory, into one buffer; those of
 * other leaders wait in their sockets. So memory does not grow with the number
 * of brokers.
 */
#include "kafka/fetcher.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "kafka/fetcher_impl.h"

/* ---- partitions ---- */

static void
read_settings(const struct kb_conf *c, struct kb_fetch_settings *s)
{
	s->max_bytes = (int32_t)kb_conf_get_int(c, "fetch.max.bytes");
	s->partition_max_bytes =
		(int32_t)kb_conf_get_int(c, "fetch.message.max.bytes");
	s->min_bytes = (int32_t)kb_conf_get_int(c, "fetch.min.bytes");
	s->max_wait_ms = (int32_t)kb_conf_get_int(c, "fetch.wait.max.ms");
	s->answer_ms = kb_conf_get_int(c, "socket.timeout.ms");
	s->trouble_ms = kb_conf_get_int(c, "message.timeout.ms");
	s->retry_ms = kb_conf_get_int(c, "retry.backoff.ms");
	s->reconnect_ms = kb_conf_get_int(c, "reconnect.backoff.ms");
	s->reconnect_max_ms = kb_conf_get_int(c, "reconnect.backoff.max.ms");
}

int
kb_fetcher_new(struct kb_cluster *cluster, enum kb_isolation isolation,
	struct kb_fetcher **out)
{
	struct kb_fetcher *f = calloc(1, sizeof(*f));

	if (!f)
		return kb_err(-ENOMEM, "out of memory");
	f->cluster = cluster;
	f->cancel = kb_cluster_cancel(cluster);
	f->isolation = isolation;
	read_settings(kb_cluster_conf(cluster), &f->settings);
	TAILQ_INIT(&f->parts);
	TAILQ_INIT(&f->parked);
	TAILQ_INIT(&f->leaders);
	*out = f;
	return 0;
}

void
kb_fetcher_free(struct kb_fetcher *f)
{
	struct kb_fetch_part *p;
	struct kb_fetch_leader *l;

	if (!f)
		return;
	while ((p = TAILQ_FIRST(&f->parts)))
		kb_fetch_part_free(f, p);
	while ((l = TAILQ_FIRST(&f->leaders))) {
		TAILQ_REMOVE(&f->leaders, l, link);
		kb_fetch_leader_free(l);
	}
	kb_buf_release(&f->bytes);
	kb_buf_release(&f->request);
	free(f->aborted);
	free(f->polled);
	free(f);
}

int
kb_fetcher_add(struct kb_fetcher *f, const char *topic,
	const struct kb_uuid *id, int32_t partition, int64_t offset,
	int32_t last_epoch, void *user, struct kb_fetch_part **out)
{
	struct kb_fetch_part *p = calloc(1, sizeof(*p));

	if (p)
		p->topic = strdup(topic);
	if (!p || !p->topic) {
		free(p);
		return kb_err(-ENOMEM, "out of memory");
	}
	p->id = *id;
	p->partition = partition;
	p->offset = offset;
	p->last_epoch = last_epoch;
	p->user = user;
	TAILQ_INSERT_TAIL(&f->parts, p, all);
	kb_fetch_part_start(f, p);
	f->wanted++;
	*out = p;
	return 0;
}

void
kb_fetcher_remove(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	if (p->place != KB_HELD)
		f->wanted--;
	if (p->place == KB_FLYING) {
		p->removed = true;
		return;
	}
	kb_fetch_part_unlink(f, p);
	kb_fetch_part_free(f, p);
}

void
kb_fetcher_advance(struct kb_fetcher *f, struct kb_fetch_part *p,
	int64_t offset, int32_t last_epoch)
{
	kb_fetch_part_unlink(f, p);
	f->wanted++;
	p->offset = offset;
	p->last_epoch = last_epoch;
	if (p->leader)
		kb_fetch_part_ready(p);
	else
		kb_fetch_part_start(f, p);
}

/* ---- waiting ---- */

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until when there is nothing to do but to receive. */
static int64_t
next_due(const struct kb_fetcher *f, int64_t until)
{
	const struct kb_fetch_part *p;
	const struct kb_fetch_leader *l;

	TAILQ_FOREACH (p, &f->parked, link)
		until = sooner(until, p->retry_at);
	TAILQ_FOREACH (l, &f->leaders, link)
		until = sooner(until, kb_fetch_leader_due(l));
	return until;
}

static int
reserve_polled(struct kb_fetcher *f)
{
	size_t need = f->leader_count + 1;
	struct pollfd *p;

	if (need <= f->polled_cap)
		return 0;
	p = reallocarray(f->polled, need, sizeof(*p));
	if (!p)
		return kb_err(-ENOMEM, "out of memory");
	f->polled = p;
	f->polled_cap = need;
	return 0;
}

/* Waits until `until` for an answer. *out is a leader that has one, or NULL. */
static int
wait_answer(struct kb_fetcher *f, int64_t until, struct kb_fetch_leader **out)
{
	struct kb_fetch_leader *l;
	int64_t ms = until - kb_clock_ms();
	nfds_t n = 0, i = 1;
	int r = reserve_polled(f);

	if (r)
		return r;
	f->polled[n++] = (struct pollfd){
		.fd = kb_cancel_fd(f->cancel), .events = POLLIN};
	TAILQ_FOREACH (l, &f->leaders, link)
		if (l->flying.count)
			f->polled[n++] = (struct pollfd){
				.fd = kb_conn_fd(l->conn), .events = POLLIN};
	ms = ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : ms;
	if (poll(f->polled, n, (int)ms) < 0 && errno != EINTR)
		return kb_err(-errno, "poll: %s", strerror(errno));
	if (kb_cancel_fired(f->cancel))
		return kb_err(-ECANCELED, "interrupted");
	TAILQ_FOREACH (l, &f->leaders, link)
		if (l->flying.count && f->polled[i++].revents)
			break;
	*out = l;
	return 0;
}

static void
expire(struct kb_fetcher *f)
{
	struct kb_fetch_leader *l;
	int64_t now = kb_clock_ms();

	TAILQ_FOREACH (l, &f->leaders, link)
		if (l->flying.count && l->flying.deadline <= now)
			kb_fetch_leader_expire(f, l);
}

/* Waits for an answer and takes it in. 0 and 1 as kb_fetcher_next(). */
static int
receive(struct kb_fetcher *f, int64_t until, struct kb_fetch_event *out)
{
	struct kb_fetch_leader *l = NULL;
	int r = wait_answer(f, next_due(f, until), &l);

	if (r)
		return r;
	if (!l) {
		/* Late answers count as long as they are here by now. */
		expire(f);
		return 1;
	}
	/* Behind the others, for the next time. */
	TAILQ_REMOVE(&f->leaders, l, link);
	TAILQ_INSERT_TAIL(&f->leaders, l, link);
	return kb_fetch_leader_receive(f, l, out);
}

int
kb_fetcher_next(
	struct kb_fetcher *f, int timeout_ms, struct kb_fetch_event *out)
{
	int64_t until = kb_clock_ms() + timeout_ms;
	struct kb_fetch_leader *l;
	int r;

	for (;;) {
		if (kb_cancel_fired(f->cancel))
			return kb_err(-ECANCELED, "interrupted");
		r = kb_fetch_resolve(f, out);
		if (r != 1)
			return r;
		TAILQ_FOREACH (l, &f->leaders, link) {
			r = kb_fetch_leader_send(f, l);
			if (r)
				return r;
		}
		if (f->from) {
			r = kb_fetch_leader_event(f, out);
			if (r != 1)
				return r;
			continue;
		}
		if (!f->wanted)
			return 1;
		r = receive(f, until, out);
		if (r != 1)
			return r;
		if (!f->from && kb_clock_ms() >= until)
			return 1;
	}
}
