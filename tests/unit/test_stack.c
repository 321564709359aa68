#include "index/stack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "stores.h"

static void
put(struct kb_store *s, uint64_t generation, uint64_t from, uint64_t to)
{
	char name[KB_STACK_NAME];

	kb_stack_name(name, generation, &(struct kb_stack_file){from, to});
	ck_ok(stores_put(s, name, "x"));
}

/* The chosen files as `1-4,5-5,`, behind a bar the spare ones. Static. */
static const char *
chosen(struct kb_store *s)
{
	static char text[500];
	struct kb_stack k = {0};
	size_t n = 0;

	ck_ok(kb_stack_list(s, &k));
	for (size_t i = 0; i < k.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"%" PRIu64 "-%" PRIu64 ",", k.files[i].from,
			k.files[i].to);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "|");
	for (size_t i = 0; i < k.spare_count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"%" PRIu64 "-%" PRIu64 ",", k.spare[i].from,
			k.spare[i].to);
	kb_stack_release(&k);
	return text;
}

START_TEST(stack__names_sort_as_numbers_do)
{
	char name[KB_STACK_NAME];

	kb_stack_name(name, 7, &(struct kb_stack_file){9, 16});
	ck_assert_str_eq(name, "index/00000007/0000000009-0000000016.sqlite");
}
END_TEST

STORE_TEST(stack__is_empty_without_files)
{
	struct kb_stack k = {0};

	ck_ok(kb_stack_list(s, &k));
	ck_assert_uint_eq(k.generation, 0);
	ck_assert_uint_eq(kb_stack_top(&k), 0);
	kb_stack_release(&k);
	ck_ok(stores_put(s, "index/readme", "x"));
	ck_ok(stores_put(s, "index/00000001/readme", "x"));
	ck_ok(kb_stack_list(s, &k));
	ck_assert_uint_eq(k.generation, 0);
	kb_stack_release(&k);
}

STORE_TEST(stack__takes_the_widest_files)
{
	put(s, 1, 1, 1);
	put(s, 1, 2, 2);
	put(s, 1, 1, 2);
	put(s, 1, 3, 3);
	ck_assert_str_eq(chosen(s), "1-2,3-3,|1-1,2-2,");
	put(s, 1, 4, 4);
	put(s, 1, 1, 4);
	put(s, 1, 5, 5);
	ck_assert_str_eq(chosen(s), "1-4,5-5,|1-2,1-1,2-2,3-3,4-4,");
}

STORE_TEST(stack__takes_the_newest_generation_with_files)
{
	struct kb_stack k = {0};

	put(s, 1, 1, 1);
	put(s, 2, 1, 1);
	put(s, 10, 1, 1);
	put(s, 10, 2, 2);
	ck_ok(stores_put(s, "index/00000011/junk", "x"));
	ck_ok(kb_stack_list(s, &k));
	ck_assert_uint_eq(k.generation, 10);
	ck_assert_uint_eq(kb_stack_top(&k), 2);
	kb_stack_release(&k);
}

STORE_TEST(stack__says_which_number_is_missing)
{
	struct kb_stack k = {0};

	put(s, 3, 1, 1);
	put(s, 3, 3, 4);
	ck_assert_int_eq(kb_stack_list(s, &k), -ESTALE);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "number 2 "));
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "kbak reindex"));
	put(s, 3, 2, 2);
	ck_assert_str_eq(chosen(s), "1-1,2-2,3-4,|");
}

STORE_TEST(stack__leaves_names_of_others_alone)
{
	static const char *const others[] = {"0000000002-0000000003.sqlite",
		"0000000003-0000000005.sqlite", "0000000000-0000000000.sqlite",
		"0000000002-0000000001.sqlite", "2-2.sqlite",
		"0000000002-0000000002.sqlite-journal",
		"0000000002-0000000002.sqlit", "0000000002_0000000002.sqlite"};

	put(s, 1, 1, 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char name[100];

		snprintf(name, sizeof(name), "index/00000001/%s", others[i]);
		ck_ok(stores_put(s, name, "x"));
	}
	ck_assert_str_eq(chosen(s), "1-1,|");
}

