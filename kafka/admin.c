/*
 * librdkafka speaks the administration requests; its own threads and
 * connections are used for nothing else. It is an rd_kafka_t of the consumer
 * kind because that one never creates topics by asking about them, and its
 * log lines are ours at debug level: what failed comes back as an error.
 *
 * A request's result arrives on a queue, which is polled in slices so that a
 * fired cancel is seen. Whether a new topic has its leaders is asked over our
 * own connections (kafka/cluster.h): they create nothing either.
 */
#include "kafka/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/attempt.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/status.h"

#define SLICE_MS 100
#define CONTROLLER_MS 5000 /* to learn which broker that is */

struct kb_admin {
	const struct kb_conf *conf;
	struct kb_cancel *cancel; /* may be NULL */
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue; /* of the results */
};

static void
log_line(
	const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	kb_log_debug("librdkafka: %s: %s", facility, text);
}

int
kb_admin_new(const struct kb_conf *conf, struct kb_admin **out)
{
	struct kb_admin *a = calloc(1, sizeof(*a));
	rd_kafka_conf_t *copy;
	char reason[256] = "";

	if (!a)
		return kb_err(-ENOMEM, "out of memory");
	a->conf = conf;
	copy = kb_conf_dup(conf);
	rd_kafka_conf_set_log_cb(copy, log_line);
	a->rk = rd_kafka_new(RD_KAFKA_CONSUMER, copy, reason, sizeof(reason));
	if (!a->rk) {
		rd_kafka_conf_destroy(copy);
		free(a);
		return kb_err(-EINVAL, "librdkafka: %s", reason);
	}
	a->queue = rd_kafka_queue_new(a->rk);
	*out = a;
	return 0;
}

void
kb_admin_free(struct kb_admin *a)
{
	if (!a)
		return;
	rd_kafka_queue_destroy(a->queue);
	rd_kafka_destroy(a->rk);
	free(a);
}

void
kb_admin_set_cancel(struct kb_admin *a, struct kb_cancel *c)
{
	a->cancel = c;
}

/* ---- requests ---- */

/* Options of a request that ends by itself within request.timeout.ms. */
static rd_kafka_AdminOptions_t *
options_new(const struct kb_admin *a, rd_kafka_admin_op_t op)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(a->rk, op);
	int ms = (int)kb_conf_get_int(a->conf, "request.timeout.ms");
	char reason[256];

	rd_kafka_AdminOptions_set_request_timeout(
		o, ms, reason, sizeof(reason));
	return o;
}

/* Waits for the result of the request that was sent. */
static int
wait_result(struct kb_admin *a, const char *topic, int64_t deadline,
	rd_kafka_event_t **out)
{
	rd_kafka_event_t *e = NULL;

	while (!e) {
		if (kb_cancel_fired(a->cancel))
			return kb_err(-ECANCELED, "%s: interrupted", topic);
		if (kb_clock_ms() >= deadline)
			return kb_err(-ETIMEDOUT,
				"%s: no answer to the request in time", topic);
		e = rd_kafka_queue_poll(a->queue, SLICE_MS);
	}
	*out = e;
	return 0;
}

/* Words for an error of the cluster or, below 0, of librdkafka. */
static int
judge(const char *topic, const char *right, rd_kafka_resp_err_t error,
	const char *words)
{
	int16_t code = (int16_t)error;

	if (!words || !*words)
		words = rd_kafka_err2str(error);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	if (error < RD_KAFKA_RESP_ERR_UNKNOWN)
		return kb_err(-EAGAIN, "%s: %s", topic, words);
	if (code == 29 || code == 31)
		return kb_err(-EACCES, "%s: %s: grant this user %s", topic,
			kb_status_name(code), right);
	if (code == 36)
		return kb_err(-EEXIST, "%s: the topic is there already", topic);
	switch (kb_status_action(code)) {
	case KB_STATUS_UNKNOWN:
		return kb_err(-ENOENT, "%s: no such topic", topic);
	case KB_STATUS_RETRY:
	case KB_STATUS_REFRESH:
		return kb_err(-EAGAIN, "%s: %s: %s", topic,
			kb_status_name(code), words);
	default:
		return kb_err(-EINVAL, "%s: %s: %s", topic,
			kb_status_name(code), words);
	}
}

