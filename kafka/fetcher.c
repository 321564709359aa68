/*
 * One loop: settle the parked partitions, send what can be asked for, then
 * hand out what has come, or wait for something to come. Nothing is waited for
 * but in one poll(2): answers of all brokers come in side by side, as far as
 * the budget has room for what they may bring.
 */
#include "kafka/fetcher.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/budget.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "kafka/fetcher_impl.h"

/* In flight a connection, where the caller does not say. */
#define REQUESTS 3

/* ---- partitions ---- */

static void
read_settings(const struct kb_conf *c, struct kb_fetch_settings *s)
{
	const char *rack = kb_conf_get(c, "client.rack");

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
	s->rack = *rack ? rack : NULL;
}

static int
read_options(struct kb_fetcher *f, const struct kb_fetcher_options *o)
{
	f->connections = o && o->connections > 0 ? o->connections : 1;
	f->requests = o && o->requests > 0 ? o->requests : REQUESTS;
	f->budget = o ? o->budget : NULL;
	return f->budget ? kb_budget_watch(f->budget) : 0;
}

int
kb_fetcher_new(struct kb_cluster *cluster, enum kb_isolation isolation,
	const struct kb_fetcher_options *options, struct kb_fetcher **out)
{
	struct kb_fetcher *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return kb_err(-ENOMEM, "out of memory");
	f->cluster = cluster;
	f->cancel = kb_cluster_cancel(cluster);
	f->isolation = isolation;
	read_settings(kb_cluster_conf(cluster), &f->settings);
	TAILQ_INIT(&f->parts);
	TAILQ_INIT(&f->parked);
	TAILQ_INIT(&f->leaders);
	TAILQ_INIT(&f->landed);
	TAILQ_INIT(&f->spare);
	r = read_options(f, options);
	if (!r)
		r = kb_pool_new(f->budget, &f->pool);
	if (r) {
		kb_fetcher_free(f);
		return r;
	}
	*out = f;
	return 0;
}

void
kb_fetcher_free(struct kb_fetcher *f)
{
	struct kb_fetch_part *p;
	struct kb_fetch_leader *l;
	struct kb_fetch_request *q;

	if (!f)
		return;
	while ((p = TAILQ_FIRST(&f->parts)))
		kb_fetch_part_free(f, p);
	while ((l = TAILQ_FIRST(&f->leaders))) {
		TAILQ_REMOVE(&f->leaders, l, link);
		kb_fetch_leader_free(f, l);
	}
	while ((q = TAILQ_FIRST(&f->landed))) {
		TAILQ_REMOVE(&f->landed, q, link);
		kb_fetch_request_free(f, q);
	}
	while ((q = TAILQ_FIRST(&f->spare))) {
		TAILQ_REMOVE(&f->spare, q, link);
		free(q);
	}
	kb_pool_free(f->pool);
	kb_buf_release(&f->request);
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
		kb_fetch_part_ready(f, p);
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
	TAILQ_FOREACH (l, &f->leaders, link) {
		until = sooner(until, kb_fetch_leader_due(f, l));
		for (int i = 0; i < f->connections; i++)
			until = sooner(
				until, kb_fetch_link_deadline(&l->links[i]));
	}
	return until;
}

static bool
is_expecting(const struct kb_fetch_link *k)
{
	return k->flying_count && !k->stalled;
}

/* Calls of one descriptor each: the cancel's, the budget's, then links'. */
static int
fill_polled(struct kb_fetcher *f, nfds_t *out_count)
{
	size_t need = 2 + f->leader_count * (size_t)f->connections;
	struct kb_fetch_leader *l;
	struct pollfd *p = f->polled;

	if (need > f->polled_cap) {
		p = reallocarray(p, need, sizeof(*p));
		if (!p)
			return kb_err(-ENOMEM, "out of memory");
		f->polled = p;
		f->polled_cap = need;
	}
	*p++ = (struct pollfd){.fd = kb_cancel_fd(f->cancel), .events = POLLIN};
	*p++ = (struct pollfd){
		.fd = f->budget ? f->budget->fd : -1, .events = POLLIN};
	TAILQ_FOREACH (l, &f->leaders, link)
		for (int i = 0; i < f->connections; i++)
			if (is_expecting(&l->links[i]))
				*p++ = (struct pollfd){
					.fd = kb_conn_fd(l->links[i].conn),
					.events = POLLIN};
	*out_count = (nfds_t)(p - f->polled);
	return 0;
}

