#include <errno.h>
#include <string.h>

#include "rows.h"

#define CATALOG_TEST(name)                                                     \
	static void name##_in(struct kb_index *x);                             \
	STORE_TEST(name)                                                       \
	{                                                                      \
		struct kb_repo repo = {.store = s};                            \
		struct kb_index *x;                                            \
                                                                               \
		ck_ok(kb_index_open(&repo, &x));                               \
		name##_in(x);                                                  \
		kb_index_close(x);                                             \
	}                                                                      \
	static void name##_in(struct kb_index *x)

static const struct kb_topic_ref first = {"orders", {{7}}};
static const struct kb_topic_ref second = {"orders", {{3}}};
static const struct kb_topic_ref third = {"orders", {{5}}};

static int
add_shown(void *ctx, const struct kb_index_topic *t)
{
	strcat(strcat(ctx, t->shown), " ");
	return 0;
}

static int
stop(void *ctx, const struct kb_index_topic *t)
{
	(void)t;
	++*(int *)ctx;
	return -ECANCELED;
}

static const char *
shown(struct kb_index *x)
{
	static char text[1000];

	*text = '\0';
	ck_ok(kb_index_topics(x, add_shown, text));
	return text;
}

CATALOG_TEST(catalog__number_older_incarnations_from_the_first)
{
	struct kb_index_topic t;

	rows_commit_meta(x, &second, 1, 200, 4);
	rows_commit_meta(x, &first, 1, 100, 3);
	ck_ok(kb_index_topic(x, "orders", &t));
	ck_assert(kb_uuid_equal(&t.id, &second.id));
	ck_ok(kb_index_topic(x, "orders@1", &t));
	ck_assert(kb_uuid_equal(&t.id, &first.id));
	ck_assert_str_eq(t.name, "orders");
	rows_commit_meta(x, &third, 1, 300, 5);
	ck_ok(kb_index_topic(x, "orders@1", &t));
	ck_assert(kb_uuid_equal(&t.id, &first.id));
	ck_ok(kb_index_topic(x, "orders@2", &t));
	ck_assert(kb_uuid_equal(&t.id, &second.id));
	ck_ok(kb_index_topic(x, "orders", &t));
	ck_assert(kb_uuid_equal(&t.id, &third.id));
	ck_assert_int_eq(kb_index_topic(x, "orders@3", &t), -ENOENT);
	ck_assert_int_eq(kb_index_topic(x, "orders@0", &t), -ENOENT);
	ck_assert_int_eq(kb_index_topic(x, "orders@01", &t), -ENOENT);
	ck_assert_int_eq(kb_index_topic(x, "order", &t), -ENOENT);
	ck_assert_int_eq(kb_index_topic(x, "@1", &t), -ENOENT);
	ck_assert_int_eq(kb_index_topic(x, "", &t), -ENOENT);
}

CATALOG_TEST(catalog__number_by_id_when_seen_together)
{
	struct kb_index_topic t;

	rows_commit_meta(x, &first, 1, 100, 1);
	rows_commit_meta(x, &second, 1, 100, 1);
	ck_ok(kb_index_topic(x, "orders@1", &t));
	ck_assert(kb_uuid_equal(&t.id, &second.id));
}

CATALOG_TEST(catalog__come_by_shown_name)
{
	static const char *const names[] = {
		"orders-x", "orders.y", "ordersA", "Orders", "orders_1", "z"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		rows_commit_meta(
			x, &(struct kb_topic_ref){names[i], {{1}}}, 1, 1, 1);
	rows_commit_meta(x, &first, 1, 100, 3);
	rows_commit_meta(x, &second, 1, 200, 3);
	rows_commit_meta(x, &third, 1, 300, 3);
	ck_assert_str_eq(shown(x),
		"Orders orders orders-x orders.y orders@1 orders@2 ordersA "
		"orders_1 z ");
}

CATALOG_TEST(catalog__know_first_and_newest_meta_from_any_file)
{
	struct kb_index_topic t;
	struct kb_meta m = {0};

	rows_commit_meta(x, &first, 2, 200, 4);
	rows_commit_meta(x, &first, 10, 900, 6);
	rows_commit_meta(x, &first, 1, 100, 3);
	rows_commit_meta(x, &first, 9, 800, 5);
	rows_commit_meta(x, &first, 3, 300, 7);
	for (int i = 0; i < 2; i++) {
		ck_ok(kb_index_topic(x, "orders", &t));
		ck_assert_int_eq(t.first_seen, 100);
		ck_assert_int_eq(t.last_seen, 900);
		ck_assert_int_eq(t.partitions, 6);
		ck_ok(kb_index_meta(x, &first, &m));
		ck_assert_int_eq(m.seen, 900);
		ck_assert_int_eq(m.partitions, 6);
		ck_assert_int_eq(m.replication_factor, 3);
		ck_assert_str_eq(m.topic, "orders");
		ck_assert_uint_eq(m.setting_count, 1);
		ck_assert_str_eq(m.settings[0].name, "cleanup.policy");
		ck_assert_str_eq(m.settings[0].value, "compact");
		kb_meta_release(&m);
		ck_ok(kb_index_compact(x));
	}
	ck_assert_int_eq(kb_index_meta(x, &second, &m), -ENOENT);
}

CATALOG_TEST(catalog__are_listed_without_meta)
{
	struct kb_index_topic t;

	rows_commit(x, &second, 0, 0, 1);
	ck_ok(kb_index_topic(x, "orders", &t));
	ck_assert_int_eq(t.first_seen, 0);
	ck_assert_int_eq(t.partitions, 0);
}

CATALOG_TEST(catalog__stop_when_told)
{
	int n = 0;

	rows_commit_meta(x, &first, 1, 100, 1);
	rows_commit_meta(x, &second, 1, 200, 1);
	ck_assert_int_eq(kb_index_topics(x, stop, &n), -ECANCELED);
	ck_assert_int_eq(n, 1);
	ck_assert_str_eq(shown(x), "orders orders@1 ");
}

CATALOG_TEST(catalog__last_run_is_the_newest_of_all_files)
{
	struct kb_index_delta *d;
	struct kb_run run = {0};

	ck_ok(kb_index_delta_new(&d));
	for (int i = 0; i < 5; i++) {
		static const uint64_t order[] = {2, 5, 1, 4, 3};

		run.ended = (int64_t)order[i] * 100;
		run.complete = order[i] == 5;
		run.records = order[i];
		ck_ok(kb_index_delta_run(d, &run, order[i]));
		ck_ok(kb_index_commit(x, d));
	}
	kb_index_delta_free(d);
	run = (struct kb_run){0};
	ck_ok(kb_index_last_run(x, &run));
	ck_assert_int_eq(run.ended, 500);
	ck_assert_uint_eq(run.records, 5);
	ck_assert(run.complete);
}

KB_SUITE("catalog", catalog__number_older_incarnations_from_the_first,
	catalog__number_by_id_when_seen_together, catalog__come_by_shown_name,
	catalog__know_first_and_newest_meta_from_any_file,
	catalog__are_listed_without_meta, catalog__stop_when_told,
	catalog__last_run_is_the_newest_of_all_files)
