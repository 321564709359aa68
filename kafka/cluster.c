/*
 * Two kinds of connections are kept: `any`, to whichever broker answered last,
 * for questions that every broker can answer, and one to each node for
 * questions to leaders. Both are opened when needed and dropped on the first
 * error of the network; a later attempt opens them again.
 *
 * Topics are remembered as they were last seen, for their leaders. Names may
 * be used again by another topic (deleted and created), so what an old broker
 * protocol answers by name is trusted for a caller who gives an id only while
 * that id has been seen within FRESH_MS.
 */
#include "kafka/cluster.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/bootstrap.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "kafka/metadata.h"
#include "kafka/offsets.h"
#include "kafka/status.h"
#include "kafka/topics.h"

/* How long what metadata said of a topic is taken for true. */
#define FRESH_MS 1000

/* How often a topic must be unknown before it is taken for deleted. */
#define UNKNOWN_ASKS 5

struct node {
	int32_t id;
	char *host;
	int port;
	struct kb_conn *conn; /* NULL: none now */
};

struct kb_cluster {
	const struct kb_conf *conf;
	struct kb_cancel *cancel; /* may be NULL */
	struct kb_bootstrap bootstrap;
	char *id;
	struct node *nodes;
	size_t node_count;
	struct kb_conn *any;	  /* NULL: none now */
	size_t turn;		  /* where to look for `any` next */
	struct kb_topics *topics; /* as last seen */
};

/* ---- attempts ---- */

/* A call that is tried again until its deadline. */
struct attempt {
	int64_t deadline;
	int64_t pause_ms;	/* after the next failure of the network */
	struct kb_failure last; /* why it was tried again, the last time */
	bool over;		/* given up; the sentence says so */
};

static struct attempt
attempt_start(const struct kb_cluster *c)
{
	return (struct attempt){
		.deadline = kb_clock_ms() +
			    kb_conf_get_int(c->conf, "message.timeout.ms"),
		.pause_ms = kb_conf_get_int(c->conf, "reconnect.backoff.ms"),
	};
}

/*
 * Gives up, for the reason in code and the sentence; for the one before, when
 * it was only the deadline that ended the last try.
 */
static int
give_up(const struct kb_cluster *c, struct attempt *a, int code)
{
	if (code == -ETIMEDOUT && a->last.code)
		kb_failure_raise(&a->last);
	a->over = true;
	return kb_err(-ETIMEDOUT,
		"%s (given up after %s ms, message.timeout.ms)", kb_err_text(),
		kb_conf_get(c->conf, "message.timeout.ms"));
}

/* Pauses for ms before the next try, unless the deadline comes before. */
static int
pause_for(const struct kb_cluster *c, struct attempt *a, int64_t ms, int code)
{
	if (a->over)
		return code;
	if (kb_clock_ms() + ms >= a->deadline)
		return give_up(c, a, code);
	kb_failure_take(&a->last, code);
	kb_log_debug("%s; trying again", a->last.text);
	return kb_cancel_sleep(c->cancel, (int)ms);
}

/* After an answer that said to come back. */
static int
pause_retry(const struct kb_cluster *c, struct attempt *a, int code)
{
	int64_t ms = kb_conf_get_int(c->conf, "retry.backoff.ms");

	return pause_for(c, a, ms, code);
}

/* After a failure of the network: longer each time. */
static int
pause_reconnect(const struct kb_cluster *c, struct attempt *a, int code)
{
	int64_t max = kb_conf_get_int(c->conf, "reconnect.backoff.max.ms");
	int64_t ms = a->pause_ms < max ? a->pause_ms : max;

	a->pause_ms = ms > 0 ? 2 * ms : 1;
	return pause_for(c, a, ms, code);
}