/* There is room in the budget: who was refused may ask again. */
static void
hear_budget(struct kb_fetcher *f)
{
	struct kb_fetch_leader *l;

	kb_budget_heard(f->budget);
	f->full = false;
	TAILQ_FOREACH (l, &f->leaders, link)
		for (int i = 0; i < f->connections; i++)
			kb_fetch_link_resume(f, &l->links[i]);
}

/* Waits until `until`, or for something to come. */
static int
wait_answers(struct kb_fetcher *f, int64_t until, nfds_t *out_count)
{
	int64_t ms = until - kb_clock_ms();
	int n, r = fill_polled(f, out_count);

	if (r)
		return r;
	ms = ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : ms;
	n = poll(f->polled, *out_count, (int)ms);
	if (n < 0 && errno != EINTR)
		return kb_err(-errno, "poll: %s", strerror(errno));
	if (kb_cancel_fired(f->cancel))
		return kb_err(-ECANCELED, "interrupted");
	if (n < 0)
		*out_count = 0;
	return 0;
}

static struct kb_fetch_link *
find_link(struct kb_fetcher *f, int fd)
{
	struct kb_fetch_leader *l;

	TAILQ_FOREACH (l, &f->leaders, link)
		for (int i = 0; i < f->connections; i++)
			if (is_expecting(&l->links[i]) &&
				kb_conn_fd(l->links[i].conn) == fd)
				return &l->links[i];
	return NULL;
}

static void
expire(struct kb_fetcher *f)
{
	struct kb_fetch_leader *l;

	TAILQ_FOREACH (l, &f->leaders, link)
		for (int i = 0; i < f->connections; i++)
			kb_fetch_link_expire(f, &l->links[i]);
}

/* Takes in what comes until `until`. 0 and 1 as kb_fetcher_next(). */
static int
receive(struct kb_fetcher *f, int64_t until, struct kb_fetch_event *out)
{
	struct kb_fetch_link *k;
	nfds_t n = 0;
	int r = wait_answers(f, next_due(f, until), &n);

	if (r)
		return r;
	if (n > 1 && f->polled[1].revents)
		hear_budget(f);
	for (nfds_t i = 2; i < n; i++) {
		k = f->polled[i].revents ? find_link(f, f->polled[i].fd) : NULL;
		r = k ? kb_fetch_link_receive(f, k, out) : 1;
		if (r != 1)
			return r;
	}
	/* Late answers count as long as they are here by now. */
	expire(f);
	return 1;
}

int
kb_fetcher_next(
	struct kb_fetcher *f, int timeout_ms, struct kb_fetch_event *out)
{
	int64_t until = kb_clock_ms() + timeout_ms;
	int r;

	for (;;) {
		if (kb_cancel_fired(f->cancel))
			return kb_err(-ECANCELED, "interrupted");
		r = kb_fetch_resolve(f, out);
		if (r != 1)
			return r;
		r = kb_fetch_leader_send_all(f);
		if (r)
			return r;
		if (!TAILQ_EMPTY(&f->landed)) {
			r = kb_fetch_events_next(f, out);
			if (r != 1)
				return r;
			continue;
		}
		if (!f->wanted)
			return 1;
		r = receive(f, until, out);
		if (r != 1)
			return r;
		if (TAILQ_EMPTY(&f->landed) && kb_clock_ms() >= until)
			return 1;
	}
}
