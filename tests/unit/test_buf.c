#include "common/buf.h"

#include <errno.h>

#include "suite.h"

START_TEST(buf__grows_and_keeps_what_it_holds)
{
	struct kb_buf b = {0};

	for (int i = 0; i < 1000; i++)
		ck_ok(kb_buf_put_i32(&b, i));
	ck_assert_uint_eq(b.len, 4000);
	ck_assert_int_eq(b.data[3999], 999 & 0xff);
	kb_buf_release(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(buf__refuses_a_size_that_overflows)
{
	struct kb_buf b = {0};

	ck_assert_int_eq(kb_buf_reserve(&b, SIZE_MAX), -ENOMEM);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(buf__prints_without_the_final_zero)
{
	struct kb_buf b = {0};

	ck_ok(kb_buf_printf(&b, "%s-%d", "a", 7));
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "a-7", 3);
	kb_buf_release(&b);
}
END_TEST

KB_SUITE("buf", buf__grows_and_keeps_what_it_holds,
	buf__refuses_a_size_that_overflows, buf__prints_without_the_final_zero)
