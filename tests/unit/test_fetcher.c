#include "kafka/fetcher.h"

#include <errno.h>

#include "common/clock.h"
#include "fake_broker.h"
#include "fake_cluster.h"
#include "kafka/producer.h"
#include "mock_topic.h"

#define FETCH 1

static struct mock_topic t;
static struct kb_fetcher *fetcher;

/* A partition being read, and how far. */
struct reader {
	struct kb_fetch_part *part;
	int64_t next;
	int events;
};

static struct reader readers[8];

static void
start(int brokers, int partitions)
{
	mock_topic_start(&t, brokers, partitions);
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, NULL, &fetcher));
}

static void
stop(void)
{
	kb_fetcher_free(fetcher);
	mock_topic_stop(&t);
}

static void
add(int partition, int64_t offset)
{
	struct reader *r = &readers[partition];

	*r = (struct reader){.next = offset};
	ck_ok(kb_fetcher_add(
		fetcher, "t", &mock_no_id, partition, offset, -1, r, &r->part));
}

/* Batches of three records each. */
static void
produce(int partition, int batches, size_t size)
{
	struct kb_producer *p;
	struct kb_produce_part *part;
	struct kb_buf b = {0};
	int64_t base;

	ck_ok(kb_producer_new(t.cluster, &p));
	ck_ok(kb_producer_open(p, "t", partition, &part));
	for (int i = 0; i < batches; i++) {
		kb_buf_clear(&b);
		mock_batch(&b, 3, size);
		ck_ok(kb_producer_send(p, part, b.data, b.len, NULL, &base));
	}
	kb_producer_free(p);
	kb_buf_release(&b);
}

/* Waits for the next event that is not an empty answer; takes data in. */
static enum kb_fetch_kind
next_event(struct kb_fetch_event *e)
{
	struct reader *r;
	struct kb_batch b;

	for (;;) {
		ck_ok(kb_fetcher_next(fetcher, 20000, e));
		r = e->user;
		r->events++;
		ck_assert_ptr_eq(e->part, r->part);
		ck_assert_int_eq(e->offset, r->next);
		if (e->kind != KB_FETCH_DATA)
			return e->kind;
		for (struct kb_slice in = e->records;
			in.len && !kb_batch_parse(in, &b);
			in.data += b.bytes.len, in.len -= b.bytes.len) {
			ck_ok(kb_batch_check(&b));
			ck_assert_int_eq(b.base_offset, r->next);
			r->next = kb_batch_last(&b) + 1;
		}
		kb_fetcher_advance(fetcher, r->part, r->next, -1);
		if (e->records.len)
			return e->kind;
	}
}

/* Reads on until `partition` has come to `offset`. */
static void
read_to(int partition, int64_t offset)
{
	struct kb_fetch_event e;

	while (readers[partition].next < offset)
		ck_assert_int_eq(next_event(&e), KB_FETCH_DATA);
	ck_assert_int_eq(readers[partition].next, offset);
}

START_TEST(fetcher__reads_all_partitions_from_their_leaders)
{
	start(3, 5);
	for (int p = 0; p < 5; p++) {
		produce(p, p + 1, 100);
		add(p, 0);
	}
	for (int p = 0; p < 5; p++)
		read_to(p, 3 * (p + 1));
	stop();
}
END_TEST

START_TEST(fetcher__reads_on_what_comes_later)
{
	start(1, 2);
	add(0, 0);
	add(1, 0);
	for (int i = 1; i <= 3; i++) {
		produce(0, 1, 10);
		read_to(0, 3 * i);
	}
	produce(1, 1, 10);
	read_to(1, 3);
	stop();
}
END_TEST

START_TEST(fetcher__has_nothing_to_do_until_told_to_go_on)
{
	struct kb_fetch_event e;
	int64_t before;

	start(1, 1);
	ck_assert_int_eq(kb_fetcher_next(fetcher, 60000, &e), 1);
	produce(0, 2, 10);
	add(0, 0);
	ck_ok(kb_fetcher_next(fetcher, 60000, &e));
	ck_assert_int_eq(e.kind, KB_FETCH_DATA);
	before = kb_clock_ms();
	ck_assert_int_eq(kb_fetcher_next(fetcher, 60000, &e), 1);
	ck_assert_int_lt(kb_clock_ms() - before, 60000);
	kb_fetcher_advance(fetcher, readers[0].part, 3, -1);
	readers[0].next = 3;
	read_to(0, 6);
	stop();
}
END_TEST

