/*
 * What is asked of a broker. Its hot partitions, those not known to be at
 * their end, are split over the free places of its connections, so that every
 * partition gets its turn and the broker always has the next request at hand.
 * A partition is in one request at a time; queues are first in, first out, so
 * every request begins with another partition, and those that an answer had no
 * room for come before all others.
 *
 * How many partitions go into a request follows from what answers bring: few
 * while they fill it, twice as many after each answer that is far from full.
 * So a thousand large partitions are fetched in large pieces, and a thousand
 * small ones in a few requests.
 *
 *	- Behind hot partitions go cold ones; the broker is told not to wait, so
 *	  that one drained partition never delays the others.
 *	- Cold ones alone, with fetch.wait.max.ms, are asked for only when
 *	  nothing is in flight and none of this broker's partitions is with the
 *	  caller, who may come back with a hot one any time.
 *	- While an answer is being handed out, and others are in flight, nothing
 *	  is sent: the caller is about to give back more partitions, and they
 *	  share a request.
 *	- When the budget has no room, nobody sends before whoever was refused.
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "kafka/conn.h"

/* An answer larger than this does not come any faster. */
#define REQUEST_BYTES (8 << 20)

/* Nor are smaller ones worth a request, unless the budget is tiny. */
#define REQUEST_LEAST (1 << 20)

/* So that each partition of a full answer brings several large batches. */
#define WIDTH_LEAST 4

/* Room for what an answer has beside records. */
#define HEAD_BYTES 4096
#define PART_BYTES 128

int
kb_fetch_leader_get(
	struct kb_fetcher *f, int32_t node, struct kb_fetch_leader **out)
{
	struct kb_fetch_leader *l;

	TAILQ_FOREACH (l, &f->leaders, link)
		if (l->node == node)
			break;
	if (!l) {
		l = calloc(1, sizeof(*l) + (size_t)f->connections *
						   sizeof(l->links[0]));
		if (!l)
			return kb_err(-ENOMEM, "out of memory");
		l->node = node;
		l->width = WIDTH_LEAST;
		TAILQ_INIT(&l->unserved);
		TAILQ_INIT(&l->hot);
		TAILQ_INIT(&l->cold);
		for (int i = 0; i < f->connections; i++) {
			l->links[i].leader = l;
			TAILQ_INIT(&l->links[i].flying);
		}
		TAILQ_INSERT_TAIL(&f->leaders, l, link);
		f->leader_count++;
	}
	*out = l;
	return 0;
}

void
kb_fetch_leader_free(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	struct kb_fetch_request *q;

	for (int i = 0; i < f->connections; i++) {
		kb_conn_close(l->links[i].conn);
		while ((q = TAILQ_FIRST(&l->links[i].flying))) {
			TAILQ_REMOVE(&l->links[i].flying, q, link);
			kb_fetch_request_free(f, q);
		}
	}
	free(l);
}

static void
park_queue(struct kb_fetcher *f, struct kb_fetch_queue *q)
{
	struct kb_fetch_part *p;

	while ((p = TAILQ_FIRST(q)))
		kb_fetch_part_park(f, p, true);
}

void
kb_fetch_leader_gone(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	for (int i = 0; i < f->connections; i++)
		if (l->links[i].conn)
			return;
	park_queue(f, &l->unserved);
	park_queue(f, &l->hot);
	park_queue(f, &l->cold);
}

void
kb_fetch_leader_learn(
	struct kb_fetch_leader *l, const struct kb_fetch_request *q)
{
	if (q->size >= (uint32_t)q->max_bytes / 4 * 3)
		l->width /= 2;
	else if (q->hot >= l->width && q->size < (uint32_t)q->max_bytes / 2)
		l->width *= 2;
	if (l->width < WIDTH_LEAST)
		l->width = WIDTH_LEAST;
	if (l->width > KB_FETCH_REQUEST_MAX)
		l->width = KB_FETCH_REQUEST_MAX;
}

/* ---- is there something to send, and where? ---- */

/* The connection with the fewest requests; one not connected in time counts. */
static struct kb_fetch_link *
choose_link(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	struct kb_fetch_link *best = NULL;
	bool may_connect = l->connect_at <= kb_clock_ms();

	for (int i = 0; i < f->connections; i++) {
		struct kb_fetch_link *k = &l->links[i];

		if (k->flying_count == f->requests ||
			(!k->conn && !may_connect))
			continue;
		if (!best || k->flying_count < best->flying_count)
			best = k;
	}
	return best;
}

static size_t
count_flying(const struct kb_fetcher *f, const struct kb_fetch_leader *l)
{
	size_t n = 0;

	for (int i = 0; i < f->connections; i++)
		n += (size_t)l->links[i].flying_count;
	return n;
}

static size_t
count_places(const struct kb_fetcher *f)
{
	return (size_t)f->connections * (size_t)f->requests;
}

static bool
has_work(const struct kb_fetcher *f, const struct kb_fetch_leader *l)
{
	size_t flying = count_flying(f, l);

	if (flying == count_places(f))
		return false;
	if (!flying)
		return l->hot_count || (!TAILQ_EMPTY(&l->cold) && !l->held);
	return l->hot_count && (TAILQ_EMPTY(&f->landed) ||
				       TAILQ_FIRST(&f->landed)->leader != l);
}

