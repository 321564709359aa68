#include "common/clock.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static int64_t
parsed(const char *text)
{
	int64_t ms = 0;

	ck_assert_msg(kb_clock_parse(text, &ms) == 0, "%s", text);
	return ms;
}

START_TEST(clock__reads_dates_and_times_in_utc)
{
	ck_assert_int_eq(parsed("1970-01-01"), 0);
	ck_assert_int_eq(parsed("2023-11-14T22:13:20"), 1700000000000);
	ck_assert_int_eq(parsed("2023-11-14T22:13:20.5Z"), 1700000000500);
	ck_assert_int_eq(parsed("2023-11-14 23:13:20+01:00"), 1700000000000);
	ck_assert_int_eq(parsed("2023-11-14T22:13"), 1699999980000);
	ck_assert_int_eq(parsed("1969-12-31T23:59:59.999"), -1);
}
END_TEST

START_TEST(clock__refuses_what_is_no_time)
{
	static const char *const bad[] = {"", "x", "2023", "2023-13-01",
		"2023-02-31", "2023-11-14T", "2023-11-14T25:00",
		"2023-11-14T22:13:20.", "2023-11-14x", "42", "1-2",
		"2023-11-14T10:00+1"};
	int64_t ms;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(
			kb_clock_parse(bad[i], &ms) == -EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(clock__formats_what_it_reads)
{
	char text[KB_CLOCK_TEXT];

	kb_clock_format(1700000000123, text);
	ck_assert_str_eq(text, "2023-11-14T22:13:20.123Z");
	kb_clock_format(-2, text);
	ck_assert_str_eq(text, "1969-12-31T23:59:59.998Z");
	kb_clock_format(-1, text);
	ck_assert_str_eq(text, "-");
	kb_clock_format(INT64_MAX, text);
	ck_assert_uint_lt(strlen(text), KB_CLOCK_TEXT);
}
END_TEST

KB_SUITE("clock", clock__reads_dates_and_times_in_utc,
	clock__refuses_what_is_no_time, clock__formats_what_it_reads)
