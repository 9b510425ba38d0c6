/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdlib.h>

#include <check.h>

#include "base/macros.h"

/*
 * The main of a unit test program: `TEST_MAIN("base/str", adds_text, splits)` names the tests,
 * which are START_TEST(...) functions of the file.  Each runs in a process of its own.
 */
static inline int test_main(const char *name, const TTest *const tests[], size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TEST_MAIN(name, ...)                                     \
	int main(void)                                           \
	{                                                        \
		const TTest *const tests[] = { __VA_ARGS__ };    \
                                                                 \
		return test_main(name, tests, ARRAY_LEN(tests)); \
	}
