#include "backup/selection.h"

#include <errno.h>
#include <string.h>

#include "kafka/cluster.h"
#include "suite.h"

static struct kb_metadata_topic topics[] = {
	{.name = (char[]){"__consumer_offsets"}, .internal = true},
	{.name = (char[]){"gone"}, .error = 3},
	{.name = (char[]){"orders"}},
	{.name = (char[]){"orders-dlq"}},
	{.name = (char[]){"payments"}},
};
static const struct kb_metadata metadata = {topics, 5};

static int
pick(const char *const *in, size_t in_count, const char *const *ex,
	size_t ex_count, bool *out)
{
	struct kb_selection s = {in, in_count, ex, ex_count};

	return kb_selection_pick(&s, &metadata, out);
}

START_TEST(selection__takes_globs_and_leaves_internal_topics)
{
	bool got[5];

	ck_ok(pick((const char *[]){"*"}, 1, NULL, 0, got));
	ck_assert(!got[0] && !got[1] && got[2] && got[3] && got[4]);
}
END_TEST

START_TEST(selection__takes_an_internal_topic_by_its_name)
{
	bool got[5];

	ck_ok(pick((const char *[]){"__consumer_offsets"}, 1, NULL, 0, got));
	ck_assert(got[0] && !got[2]);
}
END_TEST

START_TEST(selection__leaves_out_what_is_excluded)
{
	bool got[5];

	ck_ok(pick((const char *[]){"orders*", "payments"}, 2,
		(const char *[]){"*-dlq"}, 1, got));
	ck_assert(got[2] && !got[3] && got[4]);
}
END_TEST

START_TEST(selection__names_a_literal_that_does_not_exist)
{
	bool got[5];

	ck_assert_int_eq(
		pick((const char *[]){"orders", "ordres"}, 2, NULL, 0, got),
		-ENOENT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "ordres"));
	ck_assert_int_eq(
		pick((const char *[]){"gone"}, 1, NULL, 0, got), -ENOENT);
}
END_TEST

START_TEST(selection__names_a_glob_that_matches_nothing)
{
	bool got[5];

	ck_assert_int_eq(
		pick((const char *[]){"*", "x*"}, 2, NULL, 0, got), -ENOENT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "x*"));
}
END_TEST

START_TEST(selection__refuses_to_be_left_with_nothing)
{
	bool got[5];

	ck_assert_int_eq(pick((const char *[]){"orders"}, 1,
				 (const char *[]){"*"}, 1, got),
		-ENOENT);
}
END_TEST

KB_SUITE("selection", selection__takes_globs_and_leaves_internal_topics,
	selection__takes_an_internal_topic_by_its_name,
	selection__leaves_out_what_is_excluded,
	selection__names_a_literal_that_does_not_exist,
	selection__names_a_glob_that_matches_nothing,
	selection__refuses_to_be_left_with_nothing)
