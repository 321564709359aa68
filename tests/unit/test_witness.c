#include "backup/witness.h"

#include <errno.h>

#include "backup/deposit.h"
#include "backup/hand.h"
#include "backup/lane.h"
#include "backup/options.h"
#include "index/index.h"
#include "kafka/producer.h"
#include "mock_topic.h"
#include "store/repo.h"
#include "store/store.h"

static const struct kb_backup_options options = {.segment_bytes = 1 << 20};
static struct mock_topic t;
static struct kb_repo repo;
static struct kb_index *idx;
static struct kb_deposit deposit;
static struct kb_lane lane;

/* Five records of `size` bytes are stored, up to offset 4. */
static void
store(size_t size)
{
	struct kb_buf batch = {0};
	struct kb_slice row;
	void *hand;
	int64_t damage;

	ck_ok(kb_store_new_memory(&repo.store));
	ck_ok(kb_index_open(&repo, &idx));
	ck_ok(kb_deposit_init(&deposit, &options, &repo, idx));
	lane = (struct kb_lane){.topic = {.name = "t"}, .cut = INT64_MAX};
	mock_batch(&batch, 5, size);
	ck_ok(kb_hand_make(&hand));
	row = kb_buf_slice(&batch);
	ck_ok(kb_lane_take(&lane, &deposit, hand, &row, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	kb_hand_free(hand);
	ck_ok(kb_deposit_commit(&deposit));
	kb_buf_release(&batch);
}

/* The broker has `count` records of `size` bytes. */
static void
produce(int count, size_t size)
{
	struct kb_producer *p;
	struct kb_produce_part *part;
	struct kb_buf batch = {0};
	int64_t base;

	mock_topic_start(&t, 1, 1);
	mock_batch(&batch, count, size);
	ck_ok(kb_producer_new(t.cluster, &p));
	ck_ok(kb_producer_open(p, "t", 0, &part));
	ck_ok(kb_producer_send(p, part, batch.data, batch.len, NULL, &base));
	kb_producer_free(p);
	kb_buf_release(&batch);
}

static void
stop(void)
{
	kb_lane_release(&lane);
	kb_deposit_release(&deposit);
	kb_index_close(idx);
	kb_store_free(repo.store);
	mock_topic_stop(&t);
}

START_TEST(witness__knows_its_own_record)
{
	store(100);
	produce(9, 100);
	ck_ok(kb_witness_check(&lane, &deposit, t.cluster, 4));
	stop();
}
END_TEST

START_TEST(witness__finds_another_record_in_its_place)
{
	store(100);
	produce(9, 101);
	ck_assert_int_eq(
		kb_witness_check(&lane, &deposit, t.cluster, 4), -ESTALE);
	stop();
}
END_TEST

/* A shorter log is the business of who fetches on. */
START_TEST(witness__does_not_mind_that_nothing_is_there)
{
	store(100);
	produce(3, 100);
	ck_ok(kb_witness_check(&lane, &deposit, t.cluster, 4));
	stop();
}
END_TEST

START_TEST(witness__must_be_stored)
{
	store(100);
	produce(9, 100);
	ck_assert_int_lt(kb_witness_check(&lane, &deposit, t.cluster, 7), 0);
	stop();
}
END_TEST

KB_SUITE("witness", witness__knows_its_own_record,
	witness__finds_another_record_in_its_place,
	witness__does_not_mind_that_nothing_is_there, witness__must_be_stored)
