#include "backup/operand.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

START_TEST(operand__reads_topics_and_partitions)
{
	struct kb_operand o;

	ck_ok(kb_operand_parse("orders", &o));
	ck_assert_str_eq(o.topic, "orders");
	ck_assert_int_eq(o.partition, -1);
	ck_ok(kb_operand_parse("orders/", &o)); /* as a shell completes it */
	ck_assert_int_eq(o.partition, -1);
	ck_ok(kb_operand_parse("orders@12/3", &o));
	ck_assert_str_eq(o.topic, "orders@12");
	ck_assert_int_eq(o.partition, 3);
	ck_ok(kb_operand_parse("a.b-c_D/2147483647", &o));
	ck_assert_int_eq(o.partition, INT32_MAX);
}
END_TEST

START_TEST(operand__refuses_everything_else)
{
	const char *bad[] = {"", "/", "/0", "a/b", "a/-1", "a/01", "a/0/",
		"a/2147483648", "a@", "a@0", "a@01", "a@x", "a@1@1", "@1", "..",
		"a b", "a/ 0", "\xc3\xa4"};
	struct kb_operand o;
	char longest[400];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(
			kb_operand_parse(bad[i], &o) == -EINVAL, "%s", bad[i]);
	memset(longest, 'x', sizeof(longest));
	longest[399] = '\0';
	ck_assert_int_eq(kb_operand_parse(longest, &o), -EINVAL);
	longest[250] = '\0';
	ck_assert_int_eq(kb_operand_parse(longest, &o), -EINVAL);
	longest[249] = '\0';
	ck_ok(kb_operand_parse(longest, &o));
}
END_TEST

START_TEST(operand__reads_ranges)
{
	int64_t first, last;

	ck_ok(kb_operand_parse_range("5", &first, &last));
	ck_assert_int_eq(first, 5);
	ck_assert_int_eq(last, INT64_MAX);
	ck_ok(kb_operand_parse_range("5-5", &first, &last));
	ck_assert_int_eq(last, 5);
	ck_ok(kb_operand_parse_range(
		"00000000000000000000-00000000000000000131", &first, &last));
	ck_assert_int_eq(first, 0);
	ck_assert_int_eq(last, 131);
	ck_ok(kb_operand_parse_range("9223372036854775807", &first, &last));
	ck_assert_int_eq(first, INT64_MAX);
}
END_TEST

START_TEST(operand__refuses_other_ranges)
{
	const char *bad[] = {"", "-", "-5", "5-", "6-5", "5-6-7", "5 - 6", "x",
		"0x5", "9223372036854775808", "99999999999999999999"};
	int64_t first, last;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(kb_operand_parse_range(bad[i], &first, &last) ==
				      -EINVAL,
			"%s", bad[i]);
}
END_TEST

KB_SUITE("operand", operand__reads_topics_and_partitions,
	operand__refuses_everything_else, operand__reads_ranges,
	operand__refuses_other_ranges)
