/*
 * Topics: made, changed and removed with librdkafka's admin calls. Each verb
 * returns when the change is seen, so that no test has to wait for it. The
 * handle is a consumer's: a producer's may create topics by asking for them.
 */
#include "tests/tools/kfeed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Future timestamps are refused by default (KIP-937). */
static const char no_limit[] =
	"message.timestamp.after.max.ms=9223372036854775807";

struct admin {
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
};

static struct admin
admin_open(const struct kfeed_options *o)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	struct admin a;

	kfeed_conf_set(conf, "group.id", "kfeed");
	a.rk = kfeed_handle(o, RD_KAFKA_CONSUMER, conf);
	a.queue = rd_kafka_queue_new(a.rk);
	return a;
}

static void
admin_close(struct admin *a)
{
	rd_kafka_queue_destroy(a->queue);
	rd_kafka_destroy(a->rk);
}

/* The answer, or dies. The caller destroys it. */
static rd_kafka_event_t *
await_answer(struct admin *a, const char *what)
{
	rd_kafka_event_t *event;

	event = rd_kafka_queue_poll(a->queue, KFEED_DEADLINE_MS);
	if (!event)
		kfeed_die("%s: no answer", what);
	if (rd_kafka_event_error(event))
		kfeed_die("%s: %s", what, rd_kafka_event_error_string(event));
	return event;
}

static void
check_topics(const rd_kafka_topic_result_t *const *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rd_kafka_topic_result_error(results[i]))
			kfeed_die("%s: %s",
				rd_kafka_topic_result_name(results[i]),
				rd_kafka_topic_result_error_string(results[i]));
	}
}

static void
await_partitions(struct admin *a, const char *topic, int32_t want)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < KFEED_DEADLINE_MS / 20; i++) {
		if (kfeed_partitions(a->rk, topic) == want)
			return;
		nanosleep(&pause, NULL);
	}
	kfeed_die("%s: not %d partitions in time", topic, (int)want);
}

/* Splits NAME=VALUE; name has KFEED_ERRSTR bytes. Returns the value. */
static const char *
split_config(const char *config, char *name)
{
	const char *equals = strchr(config, '=');

	if (!equals || equals - config >= KFEED_ERRSTR)
		kfeed_die("%s: not NAME=VALUE", config);
	memcpy(name, config, (size_t)(equals - config));
	name[equals - config] = '\0';
	return equals + 1;
}

static bool
names_config(const struct kfeed_options *o, const char *config)
{
	size_t len = (size_t)(strchr(config, '=') - config) + 1;

	for (size_t i = 0; i < o->n_configs; i++) {
		if (!strncmp(o->configs[i], config, len))
			return true;
	}
	return false;
}

static void
add_config(rd_kafka_NewTopic_t *topic, const char *config)
{
	char name[KFEED_ERRSTR];
	const char *value = split_config(config, name);

	rd_kafka_NewTopic_set_config(topic, name, value);
}

int
kfeed_create(const struct kfeed_options *o)
{
	struct admin a = admin_open(o);
	const rd_kafka_topic_result_t **results;
	rd_kafka_NewTopic_t *topic;
	rd_kafka_event_t *event;
	char why[KFEED_ERRSTR];
	size_t n;

	topic = rd_kafka_NewTopic_new(
		o->topic, o->partitions, 1, why, sizeof(why));
	if (!topic)
		kfeed_die("%s", why);
	if (!names_config(o, no_limit))
		add_config(topic, no_limit);
	for (size_t i = 0; i < o->n_configs; i++)
		add_config(topic, o->configs[i]);
	rd_kafka_CreateTopics(a.rk, &topic, 1, NULL, a.queue);
	event = await_answer(&a, "create");
	results = rd_kafka_CreateTopics_result_topics(
		rd_kafka_event_CreateTopics_result(event), &n);
	check_topics(results, n);
	rd_kafka_event_destroy(event);
	rd_kafka_NewTopic_destroy(topic);
	await_partitions(&a, o->topic, o->partitions);
	admin_close(&a);
	return 0;
}