START_TEST(fetcher__says_when_time_has_passed)
{
	struct kb_fetch_event e;
	int r;

	start(1, 1);
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, -1);
	add(0, 0);
	r = kb_fetcher_next(fetcher, 1, &e);
	ck_assert_int_eq(r, 1);
	stop();
}
END_TEST

START_TEST(fetcher__follows_a_leader_that_moves)
{
	start(3, 1);
	produce(0, 2, 10);
	add(0, 0);
	read_to(0, 6);
	for (int node = 2; node <= 3; node++) {
		rd_kafka_mock_partition_set_leader(t.mock, "t", 0, node);
		produce(0, 1, 10);
		read_to(0, 3 * (node + 1));
	}
	stop();
}
END_TEST

START_TEST(fetcher__waits_for_a_partition_without_leader)
{
	struct kb_fetch_event e;

	start(2, 2);
	produce(0, 1, 10);
	produce(1, 1, 10);
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, -1);
	add(0, 0);
	add(1, 0);
	read_to(1, 3);
	ck_assert_int_eq(kb_fetcher_next(fetcher, 5, &e) <= 1, 1);
	rd_kafka_mock_partition_set_leader(t.mock, "t", 0, 2);
	stop();
}
END_TEST

START_TEST(fetcher__outlives_a_broker_that_goes_and_comes)
{
	start(2, 2);
	produce(0, 2, 10);
	produce(1, 2, 10);
	add(0, 0);
	add(1, 0);
	read_to(0, 6);
	read_to(1, 6);
	produce(0, 1, 10);
	rd_kafka_mock_broker_set_down(t.mock, 1);
	produce(1, 1, 10);
	read_to(1, 9);
	rd_kafka_mock_broker_set_up(t.mock, 1);
	read_to(0, 9);
	stop();
}
END_TEST

START_TEST(fetcher__goes_on_after_errors_that_pass)
{
	static const rd_kafka_resp_err_t errors[] = {
		RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
		RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
		RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
		RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
		RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
		RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
		RD_KAFKA_RESP_ERR__TRANSPORT, /* the mock hangs up */
	};

	start(1, 1);
	produce(0, 20, 10);
	add(0, 0);
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		rd_kafka_mock_push_request_errors(t.mock, FETCH, 1, errors[i]);
		read_to(0, 3 * (int64_t)(i + 1));
	}
	stop();
}
END_TEST

START_TEST(fetcher__gives_a_partition_up_after_its_time)
{
	struct kb_fetch_event e;

	mock_topic_start(&t, 1, 1);
	ck_ok(kb_conf_set(t.conf, "message.timeout.ms", "50"));
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, NULL, &fetcher));
	produce(0, 1, 10);
	for (int i = 0; i < 1000; i++)
		rd_kafka_mock_push_request_errors(t.mock, FETCH, 1,
			RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE);
	add(0, 0);
	ck_assert_int_eq(next_event(&e), KB_FETCH_FAILED);
	ck_assert_int_eq(e.error, -EIO);
	ck_assert_msg(
		strstr(e.sentence, "REPLICA_NOT_AVAILABLE"), "%s", e.sentence);
	/* And it may be tried once more. */
	rd_kafka_mock_clear_request_errors(t.mock, FETCH);
	kb_fetcher_advance(fetcher, readers[0].part, 0, -1);
	read_to(0, 3);
	stop();
}
END_TEST

START_TEST(fetcher__tells_what_no_retry_would_help)
{
	struct kb_fetch_event e;

	start(1, 1);
	produce(0, 1, 10);
	rd_kafka_mock_push_request_errors(t.mock, FETCH, 2,
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE);
	add(0, 0);
	ck_assert_int_eq(next_event(&e), KB_FETCH_FAILED);
	ck_assert_int_eq(e.error, -EACCES);
	ck_assert_ptr_nonnull(strstr(e.sentence, "t/0"));
	kb_fetcher_advance(fetcher, readers[0].part, 0, -1);
	ck_assert_int_eq(next_event(&e), KB_FETCH_FAILED);
	ck_assert_int_eq(e.error, -EREMOTEIO);
	kb_fetcher_advance(fetcher, readers[0].part, 0, -1);
	read_to(0, 3);
	stop();
}
END_TEST