static bool
is_connected(const struct kb_fetcher *f, const struct kb_fetch_leader *l)
{
	for (int i = 0; i < f->connections; i++)
		if (l->links[i].conn && l->links[i].flying_count < f->requests)
			return true;
	return false;
}

int64_t
kb_fetch_leader_due(const struct kb_fetcher *f, const struct kb_fetch_leader *l)
{
	if (f->full || !has_work(f, l))
		return INT64_MAX;
	if (!is_connected(f, l) && l->connect_at > l->throttled_until)
		return l->connect_at;
	return l->throttled_until;
}

/* ---- what to ask for ---- */

/* One request speaks one language, and some partitions go alone. */
static bool
may_join(const struct kb_fetch_request *q, const struct kb_fetch_part *p)
{
	const struct kb_fetch_part *first = q->count ? q->parts[0] : p;

	if (q->count && (p->alone || first->alone))
		return false;
	return p->rackless == first->rackless &&
	       kb_uuid_is_zero(&p->id) == kb_uuid_is_zero(&first->id);
}

/* Moves partitions into the request until it has `most`. */
static void
collect(struct kb_fetcher *f, struct kb_fetch_queue *from, size_t most,
	struct kb_fetch_request *q)
{
	struct kb_fetch_part *p, *next;

	for (p = TAILQ_FIRST(from); p && q->count < most; p = next) {
		next = TAILQ_NEXT(p, link);
		if (!may_join(q, p))
			continue;
		kb_fetch_part_unlink(f, p);
		p->place = KB_FLYING;
		q->parts[q->count++] = p;
	}
}

/* So many hot ones that all free places get some. */
static size_t
hot_share(const struct kb_fetcher *f, const struct kb_fetch_leader *l)
{
	size_t places = count_places(f) - count_flying(f, l);
	size_t n = (l->hot_count + places - 1) / places;

	return n < l->width ? n : l->width;
}

/* So much that all brokers' requests take half of the budget. */
static int32_t
request_bytes(const struct kb_fetcher *f)
{
	int32_t most = f->settings.max_bytes < REQUEST_BYTES
			       ? f->settings.max_bytes
			       : REQUEST_BYTES;
	size_t n, least;

	if (!f->budget)
		return most;
	n = f->budget->total / 2 / (f->leader_count * count_places(f));
	least = f->budget->total / 4 < REQUEST_LEAST ? f->budget->total / 4
						     : REQUEST_LEAST;
	if (n < least)
		n = least;
	return n < (size_t)most ? (int32_t)n : most;
}

/* Room first: a request without it is not made. 1: none now. */
static int
make_request(struct kb_fetcher *f, struct kb_fetch_leader *l,
	struct kb_fetch_request **out)
{
	struct kb_fetch_request *q;
	size_t bytes, hot;
	int r = kb_fetch_request_new(f, &q);

	if (r)
		return r;
	q->leader = l;
	q->max_bytes = request_bytes(f);
	bytes = (size_t)q->max_bytes + HEAD_BYTES +
		KB_FETCH_REQUEST_MAX * PART_BYTES;
	if (!kb_pool_reserve(f->pool, &q->share, bytes)) {
		kb_fetch_request_free(f, q);
		f->full = true;
		return 1;
	}
	hot = hot_share(f, l);
	collect(f, &l->unserved, hot, q);
	collect(f, &l->hot, hot, q);
	q->hot = q->count;
	collect(f, &l->cold, KB_FETCH_REQUEST_MAX, q);
	*out = q;
	return 0;
}

/* 0: a request was sent, or the leader's trouble dealt with. 1: none is due. */
static int
send_one(struct kb_fetcher *f, struct kb_fetch_leader *l)
{
	struct kb_fetch_link *k = choose_link(f, l);
	struct kb_fetch_request *q;
	int r = 0;

	if (!k || kb_fetch_leader_due(f, l) > kb_clock_ms())
		return 1;
	if (!k->conn)
		r = kb_cluster_connect(f->cluster, l->node, &k->conn);
	if (!r)
		r = make_request(f, l, &q);
	if (r == 1)
		return 1;
	if (!r)
		r = kb_fetch_link_send(f, k, q, !q->hot);
	if (r < 0)
		r = kb_fetch_link_lose(f, k, r);
	return r < 0 ? r : 0;
}

int
kb_fetch_leader_send_all(struct kb_fetcher *f)
{
	struct kb_fetch_leader *l, *next, *last;
	int r = 0;

	last = TAILQ_LAST(&f->leaders, kb_fetch_leaders);
	for (l = TAILQ_FIRST(&f->leaders); l && !f->full; l = next) {
		bool sent = false;

		next = l == last ? NULL : TAILQ_NEXT(l, link);
		while (!(r = send_one(f, l)))
			sent = true;
		if (r < 0)
			return r;
		if (f->full || !sent)
			continue;
		/* Behind the others, for the next time. */
		TAILQ_REMOVE(&f->leaders, l, link);
		TAILQ_INSERT_TAIL(&f->leaders, l, link);
	}
	return 0;
}
