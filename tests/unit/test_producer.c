#include "kafka/producer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "kafka/producer_impl.h"
#include "mock_topic.h"

#define PRODUCE 0
#define INIT_PRODUCER_ID 22

static struct mock_topic t;
static struct kb_producer *producer;
static struct kb_produce_part *part;
static struct kb_buf batch;

static void
start_with(const char *name, const char *value)
{
	mock_topic_start(&t, 2, 1);
	if (name)
		ck_ok(kb_conf_set(t.conf, name, value));
	ck_ok(kb_conf_check(t.conf));
	ck_ok(kb_producer_new(t.cluster, &producer));
	ck_ok(kb_producer_open(producer, "t", 0, &part));
	mock_batch(&batch, 3, 100);
}

static void
start(void)
{
	start_with(NULL, NULL);
}

static void
stop(void)
{
	kb_buf_release(&batch);
	kb_producer_free(producer);
	mock_topic_stop(&t);
}

static int
send_batch(struct kb_cancel *interrupt, int64_t *base)
{
	return kb_producer_send(
		producer, part, batch.data, batch.len, interrupt, base);
}

static void
send_expect(int64_t want)
{
	int64_t base = -1;

	ck_ok(send_batch(NULL, &base));
	ck_assert_int_eq(base, want);
	ck_assert_int_eq(kb_produce_part_end(part), want + 3);
}

static void
expect_log_end(int64_t want)
{
	int64_t end;

	ck_ok(kb_cluster_offset(t.cluster, "t", NULL, 0, KB_OFFSET_LATEST,
		KB_READ_UNCOMMITTED, &end));
	ck_assert_int_eq(end, want);
}

static void
expect_refused(rd_kafka_resp_err_t code, int want, const char *words)
{
	int64_t base;

	rd_kafka_mock_push_request_errors(t.mock, PRODUCE, 1, code);
	ck_assert_int_eq(send_batch(NULL, &base), want);
	ck_assert_msg(
		strstr(kb_err_text(), words) != NULL, "%s", kb_err_text());
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "t/0"));
}

/* Somebody else's batch of three records. */
static void
intrude(void)
{
	struct kb_producer *p;
	struct kb_produce_part *pp;
	struct kb_buf b = {0};
	int64_t base;

	mock_batch(&b, 3, 7);
	ck_ok(kb_producer_new(t.cluster, &p));
	ck_ok(kb_producer_open(p, "t", 0, &pp));
	ck_ok(kb_producer_send(p, pp, b.data, b.len, NULL, &base));
	kb_producer_free(p);
	kb_buf_release(&b);
}

START_TEST(producer__stores_batch_after_batch)
{
	start();
	ck_assert_int_eq(kb_produce_part_end(part), 0);
	for (int64_t i = 0; i < 5; i++)
		send_expect(3 * i);
	expect_log_end(15);
	stop();
}
END_TEST

START_TEST(producer__numbers_records_on)
{
	struct kb_batch b;

	start();
	send_expect(0);
	ck_ok(kb_batch_parse(kb_buf_slice(&batch), &b));
	ck_ok(kb_batch_check(&b));
	ck_assert_int_ge(b.producer_id, 0);
	ck_assert_int_eq(b.base_sequence, 0);
	send_expect(3);
	ck_ok(kb_batch_parse(kb_buf_slice(&batch), &b));
	ck_assert_int_eq(b.base_sequence, 3);
	/* after 2^31 - 1 comes 0 */
	part->sequence = INT32_MAX - 1;
	send_expect(6);
	ck_ok(kb_batch_parse(kb_buf_slice(&batch), &b));
	ck_assert_int_eq(b.base_sequence, INT32_MAX - 1);
	send_expect(9);
	ck_ok(kb_batch_parse(kb_buf_slice(&batch), &b));
	ck_assert_int_eq(b.base_sequence, 1);
	stop();
}
END_TEST

