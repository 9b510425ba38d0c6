/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/stage.h"
#include "base/str.h"
#include "tests/unit/test.h"

static int run_a(void *job, struct error *err)
{
	(void)err;
	str_add(job, "a ");
	return 0;
}

static int run_b(void *job, struct error *err)
{
	str_add(job, "b ");
	return err_set(err, EBUSY, "no room");
}

static void undo_a(void *job)
{
	str_add(job, "-a ");
}

static void undo_b(void *job)
{
	str_add(job, "-b ");
}

START_TEST(undoes_in_reverse)
{
	static const struct stage stages[] = {
		{ "cgroup", run_a, undo_a },
		{ "plain", run_a, NULL },
		{ "rootfs", run_b, undo_b },
		{ "never", run_a, undo_a },
	};
	struct error err = { 0 };
	auto_str struct str log = { 0 };

	ck_assert_int_eq(stages_run(stages, ARRAY_LEN(stages), &log, &err), -EBUSY);
	ck_assert_str_eq(log.text, "a a b -b -a ");
	ck_assert_str_eq(err.msg, "rootfs: no room");
}
END_TEST

START_TEST(runs_all)
{
	static const struct stage stages[] = { { "one", run_a, undo_a }, { "two", run_a, undo_b } };
	struct error err = { 0 };
	auto_str struct str log = { 0 };

	ck_assert_int_eq(stages_run(stages, ARRAY_LEN(stages), &log, &err), 0);
	stages_undo(stages, ARRAY_LEN(stages), &log);
	ck_assert_str_eq(log.text, "a a -b -a ");
}
END_TEST

TEST_MAIN("base/stage", undoes_in_reverse, runs_all)
