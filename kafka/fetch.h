/*
 * Fetch on the wire (API 1): requests written, answers read. No I/O. Versions
 * KB_FETCH_NAME_MIN..MAX address topics by name, KB_FETCH_ID_MIN..MAX by id
 * (KIP-516); sessions (KIP-227) are not used.
 */
#ifndef KB_KAFKA_FETCH_H
#define KB_KAFKA_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"
#include "common/uuid.h"
#include "kafka/cluster.h"
#include "kafka/txn.h"

#define KB_FETCH_NAME_MIN 4
#define KB_FETCH_NAME_MAX 11
#define KB_FETCH_ID_MIN 13
#define KB_FETCH_ID_MAX 16

static inline bool
kb_fetch_by_id(int version)
{
	return version >= KB_FETCH_ID_MIN;
}

/* As kb_conn_send() and kb_conn_recv() want to know. */
static inline bool
kb_fetch_flexible(int version)
{
	return version >= 12;
}

/* For the whole request. */
struct kb_fetch_limits {
	int32_t max_wait_ms;
	int32_t min_bytes;
	int32_t max_bytes;
	enum kb_isolation isolation;
	const char *rack; /* ours, from version 11 on (KIP-392); NULL: none */
};

/* One partition asked for; topic and id are borrowed. */
struct kb_fetch_want {
	const char *topic;
	const struct kb_uuid *id;
	int32_t partition;
	int32_t leader_epoch; /* -1 unknown */
	int64_t offset;
	int32_t max_bytes;
};

/*
 * Appends a request's body. Neighbours of one topic are grouped, so wants are
 * best given topic by topic. 0, -ENOMEM.
 */
int
kb_fetch_request_put(struct kb_buf *out, int version,
	const struct kb_fetch_limits *limits, const struct kb_fetch_want *wants,
	size_t count);

/* Walks an answer; borrows its bytes. */
struct kb_fetch_answer {
	int32_t throttle_ms;
	int16_t error; /* of the request as a whole; 0 before version 7 */
	/* private */
	struct kb_cursor at;
	int version;
	size_t topics_left;
	size_t partitions_left;
	bool in_topic;
	struct kb_slice topic;
	struct kb_uuid id;
};

/* One partition of an answer; slices borrow the answer's bytes. */
struct kb_fetched {
	struct kb_slice topic; /* data NULL when by id */
	struct kb_uuid id;     /* zero when by name */
	int32_t partition;
	int16_t error;
	int64_t high_watermark; /* -1 unknown, likewise the next two */
	int64_t last_stable;
	int64_t log_start;
	int32_t preferred; /* node to ask instead (KIP-392); -1 none */
	size_t aborted_count;
	struct kb_slice aborted; /* encoded, for kb_fetched_aborted() */
	struct kb_slice records; /* empty when null */
	int version;
};

/* 0, or -EBADMSG when the bytes do not even begin as an answer. */
int
kb_fetch_answer_init(
	struct kb_fetch_answer *a, int version, struct kb_slice bytes);

/*
 * 0: *out is the next partition, in the broker's order. 1: the end, exactly
 * where the bytes end. -EBADMSG: malformed; what came before is sound.
 */
int
kb_fetch_answer_next(struct kb_fetch_answer *a, struct kb_fetched *out);

/*
 * Decodes the aborted transactions into out, room for aborted_count: somewhere
 * else, or what kb_fetched_in_place() says.
 */
void
kb_fetched_aborted(const struct kb_fetched *f, struct kb_aborted *out);

/*
 * Where aborted transactions can be decoded to within the answer's own bytes,
 * if those may be written to: over their encoded form and what was read before
 * it. Nothing else of f is touched.
 */
struct kb_aborted *
kb_fetched_in_place(const struct kb_fetched *f);

#endif
