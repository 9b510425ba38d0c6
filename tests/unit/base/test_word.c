/* SPDX-License-Identifier: Apache-2.0 */
#include "base/word.h"
#include "tests/unit/test.h"

START_TEST(measures_distance)
{
	ck_assert_uint_eq(word_distance("", ""), 0);
	ck_assert_uint_eq(word_distance("", "abc"), 3);
	ck_assert_uint_eq(word_distance("abc", "abc"), 0);
	ck_assert_uint_eq(word_distance("abc", "acb"), 1);
	ck_assert_uint_eq(word_distance("kitten", "sitting"), 3);
	ck_assert(word_is_close("detatch", "detach"));
	ck_assert(!word_is_close("ps", "rm"));
	ck_assert(!word_is_close("x", "p"));
}
END_TEST

TEST_MAIN("base/word", measures_distance)
