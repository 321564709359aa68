/*
 * The brokers of a cluster as they were last told of, a connection to each
 * that was needed, and one to whichever broker answers, for questions that
 * every broker can answer.
 */
#ifndef KB_KAFKA_BROKERS_H
#define KB_KAFKA_BROKERS_H

#include <stddef.h>
#include <stdint.h>

#include "kafka/bootstrap.h"

struct kb_cancel;
struct kb_conf;
struct kb_conn;
struct kb_metadata_answer;

struct kb_broker {
	int32_t id;
	char *host;
	int port;
	struct kb_conn *conn; /* NULL: none now */
};

struct kb_brokers {
	const struct kb_conf *conf;
	struct kb_cancel *cancel; /* may be NULL */
	struct kb_bootstrap bootstrap;
	struct kb_broker *nodes;
	size_t node_count;
	struct kb_conn *any; /* NULL: none now */
	size_t turn;	     /* where to look for `any` next */
};

/* Reads bootstrap.servers; connects to nothing. -EINVAL. */
int
kb_brokers_init(struct kb_brokers *b, const struct kb_conf *conf,
	struct kb_cancel *cancel);
/* After a failed init too. */
void
kb_brokers_release(struct kb_brokers *b);

/*
 * Makes sure that `any` is there: tries the known nodes in turn, then the
 * bootstrap servers, once each. The error is the last one's.
 */
int
kb_brokers_reach(struct kb_brokers *b);

/* `any` has failed: the next one to reach is another. */
void
kb_brokers_drop(struct kb_brokers *b);

/*
 * Takes the nodes out of an answer; connections to those that did not move
 * live on. An answer without any changes nothing.
 */
int
kb_brokers_take(struct kb_brokers *b, struct kb_metadata_answer *a);

/* NULL: not known now. Valid until the next kb_brokers_take(). */
struct kb_broker *
kb_brokers_find(const struct kb_brokers *b, int32_t id);

/* A new connection to a node. -EHOSTUNREACH: not known now. */
int
kb_brokers_connect(
	const struct kb_brokers *b, int32_t id, struct kb_conn **out);

#endif