int
kfeed_delete(const struct kfeed_options *o)
{
	struct admin a = admin_open(o);
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(o->topic);
	const rd_kafka_topic_result_t **results;
	rd_kafka_event_t *event;
	size_t n;

	rd_kafka_DeleteTopics(a.rk, &topic, 1, NULL, a.queue);
	event = await_answer(&a, "delete");
	results = rd_kafka_DeleteTopics_result_topics(
		rd_kafka_event_DeleteTopics_result(event), &n);
	check_topics(results, n);
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteTopic_destroy(topic);
	await_partitions(&a, o->topic, 0);
	admin_close(&a);
	return 0;
}

int
kfeed_delete_records(const struct kfeed_options *o)
{
	struct admin a = admin_open(o);
	rd_kafka_topic_partition_list_t *list;
	const rd_kafka_topic_partition_list_t *done;
	rd_kafka_DeleteRecords_t *request;
	rd_kafka_event_t *event;

	if (o->partition < 0)
		kfeed_die("delete-records needs -p");
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, o->topic, o->partition)
		->offset = o->before;
	request = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(a.rk, &request, 1, NULL, a.queue);
	event = await_answer(&a, "delete-records");
	done = rd_kafka_DeleteRecords_result_offsets(
		rd_kafka_event_DeleteRecords_result(event));
	if (done->elems[0].err)
		kfeed_die("delete-records: %s",
			rd_kafka_err2str(done->elems[0].err));
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteRecords_destroy(request);
	rd_kafka_topic_partition_list_destroy(list);
	admin_close(&a);
	return 0;
}

int
kfeed_grow(const struct kfeed_options *o)
{
	struct admin a = admin_open(o);
	const rd_kafka_topic_result_t **results;
	rd_kafka_NewPartitions_t *request;
	rd_kafka_event_t *event;
	char why[KFEED_ERRSTR];
	size_t n;

	request = rd_kafka_NewPartitions_new(
		o->topic, (size_t)o->partitions, why, sizeof(why));
	if (!request)
		kfeed_die("%s", why);
	rd_kafka_CreatePartitions(a.rk, &request, 1, NULL, a.queue);
	event = await_answer(&a, "grow");
	results = rd_kafka_CreatePartitions_result_topics(
		rd_kafka_event_CreatePartitions_result(event), &n);
	check_topics(results, n);
	rd_kafka_event_destroy(event);
	rd_kafka_NewPartitions_destroy(request);
	await_partitions(&a, o->topic, o->partitions);
	admin_close(&a);
	return 0;
}

static void
alter_config(rd_kafka_ConfigResource_t *resource, const char *config)
{
	char name[KFEED_ERRSTR];
	const char *value = split_config(config, name);

	rd_kafka_ConfigResource_set_config(resource, name, value);
}

int
kfeed_alter(const struct kfeed_options *o)
{
	struct admin a = admin_open(o);
	const rd_kafka_ConfigResource_t **results;
	rd_kafka_ConfigResource_t *resource;
	rd_kafka_event_t *event;
	size_t n;

	resource =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, o->topic);
	if (!names_config(o, no_limit))
		alter_config(resource, no_limit);
	for (size_t i = 0; i < o->n_configs; i++)
		alter_config(resource, o->configs[i]);
	rd_kafka_AlterConfigs(a.rk, &resource, 1, NULL, a.queue);
	event = await_answer(&a, "alter");
	results = rd_kafka_AlterConfigs_result_resources(
		rd_kafka_event_AlterConfigs_result(event), &n);
	for (size_t i = 0; i < n; i++) {
		if (rd_kafka_ConfigResource_error(results[i]))
			kfeed_die("%s: %s", o->topic,
				rd_kafka_ConfigResource_error_string(
					results[i]));
	}
	rd_kafka_event_destroy(event);
	rd_kafka_ConfigResource_destroy(resource);
	admin_close(&a);
	return 0;
}
