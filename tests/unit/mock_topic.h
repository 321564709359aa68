/* A mock cluster with topic "t", and batches for it. */
#ifndef KB_TESTS_UNIT_MOCK_TOPIC_H
#define KB_TESTS_UNIT_MOCK_TOPIC_H

#include "common/cancel.h"
#include "format/encoder.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "mock_cluster.h"
#include "suite.h"

struct mock_topic {
	struct mock_cluster m;
	rd_kafka_mock_cluster_t *mock;
	struct kb_conf *conf;
	struct kb_cancel cancel;
	struct kb_cluster *cluster;
};

static const struct kb_uuid mock_no_id;

/* Pauses are short, patience is long; partition p is led by 1 + p % brokers. */
static inline void
mock_topic_conf(struct mock_topic *t, const char *bootstrap)
{
	ck_ok(kb_cancel_init(&t->cancel));
	ck_ok(kb_conf_new(&t->conf));
	ck_ok(kb_conf_set(t->conf, "bootstrap.servers", bootstrap));
	ck_ok(kb_conf_set(t->conf, "retry.backoff.ms", "1"));
	ck_ok(kb_conf_set(t->conf, "reconnect.backoff.ms", "1"));
	ck_ok(kb_conf_set(t->conf, "reconnect.backoff.max.ms", "10"));
	ck_ok(kb_conf_set(t->conf, "fetch.wait.max.ms", "10"));
	ck_ok(kb_conf_set(t->conf, "message.timeout.ms", "30000"));
}

static inline void
mock_topic_open(struct mock_topic *t)
{
	ck_ok(kb_conf_check(t->conf));
	ck_ok(kb_cluster_open(t->conf, &t->cancel, &t->cluster));
}

static inline void
mock_topic_start(struct mock_topic *t, int brokers, int partitions)
{
	mock_cluster_start(&t->m, brokers);
	t->mock = t->m.mock;
	rd_kafka_mock_topic_create(t->mock, "t", partitions, brokers);
	for (int p = 0; p < partitions; p++)
		rd_kafka_mock_partition_set_leader(
			t->mock, "t", p, 1 + p % brokers);
	mock_topic_conf(t, t->m.bootstrap);
	mock_topic_open(t);
}

static inline void
mock_topic_stop(struct mock_topic *t)
{
	kb_cluster_close(t->cluster);
	kb_conf_free(t->conf);
	kb_cancel_release(&t->cancel);
	if (t->mock)
		mock_cluster_stop(&t->m);
}

/* Appends a batch of `count` records with values of `size` bytes. */
static inline void
mock_batch(struct kb_buf *out, int count, size_t size)
{
	struct kb_encoder e = {0};
	struct kb_batch_header h = {
		.producer_id = -1, .producer_epoch = -1, .base_sequence = -1};
	uint8_t *value = calloc(1, size + 1);

	kb_encoder_init(&e);
	for (int i = 0; i < count; i++) {
		struct kb_record r = {.offset = i,
			.timestamp = 1700000000000 + i,
			.value = kb_slice_of(value, size)};

		ck_ok(kb_encoder_add(&e, &r));
	}
	ck_ok(kb_encoder_finish(&e, NULL, 0, &h, out));
	kb_encoder_release(&e);
	free(value);
}

#endif
