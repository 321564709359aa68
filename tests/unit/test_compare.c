#include "backup/compare.h"

#include <string.h>

#include "format/segment.h"
#include "store/gap.h"
#include "store/run.h"
#include "suite.h"

/*
 * Every byte of a struct of plain numbers is changed in turn, and the
 * comparison sees it. It does not see the padding around the bools, 7 bytes.
 */
#define MUST_SEE(kind, compare)                                                \
	do {                                                                   \
		kind a, b;                                                     \
		size_t missed = 0;                                             \
                                                                               \
		memset(&a, 0, sizeof(a));                                      \
		memset(&b, 0, sizeof(b));                                      \
		ck_assert_ptr_null(compare(&a, &b));                           \
		for (size_t i = 0; i < sizeof(a); i++) {                       \
			((char *)&b)[i] = 1;                                   \
			if (!compare(&a, &b))                                  \
				missed++;                                      \
			((char *)&b)[i] = 0;                                   \
		}                                                              \
		ck_assert_uint_eq(missed, 7);                                  \
	} while (0)

START_TEST(compare__misses_no_field)
{
	MUST_SEE(struct kb_block, kb_compare_blocks);
	MUST_SEE(struct kb_segment, kb_compare_segments);
	MUST_SEE(struct kb_run, kb_compare_runs);
}
END_TEST

START_TEST(compare__names_the_field)
{
	struct kb_gap a = {1, 2, KB_GAP_DAMAGED, 3, "x"}, b = a;
	struct kb_segment s = {.records = 1}, t = s;

	ck_assert_ptr_null(kb_compare_gaps(&a, &b));
	strcpy(b.detail, "y");
	ck_assert_str_eq(kb_compare_gaps(&a, &b), "detail");
	b.reason = KB_GAP_DELETED;
	ck_assert_str_eq(kb_compare_gaps(&a, &b), "reason");
	t.sha256[31] = 1;
	ck_assert_str_eq(kb_compare_segments(&s, &t), "SHA-256");
	t.records = 2;
	ck_assert_str_eq(kb_compare_segments(&s, &t), "records");
}
END_TEST

KB_SUITE("compare", compare__misses_no_field, compare__names_the_field)
