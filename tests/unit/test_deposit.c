/* Gaps stand for all that is deposited. */
#include "backup/deposit.h"

#include <errno.h>

#include "backup/lane.h"
#include "backup/options.h"
#include "fault.h"
#include "index/index.h"
#include "store/repo.h"
#include "suite.h"

static struct kb_backup_options options;
static struct kb_fault fault;
static struct kb_repo repo;
static struct kb_index *index_;
static struct kb_deposit deposit;
static struct kb_lane lane;

static void
setup(void)
{
	struct kb_store *inner;

	fault = (struct kb_fault){0};
	ck_ok(kb_store_new_memory(&inner));
	ck_ok(kb_fault_new(inner, &fault, &repo.store));
	ck_ok(kb_index_open(&repo, &index_));
	ck_ok(kb_deposit_init(&deposit, &options, &repo, index_));
	lane = (struct kb_lane){.topic = {.name = "t"}};
}

static void
teardown(void)
{
	kb_deposit_release(&deposit);
	kb_index_close(index_);
	kb_store_free(repo.store);
}

static int
put(int64_t start, int64_t end)
{
	struct kb_gap gap = {.start = start, .end = end};

	gap.reason = KB_GAP_RETENTION;
	return kb_deposit_gap(&deposit, &lane, &gap);
}

/* Else the next run would go on behind rows that are missing. */
START_TEST(deposit__commits_nothing_after_a_commit_that_failed)
{
	setup();
	ck_ok(put(0, 10));
	fault.fail_at[KB_FAULT_PUBLISH] = fault.seen[KB_FAULT_PUBLISH] + 1;
	fault.code[KB_FAULT_PUBLISH] = -ENOSPC;
	ck_assert_int_eq(kb_deposit_commit(&deposit), -ENOSPC);
	ck_ok(put(10, 20)); /* there is room again */
	ck_assert_int_eq(kb_deposit_commit(&deposit), -ENOSPC);
	ck_ok(kb_index_refresh(index_));
	ck_assert(kb_index_empty(index_));
	teardown();
}
END_TEST

START_TEST(deposit__commits_what_waits)
{
	struct kb_index_partition p;

	setup();
	ck_ok(put(0, 10));
	ck_ok(kb_deposit_commit(&deposit));
	ck_ok(put(10, 20));
	ck_ok(kb_deposit_commit(&deposit));
	ck_ok(kb_deposit_commit(&deposit));
	ck_ok(kb_index_partition(index_, &lane.topic, 0, &p));
	ck_assert_uint_eq(p.gaps, 2);
	ck_assert_int_eq(p.end, 20);
	teardown();
}
END_TEST

KB_SUITE("deposit", deposit__commits_nothing_after_a_commit_that_failed,
	deposit__commits_what_waits)
