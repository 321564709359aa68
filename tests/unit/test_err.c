#include "common/err.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

START_TEST(err__keeps_the_sentence_and_returns_the_code)
{
	ck_assert_int_eq(kb_err(-ENOENT, "%s: missing", "x"), -ENOENT);
	ck_assert_str_eq(kb_err_text(), "x: missing");
}
END_TEST

START_TEST(err__may_quote_the_sentence_before)
{
	kb_err(-EIO, "inner");
	kb_err(-EIO, "outer: %s", kb_err_text());
	ck_assert_str_eq(kb_err_text(), "outer: inner");
}
END_TEST

START_TEST(err__travels_between_threads)
{
	struct kb_failure f;

	kb_failure_take(&f, kb_err(-EIO, "first"));
	kb_err(-EINVAL, "second");
	ck_assert_int_eq(kb_failure_raise(&f), -EIO);
	ck_assert_str_eq(kb_err_text(), "first");
}
END_TEST

KB_SUITE("err", err__keeps_the_sentence_and_returns_the_code,
	err__may_quote_the_sentence_before, err__travels_between_threads)