/* Whether another broker, or the same one later, may do better. */
static bool
is_network(int code)
{
	switch (code) {
	case -ETIMEDOUT:
	case -ECONNRESET:
	case -ECONNREFUSED:
	case -ECONNABORTED:
	case -EHOSTUNREACH:
	case -EHOSTDOWN:
	case -ENETUNREACH:
	case -ENETDOWN:
	case -ENETRESET:
	case -EPIPE:
		return true;
	default:
		return false;
	}
}

/* One request and its answer, within the attempt's deadline. */
static int
call(const struct kb_cluster *c, struct kb_conn *conn, enum kb_api api,
	int version, bool flexible, struct kb_slice body, int64_t deadline,
	struct kb_buf *out)
{
	int64_t until =
		kb_clock_ms() + kb_conf_get_int(c->conf, "request.timeout.ms");
	int32_t id;
	int r;

	if (until > deadline)
		until = deadline;
	r = kb_conn_send(conn, api, version, flexible, body, until, &id);
	return r < 0 ? r : kb_conn_recv(conn, id, flexible, until, out);
}

/* ---- nodes ---- */

static void
nodes_free(struct node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(nodes[i].host);
		kb_conn_close(nodes[i].conn);
	}
	free(nodes);
}

static struct node *
find_node(const struct kb_cluster *c, int32_t id)
{
	for (size_t i = 0; i < c->node_count; i++) {
		if (c->nodes[i].id == id)
			return &c->nodes[i];
	}
	return NULL;
}

/* Takes the nodes of an answer over; connections to those unmoved live on. */
static int
take_nodes(struct kb_cluster *c, struct kb_metadata_answer *a)
{
	struct node *nodes;

	if (a->node_count == 0)
		return 0; /* a broker that has only just started */
	nodes = calloc(a->node_count, sizeof(*nodes));
	if (!nodes)
		return kb_err(-ENOMEM, "out of memory");
	for (size_t i = 0; i < a->node_count; i++) {
		struct kb_metadata_node *n = &a->nodes[i];
		struct node *old = find_node(c, n->id);

		nodes[i].id = n->id;
		nodes[i].host = n->host;
		nodes[i].port = n->port;
		n->host = NULL;
		if (old && old->port == n->port &&
			!strcmp(old->host, nodes[i].host)) {
			nodes[i].conn = old->conn;
			old->conn = NULL;
		}
	}
	nodes_free(c->nodes, c->node_count);
	c->nodes = nodes;
	c->node_count = a->node_count;
	return 0;
}

/* Opens `any`: to the known nodes in turn, then the bootstrap servers. */
static int
reach_any(struct kb_cluster *c)
{
	size_t count = c->node_count + c->bootstrap.count;
	int r = -EHOSTUNREACH;

	for (size_t i = 0; i < count && !c->any; i++) {
		size_t k = (c->turn + i) % count;
		const char *host;
		int port;

		if (k < c->node_count) {
			host = c->nodes[k].host;
			port = c->nodes[k].port;
		} else {
			k -= c->node_count;
			host = c->bootstrap.servers[k].host;
			port = c->bootstrap.servers[k].port;
		}
		r = kb_conn_open(c->conf, host, port, c->cancel, &c->any);
		if (r == -ECANCELED || r == -ENOMEM)
			return r;
		if (r < 0)
			kb_log_debug("%s", kb_err_text());
	}
	return c->any ? 0 : r;
}

static void
drop_any(struct kb_cluster *c)
{
	kb_conn_close(c->any);
	c->any = NULL;
	c->turn++;
}

int
kb_cluster_connect(struct kb_cluster *c, int32_t node, struct kb_conn **out)
{
	const struct node *n = find_node(c, node);
	int r;

	if (!n)
		return kb_err(-EHOSTUNREACH,
			"node %d: the cluster gives no address for it now",
			node);
	r = kb_conn_open(c->conf, n->host, n->port, c->cancel, out);
	if (r < 0)
		return kb_err(r,
			"node %d, at the address that it advertises: "
			"%s",
			node, kb_err_text());
	return 0;
}

/* ---- metadata ---- */

