/*
 * The oracle: what a read-committed consumer sees, one canonical line a
 * record, to be compared with what our programs say:
 *
 *	offset|timestamp|create or logappend or none|key|value|name=value,...
 *
 * Bytes are hex, `-` is null; what is longer than 1 KiB is its SHA-256 and
 * length. A header name keeps letters, digits and `._-`, the rest is %XX.
 */
#include "tests/tools/kfeed.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static rd_kafka_t *
consumer_open(const struct kfeed_options *o)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	kfeed_conf_set(conf, "group.id", "kfeed");
	kfeed_conf_set(conf, "enable.auto.commit", "false");
	kfeed_conf_set(conf, "enable.partition.eof", "true");
	kfeed_conf_set(conf, "auto.offset.reset", "error");
	kfeed_conf_set(conf, "check.crcs", "true");
	kfeed_conf_set(conf, "receive.message.max.bytes", "500000000");
	return kfeed_handle(o, RD_KAFKA_CONSUMER, conf);
}

static void
print_hex(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
}

static void
print_bytes(const void *data, size_t len)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	if (!data) {
		putchar('-');
	} else if (len <= 1024) {
		print_hex(data, len);
	} else {
		SHA256(data, len, digest);
		print_hex(digest, sizeof(digest));
		printf(":%zu", len);
	}
}

static void
print_headers(const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t len;

	if (rd_kafka_message_headers(m, &headers))
		return;
	for (size_t i = 0;
		!rd_kafka_header_get_all(headers, i, &name, &value, &len);
		i++) {
		if (i)
			putchar(',');
		for (; *name; name++)
			printf(isalnum((unsigned char)*name) ||
						strchr("._-", *name)
					? "%c"
					: "%%%02X",
				(unsigned char)*name);
		putchar('=');
		print_bytes(value, len);
	}
}

static const char *
timestamp_kind(int64_t ts, rd_kafka_timestamp_type_t type)
{
	if (ts == -1)
		return "none";
	return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? "logappend"
							  : "create";
}

static void
print_record(const struct kfeed_options *o, const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t ts = rd_kafka_message_timestamp(m, &type);

	if (!o->no_offset)
		printf("%" PRId64 "|", m->offset);
	printf("%" PRId64 "|%s|", ts, timestamp_kind(ts, type));
	print_bytes(m->key, m->key_len);
	putchar('|');
	print_bytes(m->payload, m->len);
	putchar('|');
	print_headers(m);
	putchar('\n');
}

/* From the first offset to the end, as it is then. */
static void
dump_partition(rd_kafka_t *rk, const struct kfeed_options *o, int32_t partition)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_message_t *m;
	bool end = false;

	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, o->topic, partition)->offset =
		o->first ? o->first : RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, list);
	while (!end) {
		m = rd_kafka_consumer_poll(rk, KFEED_DEADLINE_MS);
		if (!m)
			kfeed_die("%s [%d]: nothing arrives", o->topic,
				(int)partition);
		end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (m->err && !end)
			kfeed_die("%s [%d]: %s", o->topic, (int)partition,
				rd_kafka_message_errstr(m));
		if (!m->err && o->partition < 0)
			printf("%d:", (int)partition);
		if (!m->err)
			print_record(o, m);
		rd_kafka_message_destroy(m);
	}
	rd_kafka_assign(rk, NULL);
	rd_kafka_topic_partition_list_destroy(list);
}

int
kfeed_dump(const struct kfeed_options *o)
{
	rd_kafka_t *rk = consumer_open(o);
	int32_t n = kfeed_partitions(rk, o->topic);

	if (n <= o->partition || !n)
		kfeed_die("%s: no such topic or partition", o->topic);
	rd_kafka_poll_set_consumer(rk);
	for (int32_t p = 0; p < n; p++) {
		if (o->partition < 0 || o->partition == p)
			dump_partition(rk, o, p);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return 0;
}

int
kfeed_offsets(const struct kfeed_options *o)
{
	rd_kafka_t *rk = consumer_open(o);
	int32_t n = kfeed_partitions(rk, o->topic);
	rd_kafka_resp_err_t err;
	int64_t first, end;

	if (!n)
		kfeed_die("%s: no such topic", o->topic);
	for (int32_t p = 0; p < n; p++) {
		if (o->partition >= 0 && o->partition != p)
			continue;
		err = rd_kafka_query_watermark_offsets(
			rk, o->topic, p, &first, &end, KFEED_DEADLINE_MS);
		if (err)
			kfeed_die("offsets: %s", rd_kafka_err2str(err));
		printf("%d %" PRId64 " %" PRId64 "\n", (int)p, first, end);
	}
	rd_kafka_destroy(rk);
	return 0;
}
