/*
 * What the files of the fetcher share: fetcher.c (interface and loop),
 * fetch_leader.c (what is asked of a broker, and when), fetch_link.c (a
 * connection, requests and answers on it), fetch_events.c (an answer is handed
 * out), fetch_part.c (a partition and what is said of it), fetch_resolve.c
 * (parked ones). Not for others.
 *
 * A partition is at one place at a time:
 *
 *	PARKED	on f->parked: its leader is to be asked for, after retry_at
 *	READY	on one of its leader's queues: unserved, hot or cold
 *	FLYING	in a request: on its way, or its answer being handed out
 *	HELD	an event is with the caller, who has not said how to go on
 */
#ifndef KB_KAFKA_FETCHER_IMPL_H
#define KB_KAFKA_FETCHER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/uuid.h"
#include "format/jsonl.h"
#include "kafka/fetch.h"
#include "kafka/fetcher.h"
#include "kafka/pool.h"

enum kb_fetch_place { KB_PARKED, KB_READY, KB_FLYING, KB_HELD };

TAILQ_HEAD(kb_fetch_queue, kb_fetch_part);

/* "leader" is the broker that serves it: a follower too, while `away`. */
struct kb_fetch_part {
	TAILQ_ENTRY(kb_fetch_part) link; /* of the queue it is on */
	struct kb_fetch_queue *queue;	 /* READY: which one of its leader */
	TAILQ_ENTRY(kb_fetch_part) all;	 /* of f->parts */
	enum kb_fetch_place place;
	char *topic;
	struct kb_uuid id;
	int32_t partition;
	int64_t offset;
	int32_t last_epoch;
	void *user;
	struct kb_fetch_leader *leader; /* NULL when PARKED */
	int32_t leader_epoch;
	bool removed;	  /* while FLYING: freed when it lands */
	bool cold;	  /* its last answer was empty */
	bool unserved;	  /* its last answer had no room for it */
	bool alone;	  /* share no request: an answer was unreadable */
	bool refresh;	  /* PARKED: with new metadata */
	bool check_epoch; /* before the next fetch */
	bool probing; /* the batch before `offset` is fetched, for its epoch */
	bool check_range; /* ask where the log begins and ends */
	bool away;	  /* served by the follower that its leader named */
	bool rackless;	  /* READY: its leader shall serve it itself */
	int64_t away_until;
	int64_t rackless_until;
	int64_t retry_at;
	int64_t parked_at;
	int64_t trouble_since; /* 0: none since the last good answer */
	int64_t unknown_since; /* 0: metadata knows it */
	unsigned failures;     /* since the last good answer */
};

/* Partitions in one request, however little each may bring. */
#define KB_FETCH_REQUEST_MAX 256

TAILQ_HEAD(kb_fetch_requests, kb_fetch_request);

/* A request, then its answer. */
struct kb_fetch_request {
	TAILQ_ENTRY(kb_fetch_request) link;
	struct kb_fetch_leader *leader;
	int32_t id;
	int version;
	int32_t max_bytes; /* asked for */
	int64_t deadline;  /* when it is the oldest of its link */
	int64_t sent_us;
	struct kb_fetch_part *parts[KB_FETCH_REQUEST_MAX]; /* as asked for */
	size_t count;
	size_t hot; /* of them, those that might bring bytes */
	/* The answer as it comes. */
	struct kb_share share;	/* room for it, until there is a lease */
	struct kb_lease *lease; /* NULL: no bytes yet */
	bool sized;
	uint32_t size, got;
	/* The answer as it is handed out. */
	struct kb_fetch_answer answer;
	size_t at; /* where in parts to look next */
	bool empty;
	int64_t took_us; /* 0 once told */
};

/* A connection to a broker. */
struct kb_fetch_link {
	struct kb_fetch_leader *leader;
	struct kb_conn *conn;		 /* NULL: not connected */
	struct kb_fetch_requests flying; /* the oldest is answered first */
	int flying_count;
	bool stalled; /* the answer that comes waits for room */
};