static int
select_names(
	struct kb_metadata_answer *a, const char *const *names, size_t count)
{
	int r = kb_metadata_select(a->metadata, names, count);

	if (r < 0)
		kb_metadata_answer_release(a);
	return r;
}

/* Asks `any` once. */
static int
ask_metadata_once(struct kb_cluster *c, const char *const *names, size_t count,
	int64_t deadline, struct kb_metadata_answer *out)
{
	struct kb_buf body = {0}, answer = {0};
	bool flexible, all;
	int version, r;

	r = kb_conn_version(c->any, KB_API_METADATA, KB_METADATA_MIN,
		KB_METADATA_MAX, &version);
	if (r < 0)
		return r;
	version = kb_metadata_version(version);
	flexible = kb_metadata_flexible(version);
	/* Where a name would create the topic, ask for all. */
	all = version < KB_METADATA_NAMES_MIN;
	r = kb_metadata_request_put(&body, version, all ? NULL : names, count);
	if (r == 0)
		r = call(c, c->any, KB_API_METADATA, version, flexible,
			kb_buf_slice(&body), deadline, &answer);
	if (r == 0)
		r = kb_metadata_answer_read(
			kb_buf_slice(&answer), version, out);
	if (r == 0 && all && names)
		r = select_names(out, names, count);
	else if (r == -EBADMSG)
		r = kb_err(r, "%s: %s", kb_conn_name(c->any), kb_err_text());
	kb_buf_release(&body);
	kb_buf_release(&answer);
	return r;
}

/*
 * Asks some broker, until the attempt's deadline, and takes over what the
 * answer says of the cluster. out->nodes is then of no use.
 */
static int
ask_metadata(struct kb_cluster *c, const char *const *names, size_t count,
	struct attempt *at, struct kb_metadata_answer *out)
{
	int r;

	for (;;) {
		r = reach_any(c);
		if (r == 0)
			r = ask_metadata_once(
				c, names, count, at->deadline, out);
		if (r == 0)
			break;
		drop_any(c);
		if (is_network(r))
			r = pause_reconnect(c, at, r);
		if (r < 0)
			return r;
	}
	r = take_nodes(c, out);
	if (r == 0)
		r = kb_topics_learn(c->topics, out->metadata, kb_clock_ms());
	if (r < 0)
		kb_metadata_answer_release(out);
	return r;
}

/* Whether asking again soon may show more leaders. */
static bool
is_unsettled(const struct kb_metadata *m)
{
	for (size_t i = 0; i < m->topic_count; i++) {
		const struct kb_metadata_topic *t = &m->topics[i];
		enum kb_status_action a = kb_status_action(t->error);

		if (a == KB_STATUS_RETRY || a == KB_STATUS_REFRESH)
			return true;
		for (size_t k = 0; k < t->partition_count; k++) {
			if (t->partitions[k].leader < 0)
				return true;
		}
	}
	return false;
}

int
kb_cluster_metadata(struct kb_cluster *c, const char *const *names,
	size_t count, struct kb_metadata **out)
{
	struct attempt at = attempt_start(c);
	struct kb_metadata_answer a = {0};
	int r = ask_metadata(c, names, count, &at, &a);

	if (r == 0 && is_unsettled(a.metadata)) {
		kb_metadata_answer_release(&a);
		r = kb_cancel_sleep(c->cancel,
			(int)kb_conf_get_int(c->conf, "retry.backoff.ms"));
		if (r == 0)
			r = ask_metadata(c, names, count, &at, &a);
	}
	if (r == 0) {
		*out = a.metadata;
		a.metadata = NULL;
	}
	kb_metadata_answer_release(&a);
	return r;
}

/* ---- leaders ---- */

