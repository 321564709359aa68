/* Fetching from a follower (KIP-392): two fake nodes, 1 leads, 2 is near. */
#include "kafka/fetcher.h"

#include <errno.h>
#include <stdatomic.h>

#include "fake_broker.h"
#include "fake_cluster.h"
#include "mock_topic.h"

#define OUT_OF_RANGE 1
#define OFFSET_NOT_AVAILABLE 78
#define HANG_UP 1000

static struct mock_topic t;
static struct kb_fetcher *fetcher;
static struct fake_broker nodes[2];
static int ports[2];
static struct kb_fetch_part *part;
static int64_t reached;

static atomic_int served[2]; /* fetches that brought records */
static atomic_int trouble;   /* what the follower answers, when not 0 */
static atomic_int absent;    /* the replica named, when not 0 */

static void
put_records(struct kb_buf *b, int node, const struct fake_fetch *f)
{
	struct kb_buf batch = {0};

	mock_batch(&batch, 3, 10);
	kb_store_be64(batch.data, (uint64_t)f->parts[0].offset);
	fake_cluster_put_part(b, 0, 0, -1, kb_buf_slice(&batch));
	kb_buf_release(&batch);
	atomic_fetch_add(&served[node], 1);
}

/* Asked from our rack, the leader names the follower. */
static int
answer_fetch(int fd, int node, uint32_t id, struct kb_slice body)
{
	const struct kb_slice none = {(const uint8_t *)"", 0};
	int error = node == 1 ? atomic_load(&trouble) : 0;
	struct fake_fetch f;
	struct kb_buf b = {0};

	fake_cluster_read_fetch(body, &f);
	if (error == HANG_UP)
		return -1;
	fake_cluster_put_head(&b, 1);
	if (node == 0 && !strcmp(f.rack, "near"))
		fake_cluster_put_part(&b, 0, 0,
			atomic_load(&absent) ? atomic_load(&absent) : 2, none);
	else if (error)
		fake_cluster_put_part(&b, 0, (int16_t)error, -1, none);
	else
		put_records(&b, node, &f);
	kb_wire_put_tags(&b, true);
	kb_wire_put_tags(&b, true);
	fake_broker_answer(fd, id, b.data, b.len);
	kb_buf_release(&b);
	return 0;
}

static void
serve(int fd, int node)
{
	uint8_t body[1024];
	uint32_t id;
	int api, n;

	if (fake_broker_greet(fd) < 0)
		return;
	while ((n = fake_broker_request(fd, &api, &id, body, sizeof(body))) >=
		0) {
		struct kb_buf b = {0};

		if (api == FAKE_FETCH) {
			if (answer_fetch(fd, node, id,
				    kb_slice_of(body, (size_t)n)) < 0)
				return;
			continue;
		}
		fake_cluster_put_metadata(&b, ports, 2, 1);
		fake_broker_answer(fd, id, b.data, b.len);
		kb_buf_release(&b);
	}
}

static void
serve_leader(int fd)
{
	serve(fd, 0);
}

static void
serve_follower(int fd)
{
	serve(fd, 1);
}

static void
start(const char *rack)
{
	fake_broker_start(&nodes[0], serve_leader);
	fake_broker_start(&nodes[1], serve_follower);
	ports[0] = nodes[0].port;
	ports[1] = nodes[1].port;
	mock_topic_conf(&t, nodes[0].address);
	ck_ok(kb_conf_set(t.conf, "client.rack", rack));
	mock_topic_open(&t);
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, NULL, &fetcher));
	reached = 0;
	ck_ok(kb_fetcher_add(fetcher, "t", &fake_id, 0, 0, -1, NULL, &part));
}

static void
stop(void)
{
	kb_fetcher_free(fetcher);
	mock_topic_stop(&t);
	fake_broker_stop(&nodes[0]);
	fake_broker_stop(&nodes[1]);
}

/* Each answer brings a batch; none may be missed, and nothing else said. */
static void
read_batches(int count)
{
	struct kb_fetch_event e;

	while (count--) {
		ck_ok(kb_fetcher_next(fetcher, 60000, &e));
		ck_assert_int_eq(e.kind, KB_FETCH_DATA);
		ck_assert_int_eq(e.offset, reached);
		ck_assert_uint_gt(e.records.len, 0);
		reached += 3;
		kb_fetcher_advance(fetcher, part, reached, -1);
	}
}

START_TEST(fetch_part__is_fetched_from_the_replica_in_our_rack)
{
	start("near");
	read_batches(10);
	ck_assert_int_eq(atomic_load(&served[0]), 0);
	ck_assert_int_ge(atomic_load(&served[1]), 10);
	stop();
}
END_TEST

START_TEST(fetch_part__is_fetched_from_the_leader_without_a_rack)
{
	start("");
	read_batches(10);
	ck_assert_int_ge(atomic_load(&served[0]), 10);
	ck_assert_int_eq(atomic_load(&served[1]), 0);
	stop();
}
END_TEST

static void
fall_back(int error)
{
	int before;

	start("near");
	read_batches(5);
	atomic_store(&trouble, error);
	before = atomic_load(&served[1]);
	read_batches(10);
	/* One may have been asked for before. */
	ck_assert_int_le(atomic_load(&served[1]), before + 1);
	ck_assert_int_ge(atomic_load(&served[0]), 9);
	stop();
}

/* It says nothing of gaps or truncation, which the leader would know. */
START_TEST(fetch_part__asks_the_leader_when_a_follower_is_out_of_range)
{
	fall_back(OUT_OF_RANGE);
}
END_TEST

START_TEST(fetch_part__asks_the_leader_when_a_follower_lags)
{
	fall_back(OFFSET_NOT_AVAILABLE);
}
END_TEST

START_TEST(fetch_part__asks_the_leader_when_a_follower_is_lost)
{
	fall_back(HANG_UP);
}
END_TEST

START_TEST(fetch_part__asks_the_leader_when_the_replica_has_no_address)
{
	atomic_store(&absent, 7);
	start("near");
	read_batches(10);
	ck_assert_int_ge(atomic_load(&served[0]), 10);
	stop();
}
END_TEST

KB_SUITE("fetch_part", fetch_part__is_fetched_from_the_replica_in_our_rack,
	fetch_part__is_fetched_from_the_leader_without_a_rack,
	fetch_part__asks_the_leader_when_a_follower_is_out_of_range,
	fetch_part__asks_the_leader_when_a_follower_lags,
	fetch_part__asks_the_leader_when_a_follower_is_lost,
	fetch_part__asks_the_leader_when_the_replica_has_no_address)