/* A broker that serves partitions of ours; lives as long as the fetcher. */
struct kb_fetch_leader {
	TAILQ_ENTRY(kb_fetch_leader) link;
	int32_t node;
	struct kb_fetch_queue unserved; /* an answer had no room for them */
	struct kb_fetch_queue hot;	/* have more, as far as we know */
	size_t hot_count;		/* of both */
	struct kb_fetch_queue cold;	/* were at their end when last asked */
	size_t held;			/* partitions of ours that are HELD */
	size_t width;			/* hot partitions a request */
	int64_t connect_at;
	int64_t throttled_until;
	unsigned failures;	      /* to connect, in a row */
	struct kb_fetch_link links[]; /* f->connections */
};

/* Settings, read once. */
struct kb_fetch_settings {
	int32_t max_bytes;
	int32_t partition_max_bytes;
	int32_t min_bytes;
	int32_t max_wait_ms;
	int64_t answer_ms;  /* socket.timeout.ms */
	int64_t trouble_ms; /* message.timeout.ms */
	int64_t retry_ms;
	int64_t reconnect_ms;
	int64_t reconnect_max_ms;
	const char *rack; /* NULL: none */
};

/* A topic that metadata did not know, for all its partitions at once. */
struct kb_fetch_gone {
	char topic[KB_TOPIC_MAX + 1];
	struct kb_uuid id;
	int64_t at; /* when; 0: none */
	bool anew;  /* its name is another topic's now */
	struct kb_failure why;
};

struct kb_fetcher {
	struct kb_cluster *cluster;
	struct kb_cancel *cancel;
	enum kb_isolation isolation;
	struct kb_fetch_settings settings;
	int connections;	  /* a leader */
	int requests;		  /* a connection */
	struct kb_budget *budget; /* NULL: unlimited */
	struct kb_pool *pool;
	bool full; /* the budget had no room for the next request */
	TAILQ_HEAD(, kb_fetch_part) parts;
	TAILQ_HEAD(kb_fetch_leaders, kb_fetch_leader) leaders;
	size_t leader_count;
	struct kb_fetch_queue parked;
	size_t wanted; /* partitions neither HELD nor removed */
	struct kb_fetch_requests landed; /* whole; the first is handed out */
	struct kb_fetch_requests spare;
	struct kb_buf request;
	struct pollfd *polled;
	size_t polled_cap;
	struct kb_failure failure; /* sentences of events */
	struct kb_failure trouble; /* the last one met */
	struct kb_fetch_gone gone; /* the last one met */
};

/* ---- fetch_part.c ---- */

/* Puts p, which is nowhere, where it asks for its leader at once. */
void
kb_fetch_part_start(struct kb_fetcher *f, struct kb_fetch_part *p);

/* The same after trouble, with a pause that grows. */
void
kb_fetch_part_park(struct kb_fetcher *f, struct kb_fetch_part *p, bool refresh);

/* p, which is nowhere, to the end of one of its leader's queues. */
void
kb_fetch_part_ready(struct kb_fetcher *f, struct kb_fetch_part *p);

/* Takes p off the queue it is on, and its leader's count of HELD. */
void
kb_fetch_part_unlink(struct kb_fetcher *f, struct kb_fetch_part *p);

void
kb_fetch_part_free(struct kb_fetcher *f, struct kb_fetch_part *p);

/* It has been in trouble for longer than anybody shall wait. */
bool
kb_fetch_part_too_long(
	const struct kb_fetcher *f, const struct kb_fetch_part *p);

/* An event about p, who becomes HELD. Sentence: this thread's. Returns 0. */
int
kb_fetch_part_event(struct kb_fetcher *f, struct kb_fetch_part *p,
	enum kb_fetch_kind kind, struct kb_fetch_event *out);

