/*
 * librdkafka's mock cluster, for tests. It knows no topic ids, has Metadata up
 * to version 2 and Fetch up to 11, and validates nothing on Produce.
 */
#ifndef KB_TESTS_UNIT_MOCK_CLUSTER_H
#define KB_TESTS_UNIT_MOCK_CLUSTER_H

#include <check.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

struct mock_cluster {
	rd_kafka_t *rk;
	rd_kafka_mock_cluster_t *mock;
	const char *bootstrap;
};

static inline void
mock_cluster_start(struct mock_cluster *m, int brokers)
{
	char reason[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
	m->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	ck_assert_msg(m->rk != NULL, "%s", reason);
	m->mock = rd_kafka_mock_cluster_new(m->rk, brokers);
	ck_assert_ptr_nonnull(m->mock);
	m->bootstrap = rd_kafka_mock_cluster_bootstraps(m->mock);
}

static inline void
mock_cluster_stop(struct mock_cluster *m)
{
	rd_kafka_mock_cluster_destroy(m->mock);
	rd_kafka_destroy(m->rk);
}

#endif
