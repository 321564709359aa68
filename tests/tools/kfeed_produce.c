/*
 * Records: made up from a seed, of a built-in odd set, from JSON lines, or in
 * transactions. A record's content is a function of the seed and its number
 * alone. librdkafka takes timestamp 0 for "now": kraw.py writes what it
 * cannot.
 */
#include "tests/tools/kfeed.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first delivery that failed; set in poll, which one thread calls. */
static rd_kafka_resp_err_t delivery_error;

static void
note_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (m->err && !delivery_error)
		delivery_error = m->err;
}

/* PROP=VALUE */
static void
set_property(rd_kafka_conf_t *conf, const char *property)
{
	const char *equals = strchr(property, '=');
	char *name;

	if (!equals)
		kfeed_die("%s: not PROP=VALUE", property);
	name = strndup(property, (size_t)(equals - property));
	if (!name)
		kfeed_die("out of memory");
	kfeed_conf_set(conf, name, equals + 1);
	free(name);
}

static rd_kafka_t *
producer_open(const struct kfeed_options *o)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	kfeed_conf_set(conf, "acks", "all");
	kfeed_conf_set(conf, "enable.idempotence", "true");
	kfeed_conf_set(conf, "compression.codec", o->codec);
	kfeed_conf_set(conf, "linger.ms", o->linger);
	kfeed_conf_set(conf, "batch.size", o->batch);
	kfeed_conf_set(conf, "batch.num.messages", o->batch_records);
	kfeed_conf_set(conf, "message.max.bytes", "100000000");
	kfeed_conf_set(conf, "queue.buffering.max.kbytes", "262144");
	if (o->txid) {
		kfeed_conf_set(conf, "transactional.id", o->txid);
		kfeed_conf_set(conf, "transaction.timeout.ms",
			o->timeout ? o->timeout : "900000");
	}
	for (size_t i = 0; i < o->n_properties; i++)
		set_property(conf, o->properties[i]);
	rd_kafka_conf_set_dr_msg_cb(conf, note_delivery);
	return kfeed_handle(o, RD_KAFKA_PRODUCER, conf);
}

static void
producer_flush(rd_kafka_t *rk)
{
	rd_kafka_resp_err_t err = rd_kafka_flush(rk, 4 * KFEED_DEADLINE_MS);

	if (err || delivery_error)
		kfeed_die("produce: %s",
			rd_kafka_err2str(err ? err : delivery_error));
}

struct record {
	int32_t partition;
	bool has_ts;
	int64_t ts;
	const void *key; /* NULL: null */
	size_t key_len;
	const void *value; /* NULL: null */
	size_t value_len;
	rd_kafka_headers_t *headers; /* taken; NULL: none */
};

/* Waits for room in the queue. */
static void
produce_one(rd_kafka_t *rk, const char *topic, const struct record *r)
{
	for (;;) {
		rd_kafka_resp_err_t err;

		err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic),
			RD_KAFKA_V_PARTITION(r->partition),
			RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_KEY(r->key, r->key_len),
			RD_KAFKA_V_VALUE((void *)r->value, r->value_len),
			RD_KAFKA_V_TIMESTAMP(r->has_ts ? r->ts : 0),
			RD_KAFKA_V_HEADERS(r->headers), RD_KAFKA_V_END);
		if (!err)
			break;
		if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			kfeed_die("produce: %s", rd_kafka_err2str(err));
		rd_kafka_poll(rk, 100);
	}
	rd_kafka_poll(rk, 0);
}

static int32_t
partition_count(rd_kafka_t *rk, const struct kfeed_options *o)
{
	int32_t n = kfeed_partitions(rk, o->topic);

	if (!n)
		kfeed_die("%s: no such topic", o->topic);
	return n;
}

/* ---- made-up records ---- */

/* A key for most, now and then none; a header or two for some. */
static void
produce_made(rd_kafka_t *rk, const struct kfeed_options *o,
	struct kfeed_values *values, const char *prefix, int32_t partition,
	int64_t i)
{
	struct record r = {.partition = partition};
	char key[64];

	r.has_ts = o->has_ts;
	r.ts = o->ts_start + i * o->ts_step;
	if (i % 7 != 6) {
		r.key = key;
		r.key_len = (size_t)snprintf(
			key, sizeof(key), "%s%" PRId64, prefix, i);
	}
	r.value = kfeed_values_get(values, i, &r.value_len);
	if (i % 5 == 4) {
		r.headers = rd_kafka_headers_new(2);
		rd_kafka_header_add(
			r.headers, "trace", -1, key, (ssize_t)r.key_len);
		rd_kafka_header_add(r.headers, "empty", -1, "", 0);
	}
	produce_one(rk, o->topic, &r);
}

