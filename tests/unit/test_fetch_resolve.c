/* Is the log still the one that we know? A fake leader tells of its epochs. */
#include "kafka/fetcher.h"

#include <stdatomic.h>

#include "fake_broker.h"
#include "fake_cluster.h"
#include "mock_topic.h"

#define FAKE_EPOCH_END 23
#define COUNT 3 /* records a batch; the first begins at 0 */

/* Ours: two batches, the last one of epoch 2. */
#define OURS 6
#define OUR_EPOCH 2

static struct mock_topic t;
static struct kb_fetcher *fetcher;
static struct fake_broker broker;
static int port;

/* The log that the broker has. */
static struct {
	int64_t start;
	int64_t hole;	    /* the batch from here on is not there; -1 none */
	int32_t epochs[4];  /* of the batches */
	int32_t epoch, end; /* what OffsetForLeaderEpoch answers */
} their = {.hole = -1};

static atomic_int epochs_asked;
static atomic_bool moved; /* partition 1 has, 0 says only: not now */

static void
put_batch(struct kb_buf *out, int i)
{
	struct kb_buf batch = {0};

	mock_batch(&batch, COUNT, 10);
	kb_store_be64(batch.data, (uint64_t)i * COUNT);
	kb_store_be32(batch.data + 12, (uint32_t)their.epochs[i]);
	kb_buf_put(out, batch.data, batch.len);
	kb_buf_release(&batch);
}

/* From the batch that holds the offset on. */
static void
put_log(struct kb_buf *out, int64_t offset)
{
	for (int i = (int)offset / COUNT; i < 4; i++)
		if (i * COUNT != their.hole)
			put_batch(out, i);
}

static int16_t
error_of(const struct fake_fetch *f, int i)
{
	if (f->parts[i].offset < their.start)
		return 1; /* OFFSET_OUT_OF_RANGE */
	if (!moved || f->parts[i].epoch == fake_epoch)
		return 0;
	/* OFFSET_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER */
	return f->parts[i].partition == 0 ? 78 : 6;
}

static void
put_fetch(struct kb_buf *b, struct kb_slice body)
{
	struct fake_fetch f;

	fake_cluster_read_fetch(body, &f);
	fake_cluster_put_head(b, f.count);
	for (int i = 0; i < f.count; i++) {
		struct kb_buf log = {0};
		int16_t error = error_of(&f, i);

		kb_buf_reserve(&log, 1);
		if (!error)
			put_log(&log, f.parts[i].offset);
		fake_cluster_put_part(
			b, f.parts[i].partition, error, -1, kb_buf_slice(&log));
		kb_buf_release(&log);
	}
	kb_wire_put_tags(b, true);
	kb_wire_put_tags(b, true);
}

static void
put_epoch_end(struct kb_buf *b, struct kb_slice body)
{
	struct kb_cursor c = kb_cursor_of(body);
	int32_t partition;

	kb_wire_string(&c, false); /* client id */
	kb_cursor_take(&c, 4 + 4); /* replica id, topics */
	kb_wire_string(&c, false);
	kb_cursor_take(&c, 4);
	partition = kb_cursor_i32(&c);
	ck_assert(!c.bad);
	kb_buf_put_i32(b, 0);
	kb_wire_put_array(b, false, 1);
	kb_wire_put_string(b, false, "t");
	kb_wire_put_array(b, false, 1);
	kb_buf_put_i16(b, 0);
	kb_buf_put_i32(b, partition);
	kb_buf_put_i32(b, their.epoch);
	kb_buf_put_i64(b, their.end);
	atomic_fetch_add(&epochs_asked, 1);
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
		struct kb_slice s = kb_slice_of(body, (size_t)n);
		struct kb_buf b = {0};

		if (api == FAKE_FETCH)
			put_fetch(&b, s);
		else if (api == FAKE_EPOCH_END)
			put_epoch_end(&b, s);
		else
			fake_cluster_put_metadata(&b, &port, 1, 2);
		fake_broker_answer(fd, id, b.data, b.len);
		kb_buf_release(&b);
	}
}

static void
start(void)
{
	fake_broker_start(&broker, serve);
	port = broker.port;
	mock_topic_conf(&t, broker.address);
	mock_topic_open(&t);
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, NULL, &fetcher));
}

static void
stop(void)
{
	kb_fetcher_free(fetcher);
	mock_topic_stop(&t);
	fake_broker_stop(&broker);
}

