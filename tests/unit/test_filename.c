#include "fs/filename.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/selector.h"
#include "random.h"
#include "suite.h"

static struct kb_selector got;

static int
reads(const char *name)
{
	memset(&got, 0xff, sizeof(got));
	return kb_filename_read(name, &got);
}

static void
reads_as(const char *name, int64_t first, int64_t last)
{
	struct kb_selector want = kb_selector_offsets(first, last);

	ck_assert_msg(reads(name) == 0, "%s", name);
	ck_assert_msg(kb_selector_equal(&got, &want),
		"%s: %" PRId64 "-%" PRId64, name, got.first, got.last);
}

START_TEST(filename__listed_names_sort_by_offset_and_read_back)
{
	char a[KB_FILE_NAME_MAX], b[KB_FILE_NAME_MAX];

	kb_filename_format(a, 9, 99);
	kb_filename_format(b, 100, INT64_MAX - 1);
	ck_assert_str_eq(a, "00000000000000000009-00000000000000000099.jsonl");
	ck_assert_int_lt(strcmp(a, b), 0);
	reads_as(b, 100, INT64_MAX - 1);
}
END_TEST

START_TEST(filename__takes_ranges_and_single_offsets_padded_or_not)
{
	reads_as("5-10.jsonl", 5, 10);
	reads_as("005-10.jsonl", 5, 10);
	reads_as("42.jsonl", 42, 42);
	reads_as("00000000000000000000.jsonl", 0, 0);
}
END_TEST

START_TEST(filename__a_range_may_lack_one_end)
{
	reads_as("5-.jsonl", 5, KB_OFFSET_MAX);
	reads_as("0-.jsonl", 0, KB_OFFSET_MAX);
	reads_as("-7.jsonl", 0, 7);
	reads_as("-0.jsonl", 0, 0);
	reads_as("9223372036854775806-.jsonl", KB_OFFSET_MAX, KB_OFFSET_MAX);
}
END_TEST

START_TEST(filename__latest_is_whatever_is_last)
{
	ck_ok(reads("latest.jsonl"));
	ck_assert_int_eq(got.kind, KB_SELECT_LATEST);
	ck_assert_int_eq(got.form, KB_FORM_JSONL);
}
END_TEST

START_TEST(filename__the_extension_says_the_form)
{
	ck_ok(reads("5-10.values"));
	ck_assert_int_eq(got.form, KB_FORM_VALUES);
	ck_assert_int_eq(got.last, 10);
	ck_ok(reads("5.log"));
	ck_assert_int_eq(got.form, KB_FORM_LOG);
	ck_ok(reads("-5.values"));
	ck_ok(reads("5-.log"));
	ck_ok(reads("latest.log"));
	ck_assert_int_eq(got.kind, KB_SELECT_LATEST);
	ck_assert_int_eq(got.form, KB_FORM_LOG);
}
END_TEST

START_TEST(filename__what_is_read_is_what_was_written)
{
	struct random r = {3};
	char name[80];

	for (int i = 0; i < 20000; i++) {
		int64_t a = (int64_t)(random_next(&r) >> (1 + i % 63)),
			b = (int64_t)(random_next(&r) >> (1 + i % 61));
		int pad = (int)random_below(&r, 21);

		snprintf(name, sizeof(name),
			"%0*" PRId64 "-%0*" PRId64 ".jsonl", pad, a, pad, b);
		if (a <= b && b <= KB_OFFSET_MAX)
			reads_as(name, a, b);
		else
			ck_assert_msg(reads(name) == -ENOENT, "%s", name);
		snprintf(name, sizeof(name), "%0*" PRId64 "-.jsonl", pad, a);
		if (a <= KB_OFFSET_MAX)
			reads_as(name, a, KB_OFFSET_MAX);
	}
}
END_TEST

#define OFFSET "0*[0-9]{1,18}"