int
kfeed_produce(const struct kfeed_options *o)
{
	rd_kafka_t *rk = producer_open(o);
	int32_t n = partition_count(rk, o);
	struct kfeed_values *values = kfeed_values_new(o);

	for (int64_t i = 0; i < o->count; i++)
		produce_made(rk, o, values, "k",
			o->partition < 0 ? (int32_t)(i % n) : o->partition, i);
	producer_flush(rk);
	kfeed_values_free(values);
	rd_kafka_destroy(rk);
	return 0;
}

/* ---- odd records ---- */

#define BYTES(s) (s), sizeof(s) - 1
#define NOTHING NULL, 0

static const struct odd {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	int64_t ts; /* 0: now */
} odd_records[] = {
	{NOTHING, NOTHING, 0},
	{BYTES(""), BYTES(""), 1},
	{NOTHING, BYTES(""), 1000},
	{BYTES(""), NOTHING, 1700000000123},
	{BYTES("tombstone"), NOTHING, 1600000000000},
	{NOTHING, BYTES("no key"), 4102444800000},
	{BYTES("k"), BYTES("quote \" backslash \\ slash / end"), 1},
	{BYTES("k"), BYTES("line\nline\r\nline\n"), 2},
	{BYTES("k"), BYTES("\n"), 2},
	{BYTES("k"), BYTES("tab\t bell\a bs\b ff\f esc\033 nul\0 del\177."), 3},
	{BYTES("\xff\xff\xff\xff"), BYTES("\xff\xfe\xfd"), 1700000000000},
	{BYTES("bin"),
		BYTES("\0\1\2\3\4\5\6\7\x80\x90\xa0\xb0\xc0\xd0\xe0\xf0"),
		1700000000001},
	{BYTES("overlong"), BYTES("\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf"), 0},
	{BYTES("surrogate"), BYTES("\xed\xa0\x80 \xed\xbf\xbf"), 0},
	{BYTES("above U+10FFFF"), BYTES("\xf4\x90\x80\x80"), 0},
	{BYTES("torn"), BYTES("torn \xe6\x9d"), 0},
	{BYTES("U+10FFFF"), BYTES("\xf4\x8f\xbf\xbf \xef\xbf\xbf \xc2\x80"), 0},
	{BYTES("ключ"), BYTES("日本語 \xf0\x9f\x98\x80 é ü"), 0},
	{BYTES("json"), BYTES("{\"a\":[1,2,{\"b\":null}],\"c\":\"\\u0041\"}"),
		0},
	{BYTES("looks like base64"), BYTES("{\"base64\":\"AAAA\"}"), 0},
	{BYTES("null"), BYTES("null"), 0},
	{BYTES("U+2028"),
		BYTES("a\xe2\x80\xa8"
		      "b\xe2\x80\xa9"),
		0},
};

static rd_kafka_headers_t *
odd_headers(size_t i)
{
	rd_kafka_headers_t *h;

	if (i % 4 == 0)
		return NULL;
	h = rd_kafka_headers_new(8);
	rd_kafka_header_add(h, "dup", -1, "one", -1);
	rd_kafka_header_add(h, "null", -1, NULL, 0);
	rd_kafka_header_add(h, "dup", -1, "two", -1);
	if (i % 4 == 1)
		return h;
	rd_kafka_header_add(h, "empty", -1, "", 0);
	rd_kafka_header_add(h, "dup", -1, "one", -1);
	rd_kafka_header_add(h, "", 0, "empty name", -1);
	rd_kafka_header_add(h, "bin", -1, "\0\xff\x80", 3);
	if (i % 4 == 2)
		return h;
	rd_kafka_header_add(h, "имя \" \\ \n", -1, "line\n\"q\"", -1);
	return h;
}

int
kfeed_odd(const struct kfeed_options *o)
{
	rd_kafka_t *rk = producer_open(o);

	partition_count(rk, o);
	for (size_t i = 0; i < sizeof(odd_records) / sizeof(*odd_records);
		i++) {
		const struct odd *odd = &odd_records[i];
		struct record r = {
			.partition = o->partition < 0 ? 0 : o->partition,
			.has_ts = true,
			.ts = odd->ts,
			.key = odd->key,
			.key_len = odd->key_len,
			.value = odd->value,
			.value_len = odd->value_len,
			.headers = odd_headers(i),
		};

		produce_one(rk, o->topic, &r);
	}
	producer_flush(rk);
	rd_kafka_destroy(rk);
	return 0;
}

/* ---- records from lines ---- */

/*
 * A string, or {"base64": text}; null and absent are NULL. What is decoded
 * is put into *out_own, which the caller frees.
 */
