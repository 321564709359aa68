#include "store/meta.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "fault.h"
#include "stores.h"

static const struct kb_topic_ref orders = {"orders", {{1}}};

#define DIR "meta/orders/AQAAAAAAAAAAAAAAAAAAAA"

static struct kb_meta
some_meta(void)
{
	struct kb_meta m = {.topic = "orders",
		.id = orders.id,
		.seen = 1700000000123,
		.partitions = 3,
		.replication_factor = 2};

	ck_ok(kb_meta_put(&m, "retention.ms", "1000"));
	ck_ok(kb_meta_put(&m, "cleanup.policy", "compact,delete"));
	ck_ok(kb_meta_put(&m, "x", ""));
	return m;
}

STORE_TEST(meta__comes_back_as_published)
{
	struct kb_meta m = some_meta(), back;
	uint64_t n;

	ck_ok(kb_meta_publish(s, &m, &n));
	ck_assert_uint_eq(n, 1);
	ck_ok(kb_meta_read(s, &orders, 1, &back));
	ck_assert(kb_meta_same(&m, &back));
	ck_assert_int_eq(back.seen, m.seen);
	ck_assert_int_eq(back.partitions, 3);
	ck_assert_uint_eq(back.setting_count, 3);
	ck_assert_str_eq(back.settings[0].name, "cleanup.policy");
	ck_assert_str_eq(back.settings[1].value, "1000");
	kb_meta_release(&back);
	ck_assert_int_eq(kb_meta_read(s, &orders, 2, &back), -ENOENT);
	kb_meta_release(&m);
}

STORE_TEST(meta__publishes_only_what_changed)
{
	struct kb_meta m = some_meta();
	uint64_t n;

	ck_ok(kb_meta_publish(s, &m, &n));
	m.seen += 1000;
	ck_assert_int_eq(kb_meta_publish(s, &m, &n), 1);
	ck_assert_uint_eq(n, 1);
	m.partitions = 4;
	ck_ok(kb_meta_publish(s, &m, &n));
	ck_assert_uint_eq(n, 2);
	ck_ok(kb_meta_put(&m, "y", "z"));
	ck_ok(kb_meta_publish(s, &m, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(stores_list(s, DIR), "1.json 2.json 3.json");
	kb_meta_release(&m);
}

START_TEST(meta__does_not_mind_the_order_settings_come_in)
{
	struct kb_meta a = {0}, b = {0};

	ck_ok(kb_meta_put(&a, "x", "1"));
	ck_ok(kb_meta_put(&a, "a", "2"));
	ck_ok(kb_meta_put(&b, "a", "2"));
	ck_assert(!kb_meta_same(&a, &b));
	ck_ok(kb_meta_put(&b, "x", "1"));
	ck_assert(kb_meta_same(&a, &b));
	kb_meta_release(&b);
	ck_ok(kb_meta_put(&b, "a", "2"));
	ck_ok(kb_meta_put(&b, "x", "3"));
	ck_assert(!kb_meta_same(&a, &b));
	kb_meta_release(&a);
	kb_meta_release(&b);
}
END_TEST

STORE_TEST(meta__numbers_go_on_after_the_highest)
{
	struct kb_meta m = some_meta();
	uint64_t n;

	ck_ok(stores_put_document(s, DIR "/9.json", "{damaged"));
	ck_ok(stores_put_document(s, DIR "/10x.json", ""));
	kb_log_set_level(KB_LOG_ERROR); /* a warning is due here */
	ck_ok(kb_meta_publish(s, &m, &n));
	ck_assert_uint_eq(n, 10);
	kb_meta_release(&m);
}

STORE_TEST(meta__names_the_object_when_damaged)
{
	const char *bad[] = {
		"{}",
		"{\"topic\":\"other\",\"id\":\"AQAAAAAAAAAAAAAAAAAAAA\","
		"\"seen\":\"2026-01-01\",\"partitions\":1,"
		"\"replication_factor\":1,\"settings\":{}}",
		"{\"topic\":\"orders\",\"id\":\"AgAAAAAAAAAAAAAAAAAAAA\","
		"\"seen\":\"2026-01-01\",\"partitions\":1,"
		"\"replication_factor\":1,\"settings\":{}}",
		"{\"topic\":\"orders\",\"id\":\"AQAAAAAAAAAAAAAAAAAAAA\","
		"\"seen\":\"2026-01-01\",\"partitions\":2147483648,"
		"\"replication_factor\":1,\"settings\":{}}",
		"{\"topic\":\"orders\",\"id\":\"AQAAAAAAAAAAAAAAAAAAAA\","
		"\"seen\":\"2026-01-01\",\"partitions\":1,"
		"\"replication_factor\":1,\"settings\":[]}",
		"{\"topic\":\"orders\",\"id\":\"AQAAAAAAAAAAAAAAAAAAAA\","
		"\"seen\":\"2026-01-01\",\"partitions\":1,"
		"\"replication_factor\":1,\"settings\":{\"a\":\"b\","
		"\"c\":1}}",
	};
	struct kb_meta back;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_ok(stores_put_document(s, DIR "/1.json", bad[i]));
		ck_assert_int_eq(kb_meta_read(s, &orders, 1, &back), -EBADMSG);
		ck_assert_msg(strstr(kb_err_text(), DIR "/1.json") != NULL,
			"%s: %s", bad[i], kb_err_text());
		ck_ok(kb_store_remove(s, DIR "/1.json"));
	}
}

START_TEST(meta__passes_on_what_the_store_says)
{
	struct kb_fault plan = {
		.fail_at = {[KB_FAULT_LIST] = 1, [KB_FAULT_PUBLISH] = 1},
		.code = {[KB_FAULT_LIST] = -EIO, [KB_FAULT_PUBLISH] = -ENOSPC},
	};
	struct kb_meta m = some_meta();
	struct kb_store *s;
	uint64_t n;

	ck_ok(kb_store_new_memory(&s));
	ck_ok(kb_fault_new(s, &plan, &s));
	ck_assert_int_eq(kb_meta_publish(s, &m, &n), -EIO);
	ck_assert_int_eq(kb_meta_publish(s, &m, &n), -ENOSPC);
	ck_ok(kb_meta_publish(s, &m, &n));
	kb_meta_release(&m);
	kb_store_free(s);
}
END_TEST

KB_SUITE("meta", meta__comes_back_as_published,
	meta__publishes_only_what_changed,
	meta__does_not_mind_the_order_settings_come_in,
	meta__numbers_go_on_after_the_highest,
	meta__names_the_object_when_damaged,
	meta__passes_on_what_the_store_says)
