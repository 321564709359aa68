#include "kafka/bootstrap.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

START_TEST(bootstrap__reads_hosts_and_ports)
{
	struct kb_bootstrap b;

	ck_ok(kb_bootstrap_parse(
		"a, b:1,PLAINTEXT://c:65535,[::1]:7,[fe80::2]", &b));
	ck_assert_uint_eq(b.count, 5);
	ck_assert_str_eq(b.servers[0].host, "a");
	ck_assert_int_eq(b.servers[0].port, 9092);
	ck_assert_str_eq(b.servers[1].host, "b");
	ck_assert_int_eq(b.servers[1].port, 1);
	ck_assert_str_eq(b.servers[2].host, "c");
	ck_assert_int_eq(b.servers[2].port, 65535);
	ck_assert_str_eq(b.servers[3].host, "::1");
	ck_assert_int_eq(b.servers[3].port, 7);
	ck_assert_str_eq(b.servers[4].host, "fe80::2");
	ck_assert_int_eq(b.servers[4].port, 9092);
	kb_bootstrap_release(&b);
}
END_TEST

START_TEST(bootstrap__names_an_entry_that_is_wrong)
{
	static const char *const wrong[] = {"a:0", "a:65536", "a:x",
		"a:", "a:9092x", "::1", "SSL://a:1", ":9092"};
	struct kb_bootstrap b;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ck_assert_int_eq(kb_bootstrap_parse(wrong[i], &b), -EINVAL);
		ck_assert_ptr_nonnull(
			strstr(kb_err_text(), "bootstrap.servers"));
	}
	ck_assert_int_eq(kb_bootstrap_parse("good:1,bad:x", &b), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "bad:x"));
}
END_TEST

START_TEST(bootstrap__wants_at_least_one)
{
	struct kb_bootstrap b;

	ck_assert_int_eq(kb_bootstrap_parse("", &b), -EINVAL);
	ck_assert_int_eq(kb_bootstrap_parse(" , ", &b), -EINVAL);
}
END_TEST

KB_SUITE("bootstrap", bootstrap__reads_hosts_and_ports,
	bootstrap__names_an_entry_that_is_wrong, bootstrap__wants_at_least_one)
