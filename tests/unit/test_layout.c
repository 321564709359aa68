#include "store/layout.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static const struct kb_topic_ref orders = {
	"orders", {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}};

#define ID "AAECAwQFBgcICQoLDA0ODw"

START_TEST(layout__names_objects)
{
	struct kb_topic_ref none = {"orders", {{0}}};
	char name[KB_NAME_MAX];

	kb_layout_segment(name, &orders, 12, 345);
	ck_assert_str_eq(
		name, "data/orders/" ID "/12/00000000000000000345.log");
	kb_layout_gap(name, &orders, 0, 0, INT64_MAX);
	ck_assert_str_eq(name,
		"data/orders/" ID
		"/0/00000000000000000000-09223372036854775807.gap");
	kb_layout_partition(name, &none, 3);
	ck_assert_str_eq(name, "data/orders/AAAAAAAAAAAAAAAAAAAAAA/3");
	kb_layout_meta_dir(name, &orders);
	ck_assert_str_eq(name, "meta/orders/" ID);
	kb_layout_meta(name, &orders, 7);
	ck_assert_str_eq(name, "meta/orders/" ID "/7.json");
}
END_TEST

START_TEST(layout__has_room_for_the_longest_topic)
{
	struct kb_topic_ref t = orders;
	char longest[250], name[KB_NAME_MAX];

	memset(longest, 'x', 249);
	longest[249] = '\0';
	t.name = longest;
	ck_assert(kb_topic_name_valid(longest));
	kb_layout_gap(name, &t, INT32_MAX, INT64_MAX - 1, INT64_MAX);
	ck_assert_str_eq(name + strlen(name) - 4, ".gap");
}
END_TEST

START_TEST(layout__reads_its_own_names_back)
{
	struct kb_layout_object o;
	int32_t partition;
	uint64_t n;

	ck_ok(kb_layout_read_object("00000000000000000345.log", &o));
	ck_assert(!o.is_gap);
	ck_assert_int_eq(o.start, 345);
	ck_ok(kb_layout_read_object(
		"00000000000000000001-09223372036854775807.gap", &o));
	ck_assert(o.is_gap);
	ck_assert_int_eq(o.start, 1);
	ck_assert_int_eq(o.end, INT64_MAX);
	ck_ok(kb_layout_read_meta("12.json", &n));
	ck_assert_uint_eq(n, 12);
	ck_ok(kb_layout_read_partition("0", &partition));
	ck_assert_int_eq(partition, 0);
	ck_ok(kb_layout_read_partition("2147483647", &partition));
	ck_assert_int_eq(partition, INT32_MAX);
}
END_TEST

START_TEST(layout__reads_nothing_into_other_names)
{
	const char *objects[] = {"", ".log", "345.log", "00000000000000000345",
		"00000000000000000345.log.tmp", "00000000000000000345.gap",
		"00000000000000000345.1.log", "09223372036854775808.log",
		"99999999999999999999.log", "-0000000000000000345.log",
		"+0000000000000000345.log", "000000000000000000345.log",
		"00000000000000000001-00000000000000000002.log",
		"00000000000000000001-00000000000000000001.gap",
		"00000000000000000002-00000000000000000001.gap"};
	const char *metas[] = {"", "0.json", "01.json", "1", "1.json~",
		"x.json", "-1.json", "18446744073709551616.json"};
	const char *partitions[] = {"", "01", "-1", "2147483648", "0x", " 0"};
	struct kb_layout_object o;
	int32_t partition;
	uint64_t n;

	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++)
		ck_assert_int_eq(
			kb_layout_read_object(objects[i], &o), -EINVAL);
	for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++)
		ck_assert_int_eq(kb_layout_read_meta(metas[i], &n), -EINVAL);
	for (size_t i = 0; i < sizeof(partitions) / sizeof(*partitions); i++)
		ck_assert_int_eq(
			kb_layout_read_partition(partitions[i], &partition),
			-EINVAL);
}
END_TEST

START_TEST(layout__knows_topic_names)
{
	char long_name[251];

	ck_assert(kb_topic_name_valid("a"));
	ck_assert(kb_topic_name_valid("__consumer_offsets"));
	ck_assert(kb_topic_name_valid("..."));
	ck_assert(!kb_topic_name_valid(""));
	ck_assert(!kb_topic_name_valid("."));
	ck_assert(!kb_topic_name_valid(".."));
	ck_assert(!kb_topic_name_valid("a/b"));
	ck_assert(!kb_topic_name_valid("a@1"));
	memset(long_name, 'x', 250);
	long_name[250] = '\0';
	ck_assert(!kb_topic_name_valid(long_name));
}
END_TEST

KB_SUITE("layout", layout__names_objects,
	layout__has_room_for_the_longest_topic,
	layout__reads_its_own_names_back,
	layout__reads_nothing_into_other_names, layout__knows_topic_names)
