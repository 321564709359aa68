/* What cluster.c (metadata, leaders) and question.c (offsets) share. */
#ifndef KB_KAFKA_CLUSTER_IMPL_H
#define KB_KAFKA_CLUSTER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "kafka/attempt.h"
#include "kafka/brokers.h"
#include "kafka/cluster.h"
#include "kafka/conn.h"

struct kb_topic_cache;

/* How long what metadata said of a topic is taken for true. */
#define KB_TOPIC_FRESH_MS 1000

struct kb_cluster {
	const struct kb_conf *conf;
	struct kb_cancel *cancel; /* may be NULL */
	char *id;		  /* NULL: the broker tells none */
	struct kb_brokers brokers;
	struct kb_topic_cache *topics; /* as last seen */
	int patience_ms; /* for a question; 0: message.timeout.ms */
};

/* One request and its answer, within request.timeout.ms and the deadline. */
int
kb_cluster_call(const struct kb_cluster *c, struct kb_conn *conn,
	enum kb_api api, int version, bool flexible, struct kb_slice body,
	int64_t deadline, struct kb_buf *out);

/* As kb_cluster_leader(), within an attempt. */
int
kb_cluster_find_leader(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, bool refresh,
	struct kb_attempt *at, int32_t *out_node, int32_t *out_epoch);

/*
 * Whether the topic still has this id, asked for afresh unless it was seen to
 * within the last second. 0, -ENOENT.
 */
int
kb_cluster_confirm(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, struct kb_attempt *at);

#endif
