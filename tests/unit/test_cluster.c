#include "kafka/cluster.h"

#include <errno.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "fake_broker.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "kafka/wire.h"
#include "mock_cluster.h"
#include "suite.h"

#define LIST_OFFSETS 2
#define METADATA 3

static struct mock_cluster mock;
static struct kb_conf *conf;
static struct kb_cluster *cluster;

static void
set(const char *name, const char *value)
{
	ck_ok(kb_conf_set(conf, name, value));
}

static void
conf_start(const char *bootstrap)
{
	ck_ok(kb_conf_new(&conf));
	set("bootstrap.servers", bootstrap);
	set("retry.backoff.ms", "1");
	set("reconnect.backoff.ms", "1");
	set("reconnect.backoff.max.ms", "10");
	set("message.timeout.ms", "20000");
	ck_ok(kb_conf_check(conf));
}

/* Three brokers; "t" with two partitions, led by 2 and 3. */
static void
start(void)
{
	mock_cluster_start(&mock, 3);
	rd_kafka_mock_topic_create(mock.mock, "t", 2, 3);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, 2);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 1, 3);
	conf_start(mock.bootstrap);
	ck_ok(kb_cluster_open(conf, NULL, &cluster));
}

static void
stop(void)
{
	kb_cluster_close(cluster);
	kb_conf_free(conf);
	mock_cluster_stop(&mock);
}

static void
assert_says(const char *words)
{
	ck_assert_msg(
		strstr(kb_err_text(), words) != NULL, "%s", kb_err_text());
}

/* ---- metadata ---- */

START_TEST(cluster__lists_topics_and_names_unknown_ones)
{
	static const char *const names[] = {"t", "nope"};
	struct kb_metadata *m;

	start();
	ck_assert_str_ne(kb_cluster_id(cluster), "");
	ck_ok(kb_cluster_metadata(cluster, names, 2, &m));
	ck_assert_uint_eq(m->topic_count, 2);
	ck_assert_int_eq(kb_metadata_find(m, "nope")->error, 3);
	ck_assert_uint_eq(kb_metadata_find(m, "t")->partition_count, 2);
	ck_assert_int_eq(kb_metadata_find(m, "t")->partitions[1].leader, 3);
	ck_assert_int_eq(kb_metadata_find(m, "t")->partitions[0].replicas, 3);
	kb_metadata_free(m);
	/* Asking has created nothing. */
	ck_ok(kb_cluster_metadata(cluster, NULL, 0, &m));
	ck_assert_uint_eq(m->topic_count, 1);
	kb_metadata_free(m);
	stop();
}
END_TEST

/* ---- leaders ---- */

START_TEST(cluster__knows_leaders_and_sees_them_move)
{
	int32_t node, epoch;

	start();
	ck_ok(kb_cluster_leader(cluster, "t", NULL, 0, false, &node, &epoch));
	ck_assert_int_eq(node, 2);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, 1);
	ck_ok(kb_cluster_leader(cluster, "t", NULL, 0, false, &node, &epoch));
	ck_assert_int_eq(node, 2);
	ck_ok(kb_cluster_leader(cluster, "t", NULL, 0, true, &node, &epoch));
	ck_assert_int_eq(node, 1);
	stop();
}
END_TEST

START_TEST(cluster__says_when_there_is_no_leader)
{
	int32_t node, epoch;

	start();
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, -1);
	ck_assert_int_eq(
		kb_cluster_leader(cluster, "t", NULL, 0, true, &node, &epoch),
		-EAGAIN);
	assert_says("t/0");
	stop();
}
END_TEST

START_TEST(cluster__says_when_topic_or_partition_are_missing)
{
	int32_t node, epoch;

	start();
	ck_assert_int_eq(kb_cluster_leader(cluster, "nope", NULL, 0, false,
				 &node, &epoch),
		-ENOENT);
	assert_says("nope");
	ck_assert_int_eq(
		kb_cluster_leader(cluster, "t", NULL, 2, false, &node, &epoch),
		-ENOENT);
	assert_says("t/2");
	stop();
}
END_TEST

START_TEST(cluster__connects_to_nodes)
{
	struct kb_conn *conn;

	start();
	ck_ok(kb_cluster_connect(cluster, 3, &conn));
	kb_conn_close(conn);
	ck_assert_int_eq(kb_cluster_connect(cluster, 77, &conn), -EHOSTUNREACH);
	assert_says("77");
	stop();
}
END_TEST

/* ---- offsets ---- */

