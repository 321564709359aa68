/* What the verbs of the test feeder share. */
#ifndef KB_TESTS_TOOLS_KFEED_H
#define KB_TESTS_TOOLS_KFEED_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KFEED_ERRSTR = 512,
	KFEED_MAX_CONFIGS = 32,
	KFEED_DEADLINE_MS = 60000,
};

struct kfeed_options {
	const char *brokers;
	const char *topic;
	int32_t partition; /* -1: all */
	int32_t partitions;
	const char *configs[KFEED_MAX_CONFIGS]; /* name=value */
	size_t n_configs;
	const char *codec;
	int64_t count;
	size_t size;
	bool has_ts;
	int64_t ts_start;
	int64_t ts_step;
	const char *linger;
	const char *batch;
	const char *batch_records;
	uint64_t seed;
	int64_t pool; /* different values; 0: all */
	const char *properties[KFEED_MAX_CONFIGS]; /* name=value */
	size_t n_properties;
	int64_t before; /* delete-records */
	int64_t first;	/* dump */
	bool no_offset;
	const char *txid;
	const char *script;
	const char *timeout;
};

struct kfeed_values;

/* Prints the sentence and ends the program. */
void
kfeed_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Sets or dies. */
void
kfeed_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);

/* A handle with the brokers set; takes conf. */
rd_kafka_t *
kfeed_handle(const struct kfeed_options *o, rd_kafka_type_t type,
	rd_kafka_conf_t *conf);

/* Partitions of the topic; 0 when there is none. Never creates it. */
int32_t
kfeed_partitions(rd_kafka_t *rk, const char *topic);

/* The values of kfeed_options' size, seed and pool. */
struct kfeed_values *
kfeed_values_new(const struct kfeed_options *o);

void
kfeed_values_free(struct kfeed_values *v);

/* The value of record i; valid until the next call. */
const void *
kfeed_values_get(struct kfeed_values *v, int64_t i, size_t *out_len);

int
kfeed_create(const struct kfeed_options *o);
int
kfeed_delete(const struct kfeed_options *o);
int
kfeed_delete_records(const struct kfeed_options *o);
int
kfeed_grow(const struct kfeed_options *o);
int
kfeed_alter(const struct kfeed_options *o);
int
kfeed_produce(const struct kfeed_options *o);
int
kfeed_odd(const struct kfeed_options *o);
int
kfeed_lines(const struct kfeed_options *o);
int
kfeed_txn(const struct kfeed_options *o);
int
kfeed_dump(const struct kfeed_options *o);
int
kfeed_offsets(const struct kfeed_options *o);

#endif