START_TEST(filename__reads_just_the_forms_that_are_documented)
{
	static const char *const words[] = {"latest", "0", "17", "018", "-",
		".jsonl", ".values", ".log", ".", "5", "j", " ",
		"99999999999999999999"};
	struct random r = {4};
	regex_t form;
	int good = 0;

	ck_assert_int_eq(
		regcomp(&form,
			"^(latest|" OFFSET "|" OFFSET "-|-" OFFSET "|" OFFSET
			"-" OFFSET ")\\.(jsonl|values|log)$",
			REG_EXTENDED | REG_NOSUB),
		0);
	for (int i = 0; i < 100000; i++) {
		char name[120] = "";
		int n = 1 + (int)random_below(&r, 5);
		bool fits;

		for (int w = 0; w < n; w++)
			strcat(name, words[random_below(&r,
					     sizeof(words) / sizeof(*words))]);
		fits = regexec(&form, name, 0, NULL, 0) == 0;
		if (reads(name) == 0) {
			ck_assert_msg(fits, "%s is taken", name);
			good++;
		} else if (fits) {
			/* Only for what it says: its ends are swapped. */
			ck_assert_msg(strtoll(name, NULL, 10) >
					      atoll(strchr(name, '-') + 1),
				"%s is refused", name);
		}
	}
	ck_assert_int_gt(good, 1000);
	regfree(&form);
}
END_TEST

START_TEST(filename__refuses_what_is_not_a_range)
{
	static const char *const names[] = {"", ".jsonl", "-.jsonl",
		"10-5.jsonl", "5", "5.json", "5.jsonl ", " 5.jsonl", "+5.jsonl",
		"5.jsonl.jsonl", "0x5.jsonl", "5--6.jsonl", "--6.jsonl",
		"5--.jsonl", "latest", "latest-.jsonl", "5-latest.jsonl",
		"Latest.jsonl", "-.log", "latest.jsonl.log", "5.value",
		"5.logs", "5-6.values.jsonl", "9223372036854775807.jsonl",
		"9223372036854775808.jsonl", "18446744073709551616.jsonl",
		"000000000000000000005.jsonl"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_msg(reads(names[i]) == -ENOENT, "%s", names[i]);
}
END_TEST

START_TEST(filename__partition_numbers_have_one_form)
{
	int32_t p;

	ck_ok(kb_filename_read_partition("0", &p));
	ck_assert_int_eq(p, 0);
	ck_ok(kb_filename_read_partition("2147483647", &p));
	ck_assert_int_eq(p, INT32_MAX);
	ck_assert_int_eq(kb_filename_read_partition("00", &p), -ENOENT);
	ck_assert_int_eq(kb_filename_read_partition("", &p), -ENOENT);
	ck_assert_int_eq(kb_filename_read_partition("-1", &p), -ENOENT);
	ck_assert_int_eq(kb_filename_read_partition("1x", &p), -ENOENT);
	ck_assert_int_eq(kb_filename_read_partition("2147483648", &p), -ENOENT);
}
END_TEST

START_TEST(filename__restored_files_are_jsonl_also_as_rsync_writes_them)
{
	char final[KB_RESTORE_NAME_MAX];
	bool temporary;

	ck_ok(kb_filename_read_restored("some.jsonl", final, &temporary));
	ck_assert_str_eq(final, "some.jsonl");
	ck_assert(!temporary);
	ck_ok(kb_filename_read_restored(
		".some.jsonl.a1B2c3", final, &temporary));
	ck_assert_str_eq(final, "some.jsonl");
	ck_assert(temporary);
	ck_ok(kb_filename_read_restored(".hidden.jsonl", final, &temporary));
	ck_assert_str_eq(final, ".hidden.jsonl");
	ck_assert(!temporary);
}
END_TEST

START_TEST(filename__refuses_other_names_to_restore)
{
	static const char *const names[] = {"some.json", "some.log", ".jsonl",
		"some", ".some.jsonl.a1B2", "some.jsonl.a1B2c3", "..jsonl."};
	char final[KB_RESTORE_NAME_MAX], name[400];
	bool temporary;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_msg(kb_filename_read_restored(
				      names[i], final, &temporary) == -EINVAL,
			"%s", names[i]);
	memset(name, 'x', sizeof(name));
	strcpy(name + 300, ".jsonl");
	ck_assert_int_eq(kb_filename_read_restored(name, final, &temporary),
		-ENAMETOOLONG);
}
END_TEST

KB_SUITE("filename", filename__listed_names_sort_by_offset_and_read_back,
	filename__takes_ranges_and_single_offsets_padded_or_not,
	filename__a_range_may_lack_one_end,
	filename__latest_is_whatever_is_last,
	filename__the_extension_says_the_form,
	filename__what_is_read_is_what_was_written,
	filename__reads_just_the_forms_that_are_documented,
	filename__refuses_what_is_not_a_range,
	filename__partition_numbers_have_one_form,
	filename__restored_files_are_jsonl_also_as_rsync_writes_them,
	filename__refuses_other_names_to_restore)