START_TEST(fetcher__tells_a_topic_that_is_gone)
{
	struct kb_fetch_event e;

	start(1, 1);
	readers[0] = (struct reader){0};
	ck_ok(kb_fetcher_add(fetcher, "gone", &mock_no_id, 0, 0, -1,
		&readers[0], &readers[0].part));
	ck_assert_int_eq(next_event(&e), KB_FETCH_DELETED);
	ck_assert_ptr_nonnull(strstr(e.sentence, "gone"));
	stop();
}
END_TEST

/* A broker that has just started may know no topics yet. */
START_TEST(fetcher__waits_for_a_topic_that_may_come_back)
{
	struct kb_fetch_event e;

	mock_topic_start(&t, 1, 1);
	ck_ok(kb_conf_set(t.conf, "message.timeout.ms", "3600000"));
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, NULL, &fetcher));
	readers[0] = (struct reader){0};
	ck_ok(kb_fetcher_add(fetcher, "late", &mock_no_id, 0, 0, -1,
		&readers[0], &readers[0].part));
	ck_assert_int_eq(kb_fetcher_next(fetcher, 1500, &e), 1);
	rd_kafka_mock_topic_create(t.mock, "late", 1, 1);
	ck_ok(kb_fetcher_next(fetcher, 20000, &e));
	ck_assert_int_eq(e.kind, KB_FETCH_DATA);
	stop();
}
END_TEST

/* One look at the cluster is enough for all of them. */
START_TEST(fetcher__tells_all_partitions_of_a_topic_that_is_gone)
{
	enum { COUNT = 60 };
	static struct reader gone[COUNT];
	struct kb_fetch_event e;

	start(1, 1);
	for (int p = 0; p < COUNT; p++)
		ck_ok(kb_fetcher_add(fetcher, "gone", &mock_no_id, p, 0, -1,
			&gone[p], &gone[p].part));
	for (int p = 0; p < COUNT; p++) {
		ck_assert_int_eq(next_event(&e), KB_FETCH_DELETED);
		ck_assert_ptr_nonnull(strstr(e.sentence, "gone"));
		kb_fetcher_remove(fetcher, e.part);
	}
	ck_assert_int_eq(kb_fetcher_next(fetcher, 60000, &e), 1);
	stop();
}
END_TEST

/* The mock keeps 5 MB of a partition. */
START_TEST(fetcher__tells_where_the_log_begins_now)
{
	struct kb_fetch_event e;

	start(1, 1);
	produce(0, 8, 300000);
	add(0, 0);
	ck_assert_int_eq(next_event(&e), KB_FETCH_GAP);
	ck_assert_int_gt(e.log_start, 0);
	readers[0].next = e.log_start;
	kb_fetcher_advance(fetcher, readers[0].part, e.log_start, -1);
	read_to(0, 24);
	stop();
}
END_TEST

START_TEST(fetcher__tells_a_log_that_ends_below)
{
	struct kb_fetch_event e;

	start(1, 1);
	produce(0, 2, 10);
	add(0, 100);
	ck_assert_int_eq(next_event(&e), KB_FETCH_TRUNCATED);
	ck_assert_int_eq(e.end, 6);
	ck_assert_ptr_nonnull(strstr(e.sentence, "100"));
	stop();
}
END_TEST

START_TEST(fetcher__forgets_what_is_removed)
{
	struct kb_fetch_event e;

	start(1, 3);
	for (int p = 0; p < 3; p++) {
		produce(p, 5, 10);
		add(p, 0);
	}
	/* parked; then while others are in flight or handed out */
	kb_fetcher_remove(fetcher, readers[2].part);
	ck_assert_int_eq(next_event(&e), KB_FETCH_DATA);
	kb_fetcher_remove(fetcher, e.part);
	if (e.user == &readers[0])
		read_to(1, 15);
	else
		read_to(0, 15);
	ck_assert_int_eq(readers[2].events, 0);
	stop();
}
END_TEST

START_TEST(fetcher__is_interrupted)
{
	struct kb_fetch_event e;

	start(1, 1);
	add(0, 0);
	kb_cancel_fire(&t.cancel, 2);
	ck_assert_int_eq(kb_fetcher_next(fetcher, 60000, &e), -ECANCELED);
	stop();
}
END_TEST

/* ---- a fake broker with topic ids: what no mock would send ---- */

static struct fake_broker fake;
static bool fake_big; /* answers claim to be too large, not damaged */

