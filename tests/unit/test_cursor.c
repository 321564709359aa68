#include "common/cursor.h"

#include "suite.h"

START_TEST(cursor__reads_big_endian)
{
	static const uint8_t b[] = {0xff, 0x01, 0x02, 0, 0, 0, 3};
	struct kb_cursor c = kb_cursor_of(kb_slice_of(b, sizeof(b)));

	ck_assert_int_eq(kb_cursor_i8(&c), -1);
	ck_assert_int_eq(kb_cursor_i16(&c), 0x102);
	ck_assert_int_eq(kb_cursor_i32(&c), 3);
	ck_assert(!c.bad);
	ck_assert_uint_eq(kb_cursor_left(&c), 0);
}
END_TEST

START_TEST(cursor__goes_bad_at_the_end_and_stays_bad)
{
	static const uint8_t b[] = {1, 2, 3};
	struct kb_cursor c = kb_cursor_of(kb_slice_of(b, sizeof(b)));

	ck_assert_int_eq(kb_cursor_i32(&c), 0);
	ck_assert(c.bad);
	ck_assert_int_eq(kb_cursor_i8(&c), 0);
	ck_assert(c.bad);
}
END_TEST

START_TEST(cursor__round_trips_varints)
{
	static const int64_t values[] = {0, -1, 1, 63, -64, 64, 300, INT32_MAX,
		INT32_MIN, INT64_MAX, INT64_MIN};
	struct kb_buf b = {0};
	struct kb_cursor c;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		ck_ok(kb_buf_put_varint(&b, values[i]));
	c = kb_cursor_of(kb_buf_slice(&b));
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		ck_assert_int_eq(kb_cursor_varint(&c), values[i]);
	ck_assert(!c.bad);
	kb_buf_release(&b);
}
END_TEST

START_TEST(cursor__refuses_varints_of_more_than_64_bits)
{
	static const uint8_t eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x80, 0x80, 0x01};
	static const uint8_t wide[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
	struct kb_cursor c;

	c = kb_cursor_of(kb_slice_of(eleven, sizeof(eleven)));
	kb_cursor_uvarint(&c);
	ck_assert(c.bad);
	c = kb_cursor_of(kb_slice_of(wide, sizeof(wide)));
	kb_cursor_uvarint(&c);
	ck_assert(c.bad);
}
END_TEST

START_TEST(cursor__tells_null_from_empty)
{
	static const uint8_t b[] = {1};
	struct kb_cursor c = kb_cursor_of(kb_slice_of(b, sizeof(b)));

	ck_assert_ptr_null(kb_cursor_bytes(&c, -1).data);
	ck_assert_ptr_nonnull(kb_cursor_bytes(&c, 0).data);
	ck_assert(!c.bad);
}
END_TEST

KB_SUITE("cursor", cursor__reads_big_endian,
	cursor__goes_bad_at_the_end_and_stays_bad, cursor__round_trips_varints,
	cursor__refuses_varints_of_more_than_64_bits,
	cursor__tells_null_from_empty)