/* Judges what the answer q says about p. 0 and 1 as above. */
int
kb_fetch_part_judge(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_request *q, const struct kb_fetched *got,
	struct kb_fetch_event *out);

/* The event that p has failed, with this thread's sentence. Returns 0. */
int
kb_fetch_part_fail(struct kb_fetcher *f, struct kb_fetch_part *p, int error,
	struct kb_fetch_event *out);

/* ---- fetch_resolve.c ---- */

/*
 * Deals with parked partitions whose time has come. 0: *out is an event.
 * 1: nothing to say. -errno as kb_fetcher_next().
 */
int
kb_fetch_resolve(struct kb_fetcher *f, struct kb_fetch_event *out);

/* ---- fetch_leader.c ---- */

/* Finds or makes it. -ENOMEM. */
int
kb_fetch_leader_get(
	struct kb_fetcher *f, int32_t node, struct kb_fetch_leader **out);
void
kb_fetch_leader_free(struct kb_fetcher *f, struct kb_fetch_leader *l);

/*
 * Sends what requests are due to all leaders, connecting first. Failures to do
 * so are the partitions' trouble. 0, -ECANCELED, -ENOMEM.
 */
int
kb_fetch_leader_send_all(struct kb_fetcher *f);

/* l has nobody to talk to: its partitions ask for their leaders again. */
void
kb_fetch_leader_gone(struct kb_fetcher *f, struct kb_fetch_leader *l);

/* An answer is whole: how many partitions shall the next requests have? */
void
kb_fetch_leader_learn(
	struct kb_fetch_leader *l, const struct kb_fetch_request *q);

/* When there is something to send; INT64_MAX: not by itself. */
int64_t
kb_fetch_leader_due(
	const struct kb_fetcher *f, const struct kb_fetch_leader *l);

/* ---- fetch_link.c ---- */

/* A request to fill, which kb_fetch_link_send() or _request_free() takes. */
int
kb_fetch_request_new(struct kb_fetcher *f, struct kb_fetch_request **out);

/* Gives up room and bytes of q, which is on no list. */
void
kb_fetch_request_free(struct kb_fetcher *f, struct kb_fetch_request *q);

/* Parts that will not be answered ask for their leader again. */
void
kb_fetch_request_park(
	struct kb_fetcher *f, struct kb_fetch_request *q, bool refresh);

/* Sends q (taken) on a connected link. -errno: the link is to be lost. */
int
kb_fetch_link_send(struct kb_fetcher *f, struct kb_fetch_link *k,
	struct kb_fetch_request *q, bool wait);

/*
 * Receives what is there, up to one whole answer, which goes to f->landed.
 * 0: *out is an event: an answer that cannot be read. 1: nothing to say.
 * -ECANCELED, -ENOMEM.
 */
int
kb_fetch_link_receive(struct kb_fetcher *f, struct kb_fetch_link *k,
	struct kb_fetch_event *out);

/* There may be room for the answer that waits for it. */
void
kb_fetch_link_resume(struct kb_fetcher *f, struct kb_fetch_link *k);

/* Closes it; the sentence says why. -ECANCELED, -ENOMEM pass; else 1. */
int
kb_fetch_link_lose(struct kb_fetcher *f, struct kb_fetch_link *k, int error);

/* Loses it if the oldest request was not answered in time. */
void
kb_fetch_link_expire(struct kb_fetcher *f, struct kb_fetch_link *k);

/* When kb_fetch_link_expire() would do so. */
int64_t
kb_fetch_link_deadline(const struct kb_fetch_link *k);

/* ---- fetch_events.c ---- */

/* Walks the whole answer of q: is it sound, is it empty? -EBADMSG. */
int
kb_fetch_events_begin(struct kb_fetch_request *q, struct kb_slice body);

/* The next event of the first landed answer. 0; 1: no more of it; -errno. */
int
kb_fetch_events_next(struct kb_fetcher *f, struct kb_fetch_event *out);

#endif