START_TEST(producer__refuses_what_is_no_batch_to_send)
{
	int64_t base;

	start();
	batch.len--;
	ck_assert_int_eq(send_batch(NULL, &base), -EINVAL);
	batch.len++;
	kb_store_be64(batch.data, 5); /* base offset */
	ck_assert_int_eq(send_batch(NULL, &base), -EINVAL);
	kb_store_be64(batch.data, 0);
	kb_store_be32(batch.data + 23, 5); /* last offset delta */
	ck_assert_int_eq(send_batch(NULL, &base), -EINVAL);
	expect_log_end(0);
	stop();
}
END_TEST

START_TEST(producer__sends_again_after_errors_that_pass)
{
	static const rd_kafka_resp_err_t errors[] = {
		RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
		RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
		RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
		RD_KAFKA_RESP_ERR_INVALID_MSG, /* CORRUPT_MESSAGE */
		RD_KAFKA_RESP_ERR__TRANSPORT,  /* the mock hangs up */
	};

	start();
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		rd_kafka_mock_push_request_errors(
			t.mock, PRODUCE, 1, errors[i]);
		send_expect(3 * (int64_t)i);
	}
	stop();
}
END_TEST

START_TEST(producer__waits_for_a_producer_id)
{
	start();
	rd_kafka_mock_push_request_errors(t.mock, INIT_PRODUCER_ID, 3,
		RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
		RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR__TRANSPORT);
	send_expect(0);
	stop();
}
END_TEST

START_TEST(producer__says_what_is_refused)
{
	int64_t base;

	start();
	expect_refused(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, -EMSGSIZE,
		"max.message.bytes");
	expect_refused(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, -EREMOTEIO,
		"message.timestamp.after.max.ms");
	expect_refused(
		RD_KAFKA_RESP_ERR_INVALID_RECORD, -EREMOTEIO, "INVALID_RECORD");
	expect_refused(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, -EACCES,
		"TOPIC_AUTHORIZATION_FAILED");
	send_expect(0);
	rd_kafka_mock_push_request_errors(t.mock, PRODUCE, 3,
		RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_INVALID_MSG,
		RD_KAFKA_RESP_ERR_INVALID_MSG);
	ck_assert_int_eq(send_batch(NULL, &base), -EREMOTEIO);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "CORRUPT_MESSAGE"));
	send_expect(3);
	stop();
}
END_TEST

START_TEST(producer__takes_a_new_id_when_its_numbers_are_refused)
{
	struct kb_batch b;
	int64_t id;

	start();
	send_expect(0);
	ck_ok(kb_batch_parse(kb_buf_slice(&batch), &b));
	id = b.producer_id;
	rd_kafka_mock_push_request_errors(t.mock, PRODUCE, 1,
		RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	send_expect(3);
	ck_ok(kb_batch_parse(kb_buf_slice(&batch), &b));
	ck_assert_int_ne(b.producer_id, id);
	ck_assert_int_eq(b.base_sequence, 0);
	stop();
}
END_TEST

START_TEST(producer__missing_topic_or_partition_is_said)
{
	struct kb_produce_part *p;

	start();
	ck_assert_int_eq(kb_producer_open(producer, "nope", 0, &p), -ENOENT);
	ck_assert_int_eq(kb_producer_open(producer, "t", 9, &p), -ENOENT);
	stop();
}
END_TEST

START_TEST(producer__follows_a_leader_that_moves_or_dies)
{
	start();
	send_expect(0);
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, 2);
	send_expect(3);
	rd_kafka_mock_broker_set_down(t.mock, 2);
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, 1);
	send_expect(6);
	stop();
}
END_TEST

/* The mock stores at once and answers after the client has given up. */
START_TEST(producer__lost_answer_is_settled_by_the_log)
{
	start_with("socket.timeout.ms", "1100");
	send_expect(0);
	rd_kafka_mock_broker_push_request_error_rtts(
		t.mock, 1, PRODUCE, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 20000);
	send_expect(3);
	expect_log_end(6);
	send_expect(6);
	stop();
}
END_TEST

START_TEST(producer__somebody_elses_batch_is_not_taken_for_ours)
{
	int64_t base;

	start();
	intrude();
	rd_kafka_mock_push_request_errors(
		t.mock, PRODUCE, 1, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	ck_assert_int_eq(send_batch(NULL, &base), -EBUSY);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "somebody else"));
	stop();
}
END_TEST

