/*
 * Questions that only the leader of a partition answers. Asked alone, each is
 * asked until the deadline: errors that pass, leaders that move and connections
 * that break lead to fresh metadata and another try. Asked together, those of
 * a leader go in one request, once; what comes back without a good answer is
 * left to the caller to ask alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/cluster_impl.h"
#include "kafka/offsets.h"
#include "kafka/status.h"
#include "kafka/topic_cache.h"

/* Questions in one request. */
#define TOGETHER 1000

/* What is asked of partitions. */
struct request {
	enum kb_api api;
	int version;
	const char *name;
	enum kb_isolation isolation; /* ListOffsets */
};

static struct request
list_offsets(enum kb_isolation isolation)
{
	return (struct request){
		.api = KB_API_LIST_OFFSETS,
		.version = KB_LIST_OFFSETS_VERSION,
		.name = "ListOffsets",
		.isolation = isolation,
	};
}

static struct request
epoch_end(void)
{
	return (struct request){
		.api = KB_API_EPOCH_END,
		.version = KB_EPOCH_END_VERSION,
		.name = "OffsetForLeaderEpoch",
	};
}

static int
put(const struct request *rq, struct kb_buf *out,
	struct kb_question *const *questions, size_t count)
{
	return rq->api == KB_API_EPOCH_END
		       ? kb_epoch_end_request_put(out, questions, count)
		       : kb_list_offsets_request_put(
				 out, questions, count, rq->isolation);
}

static int
read_answer(const struct request *rq, struct kb_slice answer,
	struct kb_question *const *questions, size_t count)
{
	return rq->api == KB_API_EPOCH_END
		       ? kb_epoch_end_answer_read(answer, questions, count)
		       : kb_list_offsets_answer_read(answer, questions, count);
}

/* Asks a node once. */
static int
ask_node(struct kb_cluster *c, struct kb_broker *n, const struct request *rq,
	struct kb_question *const *questions, size_t count, int64_t deadline)
{
	struct kb_buf body = {0}, answer = {0};
	int version, r = 0;

	if (!n->conn)
		r = kb_brokers_connect(&c->brokers, n->id, &n->conn);
	if (r == 0)
		r = kb_conn_version(
			n->conn, rq->api, rq->version, rq->version, &version);
	if (r < 0)
		return r;
	r = put(rq, &body, questions, count);
	if (r == 0)
		r = kb_cluster_call(c, n->conn, rq->api, version, false,
			kb_buf_slice(&body), deadline, &answer);
	if (r == 0)
		r = read_answer(rq, kb_buf_slice(&answer), questions, count);
	if (r < 0) {
		kb_conn_close(n->conn);
		n->conn = NULL;
	}
	kb_buf_release(&body);
	kb_buf_release(&answer);
	return r;
}

/* ---- alone ---- */

/* What the leader's error means for the caller: 0, -EAGAIN: ask again. */
static int
judge(const struct request *rq, const struct kb_question *q,
	const struct kb_broker *n)
{
	enum kb_status_action a = kb_status_action(q->error);
	int code = -EAGAIN;

	if (a == KB_STATUS_OK)
		return 0;
	if (q->error == 29)
		code = -EACCES;
	else if (a == KB_STATUS_FATAL || a == KB_STATUS_RANGE)
		code = -EIO;
	return kb_err(code, "%s/%d: %s: node %d (%s:%d) answers %s", q->topic,
		q->partition, rq->name, n->id, n->host, n->port,
		kb_status_name(q->error));
}

/* Finds the leader and asks it, once. -EAGAIN and network errors: again. */
static int
ask_leader_once(struct kb_cluster *c, const struct request *rq,
	struct kb_question *q, bool refresh, struct kb_attempt *at)
{
	struct kb_broker *n;
	int r;

	r = kb_cluster_find_leader(c, q->topic, q->id, q->partition, refresh,
		at, &q->node, &q->leader_epoch);
	if (r < 0)
		return r;
	n = kb_brokers_find(&c->brokers, q->node);
	r = ask_node(c, n, rq, &q, 1, at->deadline);
	return r < 0 ? r : judge(rq, q, n);
}

void
kb_cluster_hurry(struct kb_cluster *c, int ms)
{
	c->patience_ms = ms;
}

static void
start(const struct kb_cluster *c, struct kb_attempt *at)
{
	int64_t end = kb_clock_ms() + c->patience_ms;

	kb_attempt_start(at, c->conf, c->cancel);
	if (c->patience_ms && end < at->deadline)
		at->deadline = end;
}

/* Asks the leader until the deadline; the answer is in q. */
static int
ask_leader(
	struct kb_cluster *c, const struct request *rq, struct kb_question *q)
{
	struct kb_attempt at;
	bool refresh = false;
	int r;

