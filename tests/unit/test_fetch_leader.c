/* What is asked of a broker, seen from the broker: a fake with endless logs. */
#include "kafka/fetcher.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "common/budget.h"
#include "fake_broker.h"
#include "fake_cluster.h"
#include "kafka/lease.h"
#include "mock_topic.h"

#define LONG 60000
#define PENDING 16
#define RECORDS 3

static struct mock_topic t;
static struct kb_fetcher *fetcher;
static struct kb_budget budget;

/* A partition being read. */
static struct reader {
	struct kb_fetch_part *part;
	int64_t next;
	int answers; /* that brought something */
} readers[FAKE_PARTS];

/* ---- the broker ---- */

static struct {
	struct fake_broker broker;
	int partitions;
	struct kb_buf batch[2]; /* of partition 0, of all others */
	atomic_int gather;	/* requests to come before one is answered */
	atomic_int requests;
	atomic_size_t asked; /* bytes, not yet answered */
	atomic_size_t held;  /* bytes that the test says it holds */
	size_t most;	     /* asked and held together; 0: not looked at */
	atomic_bool flying[FAKE_PARTS];
	bool once; /* a partition has one batch only */
} fake;

static size_t
put_batches(struct kb_buf *b, int32_t partition, int64_t offset, size_t room,
	bool whole)
{
	struct kb_buf *batch = &fake.batch[partition > 0], all = {0};
	size_t n = room / batch->len;

	if (n == 0 && whole)
		n = 1;
	if (fake.once)
		n = offset == 0;
	for (size_t i = 0; i < n; i++) {
		kb_store_be64(
			batch->data, (uint64_t)offset + RECORDS * (uint64_t)i);
		kb_buf_put(&all, batch->data, batch->len);
	}
	fake_cluster_put_part(b, partition, 0, -1,
		kb_slice_of(all.data ? all.data : batch->data, all.len));
	kb_buf_release(&all);
	return n * batch->len;
}

static pthread_mutex_t one_answer = PTHREAD_MUTEX_INITIALIZER;

static void
answer(int fd, uint32_t id, const struct fake_fetch *f)
{
	size_t room = (size_t)f->max_bytes;
	struct kb_buf b = {0};
	bool first = true;

	pthread_mutex_lock(&one_answer);
	fake_cluster_put_head(&b, f->count);
	for (int i = 0; i < f->count; i++) {
		size_t most = (size_t)f->parts[i].max_bytes, n;

		n = put_batches(&b, f->parts[i].partition, f->parts[i].offset,
			most < room ? most : room, first);
		room -= n < room ? n : room;
		first = first && !n;
		atomic_store(&fake.flying[f->parts[i].partition], false);
	}
	kb_wire_put_tags(&b, true);
	kb_wire_put_tags(&b, true);
	pthread_mutex_unlock(&one_answer);
	atomic_fetch_sub(&fake.asked, (size_t)f->max_bytes);
	fake_broker_answer(fd, id, b.data, b.len);
	kb_buf_release(&b);
}

static void
note(const struct fake_fetch *f)
{
	size_t asked = atomic_fetch_add(&fake.asked, (size_t)f->max_bytes);

	atomic_fetch_add(&fake.requests, 1);
	if (fake.most)
		ck_assert_uint_le(
			asked + (size_t)f->max_bytes + atomic_load(&fake.held),
			fake.most);
	for (int i = 0; i < f->count; i++)
		ck_assert(!atomic_exchange(
			&fake.flying[f->parts[i].partition], true));
}

static bool
is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 1) == 1;
}

static void
serve(int fd)
{
	static _Thread_local struct fake_fetch pending[PENDING];
	static _Thread_local uint8_t body[1 << 14];
	uint32_t id, ids[PENDING];
	int api, n, count = 0;

	if (fake_broker_greet(fd) < 0)
		return;
	for (;;) {
		if (count && atomic_load(&fake.requests) >=
				     atomic_load(&fake.gather)) {
			for (int i = 0; i < count; i++)
				answer(fd, ids[i], &pending[i]);
			count = 0;
		}
		if (count && !is_readable(fd))
			continue;
		n = fake_broker_request(fd, &api, &id, body, sizeof(body));
		if (n < 0)
			return;
		if (api == FAKE_FETCH) {
			ck_assert_int_lt(count, PENDING);
			ids[count] = id;
			fake_cluster_read_fetch(
				kb_slice_of(body, (size_t)n), &pending[count]);
			note(&pending[count++]);
		} else {
			struct kb_buf b = {0};

			fake_cluster_put_metadata(
				&b, &fake.broker.port, 1, fake.partitions);
			fake_broker_answer(fd, id, b.data, b.len);
			kb_buf_release(&b);
		}
	}
}

