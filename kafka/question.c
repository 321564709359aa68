/*
 * Questions that only the leader of a partition answers. Each is asked until
 * the deadline: errors that pass, leaders that move and connections that break
 * lead to fresh metadata and another try.
 */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "kafka/cluster_impl.h"
#include "kafka/offsets.h"
#include "kafka/status.h"

struct question {
	const char *topic;
	const struct kb_uuid *id; /* may be NULL */
	int32_t partition;
	enum kb_api api;
	int version;
	const char *name;
	int (*put)(const struct question *q, struct kb_buf *out,
		int32_t leader_epoch);
	int (*read)(
		struct question *q, struct kb_slice answer, int16_t *out_error);
	/* ListOffsets */
	int64_t time;
	enum kb_isolation isolation;
	/* OffsetForLeaderEpoch, asked and answered */
	int32_t epoch;
	/* answered */
	int64_t offset;
};

/* Asks a node once. */
static int
ask_node(struct kb_cluster *c, struct kb_broker *n, struct question *q,
	int32_t leader_epoch, int64_t deadline, int16_t *out_error)
{
	struct kb_buf body = {0}, answer = {0};
	int version, r = 0;

	if (!n->conn)
		r = kb_brokers_connect(&c->brokers, n->id, &n->conn);
	if (r == 0)
		r = kb_conn_version(
			n->conn, q->api, q->version, q->version, &version);
	if (r < 0)
		return r;
	r = q->put(q, &body, leader_epoch);
	if (r == 0)
		r = kb_cluster_call(c, n->conn, q->api, version, false,
			kb_buf_slice(&body), deadline, &answer);
	if (r == 0)
		r = q->read(q, kb_buf_slice(&answer), out_error);
	if (r < 0) {
		kb_conn_close(n->conn);
		n->conn = NULL;
	}
	kb_buf_release(&body);
	kb_buf_release(&answer);
	return r;
}

/* What the leader's error means for the caller: 0, -EAGAIN: ask again. */
static int
judge(const struct question *q, const struct kb_broker *n, int16_t error)
{
	enum kb_status_action a = kb_status_action(error);
	int code = -EAGAIN;

	if (a == KB_STATUS_OK)
		return 0;
	if (error == 29)
		code = -EACCES;
	else if (a == KB_STATUS_FATAL || a == KB_STATUS_RANGE)
		code = -EIO;
	return kb_err(code, "%s/%d: %s: node %d (%s:%d) answers %s", q->topic,
		q->partition, q->name, n->id, n->host, n->port,
		kb_status_name(error));
}

/* Finds the leader and asks it, once. -EAGAIN and network errors: again. */
static int
ask_leader_once(struct kb_cluster *c, struct question *q, bool refresh,
	struct kb_attempt *at)
{
	int32_t node, epoch;
	int16_t error = 0;
	struct kb_broker *n;
	int r;

	r = kb_cluster_find_leader(
		c, q->topic, q->id, q->partition, refresh, at, &node, &epoch);
	if (r < 0)
		return r;
	n = kb_brokers_find(&c->brokers, node);
	r = ask_node(c, n, q, epoch, at->deadline, &error);
	return r < 0 ? r : judge(q, n, error);
}

/* Asks the leader until the deadline; the answer is in q. */
static int
ask_leader(struct kb_cluster *c, struct question *q)
{
	struct kb_attempt at;
	bool refresh = false;
	int r;

	kb_attempt_start(&at, c->conf, c->cancel);
	for (;; refresh = true) {
		r = ask_leader_once(c, q, refresh, &at);
		if (r == 0)
			return kb_cluster_confirm(c, q->topic, q->id, &at);
		if (r == -EAGAIN)
			r = kb_attempt_retry(&at, r);
		else if (kb_attempt_is_network(r))
			r = kb_attempt_reconnect(&at, r);
		if (r < 0)
			return r;
	}
}

static int
put_list_offsets(
	const struct question *q, struct kb_buf *out, int32_t leader_epoch)
{
	(void)leader_epoch;
	return kb_list_offsets_request_put(
		out, q->topic, q->partition, q->time, q->isolation);
}

static int
read_list_offsets(struct question *q, struct kb_slice a, int16_t *out_error)
{
	return kb_list_offsets_answer_read(
		a, q->topic, q->partition, out_error, &q->offset);
}

int
kb_cluster_offset(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, int64_t time,
	enum kb_isolation isolation, int64_t *out_offset)
{
	struct question q = {
		.topic = topic,
		.id = id,
		.partition = partition,
		.api = KB_API_LIST_OFFSETS,
		.version = KB_LIST_OFFSETS_VERSION,
		.name = "ListOffsets",
		.put = put_list_offsets,
		.read = read_list_offsets,
		.time = time,
		.isolation = isolation,
	};
	int r = ask_leader(c, &q);

	if (r == 0)
		*out_offset = q.offset;
	return r;
}

static int
put_epoch_end(
	const struct question *q, struct kb_buf *out, int32_t leader_epoch)
{
	return kb_epoch_end_request_put(
		out, q->topic, q->partition, leader_epoch, q->epoch);
}

static int
read_epoch_end(struct question *q, struct kb_slice a, int16_t *out_error)
{
	int32_t epoch;
	int r = kb_epoch_end_answer_read(
		a, q->topic, q->partition, out_error, &epoch, &q->offset);

	if (r == 0 && *out_error == 0)
		q->epoch = epoch;
	return r;
}

int
kb_cluster_epoch_end(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, int32_t epoch,
	int32_t *out_epoch, int64_t *out_end)
{
	struct question q = {
		.topic = topic,
		.id = id,
		.partition = partition,
		.api = KB_API_EPOCH_END,
		.version = KB_EPOCH_END_VERSION,
		.name = "OffsetForLeaderEpoch",
		.put = put_epoch_end,
		.read = read_epoch_end,
		.epoch = epoch,
	};
	int r = ask_leader(c, &q);

	if (r < 0 && r != -EPROTONOSUPPORT)
		return r;
	*out_epoch = r == 0 ? q.epoch : -1;
	*out_end = r == 0 ? q.offset : -1;
	return 0;
}