/* Pauses after -EAGAIN; any other result is passed on. 0: try again. */
static int
pause_retry(struct kb_attempt *at, int code)
{
	return code == -EAGAIN ? kb_attempt_retry(at, code) : code;
}

/* ---- settings ---- */

static int
by_name(const void *a, const void *b)
{
	const rd_kafka_ConfigEntry_t *const *p = a, *const *q = b;

	return strcmp(
		rd_kafka_ConfigEntry_name(*p), rd_kafka_ConfigEntry_name(*q));
}

/* Whose settings are asked for, and what is done with them. */
struct query {
	rd_kafka_ResourceType_t type;
	const char *name;
	const char *right; /* that it takes */
	int (*each)(void *ctx, const char *name, const char *value);
	void *ctx;
};

/* Of a topic, only what was set for it; of a broker, all. */
static bool
is_wanted(const struct query *q, const rd_kafka_ConfigEntry_t *e)
{
	return rd_kafka_ConfigEntry_value(e) &&
	       (q->type != RD_KAFKA_RESOURCE_TOPIC ||
		       rd_kafka_ConfigEntry_source(e) ==
			       RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG);
}

static int
walk_entries(const struct query *q, const rd_kafka_ConfigEntry_t **entries,
	size_t count)
{
	int r = 0;

	if (count > 0)
		qsort(entries, count, sizeof(const void *), by_name);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (is_wanted(q, entries[i]))
			r = q->each(q->ctx,
				rd_kafka_ConfigEntry_name(entries[i]),
				rd_kafka_ConfigEntry_value(entries[i]));
	}
	return r;
}

static int
walk_settings(const struct query *q, const rd_kafka_event_t *e)
{
	const rd_kafka_DescribeConfigs_result_t *result;
	const rd_kafka_ConfigResource_t **resources;
	const rd_kafka_ConfigEntry_t **entries;
	size_t count;
	int r;

	r = judge(q->name, q->right,
		rd_kafka_event_error((rd_kafka_event_t *)e),
		rd_kafka_event_error_string((rd_kafka_event_t *)e));
	if (r < 0)
		return r;
	result = rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)e);
	resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
	if (count != 1)
		return kb_err(-EBADMSG,
			"%s: DescribeConfigs: %zu resources in the answer",
			q->name, count);
	r = judge(q->name, q->right,
		rd_kafka_ConfigResource_error(resources[0]),
		rd_kafka_ConfigResource_error_string(resources[0]));
	if (r < 0)
		return r;
	entries = rd_kafka_ConfigResource_configs(resources[0], &count);
	return walk_entries(q, entries, count);
}