static const void *
line_bytes(const json_t *v, size_t *out_len, void **out_own)
{
	const json_t *encoded = json_object_get(v, "base64");
	const char *text = json_string_value(encoded ? encoded : v);
	size_t len = json_string_length(encoded ? encoded : v);
	int n;

	*out_own = NULL;
	*out_len = len;
	if (!encoded || !text)
		return text;
	*out_own = malloc(len + 4);
	if (!*out_own)
		kfeed_die("out of memory");
	n = EVP_DecodeBlock(*out_own, (const uint8_t *)text, (int)len);
	if (n < 0)
		kfeed_die("%s: not base64", text);
	for (size_t i = len; i > 0 && text[i - 1] == '='; i--)
		n--;
	*out_len = (size_t)n;
	return *out_own;
}

/* The flat array name, value, name, value. */
static rd_kafka_headers_t *
line_headers(const json_t *array)
{
	rd_kafka_headers_t *h;

	if (!array)
		return NULL;
	h = rd_kafka_headers_new(json_array_size(array) / 2);
	for (size_t i = 0; i + 1 < json_array_size(array); i += 2) {
		const void *name, *value;
		void *own_name, *own_value;
		size_t name_len, value_len;

		name = line_bytes(
			json_array_get(array, i), &name_len, &own_name);
		value = line_bytes(
			json_array_get(array, i + 1), &value_len, &own_value);
		rd_kafka_header_add(
			h, name, (ssize_t)name_len, value, (ssize_t)value_len);
		free(own_name);
		free(own_value);
	}
	return h;
}

static void
produce_line(rd_kafka_t *rk, const struct kfeed_options *o, const json_t *line)
{
	struct record r = {0};
	const json_t *ts = json_object_get(line, "ts");
	const json_t *partition = json_object_get(line, "partition");
	void *own_key, *own_value;

	r.partition = o->partition >= 0
			      ? o->partition
			      : (int32_t)json_integer_value(partition);
	r.has_ts = ts;
	r.ts = json_integer_value(ts);
	r.key = line_bytes(json_object_get(line, "key"), &r.key_len, &own_key);
	r.value = line_bytes(
		json_object_get(line, "payload"), &r.value_len, &own_value);
	r.headers = line_headers(json_object_get(line, "headers"));
	produce_one(rk, o->topic, &r);
	free(own_key);
	free(own_value);
}

int
kfeed_lines(const struct kfeed_options *o)
{
	const size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
	rd_kafka_t *rk = producer_open(o);
	json_error_t why;
	json_t *line;
	int c;

	partition_count(rk, o);
	while ((c = getchar()) != EOF) {
		if (c == '\n')
			continue;
		ungetc(c, stdin);
		line = json_loadf(stdin, flags, &why);
		if (!line)
			kfeed_die("stdin: %s", why.text);
		produce_line(rk, o, line);
		json_decref(line);
	}
	producer_flush(rk);
	rd_kafka_destroy(rk);
	return 0;
}

/* ---- transactions ---- */

static void
check_txn(rd_kafka_error_t *error)
{
	if (error)
		kfeed_die("txn: %s", rd_kafka_error_string(error));
}

/* `how` is c, a or o, and the keys' prefix. */
static void
end_txn(rd_kafka_t *rk, char how)
{
	char answer[16] = "";

	if (how == 'o') {
		producer_flush(rk);
		puts("open");
		fflush(stdout);
		if (!fgets(answer, sizeof(answer), stdin))
			answer[0] = '\0';
		how = answer[0];
	}
	if (how == 'c')
		check_txn(rd_kafka_commit_transaction(rk, KFEED_DEADLINE_MS));
	else
		check_txn(rd_kafka_abort_transaction(rk, KFEED_DEADLINE_MS));
}

/* An aborted transaction's records must have been written: flush first. */
int
kfeed_txn(const struct kfeed_options *o)
{
	rd_kafka_t *rk;
	const char *step = o->script ? o->script : "";
	struct kfeed_values *values = kfeed_values_new(o);
	int64_t number = 0;
	int used;

	if (!o->txid)
		kfeed_die("txn needs --txid");
	rk = producer_open(o);
	check_txn(rd_kafka_init_transactions(rk, KFEED_DEADLINE_MS));
	for (; *step; step += used) {
		char prefix[2] = "";
		int count;

		if (sscanf(step, " %1[cao]%d %n", prefix, &count, &used) != 2)
			kfeed_die("%s: not c, a or o with a number", step);
		check_txn(rd_kafka_begin_transaction(rk));
		for (int i = 0; i < count; i++)
			produce_made(rk, o, values, prefix,
				o->partition < 0 ? 0 : o->partition, number++);
		producer_flush(rk);
		end_txn(rk, prefix[0]);
	}
	kfeed_values_free(values);
	rd_kafka_destroy(rk);
	return 0;
}
