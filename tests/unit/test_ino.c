#include "fs/ino.h"

#include "suite.h"

static void
is(uint64_t ino, enum kb_ino_kind kind, uint32_t ordinal, int64_t first)
{
	struct kb_ino n = kb_ino_read(ino);

	ck_assert_int_eq(n.kind, kind);
	if (kind == KB_INO_IS_TOPIC || kind == KB_INO_IS_PARTITION ||
		kind == KB_INO_IS_FILE)
		ck_assert_uint_eq(n.ordinal, ordinal);
	if (kind == KB_INO_IS_FILE)
		ck_assert_int_eq(n.first, first);
}

START_TEST(ino__says_what_it_stands_for)
{
	const uint32_t top = KB_INO_PARTITIONS - 1;

	is(KB_INO_ROOT, KB_INO_IS_ROOT, 0, 0);
	is(KB_INO_NAMESPACE, KB_INO_IS_NAMESPACE, 0, 0);
	is(kb_ino_topic(0), KB_INO_IS_TOPIC, 0, 0);
	is(kb_ino_topic(KB_INO_TOPICS - 1), KB_INO_IS_TOPIC, top, 0);
	is(kb_ino_partition(1), KB_INO_IS_PARTITION, 1, 0);
	is(kb_ino_partition(top), KB_INO_IS_PARTITION, top, 0);
	is(kb_ino_file(1, 0), KB_INO_IS_FILE, 1, 0);
	is(kb_ino_file(top, KB_INO_OFFSETS - 1), KB_INO_IS_FILE, top,
		KB_INO_OFFSETS - 1);
	is(KB_INO_VIEW | 1, KB_INO_IS_VIEW, 0, 0);
	is(KB_INO_RESTORE, KB_INO_IS_RESTORE, 0, 0);
	is(UINT64_MAX, KB_INO_IS_RESTORE, 0, 0);
	is(0, KB_INO_IS_NOTHING, 0, 0);
	is(3, KB_INO_IS_NOTHING, 0, 0);
	is(UINT64_C(1) << 40, KB_INO_IS_NOTHING, 0, 0);
}
END_TEST

START_TEST(ino__rises_with_the_offset)
{
	uint64_t before = 0;

	for (int64_t first = 0; first < KB_INO_OFFSETS; first = first * 3 + 1) {
		ck_assert_uint_gt(kb_ino_file(7, first), before);
		before = kb_ino_file(7, first);
	}
	ck_assert_uint_gt(kb_ino_file(8, 0), before);
}
END_TEST

START_TEST(ino__of_the_past_says_what_it_stands_for)
{
	const uint64_t plain[] = {KB_INO_ROOT, KB_INO_NAMESPACE,
		kb_ino_topic(0), kb_ino_topic(KB_INO_TOPICS - 1),
		kb_ino_partition(1), kb_ino_partition(KB_INO_PARTITIONS - 1)};
	const uint64_t pasts[] = {0, 1, KB_INO_PASTS - 1};
	struct kb_ino n;

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		for (size_t j = 0; j < sizeof(pasts) / sizeof(*pasts); j++) {
			n = kb_ino_read(kb_ino_past_dir(pasts[j], plain[i]));
			ck_assert_int_eq(n.kind, KB_INO_IS_PAST_DIR);
			ck_assert_uint_eq(n.past, pasts[j]);
			ck_assert_uint_eq(n.plain, plain[i]);
		}
	}
	n = kb_ino_read(
		kb_ino_past_file(KB_INO_FOLDERS - 1, KB_INO_PAST_OFFSETS - 1));
	ck_assert_int_eq(n.kind, KB_INO_IS_PAST_FILE);
	ck_assert_uint_eq(n.ordinal, KB_INO_FOLDERS - 1);
	ck_assert_int_eq(n.first, KB_INO_PAST_OFFSETS - 1);
	is(KB_INO_VIEW | ((UINT64_C(1) << 60) - 1), KB_INO_IS_VIEW, 0, 0);
}
END_TEST

START_TEST(ino__of_the_past_rises_with_the_offset)
{
	uint64_t before = 0, ino;

	for (int64_t first = 0; first < INT64_MAX / 4; first = first * 3 + 1) {
		ino = kb_ino_past_file(KB_INO_FOLDERS - 1, first);
		ck_assert_uint_ge(ino, before);
		ck_assert(first > KB_INO_PAST_OFFSETS || ino > before);
		before = ino;
	}
	ck_assert(!kb_ino_is_restore(before));
}
END_TEST

KB_SUITE("ino", ino__says_what_it_stands_for, ino__rises_with_the_offset,
	ino__of_the_past_says_what_it_stands_for,
	ino__of_the_past_rises_with_the_offset)