static int
ask_settings(struct kb_admin *a, const struct query *q)
{
	struct kb_attempt at;
	int r;

	kb_attempt_start(&at, a->conf, a->cancel);
	do {
		rd_kafka_ConfigResource_t *resource =
			rd_kafka_ConfigResource_new(q->type, q->name);
		rd_kafka_AdminOptions_t *o =
			options_new(a, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
		rd_kafka_event_t *e = NULL;

		rd_kafka_DescribeConfigs(a->rk, &resource, 1, o, a->queue);
		r = wait_result(a, q->name, at.deadline, &e);
		if (r == 0)
			r = walk_settings(q, e);
		if (e)
			rd_kafka_event_destroy(e);
		rd_kafka_AdminOptions_destroy(o);
		rd_kafka_ConfigResource_destroy(resource);
		if (r == 0)
			return 0;
		r = pause_retry(&at, r);
	} while (r == 0);
	return r;
}

int
kb_admin_topic_settings(struct kb_admin *a, const char *topic,
	int (*each)(void *ctx, const char *name, const char *value), void *ctx)
{
	struct query q = {
		.type = RD_KAFKA_RESOURCE_TOPIC,
		.name = topic,
		.right = "DescribeConfigs on the topic",
		.each = each,
		.ctx = ctx,
	};

	return ask_settings(a, &q);
}

/* Which topic of many an entry is of. */
struct one_of {
	int (*each)(
		void *ctx, size_t topic, const char *name, const char *value);
	void *ctx;
	size_t topic;
};

static int
pass_on(void *ctx, const char *name, const char *value)
{
	const struct one_of *o = ctx;

	return o->each(o->ctx, o->topic, name, value);
}

/* The answer's resources come in the order of the request. */
static int
walk_all(const rd_kafka_event_t *e, const char *const *topics, size_t count,
	struct one_of *to, bool *out_answered)
{
	struct query q = {
		.type = RD_KAFKA_RESOURCE_TOPIC, .each = pass_on, .ctx = to};
	const rd_kafka_ConfigResource_t **resources;
	const rd_kafka_ConfigEntry_t **entries;
	size_t n = 0;
	int r = 0;

	if (rd_kafka_event_error((rd_kafka_event_t *)e))
		return 0;
	resources = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)e),
		&n);
	for (size_t i = 0; r == 0 && i < n && i < count; i++) {
		size_t entry_count;

		if (rd_kafka_ConfigResource_error(resources[i]) ||
			strcmp(rd_kafka_ConfigResource_name(resources[i]),
				topics[i]) != 0)
			continue;
		entries = rd_kafka_ConfigResource_configs(
			resources[i], &entry_count);
		to->topic = i;
		r = walk_entries(&q, entries, entry_count);
		out_answered[i] = r == 0;
	}
	return r;
}

int
kb_admin_all_settings(struct kb_admin *a, const char *const *topics,
	size_t count,
	int (*each)(
		void *ctx, size_t topic, const char *name, const char *value),
	void *ctx, bool *out_answered)
{
	rd_kafka_ConfigResource_t **resources;
	struct one_of to = {.each = each, .ctx = ctx};
	struct kb_attempt at;
	rd_kafka_AdminOptions_t *o;
	rd_kafka_event_t *e = NULL;
	int r;

	memset(out_answered, 0, count * sizeof(*out_answered));
	kb_attempt_start(&at, a->conf, a->cancel);
	resources = calloc(count + 1, sizeof(void *));
	if (!resources)
		return kb_err(-ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		resources[i] = rd_kafka_ConfigResource_new(
			RD_KAFKA_RESOURCE_TOPIC, topics[i]);
	o = options_new(a, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_DescribeConfigs(a->rk, resources, count, o, a->queue);
	r = wait_result(a, topics[0], at.deadline, &e);
	if (r == 0)
		r = walk_all(e, topics, count, &to, out_answered);
	else if (r == -ETIMEDOUT)
		r = 0;
	if (e)
		rd_kafka_event_destroy(e);
	rd_kafka_AdminOptions_destroy(o);
	rd_kafka_ConfigResource_destroy_array(resources, count);
	free(resources);
	return r;
}

static int
take_replication(void *ctx, const char *name, const char *value)
{
	if (strcmp(name, "default.replication.factor") == 0)
		*(int32_t *)ctx = (int32_t)strtol(value, NULL, 10);
	return 0;
}

int
kb_admin_default_replication(struct kb_admin *a, int32_t *out)
{
	int32_t factor = 0;
	char broker[16];
	struct query q = {
		.type = RD_KAFKA_RESOURCE_BROKER,
		.name = broker,
		.right = "DescribeConfigs on the cluster",
		.each = take_replication,
		.ctx = &factor,
	};
	int r;

	snprintf(broker, sizeof(broker), "%" PRId32,
		rd_kafka_controllerid(a->rk, CONTROLLER_MS));
	if (broker[0] == '-')
		return kb_err(-ETIMEDOUT, "no controller is known");
	r = ask_settings(a, &q);
	if (r == 0 && factor < 1)
		r = kb_err(-EBADMSG, "broker %s: no default.replication.factor",
			broker);
	if (r == 0)
		*out = factor;
	return r;
}

/* ---- creation ---- */

static int
judge_created(const rd_kafka_event_t *e, const char *topic)
{
	static const char right[] = "Create on the topic or the cluster";
	const rd_kafka_CreateTopics_result_t *result;
	const rd_kafka_topic_result_t **topics;
	size_t count;
	int r;

	r = judge(topic, right, rd_kafka_event_error((rd_kafka_event_t *)e),
		rd_kafka_event_error_string((rd_kafka_event_t *)e));
	if (r < 0)
		return r;
	result = rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)e);
	topics = rd_kafka_CreateTopics_result_topics(result, &count);
	if (count != 1)
		return kb_err(-EBADMSG,
			"%s: CreateTopics: %zu topics in the answer", topic,
			count);
	return judge(topic, right, rd_kafka_topic_result_error(topics[0]),
		rd_kafka_topic_result_error_string(topics[0]));
}

