#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cancel.h"
#include "format/encoder.h"
#include "index/scan.h"
#include "index/stack.h"
#include "fault.h"
#include "rows.h"

static const struct kb_topic_ref again = {"orders", {{2}}};
static const struct kb_topic_ref zero = {"a.b", {{0}}};

/* Publishes a real segment of two batches with five records. */
static void
put_segment(struct kb_store *s, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int64_t time)
{
	char name[KB_NAME_MAX];
	struct kb_buf bytes = {0};
	struct kb_encoder e;
	struct kb_blob_writer *w;

	kb_encoder_init(&e);
	for (int64_t i = 0; i < 5; i++) {
		struct kb_batch_header h = {.leader_epoch = 3,
			.producer_id = -1,
			.producer_epoch = -1,
			.base_sequence = -1};
		struct kb_record r = {.offset = start + 1 + i,
			.timestamp = time + i,
			.key = kb_slice_str("k"),
			.value = kb_slice_str("a \"value\"\n")};

		ck_ok(kb_encoder_add(&e, &r));
		if (i >= 3)
			ck_ok(kb_encoder_finish(&e, NULL, 0, &h, &bytes));
	}
	kb_encoder_release(&e);
	kb_layout_segment(name, t, partition, start);
	ck_ok(kb_store_create(s, name, &w));
	ck_ok(kb_blob_write(w, kb_buf_slice(&bytes)));
	ck_ok(kb_blob_publish(w));
	kb_buf_release(&bytes);
}

/* Commits what the segment's bytes say. */
static void
commit_segment(struct kb_index *x, struct kb_store *s,
	const struct kb_topic_ref *t, int32_t partition, int64_t start)
{
	struct kb_index_segment row;
	const struct kb_block *blocks;
	struct kb_index_delta *d;
	struct kb_scan *scan;

	ck_ok(kb_scan_new(NULL, &scan));
	ck_ok(kb_index_delta_new(&d));
	kb_layout_segment(row.object, t, partition, start);
	ck_ok(kb_scan_run(
		scan, s, row.object, t, partition, start, &row.s, &blocks));
	ck_ok(kb_index_delta_segment(d, t, partition, &row, blocks));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	kb_scan_free(scan);
}

static void
put_and_commit(struct kb_index *x, struct kb_store *s,
	const struct kb_topic_ref *t, int32_t partition, int64_t start,
	int64_t time)
{
	put_segment(s, t, partition, start, time);
	commit_segment(x, s, t, partition, start);
}

static void
put_meta(struct kb_index *x, struct kb_store *s, const struct kb_topic_ref *t,
	int64_t seen, int32_t partitions)
{
	struct kb_meta m = {.id = t->id,
		.seen = seen,
		.partitions = partitions,
		.replication_factor = 3};
	struct kb_index_delta *d;
	uint64_t n;

	strcpy(m.topic, t->name);
	ck_ok(kb_meta_put(&m, "retention.ms", "1"));
	ck_ok(kb_meta_publish(s, &m, &n));
	ck_ok(kb_index_delta_new(&d));
	ck_ok(kb_index_delta_meta(d, &m, n));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
	kb_meta_release(&m);
}

static void
put_gap_and_run(struct kb_index *x, struct kb_store *s)
{
	struct kb_gap gap = {.start = 0,
		.end = 5,
		.reason = KB_GAP_RETENTION,
		.noticed = 17,
		.detail = "gone"};
	struct kb_run run = {.started = 1, .ended = 2, .records = 30};
	struct kb_index_delta *d;
	uint64_t n;

	ck_ok(kb_gap_publish(s, &again, 1, &gap));
	ck_ok(kb_run_publish(s, &run, &n));
	ck_ok(kb_index_delta_new(&d));
	ck_ok(kb_index_delta_gap(d, &again, 1, &gap));
	ck_ok(kb_index_delta_run(d, &run, n));
	ck_ok(kb_index_commit(x, d));
	kb_index_delta_free(d);
}

/* A repository with a bit of everything, and its index. */
static void
fill(struct kb_index *x, struct kb_store *s)
{
	put_meta(x, s, &rows_orders, 100, 2);
	put_meta(x, s, &again, 200, 12);
	for (int64_t i = 0; i < 7; i++)
		put_and_commit(x, s, &rows_orders, 0, 10 * i, 1000 - i);
	put_and_commit(x, s, &rows_orders, 1, 0, 5);
	put_and_commit(x, s, &again, 10, 0, 6);
	put_and_commit(x, s, &zero, 0, 0, 7);
	put_gap_and_run(x, s);
}