START_TEST(producer__stored_behind_somebody_else_is_stored)
{
	start();
	intrude();
	send_expect(3);
	send_expect(6);
	stop();
}
END_TEST

START_TEST(producer__gives_up_after_its_time)
{
	int64_t base;

	start_with("message.timeout.ms", "50");
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, -1);
	ck_assert_int_eq(send_batch(NULL, &base), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "no leader"));
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, 2);
	send_expect(0);
	stop();
}
END_TEST

/* Fires once the log has grown beyond what it was: the batch is stored. */
static void *
fire_when_stored(void *interrupt)
{
	struct kb_cluster *c;
	int64_t end = -1, was = kb_produce_part_end(part);

	if (!kb_cluster_open(t.conf, NULL, &c)) {
		while (end <= was &&
			!kb_cluster_offset(c, "t", NULL, 0, KB_OFFSET_LATEST,
				KB_READ_UNCOMMITTED, &end))
			sched_yield();
		kb_cluster_close(c);
	}
	kb_cancel_fire(interrupt, 2);
	return NULL;
}

/* Sends, and interrupts while the answer is waited for. */
static void
interrupt_send(void)
{
	struct kb_cancel interrupt;
	pthread_t thread;
	int64_t base;

	ck_ok(kb_cancel_init(&interrupt));
	rd_kafka_mock_broker_push_request_error_rtts(
		t.mock, 1, PRODUCE, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 20000);
	ck_assert_int_eq(
		pthread_create(&thread, NULL, fire_when_stored, &interrupt), 0);
	ck_assert_int_eq(send_batch(&interrupt, &base), -ECANCELED);
	pthread_join(thread, NULL);
	kb_cancel_release(&interrupt);
}

START_TEST(producer__interrupted_batch_sent_again_is_stored_once)
{
	start();
	send_expect(0);
	interrupt_send();
	send_expect(3);
	expect_log_end(6);
	stop();
}
END_TEST

START_TEST(producer__interrupted_where_nobody_answers)
{
	struct kb_cancel interrupt;
	int64_t base;

	start_with("message.timeout.ms", "3600000");
	ck_ok(kb_cancel_init(&interrupt));
	rd_kafka_mock_broker_set_down(t.mock, 1);
	rd_kafka_mock_broker_set_down(t.mock, 2);
	kb_cancel_fire(&interrupt, 2);
	ck_assert_int_eq(send_batch(&interrupt, &base), -ECANCELED);
	/* and only that call */
	rd_kafka_mock_broker_set_up(t.mock, 1);
	rd_kafka_mock_broker_set_up(t.mock, 2);
	send_expect(0);
	kb_cancel_release(&interrupt);
	stop();
}
END_TEST

/* Made anew from the same records, without our numbers in it. */
START_TEST(producer__interrupted_batch_made_again_is_stored_once)
{
	start();
	send_expect(0);
	interrupt_send();
	kb_buf_clear(&batch);
	mock_batch(&batch, 3, 100);
	send_expect(3);
	expect_log_end(6);
	stop();
}
END_TEST

START_TEST(producer__another_batch_after_an_interrupted_one_follows_it)
{
	start();
	interrupt_send();
	kb_buf_clear(&batch);
	mock_batch(&batch, 3, 50);
	send_expect(3);
	expect_log_end(6);
	stop();
}
END_TEST

KB_SUITE("producer", producer__stores_batch_after_batch,
	producer__numbers_records_on,
	producer__refuses_what_is_no_batch_to_send,
	producer__sends_again_after_errors_that_pass,
	producer__waits_for_a_producer_id, producer__says_what_is_refused,
	producer__takes_a_new_id_when_its_numbers_are_refused,
	producer__missing_topic_or_partition_is_said,
	producer__follows_a_leader_that_moves_or_dies,
	producer__lost_answer_is_settled_by_the_log,
	producer__somebody_elses_batch_is_not_taken_for_ours,
	producer__stored_behind_somebody_else_is_stored,
	producer__gives_up_after_its_time,
	producer__interrupted_batch_sent_again_is_stored_once,
	producer__interrupted_where_nobody_answers,
	producer__interrupted_batch_made_again_is_stored_once,
	producer__another_batch_after_an_interrupted_one_follows_it)