static int
create_once(struct kb_admin *a, rd_kafka_NewTopic_t *new, const char *topic,
	int64_t deadline)
{
	rd_kafka_AdminOptions_t *o =
		options_new(a, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_event_t *e = NULL;
	int r;

	rd_kafka_CreateTopics(a->rk, &new, 1, o, a->queue);
	r = wait_result(a, topic, deadline, &e);
	if (r == 0)
		r = judge_created(e, topic);
	if (e)
		rd_kafka_event_destroy(e);
	rd_kafka_AdminOptions_destroy(o);
	return r;
}

static int
create(struct kb_admin *a, rd_kafka_NewTopic_t *new, const char *topic,
	struct kb_attempt *at)
{
	bool again = false;
	int r;

	for (;; again = true) {
		r = create_once(a, new, topic, at->deadline);
		/* The first try may have done it, its answer been lost. */
		if (r == -EEXIST && again)
			return 0;
		if (r == 0)
			return 0;
		r = pause_retry(at, r);
		if (r < 0)
			return r;
	}
}

static bool
has_leaders(const struct kb_metadata *m, const char *topic, int32_t partitions)
{
	const struct kb_metadata_topic *t = kb_metadata_find(m, topic);

	if (!t || t->error || t->partition_count < (size_t)partitions)
		return false;
	for (size_t i = 0; i < t->partition_count; i++) {
		if (t->partitions[i].leader < 0)
			return false;
	}
	return true;
}

static int
wait_leaders(struct kb_admin *a, const char *topic, int32_t partitions,
	struct kb_attempt *at)
{
	struct kb_cluster *cluster;
	bool ready = false;
	int r = kb_cluster_open(a->conf, a->cancel, &cluster);

	if (r < 0)
		return r;
	while (r == 0 && !ready) {
		struct kb_metadata *m;

		r = kb_cluster_metadata(cluster, &topic, 1, &m);
		if (r < 0)
			break;
		ready = has_leaders(m, topic, partitions);
		kb_metadata_free(m);
		if (!ready) {
			kb_err(-EAGAIN,
				"%s: created, but its partitions have "
				"no leaders yet",
				topic);
			r = pause_retry(at, -EAGAIN);
		}
	}
	kb_cluster_close(cluster);
	return r;
}

int
kb_admin_create_topic(struct kb_admin *a, const char *topic, int32_t partitions,
	int32_t replication, const struct kb_admin_setting *settings,
	size_t count)
{
	struct kb_attempt at;
	char reason[256] = "";
	rd_kafka_NewTopic_t *new;
	int r = 0;

	if (partitions < 1)
		return kb_err(-EINVAL, "%s: a topic of %d partitions", topic,
			partitions);
	kb_attempt_start(&at, a->conf, a->cancel);
	new = rd_kafka_NewTopic_new(
		topic, partitions, replication, reason, sizeof(reason));
	if (!new)
		return kb_err(-EINVAL, "%s: %s", topic, reason);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (rd_kafka_NewTopic_set_config(new, settings[i].name,
			    settings[i].value) != RD_KAFKA_RESP_ERR_NO_ERROR)
			r = kb_err(-EINVAL, "%s: %s: not a setting", topic,
				settings[i].name);
	}
	if (r == 0)
		r = create(a, new, topic, &at);
	rd_kafka_NewTopic_destroy(new);
	return r < 0 ? r : wait_leaders(a, topic, partitions, &at);
}