struct problems {
	int count;
	char object[KB_NAME_MAX];
	void (*each)(struct problems *p);
	struct kb_repo *repo;
};

static void
note(void *ctx, const char *object, const char *sentence)
{
	struct problems *p = ctx;

	ck_assert_ptr_nonnull(strstr(sentence, object));
	p->count++;
	strcpy(p->object, object);
	if (p->each)
		p->each(p);
}

#define REBUILD_TEST(name)                                                     \
	static void name##_in(                                                 \
		struct kb_repo *, struct kb_index *, struct problems *);       \
	STORE_TEST(name)                                                       \
	{                                                                      \
		struct kb_repo repo = {.store = s};                            \
		struct problems p = {.repo = &repo};                           \
		struct kb_index *x;                                            \
                                                                               \
		ck_ok(kb_index_open(&repo, &x));                               \
		fill(x, s);                                                    \
		name##_in(&repo, x, &p);                                       \
		kb_index_close(x);                                             \
	}                                                                      \
	static void name##_in(struct kb_repo *repo,                            \
		__attribute__((unused)) struct kb_index *x,                    \
		struct problems *p)

REBUILD_TEST(rebuild__gives_the_same_answers)
{
	struct kb_buf before = {0}, after = {0};

	rows_dump(x, &before);
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	ck_assert_int_eq(p->count, 0);
	ck_assert_str_eq(stores_list(repo->store, "index/00000001"), "");
	ck_assert_uint_eq(rows_files(repo->store), 1);
	ck_assert_int_eq(kb_index_refresh(x), 1);
	rows_dump(x, &after);
	ck_assert_str_eq((char *)before.data, (char *)after.data);
	kb_buf_release(&before);
	kb_buf_release(&after);
}

REBUILD_TEST(rebuild__needs_no_old_index)
{
	struct kb_buf before = {0}, after = {0};
	struct kb_index *fresh;

	rows_dump(x, &before);
	ck_ok(kb_stack_remove_generation(repo->store, 1));
	ck_ok(stores_put(repo->store,
		"index/00000007/0000000001-0000000001.sqlite", "no database"));
	ck_assert_int_eq(kb_index_open(repo, &fresh), -EBADMSG);
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	ck_ok(kb_index_open(repo, &fresh));
	rows_dump(fresh, &after);
	ck_assert_str_eq((char *)before.data, (char *)after.data);
	kb_index_close(fresh);
	kb_buf_release(&before);
	kb_buf_release(&after);
}

REBUILD_TEST(rebuild__leaves_out_what_is_damaged)
{
	char name[KB_NAME_MAX];

	kb_layout_segment(name, &rows_orders, 0, 30);
	ck_ok(kb_store_remove(repo->store, name));
	ck_ok(stores_put(repo->store, name, "this is no segment at all"));
	ck_assert_int_eq(kb_index_rebuild(repo, NULL, note, p), -EBADMSG);
	ck_assert_int_eq(p->count, 1);
	ck_assert_str_eq(p->object, name);
	ck_ok(kb_index_refresh(x) - 1);
	ck_assert_str_eq(
		rows_starts(x, &rows_orders, 0, 0), "0,10,20,40,50,60,");
}

REBUILD_TEST(rebuild__leaves_out_a_segment_inside_another)
{
	char name[KB_NAME_MAX];

	kb_layout_segment(name, &rows_orders, 0, 33);
	put_segment(repo->store, &rows_orders, 0, 33, 1);
	ck_assert_int_eq(kb_index_rebuild(repo, NULL, note, p), -EBADMSG);
	ck_assert_int_eq(p->count, 1);
	ck_assert_str_eq(p->object, name);
}

REBUILD_TEST(rebuild__reports_names_that_mean_nothing)
{
	static const char *const names[] = {"data/orders/x.log",
		"data/orders/x/y", "meta/orders/zz", "runs/first.json",
		"data/orders/AQAAAAAAAAAAAAAAAAAAAA/0/5.log",
		"data/orders/AQAAAAAAAAAAAAAAAAAAAA/00/x.log"};
	size_t n = sizeof(names) / sizeof(*names);

	for (size_t i = 0; i < n; i++)
		ck_ok(stores_put(repo->store, names[i], "x"));
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	ck_assert_int_eq(p->count, (int)n);
}

