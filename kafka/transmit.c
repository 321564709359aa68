/*
 * A shipment's way to the leader and back: one connection to each node that
 * leads a partition of the producer, kept until it fails.
 */
#include "kafka/producer_impl.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "kafka/cluster.h"
#include "kafka/conn.h"

static int
interrupted(const struct kb_shipment *s)
{
	return kb_err(-ECANCELED, "%s/%d: interrupted while writing",
		s->part->topic, s->part->partition);
}

int
kb_transmit_wait(const struct kb_shipment *s, int fd, int64_t until)
{
	struct kb_cancel *cancel = kb_cluster_cancel(s->p->cluster);
	struct pollfd p[] = {
		{.fd = fd, .events = POLLIN},
		{.fd = kb_cancel_fd(cancel), .events = POLLIN},
		{.fd = kb_cancel_fd(s->interrupt), .events = POLLIN},
	};

	for (;;) {
		int64_t ms = until - kb_clock_ms();

		if (kb_cancel_fired(cancel) || kb_cancel_fired(s->interrupt))
			return interrupted(s);
		ms = ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : ms;
		if (poll(p, 3, (int)ms) < 0 && errno != EINTR)
			return kb_err(-errno, "poll: %s", strerror(errno));
		if (p[0].revents)
			return 0;
		if (!ms)
			return 1;
	}
}

static struct kb_produce_link *
find_link(struct kb_producer *p, int32_t node)
{
	struct kb_produce_link *l;

	SLIST_FOREACH (l, &p->links, next)
		if (l->node == node)
			return l;
	l = calloc(1, sizeof(*l));
	if (l) {
		l->node = node;
		SLIST_INSERT_HEAD(&p->links, l, next);
	}
	return l;
}

void
kb_transmit_disconnect(struct kb_shipment *s)
{
	struct kb_produce_link *l = find_link(s->p, s->part->node);

	if (l) {
		kb_conn_close(l->conn);
		l->conn = NULL;
	}
	s->conn = NULL;
	s->refresh = true;
}

int
kb_transmit_connect(struct kb_shipment *s)
{
	struct kb_produce_part *part = s->part;
	struct kb_produce_link *l;
	int32_t epoch;
	int r = 0;

	if (part->node < 0 || s->refresh)
		r = kb_cluster_leader(s->p->cluster, part->topic, NULL,
			part->partition, s->refresh, &part->node, &epoch);
	if (r)
		return r;
	s->refresh = false;
	l = find_link(s->p, part->node);
	if (!l)
		return kb_err(-ENOMEM, "out of memory");
	if (!l->conn)
		r = kb_cluster_connect(s->p->cluster, part->node, &l->conn);
	s->conn = l->conn;
	if (!r)
		return 0;
	s->refresh = true;
	return r;
}

int
kb_transmit_call(struct kb_shipment *s, enum kb_api api, int version)
{
	struct kb_producer *p = s->p;
	int64_t until = kb_clock_ms() + p->answer_ms;
	int32_t id;
	int r;

	r = kb_conn_send(s->conn, api, version, false,
		kb_buf_slice(&p->request), until, &id);
	if (!r)
		r = kb_transmit_wait(s, kb_conn_fd(s->conn), until);
	if (!r)
		r = kb_conn_recv(s->conn, id, false, until, &p->answer);
	else if (r == 1)
		r = kb_err(-ETIMEDOUT, "%s: no answer in time",
			kb_conn_name(s->conn));
	if (r)
		kb_transmit_disconnect(s);
	return r;
}
