/*
 * A cluster: who leads what, where logs begin and end. Calls retry by the
 * table of kafka/status.h until their deadline (`request.timeout.ms` and
 * `message.timeout.ms` bound them), reconnecting and asking other brokers.
 * One thread at a time.
 */
#ifndef KB_KAFKA_CLUSTER_H
#define KB_KAFKA_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/uuid.h"

struct kb_cancel;
struct kb_cluster;
struct kb_conf;
struct kb_conn;

/* conf has passed kb_conf_check() and outlives the cluster; cancel too. */
int
kb_cluster_open(const struct kb_conf *conf, struct kb_cancel *cancel,
	struct kb_cluster **out);
void
kb_cluster_close(struct kb_cluster *c);

/* What the cluster was opened with. */
const struct kb_conf *
kb_cluster_conf(const struct kb_cluster *c);
struct kb_cancel *
kb_cluster_cancel(const struct kb_cluster *c);

/* As the brokers print it. */
const char *
kb_cluster_id(const struct kb_cluster *c);

struct kb_metadata_partition {
	int32_t partition;
	int32_t leader;	      /* node; -1 none now */
	int32_t leader_epoch; /* -1 unknown */
	int16_t error;
	int32_t replicas; /* how many */
};

struct kb_metadata_topic {
	char *name;
	struct kb_uuid id; /* zero where the broker has none */
	int16_t error;	   /* 3: unknown topic */
	bool internal;
	struct kb_metadata_partition *partitions; /* by number */
	size_t partition_count;
};

struct kb_metadata {
	struct kb_metadata_topic *topics; /* by name */
	size_t topic_count;
};

/*
 * Asks for these topics, or all (names NULL), never creating any. Unknown
 * topics come back with error 3. Waits out partitions without a leader only
 * as far as one refresh. Caller frees.
 */
int
kb_cluster_metadata(struct kb_cluster *c, const char *const *names,
	size_t count, struct kb_metadata **out);
void
kb_metadata_free(struct kb_metadata *m);
/* NULL when not in m. */
const struct kb_metadata_topic *
kb_metadata_find(const struct kb_metadata *m, const char *name);

/*
 * The leader of a partition by the newest metadata, asked for afresh when
 * `refresh`. -ENOENT: the topic is gone, or, where id is not zero, has another
 * id now (the sentence says which). -EAGAIN: no leader for now.
 */
int
kb_cluster_leader(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, bool refresh,
	int32_t *out_node, int32_t *out_epoch);

/* A new connection to a node; the caller closes it. */
int
kb_cluster_connect(struct kb_cluster *c, int32_t node, struct kb_conn **out);

enum kb_isolation { KB_READ_UNCOMMITTED, KB_READ_COMMITTED };

#define KB_OFFSET_LATEST (-1)
#define KB_OFFSET_EARLIEST (-2)

/*
 * ListOffsets, from the leader. time: KB_OFFSET_LATEST (with
 * KB_READ_COMMITTED the last stable offset), KB_OFFSET_EARLIEST, or ms: the
 * first offset whose timestamp is at or after it, *out_offset -1 when there is
 * none. -ENOENT as kb_cluster_leader().
 */
int
kb_cluster_offset(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, int64_t time,
	enum kb_isolation isolation, int64_t *out_offset);

/*
 * OffsetForLeaderEpoch (KIP-320), from the leader: the end offset of the
 * largest epoch not above `epoch`. *out_epoch -1, *out_end -1: the leader
 * knows none, or the broker lacks the request.
 */
int
kb_cluster_epoch_end(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, int32_t epoch,
	int32_t *out_epoch, int64_t *out_end);

/*
 * From now on a question asked alone is given up after ms, if that is before
 * message.timeout.ms; 0: after that alone, as at first. For who has waited for
 * one partition and need not wait as long for the next.
 */
void
kb_cluster_hurry(struct kb_cluster *c, int ms);

/* One partition's part of a question about many. */
struct kb_question {
	const char *topic;
	const struct kb_uuid *id; /* may be NULL */
	int32_t partition;
	int64_t time;	/* of kb_cluster_offsets() */
	int32_t epoch;	/* of kb_cluster_epoch_ends() */
	bool answered;	/* false: nobody has, or not for this topic */
	int64_t offset; /* what they would give as *out_offset, *out_end */
	int32_t ends;	/* and as *out_epoch: offset is the end of this one */
	/* private */
	int32_t node, leader_epoch;
	int16_t error;
};

/*
 * kb_cluster_offset() and kb_cluster_epoch_end() for many partitions, each
 * once, in few requests: about 1,000 partitions go into one. A question is
 * asked once; one that is left without an answer should be asked alone, which
 * tries again and says what is wrong. -ECANCELED, -ENOMEM.
 */
int
kb_cluster_offsets(struct kb_cluster *c, struct kb_question *questions,
	size_t count, enum kb_isolation isolation);
int
kb_cluster_epoch_ends(
	struct kb_cluster *c, struct kb_question *questions, size_t count);

#endif