static void
produce(int partition, int count)
{
	rd_kafka_topic_t *t;
	rd_kafka_conf_t *rc = rd_kafka_conf_new();
	rd_kafka_t *rk;
	char value[] = "x";

	rd_kafka_conf_set(rc, "bootstrap.servers", mock.bootstrap, NULL, 0);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, rc, NULL, 0);
	ck_assert_ptr_nonnull(rk);
	t = rd_kafka_topic_new(rk, "t", NULL);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(
			rd_kafka_produce(t, partition, RD_KAFKA_MSG_F_COPY,
				value, 1, NULL, 0, NULL),
			0);
	ck_assert_int_eq(rd_kafka_flush(rk, 20000), 0);
	rd_kafka_topic_destroy(t);
	rd_kafka_destroy(rk);
}

static int
latest(int partition, int64_t *out)
{
	return kb_cluster_offset(cluster, "t", NULL, partition,
		KB_OFFSET_LATEST, KB_READ_COMMITTED, out);
}

START_TEST(cluster__asks_leaders_for_offsets)
{
	int64_t offset = -1;

	start();
	produce(1, 3);
	ck_ok(latest(1, &offset));
	ck_assert_int_eq(offset, 3);
	ck_ok(latest(0, &offset));
	ck_assert_int_eq(offset, 0);
	ck_ok(kb_cluster_offset(cluster, "t", NULL, 1, KB_OFFSET_EARLIEST,
		KB_READ_UNCOMMITTED, &offset));
	ck_assert_int_eq(offset, 0);
	stop();
}
END_TEST

START_TEST(cluster__retries_errors_that_pass)
{
	int64_t offset = -1;

	start();
	produce(0, 2);
	rd_kafka_mock_push_request_errors(mock.mock, LIST_OFFSETS, 5,
		RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
		RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
		RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	ck_ok(latest(0, &offset));
	ck_assert_int_eq(offset, 2);
	stop();
}
END_TEST

START_TEST(cluster__tells_errors_that_last)
{
	int64_t offset = -1;

	start();
	rd_kafka_mock_push_request_errors(mock.mock, LIST_OFFSETS, 1,
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	ck_assert_int_eq(latest(0, &offset), -EACCES);
	assert_says("t/0");
	assert_says("TOPIC_AUTHORIZATION_FAILED");
	rd_kafka_mock_push_request_errors(mock.mock, LIST_OFFSETS, 1,
		RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT);
	ck_assert_int_eq(latest(0, &offset), -EIO);
	assert_says("UNSUPPORTED_FOR_MESSAGE_FORMAT");
	stop();
}
END_TEST

START_TEST(cluster__follows_a_leader_that_moves)
{
	int64_t offset = -1;

	start();
	produce(0, 2);
	ck_ok(latest(0, &offset));
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, 1);
	ck_ok(latest(0, &offset));
	ck_assert_int_eq(offset, 2);
	stop();
}
END_TEST

START_TEST(cluster__goes_on_when_a_broker_dies)
{
	int64_t offset = -1;

	start();
	produce(0, 2);
	ck_ok(latest(0, &offset));
	rd_kafka_mock_broker_set_down(mock.mock, 2);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, 3);
	ck_ok(latest(0, &offset));
	ck_assert_int_eq(offset, 2);
	/* And the other two, one of which we ask for metadata. */
	rd_kafka_mock_broker_set_up(mock.mock, 2);
	rd_kafka_mock_broker_set_down(mock.mock, 1);
	rd_kafka_mock_broker_set_down(mock.mock, 3);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, 2);
	ck_ok(latest(0, &offset));
	ck_assert_int_eq(offset, 2);
	stop();
}
END_TEST

START_TEST(cluster__gives_up_after_its_time)
{
	int64_t offset = -1;

	start();
	set("message.timeout.ms", "100");
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, -1);
	ck_assert_int_eq(latest(0, &offset), -ETIMEDOUT);
	assert_says("t/0");
	assert_says("no leader");
	assert_says("message.timeout.ms");
	for (int i = 1; i <= 3; i++)
		rd_kafka_mock_broker_set_down(mock.mock, i);
	ck_assert_int_eq(latest(1, &offset), -ETIMEDOUT);
	assert_says("message.timeout.ms");
	stop();
}
END_TEST

