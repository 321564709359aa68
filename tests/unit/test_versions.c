#include "kafka/versions.h"

#include <errno.h>

#include "suite.h"

START_TEST(versions__reads_ranges_by_key)
{
	static const uint8_t b[] = {0, 0, 0, 0, 0, 3, /* three */
		0, 1, 0, 4, 0, 18,		      /* Fetch */
		0, 90, 0, 0, 0, 1, /* a key that is none of ours */
		0xff, 0xff, 0, 0, 0, 1};
	struct kb_versions v;
	int16_t error = -1;

	ck_ok(kb_versions_answer_read(kb_slice_of(b, sizeof(b)), &error, &v));
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(v.api[1].min, 4);
	ck_assert_int_eq(v.api[1].max, 18);
	ck_assert_int_lt(v.api[0].max, v.api[0].min);
	for (size_t n = 0; n < sizeof(b); n++)
		ck_assert_int_eq(
			kb_versions_answer_read(kb_slice_of(b, n), &error, &v),
			-EBADMSG);
}
END_TEST

START_TEST(versions__knows_nothing_after_an_error)
{
	static const uint8_t b[] = {0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4};
	struct kb_versions v;
	int16_t error = -1;

	ck_ok(kb_versions_answer_read(kb_slice_of(b, sizeof(b)), &error, &v));
	ck_assert_int_eq(error, 35);
	ck_assert_int_lt(v.api[18].max, v.api[18].min);
}
END_TEST

KB_SUITE("versions", versions__reads_ranges_by_key,
	versions__knows_nothing_after_an_error)
