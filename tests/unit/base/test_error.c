/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/test.h"

START_TEST(sets_code_and_text)
{
	struct error err = { .status = 127 };

	ck_assert_int_eq(err_set(&err, EINVAL, "parse '%s'", "x"), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_int_eq(err.status, 0);
	ck_assert_str_eq(err.msg, "parse 'x'");
}
END_TEST

START_TEST(appends_the_system_text_in_lower_case)
{
	struct error err = { 0 };

	errno = ENOENT;
	ck_assert_int_eq(err_sys(&err, "open '%s'", "/x"), -ENOENT);
	ck_assert_str_eq(err.msg, "open '/x': no such file or directory");
}
END_TEST

START_TEST(keeps_capitals_of_abbreviations)
{
	ck_assert_str_eq(err_text(EACCES), "permission denied");
	ck_assert_str_eq(err_text(EDOTDOT), "RFS specific error");
	ck_assert_str_eq(err_text(4000), "error 4000");
}
END_TEST

START_TEST(wraps_outermost_first)
{
	struct error err = { 0 };

	(void)err_set(&err, EBUSY, "inner");
	ck_assert_int_eq(err_exit(&err, 126), -EBUSY);
	ck_assert_int_eq(err_wrap(&err, "outer %d", 1), -EBUSY);
	ck_assert_str_eq(err.msg, "outer 1: inner");
	ck_assert_int_eq(err.status, 126);
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
	struct error err = { 0 };
	char text[4000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, EINVAL, "%s", text);
	(void)err_wrap(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
}
END_TEST

TEST_MAIN("base/error", sets_code_and_text, appends_the_system_text_in_lower_case,
	  keeps_capitals_of_abbreviations, wraps_outermost_first, cuts_what_is_too_long)