/* Else it would take five minutes. */
START_TEST(cluster__gives_up_sooner_in_a_hurry)
{
	int64_t offset = -1;

	start();
	produce(1, 3);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, -1);
	kb_cluster_hurry(cluster, 300);
	ck_assert_int_eq(latest(0, &offset), -ETIMEDOUT);
	assert_says("no leader");
	ck_ok(latest(1, &offset));
	ck_assert_int_eq(offset, 3);
	stop();
}
END_TEST

static void *
fire_soon(void *cancel)
{
	usleep(20000);
	kb_cancel_fire(cancel, 2);
	return NULL;
}

START_TEST(cluster__is_interrupted_while_it_retries)
{
	struct kb_cancel cancel;
	pthread_t thread;
	int64_t offset = -1;

	ck_ok(kb_cancel_init(&cancel));
	mock_cluster_start(&mock, 1);
	rd_kafka_mock_topic_create(mock.mock, "t", 1, 1);
	rd_kafka_mock_partition_set_leader(mock.mock, "t", 0, -1);
	conf_start(mock.bootstrap);
	set("message.timeout.ms", "3600000");
	ck_ok(kb_cluster_open(conf, &cancel, &cluster));
	ck_assert_int_eq(pthread_create(&thread, NULL, fire_soon, &cancel), 0);
	ck_assert_int_eq(latest(0, &offset), -ECANCELED);
	pthread_join(thread, NULL);
	stop();
	kb_cancel_release(&cancel);
}
END_TEST

START_TEST(cluster__does_without_epochs_where_brokers_lack_them)
{
	int32_t epoch = 0;
	int64_t end = 0;

	start();
	ck_ok(kb_cluster_epoch_end(cluster, "t", NULL, 0, 0, &epoch, &end));
	ck_assert_int_eq(epoch, -1);
	ck_assert_int_eq(end, -1);
	stop();
}
END_TEST

/* ---- bootstrap ---- */

START_TEST(cluster__tries_bootstrap_servers_in_turn)
{
	struct kb_metadata *m;
	char servers[256];

	mock_cluster_start(&mock, 1);
	snprintf(servers, sizeof(servers),
		"no-such-host.invalid:1,127.0.0.1:1,%s", mock.bootstrap);
	conf_start(servers);
	ck_ok(kb_cluster_open(conf, NULL, &cluster));
	ck_ok(kb_cluster_metadata(cluster, NULL, 0, &m));
	kb_metadata_free(m);
	stop();
}
END_TEST

START_TEST(cluster__fails_at_once_when_no_server_is_there)
{
	conf_start("127.0.0.1:1");
	set("message.timeout.ms", "3600000");
	ck_assert_int_eq(kb_cluster_open(conf, NULL, &cluster), -ECONNREFUSED);
	assert_says("127.0.0.1:1");
	set("bootstrap.servers", "127.0.0.1:1,no-such-host.invalid:5");
	ck_assert_int_eq(kb_cluster_open(conf, NULL, &cluster), -EHOSTUNREACH);
	assert_says("2 bootstrap servers");
	assert_says("no-such-host.invalid:5");
	kb_conf_free(conf);
}
END_TEST

/* ---- topic ids: a fake broker with Metadata 12 ---- */

static struct fake_broker fake;
static uint8_t fake_id; /* each byte of the topic's id */
static int fake_partitions;
static int fake_list_requests;
static int32_t fake_moved; /* a partition that is not led here; -1 none */
static int fake_epoch_answers;

static void
put_metadata(struct kb_buf *b)
{
	uint8_t id[16];

	memset(id, fake_id, sizeof(id));
	kb_buf_put_i8(b, 0); /* header: no tags */
	kb_buf_put_i32(b, 0);
	kb_wire_put_array(b, true, 1);
	kb_buf_put_i32(b, 1);
	kb_wire_put_string(b, true, "127.0.0.1");
	kb_buf_put_i32(b, fake.port);
	kb_wire_put_string(b, true, NULL);
	kb_wire_put_tags(b, true);
	kb_wire_put_string(b, true, "fake");
	kb_buf_put_i32(b, 1);
	kb_wire_put_array(b, true, 1);
	kb_buf_put_i16(b, 0);
	kb_wire_put_string(b, true, "t");
	kb_buf_put(b, id, sizeof(id));
	kb_buf_put_i8(b, 0);
	kb_wire_put_array(b, true, (size_t)fake_partitions);
	for (int p = 0; p < fake_partitions; p++) {
		kb_buf_put_i16(b, 0);
		kb_buf_put_i32(b, p);
		kb_buf_put_i32(b, 1);
		kb_buf_put_i32(b, 4); /* leader epoch */
		for (int i = 0; i < 3; i++)
			kb_wire_put_array(b, true, 0);
		kb_wire_put_tags(b, true);
	}
	kb_buf_put_i32(b, 0);
	kb_wire_put_tags(b, true);
	kb_wire_put_tags(b, true);
}

