/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "runtime/hooks.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static const char state[] = "{\"id\":\"box\",\"status\":\"creating\"}";

/* A hook that is a shell script. */
static void add_hook(struct spec_hooks *hooks, const char *script, int timeout)
{
	struct spec_hook *hook;

	hooks->items = xrealloc(hooks->items, hooks->n + 1, sizeof(*hooks->items));
	hook = &hooks->items[hooks->n++];
	*hook = (struct spec_hook){ .path = xstrdup("/bin/sh"), .timeout = timeout };
	strv_add(&hook->args, "the-hook");
	strv_add(&hook->args, "-c");
	strv_add(&hook->args, script);
	strv_add(&hook->env, "X=1");
}

static char *read_text(const struct temp *temp, const char *name)
{
	struct error err;
	char *text = NULL;

	return file_read_at(&temp->dir, name, 65536, &text, NULL, &err) < 0 ? xstrdup("(none)")
									    : text;
}

START_TEST(hooks_get_the_state_and_nothing_else)
{
	struct spec_hooks hooks = { 0 };
	struct error err = { 0 };
	auto_free char *script = NULL;
	auto_free char *got = NULL;
	struct temp temp;

	temp_make(&temp);
	ck_assert_int_ge(dup2(1, 60), 0);
	ck_assert_int_eq(setenv("SECRET", "of the caller", 1), 0);
	script = xasprintf("exec >%s/out; cat; echo; echo \"$0 $X $SECRET\"; echo /proc/self/fd/*",
			   temp.path);
	add_hook(&hooks, script, 10);
	ck_assert_msg(hooks_run(&hooks, state, &err) == 0, "%s", err.msg);
	got = read_text(&temp, "out");
	ck_assert_msg(str_starts(got, state), "%s", got);
	ck_assert_msg(str_eq(got + strlen(state),
			     "\nthe-hook 1 \n/proc/self/fd/0 "
			     "/proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n"),
		      "%s", got);
	hooks_fini(&hooks);
	temp_remove(&temp);
}
END_TEST

START_TEST(the_first_failure_ends_the_point)
{
	struct spec_hooks hooks = { 0 };
	struct error err = { 0 };
	auto_free char *first = NULL;
	auto_free char *last = NULL;
	auto_free char *got = NULL;
	struct temp temp;

	temp_make(&temp);
	first = xasprintf("echo first >>%s/out", temp.path);
	last = xasprintf("echo last >>%s/out", temp.path);
	add_hook(&hooks, first, 0);
	add_hook(&hooks, "echo 'it broke' >&2; exit 3", 0);
	add_hook(&hooks, last, 0);
	ck_assert_int_eq(hooks_run(&hooks, state, &err), -EIO);
	ck_assert_str_eq(err.msg, "hook '/bin/sh': exit status 3: the-hook: it broke");
	got = read_text(&temp, "out");
	ck_assert_str_eq(got, "first\n");
	hooks_fini(&hooks);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_slow_hook_is_killed_with_its_children)
{
	struct spec_hooks hooks = { 0 };
	struct error err = { 0 };
	auto_free char *script = NULL;
	auto_free char *pid = NULL;
	struct temp temp;
	int status = 0;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	temp_make(&temp);
	script = xasprintf("sleep 100 & echo $! >%s/pid; wait", temp.path);
	add_hook(&hooks, script, 3);
	ck_assert_int_eq(hooks_run(&hooks, state, &err), -ETIMEDOUT);
	ck_assert_str_eq(err.msg, "hook '/bin/sh': run 'the-hook': no end within 3000 ms");
	pid = read_text(&temp, "pid");
	/* Orphans are ours: it has ended, and so it can be waited for. */
	ck_assert_int_gt(atoi(pid), 0);
	ck_assert_int_eq(waitpid(atoi(pid), &status, 0), atoi(pid));
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	hooks_fini(&hooks);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_hook_need_not_read)
{
	auto_free char *long_state = xcalloc(1, (1 << 20) + 1);
	struct spec_hooks hooks = { 0 };
	struct error err = { 0 };

	memset(long_state, ' ', 1 << 20);
	add_hook(&hooks, "exec <&-; exit 0", 10);
	ck_assert_msg(hooks_run(&hooks, long_state, &err) == 0, "%s", err.msg);
	hooks_fini(&hooks);
}
END_TEST

START_TEST(what_is_no_program_is_named)
{
	char path[] = "/no/such/hook";
	struct spec_hook hook = { .path = path };
	const struct spec_hooks hooks = { .items = &hook, .n = 1 };
	const struct spec_hooks none = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(hooks_run(&hooks, state, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "hook '/no/such/hook': run '/no/such/hook': "
				  "no such file or directory");
	ck_assert_int_eq(hooks_run(&none, state, &err), 0);
}
END_TEST

START_TEST(late_hooks_go_on_after_a_failure)
{
	struct spec_hooks hooks = { 0 };
	auto_free char *script = NULL;
	auto_free char *got = NULL;
	struct temp temp;

	temp_make(&temp);
	script = xasprintf("cat >%s/out", temp.path);
	add_hook(&hooks, "exit 1", 0);
	add_hook(&hooks, script, 0);
	hooks_run_late(&hooks, state);
	got = read_text(&temp, "out");
	ck_assert_str_eq(got, state);
	hooks_fini(&hooks);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("runtime/hooks", late_hooks_go_on_after_a_failure, hooks_get_the_state_and_nothing_else,
	  the_first_failure_ends_the_point, a_slow_hook_is_killed_with_its_children,
	  a_hook_need_not_read, what_is_no_program_is_named)
