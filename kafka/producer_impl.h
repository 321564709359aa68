/*
 * What producer.c (partitions, one call of kb_producer_send()), shipment.c (one
 * try to get a batch stored) and transmit.c (to the leader and back) share. Not
 * for others.
 */
#ifndef KB_KAFKA_PRODUCER_IMPL_H
#define KB_KAFKA_PRODUCER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "format/batch.h"
#include "kafka/arrival.h"
#include "kafka/conn.h"
#include "kafka/producer.h"

struct kb_produce_link {
	SLIST_ENTRY(kb_produce_link) next;
	int32_t node;
	struct kb_conn *conn; /* NULL: none now */
};

struct kb_produce_part {
	SLIST_ENTRY(kb_produce_part) next;
	char *topic;
	int32_t partition;
	int64_t end;
	int32_t node;	     /* leader; -1: ask */
	int64_t producer_id; /* -1: none yet */
	int16_t producer_epoch;
	int32_t sequence; /* of the next record */
	bool doubt;
	struct kb_arrival sent;
	uint32_t sent_crc;
};

struct kb_producer {
	struct kb_cluster *cluster;
	SLIST_HEAD(, kb_produce_part) parts;
	SLIST_HEAD(, kb_produce_link) links;
	struct kb_buf request, answer;
	int64_t timeout_ms;
	int64_t request_ms;
	int64_t answer_ms;
	int64_t retry_ms;
	int64_t throttled_until;
};

/* One call of kb_producer_send(). */
struct kb_shipment {
	struct kb_producer *p;
	struct kb_produce_part *part;
	uint8_t *bytes;
	size_t len;
	struct kb_batch_header header;
	struct kb_cancel *interrupt;
	int64_t deadline;
	unsigned tries;
	unsigned corrupt;
	bool other;	      /* part->doubt is about another batch */
	bool refresh;	      /* metadata, before the next try */
	bool renumber;	      /* the broker does not like our numbers */
	struct kb_conn *conn; /* to the leader, in this try */
};

/* What becomes of a try, besides 0 (stored) and -errno (final). */
#define KB_SHIPMENT_AGAIN 1

/* ---- shipment.c ---- */

/* A batch that part->doubt is not about ends the use of its numbers. */
void
kb_shipment_recognise(struct kb_shipment *s);

/*
 * Tries once to get the batch stored, and moves the partition's end when it
 * is. The sentence tells why to try again, too.
 */
int
kb_shipment_try(struct kb_shipment *s);

/* ---- transmit.c ---- */

/* Connects s->conn to the leader, as metadata knows it (s->refresh: now). */
int
kb_transmit_connect(struct kb_shipment *s);

/* Closes s->conn: what it may still answer is of no use. */
void
kb_transmit_disconnect(struct kb_shipment *s);

/* Sends p->request, receives into p->answer; disconnects when that fails. */
int
kb_transmit_call(struct kb_shipment *s, enum kb_api api, int version);

/*
 * Waits for fd (-1: for nothing) until a time. 0 readable, 1 the time has
 * come, -ECANCELED.
 */
int
kb_transmit_wait(const struct kb_shipment *s, int fd, int64_t until);

#endif