/* OffsetForLeaderEpoch: first fenced, then epoch 3 ends at 99. */
static void
put_epoch_end(struct kb_buf *b)
{
	kb_buf_put_i32(b, 0);
	kb_wire_put_array(b, false, 1);
	kb_wire_put_string(b, false, "t");
	kb_wire_put_array(b, false, 1);
	kb_buf_put_i16(b, fake_epoch_answers++ ? 0 : 74);
	kb_buf_put_i32(b, 0);
	kb_buf_put_i32(b, 3);
	kb_buf_put_i64(b, 99);
}

/* Of each partition asked about: ten times its number. */
static void
put_list_offsets(struct kb_buf *b, struct kb_slice request)
{
	struct kb_cursor c = kb_cursor_of(request);
	size_t n;

	kb_wire_string(&c, false); /* client id */
	kb_cursor_take(&c, 4 + 1);
	ck_assert_uint_eq(kb_wire_array(&c, false, 1), 1);
	kb_wire_string(&c, false);
	n = kb_wire_array(&c, false, 1);
	kb_buf_put_i32(b, 0);
	kb_wire_put_array(b, false, 1);
	kb_wire_put_string(b, false, "t");
	kb_wire_put_array(b, false, n);
	for (; n; n--) {
		int32_t p = kb_cursor_i32(&c);

		kb_cursor_i64(&c);
		kb_buf_put_i32(b, p);
		kb_buf_put_i16(b, p == fake_moved ? 6 : 0);
		if (p == fake_moved)
			fake_moved = -1;
		kb_buf_put_i64(b, -1);
		kb_buf_put_i64(b, 10 * p);
	}
	ck_assert(!c.bad);
	fake_list_requests++;
}

static void
serve_ids(int fd)
{
	uint8_t body[1 << 15];
	struct kb_buf b = {0};
	uint32_t id;
	int api, n;

	if (fake_broker_greet(fd) < 0)
		return;
	while ((n = fake_broker_request(fd, &api, &id, body, sizeof(body))) >=
		0) {
		kb_buf_clear(&b);
		if (api == KB_API_METADATA)
			put_metadata(&b);
		else if (api == KB_API_EPOCH_END)
			put_epoch_end(&b);
		else
			put_list_offsets(&b, kb_slice_of(body, (size_t)n));
		fake_broker_answer(fd, id, b.data, b.len);
	}
	kb_buf_release(&b);
}

static void
start_fake(void)
{
	fake_id = 1;
	fake_partitions = 1;
	fake_moved = -1;
	fake_broker_start(&fake, serve_ids);
	conf_start(fake.address);
	ck_ok(kb_cluster_open(conf, NULL, &cluster));
}

static void
stop_fake(void)
{
	kb_cluster_close(cluster);
	fake_broker_stop(&fake);
	kb_conf_free(conf);
}

static struct kb_uuid
uuid_of(uint8_t b)
{
	struct kb_uuid id;

	memset(id.b, b, sizeof(id.b));
	return id;
}

START_TEST(cluster__tells_a_topic_created_again_by_its_id)
{
	struct kb_uuid one = uuid_of(1), zero = uuid_of(0);
	int32_t node, epoch;

	start_fake();
	ck_ok(kb_cluster_leader(cluster, "t", &one, 0, false, &node, &epoch));
	ck_assert_int_eq(node, 1);
	ck_assert_int_eq(epoch, 4);
	fake_id = 2;
	ck_assert_int_eq(
		kb_cluster_leader(cluster, "t", &one, 0, true, &node, &epoch),
		-ENOENT);
	assert_says("deleted and created again");
	assert_says("AQEBAQEBAQEBAQEBAQEBAQ");
	assert_says("AgICAgICAgICAgICAgICAg");
	/* Who gives no id does not mind. */
	ck_ok(kb_cluster_leader(cluster, "t", &zero, 0, true, &node, &epoch));
	ck_ok(kb_cluster_leader(cluster, "t", NULL, 0, true, &node, &epoch));
	stop_fake();
}
END_TEST