/* Goes on behind our two batches; the first event. */
static struct kb_fetch_event
resume(void)
{
	struct kb_fetch_part *part;
	struct kb_fetch_event e;

	start();
	ck_ok(kb_fetcher_add(
		fetcher, "t", &fake_id, 0, OURS, OUR_EPOCH, NULL, &part));
	ck_ok(kb_fetcher_next(fetcher, 60000, &e));
	ck_assert_int_eq(e.offset, OURS);
	ck_assert_int_ge(epochs_asked, 1);
	return e;
}

static void
goes_on(void)
{
	struct kb_fetch_event e = resume();

	ck_assert_int_eq(e.kind, KB_FETCH_DATA);
	ck_assert_int_eq((int64_t)kb_load_be64(e.records.data), OURS);
	stop();
}

static void
is_truncated(int64_t end, const char *sentence)
{
	struct kb_fetch_event e = resume();

	ck_assert_int_eq(e.kind, KB_FETCH_TRUNCATED);
	ck_assert_int_eq(e.end, end);
	ck_assert_str_eq(e.sentence, sentence);
	stop();
}

/* their.epochs, .epoch and .end. */
static void
they_have(int e0, int e1, int e2, int e3, int epoch, int end)
{
	their.epochs[0] = e0;
	their.epochs[1] = e1;
	their.epochs[2] = e2;
	their.epochs[3] = e3;
	their.epoch = epoch;
	their.end = end;
}

START_TEST(fetch_resolve__goes_on_in_the_log_that_we_know)
{
	they_have(1, 2, 4, 4, 2, 6);
	goes_on();
}
END_TEST

START_TEST(fetch_resolve__stops_where_our_epoch_ends_below_our_offset)
{
	they_have(1, 4, 4, 4, 1, 3);
	is_truncated(3, "t/0: the log was truncated: leader epoch 2 now ends "
			"at offset 3, below 6, which we had reached");
}
END_TEST

/* As after two unclean elections: the first leader is back, with its log. */
START_TEST(fetch_resolve__stops_in_a_longer_log_with_another_batch)
{
	they_have(1, 1, 1, 4, 1, 9);
	is_truncated(3, "t/0: the log was truncated: offset 5 now is of "
			"leader epoch 1, ours, 2, ends at offset 6");
}
END_TEST

/* As a replica made anew from a compacted log. */
START_TEST(fetch_resolve__goes_on_where_our_last_batch_is_gone)
{
	they_have(1, 2, 4, 4, 1, 6);
	their.hole = 3;
	goes_on();
}
END_TEST

START_TEST(fetch_resolve__goes_on_where_the_epoch_is_forgotten)
{
	they_have(1, 2, 4, 4, 1, 6);
	goes_on();
}
END_TEST

START_TEST(fetch_resolve__goes_on_where_the_log_begins_at_our_offset)
{
	they_have(1, 2, 4, 4, 1, 6);
	their.start = OURS;
	goes_on();
}
END_TEST

/* Partition 0 hears of the new leader only because 1 has asked. */
START_TEST(fetch_resolve__asks_about_the_epoch_whoever_hears_of_a_leader)
{
	struct kb_fetch_part *parts[2];
	struct kb_fetch_event e;

	they_have(4, 4, 4, 4, 4, 12);
	start();
	for (int p = 0; p < 2; p++)
		ck_ok(kb_fetcher_add(
			fetcher, "t", &fake_id, p, OURS, 4, NULL, &parts[p]));
	for (int p = 0; p < 2; p++) {
		ck_ok(kb_fetcher_next(fetcher, 60000, &e));
		ck_assert_int_eq(e.kind, KB_FETCH_DATA);
	}
	their.end = 3;
	atomic_store(&moved, true);
	atomic_store(&fake_epoch, 5);
	for (int p = 0; p < 2; p++)
		kb_fetcher_advance(fetcher, parts[p], OURS, 4);
	for (int p = 0; p < 2; p++) {
		ck_ok(kb_fetcher_next(fetcher, 60000, &e));
		ck_assert_int_eq(e.kind, KB_FETCH_TRUNCATED);
	}
	stop();
}
END_TEST

KB_SUITE("fetch_resolve", fetch_resolve__goes_on_in_the_log_that_we_know,
	fetch_resolve__stops_where_our_epoch_ends_below_our_offset,
	fetch_resolve__stops_in_a_longer_log_with_another_batch,
	fetch_resolve__goes_on_where_our_last_batch_is_gone,
	fetch_resolve__goes_on_where_the_epoch_is_forgotten,
	fetch_resolve__goes_on_where_the_log_begins_at_our_offset,
	fetch_resolve__asks_about_the_epoch_whoever_hears_of_a_leader)
