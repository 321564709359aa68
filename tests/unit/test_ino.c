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

KB_SUITE("ino", ino__says_what_it_stands_for, ino__rises_with_the_offset)