/* ---- the other side ---- */

static void
start(int partitions, const char *max_bytes, size_t memory,
	const struct kb_fetcher_options *options)
{
	struct kb_fetcher_options o = *options;

	fake.partitions = partitions;
	for (int i = 0; i < 2; i++)
		if (!fake.batch[i].len)
			mock_batch(&fake.batch[i], RECORDS, 1000);
	fake_broker_start(&fake.broker, serve);
	mock_topic_conf(&t, fake.broker.address);
	ck_ok(kb_conf_set(t.conf, "fetch.max.bytes", max_bytes));
	mock_topic_open(&t);
	kb_budget_init(&budget, memory);
	o.budget = &budget;
	ck_ok(kb_fetcher_new(t.cluster, KB_READ_COMMITTED, &o, &fetcher));
}

static void
stop(void)
{
	kb_fetcher_free(fetcher);
	ck_assert_uint_eq(kb_budget_used(&budget), 0);
	kb_budget_release(&budget);
	mock_topic_stop(&t);
	fake_broker_stop(&fake.broker);
}

static void
add(int partition)
{
	struct reader *r = &readers[partition];

	*r = (struct reader){0};
	ck_ok(kb_fetcher_add(
		fetcher, "t", &fake_id, partition, 0, -1, r, &r->part));
}

/* Walks what has come; the partition is not told to go on. */
static struct reader *
take(const struct kb_fetch_event *e)
{
	struct reader *r = e->user;
	struct kb_slice in = e->records;
	struct kb_batch b;

	ck_assert_int_eq(e->kind, KB_FETCH_DATA);
	ck_assert_int_eq(e->offset, r->next);
	ck_assert_ptr_nonnull(e->lease);
	r->answers += in.len > 0;
	while (in.len && !kb_batch_parse(in, &b)) {
		ck_assert_int_eq(b.base_offset, r->next);
		r->next = kb_batch_last(&b) + 1;
		in.data += b.bytes.len;
		in.len -= b.bytes.len;
	}
	ck_assert_uint_eq(in.len, 0);
	return r;
}

static struct reader *
next(struct kb_fetch_event *e)
{
	ck_ok(kb_fetcher_next(fetcher, LONG, e));
	return take(e);
}

static void
go_on(struct reader *r)
{
	kb_fetcher_advance(fetcher, r->part, r->next, -1);
}

START_TEST(fetch_leader__keeps_several_requests_in_flight)
{
	struct kb_fetch_event e;

	/* The broker answers none before it has three. */
	atomic_store(&fake.gather, 3);
	start(6, "65536", 64 << 20,
		&(struct kb_fetcher_options){.requests = 3});
	for (int p = 0; p < 6; p++)
		add(p);
	for (int i = 0; i < 50; i++)
		go_on(next(&e));
	stop();
}
END_TEST

START_TEST(fetch_leader__uses_several_connections)
{
	struct kb_fetch_event e;

	atomic_store(&fake.gather, 4);
	start(4, "65536", 64 << 20,
		&(struct kb_fetcher_options){.connections = 4, .requests = 1});
	for (int p = 0; p < 4; p++)
		add(p);
	for (int i = 0; i < 50; i++)
		go_on(next(&e));
	stop();
}
END_TEST

/* The first partition of an answer may take all of it. */
START_TEST(fetch_leader__gives_each_partition_its_turn)
{
	struct kb_fetch_event e;
	int least = INT32_MAX, most = 0;

	start(30, "6000", 64 << 20, &(struct kb_fetcher_options){0});
	for (int p = 0; p < 30; p++)
		add(p);
	while (readers[0].answers < 10)
		go_on(next(&e));
	for (int p = 0; p < 30; p++) {
		if (readers[p].answers < least)
			least = readers[p].answers;
		if (readers[p].answers > most)
			most = readers[p].answers;
	}
	ck_assert_int_ge(least, 8);
	ck_assert_int_le(most, 12);
	stop();
}
END_TEST

START_TEST(fetch_leader__asks_for_many_small_partitions_together)
{
	struct kb_fetch_event e;

	fake.once = true;
	start(200, "1000000", 64 << 20, &(struct kb_fetcher_options){0});
	for (int p = 0; p < 200; p++)
		add(p);
	for (int left = 200; left; left--) {
		struct reader *r = next(&e);

		ck_assert_int_eq(r->next, RECORDS);
		kb_fetcher_remove(fetcher, r->part);
	}
	/* Four partitions a request would be 50 of them. */
	ck_assert_int_le(atomic_load(&fake.requests), 25);
	stop();
}
END_TEST

