#include "index/draft.h"

#include <errno.h>
#include <string.h>

#include "random.h"
#include "rows.h"

/* Rows of all kinds, some of them again, over two topics of one name. */
static void
add_random(struct kb_index_delta *d, struct random *random)
{
	static const struct kb_topic_ref topics[] = {
		{"orders", {{1}}}, {"orders", {{2}}}, {"a", {{0}}}};
	const struct kb_topic_ref *t = &topics[random_below(random, 3)];
	int32_t partition = (int32_t)random_below(random, 3);
	int64_t at = (int64_t)random_below(random, 40);
	struct kb_gap gap = {.start = 1000 + at,
		.end = 1001 + at,
		.reason = (enum kb_gap_reason)(at % 5),
		.noticed = at};
	struct kb_run run = {.ended = at, .records = (uint64_t)at};
	struct kb_meta m = {.id = t->id, .seen = at, .partitions = 2};

	strcpy(m.topic, t->name);
	switch (random_below(random, 8)) {
	case 0:
		ck_ok(kb_index_delta_gap(d, t, partition, &gap));
		break;
	case 1:
		ck_ok(kb_index_delta_run(d, &run, (uint64_t)at));
		break;
	case 2:
		ck_ok(kb_index_delta_meta(d, &m, (uint64_t)at));
		break;
	default:
		rows_add(d, t, partition, ROWS_STEP * at, (at * 37) % 400);
	}
}

START_TEST(draft__merges_to_the_same_answers)
{
	struct random random = {.state = 0x1234567};

	for (int round = 0; round < 20; round++) {
		struct kb_buf before = {0}, after = {0};
		struct kb_index_delta *d;
		struct kb_repo repo = {0};
		struct kb_index *x;

		ck_ok(kb_store_new_memory(&repo.store));
		ck_ok(kb_index_open(&repo, &x));
		ck_ok(kb_index_delta_new(&d));
		for (size_t i = 0; i < 3 + random_below(&random, 20); i++) {
			for (size_t n = random_below(&random, 12); n; n--)
				add_random(d, &random);
			ck_ok(kb_index_commit(x, d));
		}
		rows_dump(x, &before);
		ck_ok(kb_index_compact(x));
		rows_dump(x, &after);
		ck_assert_str_eq((char *)before.data, (char *)after.data);
		kb_buf_release(&before);
		kb_buf_release(&after);
		kb_index_delta_free(d);
		kb_index_close(x);
		kb_store_free(repo.store);
	}
}
END_TEST

START_TEST(draft__refuses_an_object_of_another_directory)
{
	struct rows_segment s;
	struct kb_draft *d;

	ck_ok(kb_draft_new(KB_DRAFT_SMALL, &d));
	ck_assert(kb_draft_empty(d));
	rows_make(&s, &rows_orders, 0, 0, 1);
	ck_assert_int_eq(kb_draft_segment(d, &rows_orders, 1, &s.row, s.blocks),
		-EINVAL);
	/* What failed once is never published. */
	ck_assert_int_eq(kb_draft_finish(d), -EINVAL);
	ck_assert_int_eq(kb_draft_segment(d, &rows_orders, 0, &s.row, s.blocks),
		-EINVAL);
	kb_draft_free(d);
}
END_TEST

STORE_TEST(draft__is_small_when_it_holds_little)
{
	struct rows_segment r;
	struct kb_blob *blob;
	struct kb_draft *d;
	uint64_t size;

	ck_ok(kb_draft_new(KB_DRAFT_SMALL, &d));
	rows_make(&r, &rows_orders, 0, 0, 1);
	ck_ok(kb_draft_segment(d, &rows_orders, 0, &r.row, r.blocks));
	ck_assert(!kb_draft_empty(d));
	ck_ok(kb_draft_finish(d));
	ck_ok(kb_draft_finish(d));
	ck_ok(kb_draft_publish(d, s, "index/x"));
	ck_assert_int_eq(kb_draft_publish(d, s, "index/x"), -EEXIST);
	ck_ok(kb_draft_publish(d, s, "index/y"));
	ck_ok(kb_store_open(s, "index/y", &blob, &size));
	ck_assert_uint_le(size, 12 << 10);
	kb_blob_close(blob);
	kb_draft_free(d);
}

KB_SUITE("draft", draft__merges_to_the_same_answers,
	draft__refuses_an_object_of_another_directory,
	draft__is_small_when_it_holds_little)
