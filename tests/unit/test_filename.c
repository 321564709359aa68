#include "fs/filename.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static int64_t first, last;

static int
reads(const char *name)
{
	first = last = -1;
	return kb_filename_read(name, &first, &last);
}

START_TEST(filename__listed_names_sort_by_offset_and_read_back)
{
	char a[KB_FILE_NAME_MAX], b[KB_FILE_NAME_MAX];

	kb_filename_format(a, 9, 99);
	kb_filename_format(b, 100, INT64_MAX - 1);
	ck_assert_str_eq(a, "00000000000000000009-00000000000000000099.jsonl");
	ck_assert_int_lt(strcmp(a, b), 0);
	ck_ok(reads(b));
	ck_assert_int_eq(first, 100);
	ck_assert_int_eq(last, INT64_MAX - 1);
}
END_TEST

START_TEST(filename__takes_ranges_and_single_offsets_padded_or_not)
{
	ck_ok(reads("5-10.jsonl"));
	ck_assert_int_eq(first, 5);
	ck_assert_int_eq(last, 10);
	ck_ok(reads("005-10.jsonl"));
	ck_assert_int_eq(first, 5);
	ck_ok(reads("42.jsonl"));
	ck_assert_int_eq(first, 42);
	ck_assert_int_eq(last, 42);
	ck_ok(reads("00000000000000000000.jsonl"));
	ck_assert_int_eq(last, 0);
}
END_TEST

START_TEST(filename__refuses_what_is_not_a_range)
{
	static const char *const names[] = {"", ".jsonl", "-.jsonl", "5-.jsonl",
		"-5.jsonl", "10-5.jsonl", "5", "5.json", "5.jsonl ", " 5.jsonl",
		"+5.jsonl", "5.jsonl.jsonl", "0x5.jsonl", "5--6.jsonl",
		"9223372036854775807.jsonl", "9223372036854775808.jsonl",
		"18446744073709551616.jsonl", "000000000000000000005.jsonl"};

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
	filename__refuses_what_is_not_a_range,
	filename__partition_numbers_have_one_form,
	filename__restored_files_are_jsonl_also_as_rsync_writes_them,
	filename__refuses_other_names_to_restore)