/* ---- the budget ---- */

#define MEMORY (1 << 18)
#define LEASES 64

static struct kb_lease *leases[LEASES];
static size_t sizes[LEASES];
static int lease_count;

static void
hold(const struct kb_fetch_event *e)
{
	if (!e->records.len)
		return;
	ck_assert_int_lt(lease_count, LEASES);
	kb_lease_hold(e->lease);
	leases[lease_count] = e->lease;
	sizes[lease_count++] = e->records.len;
	atomic_fetch_add(&fake.held, e->records.len);
}

static void
drop_oldest(void)
{
	atomic_fetch_sub(&fake.held, sizes[0]);
	kb_lease_drop(leases[0]);
	lease_count--;
	memmove(leases, leases + 1, (size_t)lease_count * sizeof(*leases));
	memmove(sizes, sizes + 1, (size_t)lease_count * sizeof(*sizes));
}

START_TEST(fetch_leader__asks_for_no_more_than_the_budget)
{
	struct kb_fetch_event e;

	fake.most = MEMORY;
	start(8, "1000000", MEMORY, &(struct kb_fetcher_options){0});
	for (int p = 0; p < 8; p++)
		add(p);
	for (int i = 0; i < 300; i++) {
		struct reader *r = next(&e);

		hold(&e);
		go_on(r);
		ck_assert_uint_le(kb_budget_used(&budget), MEMORY);
		/* Less than fits: an answer goes with its last partition. */
		while (atomic_load(&fake.held) > MEMORY / 4)
			drop_oldest();
	}
	while (lease_count)
		drop_oldest();
	stop();
}
END_TEST

static void *
drop_all(void *arg)
{
	(void)arg;
	while (lease_count)
		drop_oldest();
	return NULL;
}

START_TEST(fetch_leader__goes_on_when_another_thread_makes_room)
{
	struct kb_fetch_event e;
	pthread_t thread;

	fake.most = MEMORY;
	start(8, "1000000", MEMORY, &(struct kb_fetcher_options){0});
	for (int p = 0; p < 8; p++)
		add(p);
	for (int i = 0; i < 5; i++) {
		while (!kb_fetcher_next(fetcher, 20, &e)) {
			hold(&e);
			go_on(take(&e));
		}
		ck_assert_int_eq(
			pthread_create(&thread, NULL, drop_all, NULL), 0);
		go_on(next(&e));
		pthread_join(thread, NULL);
	}
	stop();
}
END_TEST

/* What is held stays as it came, whatever comes later. */
START_TEST(fetch_leader__leaves_leased_records_alone)
{
	struct kb_fetch_event first, e;
	uint8_t copy[4096];

	start(2, "3500", MEMORY, &(struct kb_fetcher_options){0});
	add(0);
	add(1);
	go_on(next(&first));
	ck_assert_uint_le(first.records.len, sizeof(copy));
	kb_lease_hold(first.lease);
	memcpy(copy, first.records.data, first.records.len);
	for (int i = 0; i < 40; i++)
		go_on(next(&e));
	ck_assert_mem_eq(first.records.data, copy, first.records.len);
	kb_lease_drop(first.lease);
	stop();
}
END_TEST

START_TEST(fetch_leader__a_batch_above_the_budget_goes_alone)
{
	struct kb_fetch_event e;
	struct kb_lease *small;

	mock_batch(&fake.batch[0], RECORDS, MEMORY);
	start(2, "1000000", MEMORY, &(struct kb_fetcher_options){0});
	add(1);
	next(&e);
	small = e.lease;
	kb_lease_hold(small);
	add(0);
	ck_assert_int_eq(kb_fetcher_next(fetcher, 50, &e), 1);
	ck_assert_uint_le(kb_budget_used(&budget), MEMORY);
	kb_lease_drop(small);
	ck_assert_ptr_eq(next(&e), &readers[0]);
	ck_assert_uint_gt(kb_budget_used(&budget), MEMORY);
	go_on(&readers[0]);
	ck_assert_ptr_eq(next(&e), &readers[0]);
	stop();
}
END_TEST

KB_SUITE("fetch_leader", fetch_leader__keeps_several_requests_in_flight,
	fetch_leader__uses_several_connections,
	fetch_leader__gives_each_partition_its_turn,
	fetch_leader__asks_for_many_small_partitions_together,
	fetch_leader__asks_for_no_more_than_the_budget,
	fetch_leader__goes_on_when_another_thread_makes_room,
	fetch_leader__leaves_leased_records_alone,
	fetch_leader__a_batch_above_the_budget_goes_alone)