/* A backup that goes on during the walk, where it has passed already. */
static void
go_on(struct problems *p)
{
	struct kb_index *x;

	ck_ok(kb_index_open(p->repo, &x));
	put_segment(p->repo->store, &zero, 0, 10, 8);
	put_and_commit(x, p->repo->store, &zero, 0, 20, 8);
	kb_index_close(x);
}

REBUILD_TEST(rebuild__misses_nothing_that_appears_meanwhile)
{
	ck_ok(stores_put(repo->store, "data/zz/junk", "x"));
	p->each = go_on;
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	ck_assert_int_eq(p->count, 1);
	ck_assert_int_eq(kb_index_refresh(x), 1);
	ck_assert_str_eq(rows_starts(x, &zero, 0, 0), "0,10,20,");
}

REBUILD_TEST(rebuild__is_followed_by_writers)
{
	struct kb_index *writer;

	ck_ok(kb_index_open(repo, &writer));
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	put_and_commit(writer, repo->store, &rows_orders, 1, 10, 5);
	ck_assert_int_eq(kb_index_refresh(x), 1);
	ck_assert_str_eq(rows_starts(x, &rows_orders, 1, 0), "0,10,");
	ck_assert_str_eq(stores_list(repo->store, "index/00000001"), "");
	kb_index_close(writer);
}

REBUILD_TEST(rebuild__can_be_repeated)
{
	struct kb_buf before = {0}, after = {0};

	rows_dump(x, &before);
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	ck_ok(kb_index_rebuild(repo, NULL, note, p));
	ck_assert_int_eq(kb_index_refresh(x), 1);
	rows_dump(x, &after);
	ck_assert_str_eq((char *)before.data, (char *)after.data);
	ck_assert_str_eq(stores_list(repo->store, "index/00000002"), "");
	kb_buf_release(&before);
	kb_buf_release(&after);
}

static struct kb_cancel cancel;

static void
give_up(struct problems *p)
{
	(void)p;
	kb_cancel_fire(&cancel, 2);
}

REBUILD_TEST(rebuild__that_is_interrupted_changes_nothing)
{
	struct kb_buf before = {0}, after = {0};

	ck_ok(kb_cancel_init(&cancel));
	ck_ok(stores_put(repo->store, "meta/junk", "x"));
	rows_dump(x, &before);
	p->each = give_up;
	ck_assert_int_eq(kb_index_rebuild(repo, &cancel, note, p), -ECANCELED);
	ck_assert_int_eq(p->count, 1);
	ck_assert_int_eq(kb_index_refresh(x), 0);
	rows_dump(x, &after);
	ck_assert_str_eq((char *)before.data, (char *)after.data);
	kb_buf_release(&before);
	kb_buf_release(&after);
	kb_cancel_release(&cancel);
}

/* What may be gone after a loss of power gets no row. */
START_TEST(rebuild__counts_on_nothing_that_is_not_durable)
{
	struct kb_fault plan = {.code = {[KB_FAULT_SETTLE] = -EIO}};
	struct problems p = {0};
	struct kb_repo repo;
	struct kb_index *x;

	ck_ok(kb_store_new_memory(&repo.store));
	ck_ok(kb_fault_new(repo.store, &plan, &repo.store));
	ck_ok(kb_index_open(&repo, &x));
	fill(x, repo.store);
	plan.seen[KB_FAULT_SETTLE] = 0;
	plan.fail_at[KB_FAULT_SETTLE] = 3;
	ck_assert_int_eq(kb_index_rebuild(&repo, NULL, note, &p), -EIO);
	ck_assert_int_eq(p.count, 0);
	ck_assert_int_eq(kb_index_refresh(x), 0);
	ck_ok(kb_index_rebuild(&repo, NULL, note, &p));
	/* runs; two topics' metas; their four partitions and the third's */
	ck_assert_int_eq(plan.seen[KB_FAULT_SETTLE], 3 + 1 + 2 + 5);
	kb_index_close(x);
	kb_store_free(repo.store);
}
END_TEST

KB_SUITE("rebuild", rebuild__counts_on_nothing_that_is_not_durable,
	rebuild__that_is_interrupted_changes_nothing,
	rebuild__gives_the_same_answers, rebuild__needs_no_old_index,
	rebuild__leaves_out_what_is_damaged,
	rebuild__leaves_out_a_segment_inside_another,
	rebuild__reports_names_that_mean_nothing,
	rebuild__misses_nothing_that_appears_meanwhile,
	rebuild__is_followed_by_writers, rebuild__can_be_repeated)
