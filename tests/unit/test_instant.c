#include "fs/instant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "format/period.h"
#include "random.h"
#include "suite.h"

#define TEN INT64_C(1795341600000) /* 2026-11-22T10:00 */
#define HOUR INT64_C(3600000)

START_TEST(instant__reads_times_and_stands_behind_them)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *rest;
	} cases[] = {
		{"2026-11-22", TEN - 10 * HOUR, ""},
		{"2026-11-22Z", TEN - 10 * HOUR, ""},
		{"2026-11-22T10:00", TEN, ""},
		{"2026-11-22T10:00Z", TEN, ""},
		{"2026-11-22T10:00:30", TEN + 30000, ""},
		{"2026-11-22T10:00:30.2", TEN + 30200, ""},
		{"2026-11-22T10:00:30.25Z", TEN + 30250, ""},
		{"2026-11-22T10:00:30.257.jsonl", TEN + 30257, ".jsonl"},
		{"2026-11-22T10:00:30.2571", TEN + 30257, "1"},
		{"2026-11-22T10:00:30..2026", TEN + 30000, "..2026"},
		{"2026-11-22T10:00..2026", TEN, "..2026"},
		{"2026-11-22T10", TEN - 10 * HOUR, "T10"},
		{"2026-11-22T10:00+01:00", TEN, "+01:00"},
		{"1969-12-31T23:59:59.999", -1, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *at = cases[i].text;
		int64_t ms;

		ck_assert_msg(kb_instant_read(&at, &ms) == 0, "%s", at);
		ck_assert_int_eq(ms, cases[i].ms);
		ck_assert_str_eq(at, cases[i].rest);
	}
}
END_TEST

START_TEST(instant__refuses_what_is_no_time)
{
	static const char *const bad[] = {"", "2026", "2026-11", "2026-11-2",
		"2026-13-01", "2026-02-30", "2026-11-22T24:00",
		"2026-11-22T10:60", "2026-11-22T10:00:60", " 2026-11-22",
		"26-11-22", "now", "1795341600000"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *at = bad[i];
		int64_t ms;

		ck_assert_msg(kb_instant_read(&at, &ms) == -ENOENT, "%s", at);
		ck_assert_ptr_eq(at, bad[i]);
	}
}
END_TEST

START_TEST(instant__reads_half_open_ranges)
{
	static const struct {
		const char *text;
		int64_t from, to;
		const char *rest;
	} cases[] = {
		{"2026-11-22T10:00..2026-11-22T11:00.jsonl", TEN,
			TEN + HOUR - 1, ".jsonl"},
		{"2026-11-22..2026-11-23.jsonl", TEN - 10 * HOUR,
			TEN + 14 * HOUR - 1, ".jsonl"},
		{"2026-11-22T10:00:00.5..2026-11-22T10:00:00.501.values",
			TEN + 500, TEN + 500, ".values"},
		{"2026-11-22T10:00Z...jsonl", TEN, INT64_MAX, ".jsonl"},
		{"2026-11-22T10:00:00...jsonl", TEN, INT64_MAX, ".jsonl"},
		{"..2026-11-22T10:00.jsonl", INT64_MIN, TEN - 1, ".jsonl"},
		{"..2026-11-22T10:00:01.5.jsonl", INT64_MIN, TEN + 1499,
			".jsonl"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *at = cases[i].text;
		struct kb_period p;

		ck_assert_msg(kb_instant_read_period(&at, &p) == 0, "%s", at);
		ck_assert_int_eq(p.from, cases[i].from);
		ck_assert_int_eq(p.to, cases[i].to);
		ck_assert(!p.undated);
		ck_assert_str_eq(at, cases[i].rest);
	}
}
END_TEST

START_TEST(instant__refuses_what_is_no_range)
{
	static const char *const bad[] = {"...jsonl", "..", "2026-11-22",
		"2026-11-22.jsonl", "2026-11-22-2026-11-23.jsonl",
		"2026-11-23..2026-11-22.jsonl", "2026-11-22..2026-11-22.jsonl",
		"1-2.jsonl"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *at = bad[i];
		struct kb_period p;

		ck_assert_msg(
			kb_instant_read_period(&at, &p) == -ENOENT, "%s", at);
	}
}
END_TEST

START_TEST(instant__views_are_a_time_and_no_more)
{
	static const char *const bad[] = {"", "@", "2026-11-22", "@2026-11-22x",
		"@@2026-11-22", "@2026-11-22..2026-11-23", "@topic"};
	int64_t ms;

	ck_ok(kb_instant_read_view("@2026-11-22T10:00", &ms));
	ck_assert_int_eq(ms, TEN);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_int_eq(kb_instant_read_view(bad[i], &ms), -ENOENT);
}
END_TEST

START_TEST(instant__reads_back_every_time_it_is_told)
{
	struct random r = {7};

	for (int i = 0; i < 10000; i++) {
		int64_t ms = (int64_t)random_below(&r, 4000000000000), back;
		char text[KB_CLOCK_TEXT];
		const char *at = text;

		kb_clock_format(ms, text);
		ck_ok(kb_instant_read(&at, &back));
		ck_assert_int_eq(back, ms);
		ck_assert_str_eq(at, "");
	}
}
END_TEST

KB_SUITE("instant", instant__reads_times_and_stands_behind_them,
	instant__refuses_what_is_no_time, instant__reads_half_open_ranges,
	instant__refuses_what_is_no_range,
	instant__views_are_a_time_and_no_more,
	instant__reads_back_every_time_it_is_told)