	start(c, &at);
	for (;; refresh = true) {
		r = ask_leader_once(c, rq, q, refresh, &at);
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

int
kb_cluster_offset(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, int64_t time,
	enum kb_isolation isolation, int64_t *out_offset)
{
	struct request rq = list_offsets(isolation);
	struct kb_question q = {
		.topic = topic,
		.id = id,
		.partition = partition,
		.time = time,
	};
	int r = ask_leader(c, &rq, &q);

	if (r == 0)
		*out_offset = q.offset;
	return r;
}

int
kb_cluster_epoch_end(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, int32_t epoch,
	int32_t *out_epoch, int64_t *out_end)
{
	struct request rq = epoch_end();
	struct kb_question q = {
		.topic = topic,
		.id = id,
		.partition = partition,
		.epoch = epoch,
	};
	int r = ask_leader(c, &rq, &q);

	if (r < 0 && r != -EPROTONOSUPPORT)
		return r;
	*out_epoch = r == 0 ? q.ends : -1;
	*out_end = r == 0 ? q.offset : -1;
	return 0;
}

/* ---- together ---- */

static bool
is_final(int error)
{
	return error == -ECANCELED || error == -ENOMEM;
}

static int
by_node(const void *a, const void *b)
{
	const struct kb_question *p = *(struct kb_question *const *)a;
	const struct kb_question *q = *(struct kb_question *const *)b;

	if (p->node != q->node)
		return p->node < q->node ? -1 : 1;
	return kb_question_compare(p, q);
}

/* Those with a leader, sorted by it, to out. */
static int
find_leaders(struct kb_cluster *c, struct kb_question *questions, size_t count,
	struct kb_attempt *at, struct kb_question **out, size_t *out_count)
{
	int r;

	*out_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct kb_question *q = &questions[i];

		q->answered = false;
		r = kb_cluster_find_leader(c, q->topic, q->id, q->partition,
			false, at, &q->node, &q->leader_epoch);
		if (is_final(r))
			return r;
		if (r == 0)
			out[(*out_count)++] = q;
	}
	qsort(out, *out_count, sizeof(*out), by_node);
	return 0;
}

/* A row of questions to one node. */
static int
ask_row(struct kb_cluster *c, const struct request *rq,
	struct kb_question *const *row, size_t count, int64_t deadline)
{
	struct kb_broker *n = kb_brokers_find(&c->brokers, row[0]->node);
	int r = n ? ask_node(c, n, rq, row, count, deadline) : -EHOSTUNREACH;

	for (size_t i = 0; i < count; i++)
		if (r < 0 || kb_status_action(row[i]->error) != KB_STATUS_OK)
			row[i]->answered = false;
	if (r < 0 && !is_final(r))
		kb_log_debug("%s; asking one by one", kb_err_text());
	return is_final(r) ? r : 0;
}

/* Names of topics that were answered for and not seen lately, each once. */
static size_t
list_doubtful(const struct kb_cluster *c, const struct kb_question *questions,
	size_t count, int64_t since, const char **out)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct kb_question *q = &questions[i];

		if (!q->answered || !q->id || kb_uuid_is_zero(q->id) ||
			(n && strcmp(out[n - 1], q->topic) == 0))
			continue;
		if (!kb_topic_cache_find(c->topics, q->topic, since))
			out[n++] = q->topic;
	}
	return n;
}

/* Sees them again, all at once. */
static int
see_topics(struct kb_cluster *c, const struct kb_question *questions,
	size_t count, int64_t since)
{
	const char **names = calloc(count + 1, sizeof(*names));
	struct kb_metadata *m = NULL;
	size_t n;
	int r = 0;

	if (!names)
		return kb_err(-ENOMEM, "out of memory");
	n = list_doubtful(c, questions, count, since, names);
	if (n)
		r = kb_cluster_metadata(c, names, n, &m);
	kb_metadata_free(m);
	free(names);
	return is_final(r) ? r : 0;
}

/* Takes back answers about topics that may be others by now. */
static int
confirm(struct kb_cluster *c, struct kb_question *questions, size_t count,
	struct kb_attempt *at)
{
	int64_t since = kb_clock_ms() - KB_TOPIC_FRESH_MS;
	int r = see_topics(c, questions, count, since);

	for (size_t i = 0; i < count && !is_final(r); i++) {
		struct kb_question *q = &questions[i];

		r = 0;
		if (!q->answered || !q->id || kb_uuid_is_zero(q->id))
			continue;
		q->answered = kb_topic_cache_find(c->topics, q->topic, since);
		if (q->answered)
			r = kb_cluster_confirm(c, q->topic, q->id, at);
		if (r < 0)
			q->answered = false;
	}
	return is_final(r) ? r : 0;
}

static int
ask_together(struct kb_cluster *c, const struct request *rq,
	struct kb_question *questions, size_t count)
{
	struct kb_question **sorted = calloc(count + 1, sizeof(*sorted));
	struct kb_attempt at;
	size_t total, n;
	int r;

	if (!sorted)
		return kb_err(-ENOMEM, "out of memory");
	kb_attempt_start(&at, c->conf, c->cancel);
	r = find_leaders(c, questions, count, &at, sorted, &total);
	for (size_t i = 0; r == 0 && i < total; i += n) {
		n = 1;
		while (i + n < total && n < TOGETHER &&
			sorted[i + n]->node == sorted[i]->node)
			n++;
		r = ask_row(c, rq, sorted + i, n, at.deadline);
	}
	free(sorted);
	return r < 0 ? r : confirm(c, questions, count, &at);
}

int
kb_cluster_offsets(struct kb_cluster *c, struct kb_question *questions,
	size_t count, enum kb_isolation isolation)
{
	struct request rq = list_offsets(isolation);

	return ask_together(c, &rq, questions, count);
}

int
kb_cluster_epoch_ends(
	struct kb_cluster *c, struct kb_question *questions, size_t count)
{
	struct request rq = epoch_end();

	return ask_together(c, &rq, questions, count);
}
