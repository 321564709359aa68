/*
 * What the files of the fetcher share: fetcher.c (interface and loop),
 * fetch_leader.c (connections, requests, answers), fetch_part.c (a partition
 *and what is said of it), fetch_resolve.c (parked ones). Not for others.
 *
 * A partition is at one place at a time:
 *
 *	PARKED	on f->parked: its leader is to be asked for, after retry_at
 *	READY	on its leader's hot or cold queue
 *	FLYING	in its leader's request
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

enum kb_fetch_place { KB_PARKED, KB_READY, KB_FLYING, KB_HELD };

TAILQ_HEAD(kb_fetch_queue, kb_fetch_part);

struct kb_fetch_part {
	TAILQ_ENTRY(kb_fetch_part) link; /* of the queue it is on */
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
	bool check_range; /* ask where the log begins and ends */
	int64_t retry_at;
	int64_t parked_at;
	int64_t trouble_since; /* 0: none since the last good answer */
	int64_t unknown_since; /* 0: metadata knows it */
	unsigned failures;     /* since the last good answer */
};

/* Partitions in one request: what one answer can hold, and some more. */
#define KB_FETCH_REQUEST_MAX 256

/* An unanswered request. */
struct kb_fetch_request {
	int32_t id;
	int version;
	int64_t deadline;
	struct kb_fetch_part *parts[KB_FETCH_REQUEST_MAX]; /* as asked for */
	size_t count;
};

/* A broker that leads partitions of ours; lives as long as the fetcher. */
struct kb_fetch_leader {
	TAILQ_ENTRY(kb_fetch_leader) link;
	int32_t node;
	struct kb_conn *conn;		/* NULL: not connected */
	struct kb_fetch_request flying; /* count 0: none */
	struct kb_fetch_queue hot;	/* has more, as far as we know */
	struct kb_fetch_queue cold;	/* was at its end when last asked */
	size_t held;			/* partitions of ours that are HELD */
	int64_t connect_at;
	int64_t throttled_until;
	unsigned failures; /* to connect, in a row */
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
	TAILQ_HEAD(, kb_fetch_part) parts;
	TAILQ_HEAD(, kb_fetch_leader) leaders;
	size_t leader_count;
	struct kb_fetch_queue parked;
	size_t wanted; /* partitions neither HELD nor removed */
	/* The one answer that is being handed out, and its request. */
	struct kb_fetch_leader *from; /* NULL: none */
	struct kb_fetch_request landed;
	struct kb_fetch_answer answer;
	size_t landed_at; /* where in its parts to look next */
	bool answer_empty;
	struct kb_buf bytes;
	struct kb_buf request;
	struct kb_aborted *aborted;
	size_t aborted_cap;
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

/* To its leader's queue, behind or (unserved) before the others. */
void
kb_fetch_part_ready(struct kb_fetch_part *p);

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

/* Judges what an answer says about p. 0 and 1 as above. */
int
kb_fetch_part_judge(struct kb_fetcher *f, struct kb_fetch_part *p,
	const struct kb_fetched *got, struct kb_fetch_event *out);

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
kb_fetch_leader_free(struct kb_fetch_leader *l);

/*
 * Sends the next request where one is due, connecting first. Failures to do
 * so are the partitions' trouble. 0, -ECANCELED, -ENOMEM.
 */
int
kb_fetch_leader_send(struct kb_fetcher *f, struct kb_fetch_leader *l);

/*
 * Receives the answer to l's request into f, where no other may be. 0: *out is
 * an event: an answer that cannot be read. 1: f->from tells whether there is
 * an answer now. Errors likewise.
 */
int
kb_fetch_leader_receive(struct kb_fetcher *f, struct kb_fetch_leader *l,
	struct kb_fetch_event *out);

/* The request of l was not answered in time. */
void
kb_fetch_leader_expire(struct kb_fetcher *f, struct kb_fetch_leader *l);

/* The next event of the answer in f. 0; 1: there was no more; -errno. */
int
kb_fetch_leader_event(struct kb_fetcher *f, struct kb_fetch_event *out);

/*
 * When kb_fetch_leader_send() would do something, or the request expires;
 * INT64_MAX: not by itself.
 */
int64_t
kb_fetch_leader_due(const struct kb_fetch_leader *l);

#endif
