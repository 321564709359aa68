/* The pipeline as a whole, from a mock cluster into a memory store. */
#include "backup/engine.h"

#include <errno.h>
#include <signal.h>

#include "backup/deposit.h"
#include "backup/options.h"
#include "backup/plan.h"
#include "backup/progress.h"
#include "index/index.h"
#include "index/scan.h"
#include "kafka/producer.h"
#include "mock_topic.h"
#include "store/repo.h"
#include "store/store.h"

#define PARTITIONS 6
#define BATCHES 12
#define RECORDS 3 /* in a batch */

static struct mock_topic t;
static struct kb_backup_options options;
static struct kb_repo repo;
static struct kb_index *idx;
static struct kb_deposit deposit;
static struct kb_plan plan;
static struct kb_progress progress;

static void
produce(int partition)
{
	struct kb_producer *p;
	struct kb_produce_part *part;
	struct kb_buf b = {0};
	int64_t base;

	ck_ok(kb_producer_new(t.cluster, &p));
	ck_ok(kb_producer_open(p, "t", partition, &part));
	for (int i = 0; i < BATCHES; i++) {
		kb_buf_clear(&b);
		mock_batch(&b, RECORDS, 5000);
		ck_ok(kb_producer_send(p, part, b.data, b.len, NULL, &base));
	}
	kb_producer_free(p);
	kb_buf_release(&b);
}

static void
start(void)
{
	mock_topic_start(&t, 2, PARTITIONS);
	for (int p = 0; p < PARTITIONS; p++)
		produce(p);
	options = (struct kb_backup_options){
		.conf = t.conf,
		.segment_bytes = 30000,
		.memory = 1 << 20,
		.compression = KB_COMPRESSION_VERBATIM,
		.quiet = true,
	};
	ck_ok(kb_store_new_memory(&repo.store));
	ck_ok(kb_index_open(&repo, &idx));
	ck_ok(kb_deposit_init(&deposit, &options, &repo, idx));
	plan.lanes = calloc(PARTITIONS, sizeof(*plan.lanes));
	plan.lane_count = PARTITIONS;
	for (int p = 0; p < PARTITIONS; p++) {
		struct kb_lane *l = &plan.lanes[p];

		l->topic.name = "t";
		l->partition = p;
		l->cut = BATCHES * RECORDS;
		l->last_epoch = -1;
	}
	kb_progress_init(&progress, true, &plan);
}

static void
stop(void)
{
	for (int p = 0; p < PARTITIONS; p++)
		kb_lane_release(&plan.lanes[p]);
	free(plan.lanes);
	kb_deposit_release(&deposit);
	kb_index_close(idx);
	kb_store_free(repo.store);
	mock_topic_stop(&t);
}

static int
run(void)
{
	return kb_engine_run(&plan, t.cluster, &deposit, &progress, &t.cancel);
}

/* Offsets in store and index of a partition, from 0 without a hole. */
static int64_t
stored(int partition)
{
	struct kb_topic_ref ref = {.name = "t"};
	struct kb_index_partition row;
	const struct kb_block *blocks;
	struct kb_segment s;
	struct kb_scan *scan;
	char name[KB_NAME_MAX];
	int64_t at = 0;

	ck_ok(kb_scan_new(NULL, &scan));
	for (;;) {
		kb_layout_segment(name, &ref, partition, at);
		if (kb_scan_run(scan, repo.store, name, &ref, partition, at, &s,
			    &blocks) == -ENOENT)
			break;
		ck_assert_int_eq(s.first, at);
		ck_assert_uint_eq(s.records, (uint64_t)(s.end - at));
		at = s.end;
	}
	kb_scan_free(scan);
	if (at) {
		ck_ok(kb_index_partition(idx, &ref, partition, &row));
		ck_assert_int_eq(row.end, at);
	}
	return at;
}

START_TEST(engine__stores_every_partition_up_to_its_cut)
{
	start();
	plan.lanes[2].cut = 7; /* inside a batch */
	ck_ok(run());
	for (int p = 0; p < PARTITIONS; p++) {
		ck_assert_int_eq(plan.lanes[p].state, KB_LANE_DONE);
		ck_assert_int_eq(stored(p), plan.lanes[p].cut);
	}
	ck_assert_uint_eq(deposit.totals.problems, 0);
	ck_assert_uint_eq(deposit.totals.records,
		(PARTITIONS - 1) * BATCHES * RECORDS + 7);
	stop();
}
END_TEST

START_TEST(engine__gets_along_with_a_small_budget)
{
	start();
	options.memory = 10000; /* a batch is larger, and goes alone */
	ck_ok(run());
	for (int p = 0; p < PARTITIONS; p++)
		ck_assert_int_eq(stored(p), BATCHES * RECORDS);
	stop();
}
END_TEST

START_TEST(engine__stops_one_partition_and_not_the_others)
{
	struct kb_topic_ref ref = {.name = "t"};
	struct kb_blob_writer *w;
	char name[KB_NAME_MAX];

	start();
	kb_layout_segment(name, &ref, 3, 0);
	ck_ok(kb_store_create(repo.store, name, &w));
	ck_ok(kb_blob_write(w, kb_slice_str("another writer's")));
	ck_ok(kb_blob_publish(w));
	ck_ok(run());
	for (int p = 0; p < PARTITIONS; p++)
		if (p != 3)
			ck_assert_int_eq(stored(p), BATCHES * RECORDS);
	ck_assert_int_eq(plan.lanes[3].state, KB_LANE_STOPPED);
	ck_assert_int_eq(plan.lanes[3].published_failure.code, -EEXIST);
	ck_assert_uint_eq(deposit.totals.problems, 1);
	stop();
}
END_TEST

/* What is published when the run is interrupted has no hole. */
START_TEST(engine__publishes_what_is_whole_when_interrupted)
{
	start();
	kb_cancel_fire(&t.cancel, SIGINT);
	ck_assert_int_eq(run(), -ECANCELED);
	for (int p = 0; p < PARTITIONS; p++)
		stored(p);
	stop();
}
END_TEST

KB_SUITE("engine", engine__stores_every_partition_up_to_its_cut,
	engine__gets_along_with_a_small_budget,
	engine__stops_one_partition_and_not_the_others,
	engine__publishes_what_is_whole_when_interrupted)