/* Picks among files with these widths, one after the other. */
static int
pick(const uint64_t *widths, size_t parts, size_t *first, size_t *count)
{
	struct kb_stack_file files[200];
	struct kb_stack k = {.files = files};
	uint64_t next = 1;

	for (; widths[k.count]; next += widths[k.count++]) {
		files[k.count].from = next;
		files[k.count].to = next + widths[k.count] - 1;
	}
	return kb_stack_pick(&k, parts, first, count);
}

START_TEST(stack__picks_the_widest_aligned_range)
{
	size_t first, n;

	ck_assert_int_eq(pick((uint64_t[]){1, 0}, 2, &first, &n), 1);
	ck_assert_int_eq(pick((uint64_t[]){1, 1, 1, 0}, 4, &first, &n), 1);
	ck_ok(pick((uint64_t[]){1, 1, 1, 0}, 2, &first, &n));
	ck_assert_uint_eq(first, 0);
	ck_assert_uint_eq(n, 2);
	/* 2-3 are neighbours but not aligned. */
	ck_assert_int_eq(pick((uint64_t[]){4, 2, 1, 0}, 2, &first, &n), 1);
	ck_ok(pick((uint64_t[]){4, 4, 4, 1, 1, 1, 1, 1, 0}, 4, &first, &n));
	ck_assert_uint_eq(first, 0);
	ck_assert_uint_eq(n, 7);
	ck_ok(pick((uint64_t[]){16, 4, 1, 1, 1, 1, 1, 0}, 4, &first, &n));
	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(n, 5);
	ck_ok(pick((uint64_t[]){16, 8, 1, 1, 1, 1, 1, 0}, 4, &first, &n));
	ck_assert_uint_eq(first, 2);
	ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(stack__never_picks_more_files_than_a_merge_takes)
{
	uint64_t widths[130] = {0};
	size_t first, n;

	for (size_t i = 0; i < 129; i++)
		widths[i] = 1;
	ck_ok(pick(widths, 4, &first, &n));
	ck_assert_uint_eq(first, 0);
	ck_assert_uint_eq(n, KB_STACK_PARTS);
}
END_TEST

START_TEST(stack__finds_the_file_of_a_number)
{
	struct kb_stack_file files[] = {{1, 4}, {5, 6}, {7, 7}};
	struct kb_stack k = {.files = files, .count = 3};

	ck_assert_ptr_eq(kb_stack_find(&k, 4), &files[0]);
	ck_assert_ptr_eq(kb_stack_find(&k, 5), &files[1]);
	ck_assert_ptr_eq(kb_stack_find(&k, 7), &files[2]);
	ck_assert_ptr_null(kb_stack_find(&k, 8));
}
END_TEST

STORE_TEST(stack__removes_a_generation_and_no_other)
{
	uint64_t *generations = NULL;
	size_t n = 0;

	put(s, 1, 1, 2);
	put(s, 1, 3, 3);
	put(s, 2, 1, 1);
	ck_ok(kb_stack_generations(s, &generations, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(generations[1], 2);
	free(generations);
	ck_ok(kb_stack_remove_generation(s, 1));
	ck_ok(kb_stack_remove_generation(s, 1));
	ck_assert_str_eq(stores_list(s, "index/00000001"), "");
	ck_assert_str_eq(chosen(s), "1-1,|");
}

START_TEST(stack__passes_on_what_the_store_says)
{
	struct kb_fault plan = {
		.fail_at[KB_FAULT_LIST] = 2, .code[KB_FAULT_LIST] = -EIO};
	struct kb_store *inner, *s;
	struct kb_stack k = {0};

	ck_ok(kb_store_new_memory(&inner));
	put(inner, 1, 1, 1);
	ck_ok(kb_fault_new(inner, &plan, &s));
	ck_assert_int_eq(kb_stack_list(s, &k), -EIO);
	ck_ok(kb_stack_list(s, &k));
	kb_stack_release(&k);
	kb_store_free(s);
}
END_TEST

KB_SUITE("stack", stack__names_sort_as_numbers_do,
	stack__is_empty_without_files, stack__takes_the_widest_files,
	stack__takes_the_newest_generation_with_files,
	stack__says_which_number_is_missing,
	stack__leaves_names_of_others_alone,
	stack__picks_the_widest_aligned_range,
	stack__never_picks_more_files_than_a_merge_takes,
	stack__finds_the_file_of_a_number,
	stack__removes_a_generation_and_no_other,
	stack__passes_on_what_the_store_says)
