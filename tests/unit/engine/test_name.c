/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/parse.h"
#include "engine/name.h"
#include "tests/unit/test.h"

START_TEST(names_are_names)
{
	char name[64];

	for (uint32_t i = 0; i < 5000; i++) {
		name_make(i * 2654435761U, 0, name, sizeof(name));
		ck_assert_msg(is_valid_name(name), "'%s'", name);
		ck_assert_ptr_nonnull(strchr(name, '_'));
		ck_assert_uint_lt(strlen(name), 32);
	}
}
END_TEST

START_TEST(random_numbers_give_different_names)
{
	char first[64], second[64], third[64];

	name_make(0, 0, first, sizeof(first));
	name_make(1, 0, second, sizeof(second));
	name_make(64, 0, third, sizeof(third));
	ck_assert_str_ne(first, second);
	ck_assert_str_ne(first, third);
	ck_assert_str_ne(second, third);
}
END_TEST

START_TEST(later_attempts_have_digits)
{
	char early[64], late[64];

	name_make(0xabcdef00U, 9, early, sizeof(early));
	name_make(0xabcdef00U, 10, late, sizeof(late));
	ck_assert_int_eq(strncmp(early, late, strlen(early)), 0);
	ck_assert_uint_gt(strlen(late), strlen(early));
	ck_assert(is_valid_name(late));
}
END_TEST

TEST_MAIN("engine/name", names_are_names, random_numbers_give_different_names,
	  later_attempts_have_digits)
