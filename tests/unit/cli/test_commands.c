/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/sys_exe.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "tests/unit/test.h"

static const char *const at_once[] = { SYS_EXE_AT_ONCE };

static bool is_at_once(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(at_once); i++) {
		if (strcmp(at_once[i], name) == 0)
			return true;
	}
	return false;
}

/* Commands that share a name are told apart by their options, later. */
static bool are_all_protected(const char *name)
{
	size_t n = 0;

	for (size_t i = 0; all_commands[i]; i++) {
		if (strcmp(all_commands[i]->name, name) != 0)
			continue;
		if (!all_commands[i]->is_protected)
			return false;
		n++;
	}
	return n > 0;
}

START_TEST(what_is_executed_again_at_once_would_be_later)
{
	for (size_t i = 0; i < ARRAY_LEN(at_once); i++)
		ck_assert_msg(are_all_protected(at_once[i]), "'%s'", at_once[i]);
}
END_TEST

START_TEST(what_would_be_later_is_at_once)
{
	for (size_t i = 0; all_commands[i]; i++) {
		const char *name = all_commands[i]->name;

		ck_assert_msg(!are_all_protected(name) || is_at_once(name), "'%s'", name);
	}
}
END_TEST

TEST_MAIN("cli/commands", what_is_executed_again_at_once_would_be_later,
	  what_would_be_later_is_at_once)
