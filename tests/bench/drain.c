/*
 * A consumer that throws records away: what librdkafka can do at best.
 *
 *	drain BROKERS TOPIC [PROP=VALUE]...
 *
 * reads every partition from its beginning to its end and prints the records
 * and the bytes of their keys and values.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 60000

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("drain: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[512];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) !=
		RD_KAFKA_CONF_OK)
		die("%s", why);
}

/* PROP=VALUE, which is cut in two. */
static void
set_property(rd_kafka_conf_t *conf, char *property)
{
	char *equals = strchr(property, '=');

	if (!equals)
		die("%s: not PROP=VALUE", property);
	*equals = '\0';
	set(conf, property, equals + 1);
}

static rd_kafka_t *
consumer_open(const char *brokers, char **properties)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[512];
	rd_kafka_t *rk;

	set(conf, "bootstrap.servers", brokers);
	set(conf, "broker.address.family", "v4");
	set(conf, "group.id", "drain");
	set(conf, "enable.auto.commit", "false");
	set(conf, "enable.partition.eof", "true");
	set(conf, "auto.offset.reset", "error");
	for (; *properties; properties++)
		set_property(conf, *properties);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!rk)
		die("%s", why);
	rd_kafka_poll_set_consumer(rk);
	return rk;
}

/* Starts all partitions; returns how many. */
static int
assign_all(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *all;
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t err;
	int n = 0;

	err = rd_kafka_metadata(rk, 1, NULL, &all, DEADLINE_MS);
	if (err)
		die("metadata: %s", rd_kafka_err2str(err));
	for (int i = 0; i < all->topic_cnt; i++) {
		if (!strcmp(all->topics[i].topic, topic))
			n = all->topics[i].partition_cnt;
	}
	rd_kafka_metadata_destroy(all);
	if (!n)
		die("%s: no such topic", topic);
	list = rd_kafka_topic_partition_list_new(n);
	for (int32_t p = 0; p < n; p++)
		rd_kafka_topic_partition_list_add(list, topic, p)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	err = rd_kafka_assign(rk, list);
	if (err)
		die("assign: %s", rd_kafka_err2str(err));
	rd_kafka_topic_partition_list_destroy(list);
	return n;
}

struct drain {
	uint64_t records, bytes;
	int open; /* partitions that have more */
};

static void
take(rd_kafka_message_t *m, void *opaque)
{
	struct drain *d = opaque;

	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		d->open--;
	} else if (m->err) {
		die("%s", rd_kafka_message_errstr(m));
	} else {
		d->records++;
		d->bytes += m->key_len + m->len;
	}
}

int
main(int argc, char **argv)
{
	struct drain d = {0};
	rd_kafka_queue_t *queue;
	rd_kafka_t *rk;

	if (argc < 3)
		die("usage: drain BROKERS TOPIC [PROP=VALUE]...");
	rk = consumer_open(argv[1], argv + 3);
	queue = rd_kafka_queue_get_consumer(rk);
	d.open = assign_all(rk, argv[2]);
	while (d.open > 0) {
		if (rd_kafka_consume_callback_queue(
			    queue, DEADLINE_MS, take, &d) <= 0)
			die("%s: nothing more comes", argv[2]);
	}
	printf("%" PRIu64 " %" PRIu64 "\n", d.records, d.bytes);
	rd_kafka_queue_destroy(queue);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return 0;
}