START_TEST(cluster__asks_for_the_end_of_an_epoch_again_when_fenced)
{
	struct kb_uuid one = uuid_of(1);
	int32_t epoch = -1;
	int64_t end = -1;

	start_fake();
	ck_ok(kb_cluster_epoch_end(cluster, "t", &one, 0, 3, &epoch, &end));
	ck_assert_int_eq(epoch, 3);
	ck_assert_int_eq(end, 99);
	ck_assert_int_eq(fake_epoch_answers, 2);
	stop_fake();
}
END_TEST

/* ---- many questions at once ---- */

#define MANY 2500

static struct kb_question many[MANY];

static void
ask_many(const struct kb_uuid *id)
{
	memset(many, 0, sizeof(many));
	for (int i = 0; i < MANY; i++) {
		many[i].topic = "t";
		many[i].id = id;
		many[i].partition = i;
		many[i].time = KB_OFFSET_LATEST;
	}
	ck_ok(kb_cluster_offsets(cluster, many, MANY, KB_READ_COMMITTED));
}

static void
see_many(void)
{
	struct kb_metadata *m;

	start_fake();
	fake_partitions = MANY;
	ck_ok(kb_cluster_metadata(cluster, NULL, 0, &m));
	kb_metadata_free(m);
}

START_TEST(cluster__asks_about_many_partitions_in_few_requests)
{
	struct kb_uuid one = uuid_of(1);

	see_many();
	ask_many(&one);
	for (int i = 0; i < MANY; i++) {
		ck_assert(many[i].answered);
		ck_assert_int_eq(many[i].offset, 10 * i);
	}
	ck_assert_int_eq(fake_list_requests, 3);
	stop_fake();
}
END_TEST

START_TEST(cluster__leaves_those_unanswered_that_went_wrong)
{
	struct kb_uuid one = uuid_of(1), two = uuid_of(2);
	int64_t offset;

	see_many();
	fake_moved = 1234;
	ask_many(&one);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(many[i].answered, i != 1234);
	ck_ok(kb_cluster_offset(cluster, "t", &one, 1234, KB_OFFSET_LATEST,
		KB_READ_COMMITTED, &offset));
	ck_assert_int_eq(offset, 12340);
	ask_many(&two); /* not the topic that is there */
	for (int i = 0; i < MANY; i++)
		ck_assert(!many[i].answered);
	stop_fake();
}
END_TEST

START_TEST(cluster__asks_every_leader_that_is_there)
{
	struct kb_question q[] = {
		{.topic = "t", .partition = 0, .time = KB_OFFSET_LATEST},
		{.topic = "t", .partition = 1, .time = KB_OFFSET_LATEST},
		{.topic = "t", .partition = 2, .time = KB_OFFSET_LATEST},
	};

	start();
	produce(0, 2);
	produce(1, 3);
	ck_ok(kb_cluster_offsets(cluster, q, 3, KB_READ_COMMITTED));
	ck_assert(q[0].answered && q[1].answered && !q[2].answered);
	ck_assert_int_eq(q[0].offset, 2);
	ck_assert_int_eq(q[1].offset, 3);
	rd_kafka_mock_broker_set_down(mock.mock, 2);
	ck_ok(kb_cluster_offsets(cluster, q, 2, KB_READ_COMMITTED));
	ck_assert(!q[0].answered && q[1].answered);
	/* The mock does not know this request. */
	ck_ok(kb_cluster_epoch_ends(cluster, q, 2));
	ck_assert(!q[0].answered && !q[1].answered);
	stop();
}
END_TEST

KB_SUITE("cluster", cluster__lists_topics_and_names_unknown_ones,
	cluster__knows_leaders_and_sees_them_move,
	cluster__says_when_there_is_no_leader,
	cluster__says_when_topic_or_partition_are_missing,
	cluster__connects_to_nodes, cluster__asks_leaders_for_offsets,
	cluster__retries_errors_that_pass, cluster__tells_errors_that_last,
	cluster__follows_a_leader_that_moves,
	cluster__goes_on_when_a_broker_dies, cluster__gives_up_after_its_time,
	cluster__gives_up_sooner_in_a_hurry,
	cluster__is_interrupted_while_it_retries,
	cluster__does_without_epochs_where_brokers_lack_them,
	cluster__tries_bootstrap_servers_in_turn,
	cluster__fails_at_once_when_no_server_is_there,
	cluster__tells_a_topic_created_again_by_its_id,
	cluster__asks_for_the_end_of_an_epoch_again_when_fenced,
	cluster__asks_about_many_partitions_in_few_requests,
	cluster__leaves_those_unanswered_that_went_wrong,
	cluster__asks_every_leader_that_is_there)