/* Asks about one topic; again, and another broker, while it is unknown. */
static int
refresh_topic(struct kb_cluster *c, const char *topic, struct attempt *at,
	const struct kb_metadata_topic **out)
{
	int64_t ms = kb_conf_get_int(c->conf, "retry.backoff.ms");
	int r;

	for (int asks = 1;; asks++) {
		struct kb_metadata_answer a = {0};

		r = ask_metadata(c, &topic, 1, at, &a);
		if (r < 0)
			return r;
		kb_metadata_answer_release(&a);
		*out = kb_topics_find(c->topics, topic, INT64_MIN);
		if (*out &&
			kb_status_action((*out)->error) != KB_STATUS_UNKNOWN)
			return 0;
		if (asks == UNKNOWN_ASKS)
			return kb_err(-ENOENT, "%s: no such topic", topic);
		drop_any(c);
		r = kb_cancel_sleep(c->cancel, (int)ms);
		if (r < 0)
			return r;
		ms *= 2;
	}
}

static int
check_id(const struct kb_metadata_topic *t, const struct kb_uuid *id)
{
	char was[KB_UUID_TEXT], is[KB_UUID_TEXT];

	if (!id || kb_uuid_is_zero(id) || kb_uuid_is_zero(&t->id) ||
		kb_uuid_equal(id, &t->id))
		return 0;
	kb_uuid_format(id, was);
	kb_uuid_format(&t->id, is);
	return kb_err(-ENOENT,
		"%s: deleted and created again: its id was %s, is %s", t->name,
		was, is);
}

/* The error of a topic as a whole, as -errno. */
static int
check_topic(const struct kb_metadata_topic *t, const struct kb_uuid *id)
{
	const char *name = kb_status_name(t->error);

	switch (kb_status_action(t->error)) {
	case KB_STATUS_OK:
		return check_id(t, id);
	case KB_STATUS_UNKNOWN:
		return kb_err(-ENOENT, "%s: no such topic", t->name);
	case KB_STATUS_FATAL:
	case KB_STATUS_RANGE:
		return kb_err(t->error == 29 ? -EACCES : -EIO,
			"%s: the cluster answers %s", t->name, name);
	default:
		return kb_err(
			-EAGAIN, "%s: the cluster answers %s", t->name, name);
	}
}

static int
find_leader(const struct kb_cluster *c, const struct kb_metadata_topic *t,
	int32_t partition, int32_t *out_node, int32_t *out_epoch)
{
	const struct kb_metadata_partition *p = NULL;

	for (size_t i = 0; i < t->partition_count && !p; i++) {
		if (t->partitions[i].partition == partition)
			p = &t->partitions[i];
	}
	if (!p)
		return kb_err(-ENOENT,
			"%s/%d: no such partition, the topic has %zu", t->name,
			partition, t->partition_count);
	if (p->leader < 0)
		return kb_err(-EAGAIN, "%s/%d: no leader now (%s)", t->name,
			partition, kb_status_name(p->error));
	if (!find_node(c, p->leader))
		return kb_err(-EAGAIN,
			"%s/%d: its leader, node %d, is not "
			"there now",
			t->name, partition, p->leader);
	*out_node = p->leader;
	*out_epoch = p->leader_epoch;
	return 0;
}

/* As kb_cluster_leader(), within an attempt. */
static int
leader(struct kb_cluster *c, const char *topic, const struct kb_uuid *id,
	int32_t partition, bool refresh, struct attempt *at, int32_t *out_node,
	int32_t *out_epoch)
{
	const struct kb_metadata_topic *t;
	int r = 0;

	t = kb_topics_find(c->topics, topic, INT64_MIN);
	if (!t || refresh || t->error)
		r = refresh_topic(c, topic, at, &t);
	if (r == 0)
		r = check_topic(t, id);
	if (r == 0)
		r = find_leader(c, t, partition, out_node, out_epoch);
	return r;
}

int
kb_cluster_leader(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, bool refresh,
	int32_t *out_node, int32_t *out_epoch)
{
	struct attempt at = attempt_start(c);

	return leader(
		c, topic, id, partition, refresh, &at, out_node, out_epoch);
}