static void
put_fetched(struct kb_buf *b, int32_t partition, int64_t offset)
{
	struct kb_buf batch = {0};

	mock_batch(&batch, 3, 10);
	kb_store_be64(batch.data, (uint64_t)offset);
	fake_cluster_put_part(b, partition, 0, -1, kb_buf_slice(&batch));
	kb_buf_release(&batch);
}

/* Partition 1 spoils every answer that it is in. */
static void
answer_fetch(int fd, uint32_t id, struct kb_slice body)
{
	struct fake_fetch ask;
	struct kb_buf b = {0};
	bool spoilt = false;

	fake_cluster_read_fetch(body, &ask);
	fake_cluster_put_head(&b, ask.count);
	for (int i = 0; i < ask.count; i++) {
		put_fetched(&b, ask.parts[i].partition, ask.parts[i].offset);
		if (ask.parts[i].partition == 1)
			spoilt = true;
	}
	kb_wire_put_tags(&b, true);
	if (!spoilt)
		kb_wire_put_tags(&b, true);
	if (spoilt && fake_big) {
		uint32_t head[2] = {htobe32(2000000000), htobe32(id)};

		fake_broker_send(fd, head, sizeof(head));
	} else {
		fake_broker_answer(fd, id, b.data, b.len);
	}
	kb_buf_release(&b);
}

static void
serve(int fd)
{
	uint8_t body[1024];
	uint32_t id;
	int api, n;

	if (fake_broker_greet(fd) < 0)
		return;
	while ((n = fake_broker_request(fd, &api, &id, body, sizeof(body))) >=
		0) {
		struct kb_buf b = {0};

		if (api == FETCH) {
			answer_fetch(fd, id, kb_slice_of(body, (size_t)n));
			continue;
		}
		ck_assert_int_eq(api, 3);
		fake_cluster_put_metadata(&b, &fake.port, 1, 3);
		fake_broker_answer(fd, id, b.data, b.len);
		kb_buf_release(&b);
	}
}

static void
condemn_only_one(void)
{
	struct kb_fetch_event e;
	enum kb_fetch_kind kind;
	int failures = 0;

	fake_broker_start(&fake, serve);
	mock_topic_conf(&t, fake.address);
	mock_topic_open(&t);
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, NULL, &fetcher));
	for (int p = 0; p < 3; p++) {
		readers[p] = (struct reader){.next = 30};
		ck_ok(kb_fetcher_add(fetcher, "t", &fake_id, p, 30, -1,
			&readers[p], &readers[p].part));
	}
	while (!failures || readers[0].next < 60 || readers[2].next < 60) {
		kind = next_event(&e);
		if (kind == KB_FETCH_DATA)
			continue;
		ck_assert_int_eq(kind, KB_FETCH_FAILED);
		ck_assert_ptr_eq(e.user, &readers[1]);
		ck_assert_int_eq(e.error, -EBADMSG);
		ck_assert_ptr_nonnull(strstr(e.sentence, "t/1"));
		failures++;
	}
	ck_assert_int_eq(failures, 1);
	ck_assert_int_eq(readers[1].next, 30);
	stop();
	fake_broker_stop(&fake);
}

START_TEST(fetcher__damaged_answer_condemns_one_partition)
{
	condemn_only_one();
}
END_TEST

START_TEST(fetcher__answer_too_large_condemns_one_partition)
{
	fake_big = true;
	condemn_only_one();
}
END_TEST

KB_SUITE("fetcher", fetcher__reads_all_partitions_from_their_leaders,
	fetcher__reads_on_what_comes_later,
	fetcher__has_nothing_to_do_until_told_to_go_on,
	fetcher__says_when_time_has_passed,
	fetcher__follows_a_leader_that_moves,
	fetcher__waits_for_a_partition_without_leader,
	fetcher__outlives_a_broker_that_goes_and_comes,
	fetcher__goes_on_after_errors_that_pass,
	fetcher__gives_a_partition_up_after_its_time,
	fetcher__tells_what_no_retry_would_help,
	fetcher__tells_a_topic_that_is_gone,
	fetcher__waits_for_a_topic_that_may_come_back,
	fetcher__tells_all_partitions_of_a_topic_that_is_gone,
	fetcher__tells_where_the_log_begins_now,
	fetcher__tells_a_log_that_ends_below, fetcher__forgets_what_is_removed,
	fetcher__is_interrupted, fetcher__damaged_answer_condemns_one_partition,
	fetcher__answer_too_large_condemns_one_partition)
