/*
 * A test program in a few lines: tests are named after the behaviour they
 * hold, and KB_SUITE() lists them. Output is TAP, for meson.
 */
#ifndef KB_TESTS_UNIT_SUITE_H
#define KB_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "common/err.h"

/* r is 0, or the sentence is shown. */
#define ck_ok(expr)                                                            \
	do {                                                                   \
		long long ck_r = (long long)(expr);                            \
		ck_assert_msg(ck_r == 0, "%s: %lld: %s", #expr, ck_r,          \
			kb_err_text());                                        \
	} while (0)

/* Runs the tests; each gets its own process unless CK_FORK=no. */
#define KB_SUITE(suite_name, ...)                                              \
	int main(void)                                                         \
	{                                                                      \
		const TTest *const tests[] = {__VA_ARGS__};                    \
		Suite *s = suite_create(suite_name);                           \
		TCase *c = tcase_create(suite_name);                           \
		SRunner *r;                                                    \
                                                                               \
		tcase_set_timeout(c, 60);                                      \
		for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)    \
			tcase_add_test(c, tests[i]);                           \
		suite_add_tcase(s, c);                                         \
		r = srunner_create(s);                                         \
		srunner_set_tap(r, "-");                                       \
		srunner_run_all(r, CK_SILENT);                                 \
		int failed = srunner_ntests_failed(r);                         \
		srunner_free(r);                                               \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                   \
	}

#endif