/* ---- questions to leaders ---- */

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
ask_node(struct kb_cluster *c, struct node *n, struct question *q,
	int32_t leader_epoch, int64_t deadline, int16_t *out_error)
{
	struct kb_buf body = {0}, answer = {0};
	int version, r = 0;

	if (!n->conn)
		r = kb_cluster_connect(c, n->id, &n->conn);
	if (r == 0)
		r = kb_conn_version(
			n->conn, q->api, q->version, q->version, &version);
	if (r < 0)
		return r;
	r = q->put(q, &body, leader_epoch);
	if (r == 0)
		r = call(c, n->conn, q->api, version, false,
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
judge(const struct question *q, const struct node *n, int16_t error)
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
	struct attempt *at)
{
	int32_t node, epoch;
	int16_t error = 0;
	struct node *n;
	int r;

	r = leader(
		c, q->topic, q->id, q->partition, refresh, at, &node, &epoch);
	if (r < 0)
		return r;
	n = find_node(c, node);
	r = ask_node(c, n, q, epoch, at->deadline, &error);
	return r < 0 ? r : judge(q, n, error);
}

/* Asks the leader until the deadline; the answer is in q. */
static int
ask_leader(struct kb_cluster *c, struct question *q)
{
	struct attempt at = attempt_start(c);
	bool refresh = false;
	int r;

	for (;;) {
		r = ask_leader_once(c, q, refresh, &at);
		if (r == 0 && q->id && !kb_uuid_is_zero(q->id) &&
			!kb_topics_find(c->topics, q->topic,
				kb_clock_ms() - FRESH_MS)) {
			const struct kb_metadata_topic *t;

			r = refresh_topic(c, q->topic, &at, &t);
			return r < 0 ? r : check_topic(t, q->id);
		}
		if (r == -EAGAIN)
			r = pause_retry(c, &at, r);
		else if (is_network(r))
			r = pause_reconnect(c, &at, r);
		else
			return r;
		if (r < 0)
			return r;
		refresh = true;
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

/* ---- opening and closing ---- */

/* Reaches the first bootstrap server that answers; one round of all. */
static int
first_contact(struct kb_cluster *c)
{
	static const char *const none[1];
	struct kb_metadata_answer a = {0};
	struct attempt at = attempt_start(c);
	int r = reach_any(c);

	if (r < 0 && c->bootstrap.count > 1)
		r = kb_err(r,
			"none of %zu bootstrap servers could be "
			"reached; the last: %s",
			c->bootstrap.count, kb_err_text());
	if (r == 0)
		r = ask_metadata(c, none, 0, &at, &a);
	if (r < 0)
		return r;
	c->id = a.cluster_id;
	a.cluster_id = NULL;
	kb_metadata_answer_release(&a);
	return 0;
}

int
kb_cluster_open(const struct kb_conf *conf, struct kb_cancel *cancel,
	struct kb_cluster **out)
{
	struct kb_cluster *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return kb_err(-ENOMEM, "out of memory");
	c->conf = conf;
	c->cancel = cancel;
	r = kb_bootstrap_parse(
		kb_conf_get(conf, "bootstrap.servers"), &c->bootstrap);
	if (r == 0)
		r = kb_topics_new(&c->topics);
	if (r == 0)
		r = first_contact(c);
	if (r < 0) {
		kb_cluster_close(c);
		return r;
	}
	*out = c;
	return 0;
}

void
kb_cluster_close(struct kb_cluster *c)
{
	if (!c)
		return;
	kb_conn_close(c->any);
	nodes_free(c->nodes, c->node_count);
	kb_topics_free(c->topics);
	kb_bootstrap_release(&c->bootstrap);
	free(c->id);
	free(c);
}

const struct kb_conf *
kb_cluster_conf(const struct kb_cluster *c)
{
	return c->conf;
}

struct kb_cancel *
kb_cluster_cancel(const struct kb_cluster *c)
{
	return c->cancel;
}

const char *
kb_cluster_id(const struct kb_cluster *c)
{
	return c->id ? c->id : "";
}
