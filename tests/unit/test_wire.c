#include "kafka/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "suite.h"

static struct kb_cursor
cursor(const struct kb_buf *b)
{
	return kb_cursor_of(kb_buf_slice(b));
}

START_TEST(wire__writes_strings_of_both_encodings)
{
	struct kb_buf b = {0};

	ck_ok(kb_wire_put_string(&b, false, "ab"));
	ck_ok(kb_wire_put_string(&b, false, NULL));
	ck_ok(kb_wire_put_string(&b, true, "ab"));
	ck_ok(kb_wire_put_string(&b, true, NULL));
	ck_ok(kb_wire_put_string(&b, true, ""));
	ck_assert_uint_eq(b.len, 11);
	ck_assert_mem_eq(b.data, "\0\2ab\377\377\3ab\0\1", 11);
	kb_buf_release(&b);
}
END_TEST

START_TEST(wire__writes_arrays_of_both_encodings)
{
	struct kb_buf b = {0};

	ck_ok(kb_wire_put_array(&b, false, 300));
	ck_ok(kb_wire_put_null_array(&b, false));
	ck_ok(kb_wire_put_array(&b, true, 300));
	ck_ok(kb_wire_put_null_array(&b, true));
	ck_ok(kb_wire_put_tags(&b, false));
	ck_ok(kb_wire_put_tags(&b, true));
	ck_assert_uint_eq(b.len, 12);
	ck_assert_mem_eq(b.data, "\0\0\1\54\377\377\377\377\255\2\0\0", 12);
	kb_buf_release(&b);
}
END_TEST

START_TEST(wire__refuses_to_write_a_string_that_is_too_long)
{
	struct kb_buf b = {0};
	char *s = malloc(KB_WIRE_STRING_MAX + 2);

	memset(s, 'x', KB_WIRE_STRING_MAX + 1);
	s[KB_WIRE_STRING_MAX + 1] = '\0';
	ck_assert_int_eq(kb_wire_put_string(&b, false, s), -EINVAL);
	ck_ok(kb_wire_put_string(&b, false, s + 1));
	free(s);
	kb_buf_release(&b);
}
END_TEST

START_TEST(wire__reads_what_it_writes)
{
	for (int flexible = 0; flexible <= 1; flexible++) {
		struct kb_buf b = {0};
		struct kb_cursor c;
		struct kb_slice s;

		ck_ok(kb_wire_put_array(&b, flexible, 2));
		ck_ok(kb_wire_put_string(&b, flexible, "orders"));
		ck_ok(kb_wire_put_string(&b, flexible, NULL));
		ck_ok(kb_wire_put_string(&b, flexible, ""));
		ck_ok(kb_wire_put_null_array(&b, flexible));
		ck_ok(kb_wire_put_tags(&b, flexible));
		c = cursor(&b);
		ck_assert_uint_eq(kb_wire_array(&c, flexible, 1), 2);
		s = kb_wire_string(&c, flexible);
		ck_assert_uint_eq(s.len, 6);
		ck_assert_mem_eq(s.data, "orders", 6);
		ck_assert_ptr_null(kb_wire_string(&c, flexible).data);
		s = kb_wire_string(&c, flexible);
		ck_assert_ptr_nonnull(s.data);
		ck_assert_uint_eq(s.len, 0);
		ck_assert_uint_eq(kb_wire_array(&c, flexible, 1), 0);
		kb_wire_tags(&c, flexible);
		ck_assert(!c.bad);
		ck_assert_uint_eq(kb_cursor_left(&c), 0);
		kb_buf_release(&b);
	}
}
END_TEST

START_TEST(wire__refuses_counts_that_the_bytes_cannot_hold)
{
	static const uint8_t plain[] = {0x7f, 0xff, 0xff, 0xff, 1, 2};
	static const uint8_t compact[] = {0x80, 0x80, 0x80, 0x80, 0x08, 1};
	static const uint8_t beyond[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	static const uint8_t four[] = {0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7};
	struct kb_cursor c;

	c = kb_cursor_of(kb_slice_of(plain, sizeof(plain)));
	ck_assert_uint_eq(kb_wire_array(&c, false, 1), 0);
	ck_assert(c.bad);
	c = kb_cursor_of(kb_slice_of(compact, sizeof(compact)));
	ck_assert_uint_eq(kb_wire_array(&c, true, 1), 0);
	ck_assert(c.bad);
	c = kb_cursor_of(kb_slice_of(beyond, sizeof(beyond)));
	ck_assert_uint_eq(kb_wire_array(&c, true, 1), 0);
	ck_assert(c.bad);
	c = kb_cursor_of(kb_slice_of(four, sizeof(four)));
	ck_assert_uint_eq(kb_wire_array(&c, false, 2), 0);
	ck_assert(c.bad);
}
END_TEST

START_TEST(wire__refuses_lengths_below_null)
{
	static const uint8_t string[] = {0xff, 0xfe, 1, 2};
	static const uint8_t array[] = {0xff, 0xff, 0xff, 0xfe, 1, 2};
	struct kb_cursor c;

	c = kb_cursor_of(kb_slice_of(string, sizeof(string)));
	ck_assert_ptr_null(kb_wire_string(&c, false).data);
	ck_assert(c.bad);
	c = kb_cursor_of(kb_slice_of(array, sizeof(array)));
	ck_assert_uint_eq(kb_wire_array(&c, false, 1), 0);
	ck_assert(c.bad);
}
END_TEST

START_TEST(wire__skips_tagged_fields)
{
	/* Two: tag 0 of 3 bytes, tag 300 of none. */
	static const uint8_t b[] = {2, 0, 3, 'x', 'y', 'z', 0xac, 2, 0, 0x55};
	static const uint8_t torn[] = {1, 0, 9, 'x'};
	static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0};
	struct kb_cursor c = kb_cursor_of(kb_slice_of(b, sizeof(b)));

	kb_wire_tags(&c, true);
	ck_assert_int_eq(kb_cursor_i8(&c), 0x55);
	ck_assert(!c.bad);
	c = kb_cursor_of(kb_slice_of(torn, sizeof(torn)));
	kb_wire_tags(&c, true);
	ck_assert(c.bad);
	c = kb_cursor_of(kb_slice_of(endless, sizeof(endless)));
	kb_wire_tags(&c, true);
	ck_assert(c.bad);
}
END_TEST

START_TEST(wire__copies_strings_without_zero_bytes)
{
	char *s = NULL;

	ck_ok(kb_wire_copy(kb_slice_of("abc", 3), &s));
	ck_assert_str_eq(s, "abc");
	free(s);
	ck_ok(kb_wire_copy(kb_slice_of("", 0), &s));
	ck_assert_str_eq(s, "");
	free(s);
	ck_assert_int_eq(kb_wire_copy(kb_slice_of("a\0c", 3), &s), -EBADMSG);
}
END_TEST

KB_SUITE("wire", wire__writes_strings_of_both_encodings,
	wire__writes_arrays_of_both_encodings,
	wire__refuses_to_write_a_string_that_is_too_long,
	wire__reads_what_it_writes,
	wire__refuses_counts_that_the_bytes_cannot_hold,
	wire__refuses_lengths_below_null, wire__skips_tagged_fields,
	wire__copies_strings_without_zero_bytes)
