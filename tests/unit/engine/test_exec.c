/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "engine/exec.h"
#include "runtime/spec.h"
#include "tests/unit/test.h"

/* What the container's own process is like. */
static void fill_base(struct spec_process *base)
{
	strv_add(&base->args, "server");
	strv_add(&base->env, "PATH=/bin");
	strv_add(&base->env, "A=1");
	base->cwd = xstrdup("/srv");
	base->username = xstrdup("app");
	base->capabilities.is_given = true;
	strv_add(&base->capabilities.bounding, "CAP_CHOWN");
	strv_add(&base->capabilities.effective, "CAP_CHOWN");
}

static char *joined(const struct strv *v)
{
	struct str text = { 0 };

	for (size_t i = 0; i < v->n; i++)
		str_addf(&text, "%s%s", i ? " " : "", v->items[i]);
	return str_take(&text);
}

START_TEST(makes_processes)
{
	static const struct {
		const char *env[3], *user, *workdir;
		bool has_tty, is_privileged;
		const char *result_env, *result_user, *result_cwd, *result_caps;
	} rows[] = {
		{ { NULL }, NULL, NULL, false, false, "PATH=/bin A=1", "app", "/srv", "CAP_CHOWN" },
		{ { "A=2", "B=" },
		  "0:0",
		  "/",
		  false,
		  false,
		  "PATH=/bin A=2 B=",
		  "0:0",
		  "/",
		  "CAP_CHOWN" },
		{ { NULL },
		  NULL,
		  NULL,
		  true,
		  false,
		  "PATH=/bin A=1 TERM=xterm",
		  "app",
		  "/srv",
		  "CAP_CHOWN" },
		{ { "TERM=vt100" },
		  NULL,
		  NULL,
		  true,
		  true,
		  "PATH=/bin A=1 TERM=vt100",
		  "app",
		  "/srv",
		  "CAP_CHOWN CAP_SYS_ADMIN" },
	};
	auto_strv struct strv caps = { 0 };

	strv_add(&caps, "CAP_CHOWN");
	strv_add(&caps, "CAP_SYS_ADMIN");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct engine_exec exec = {
			.user = xstrdup(rows[i].user),
			.workdir = xstrdup(rows[i].workdir),
			.has_tty = rows[i].has_tty,
			.is_privileged = rows[i].is_privileged,
		};
		struct spec_process base = { 0 }, p = { 0 };
		auto_free char *env = NULL;
		auto_free char *bounding = NULL;
		auto_free char *effective = NULL;
		struct error err = { 0 };

		fill_base(&base);
		strv_add(&exec.args, "sh");
		for (size_t j = 0; rows[i].env[j]; j++)
			strv_add(&exec.env, rows[i].env[j]);
		ck_assert_int_eq(engine_exec_process(&exec, &base, &caps, &p, &err), 0);
		env = joined(&p.env);
		bounding = joined(&p.capabilities.bounding);
		effective = joined(&p.capabilities.effective);
		ck_assert_str_eq(env, rows[i].result_env);
		ck_assert_str_eq(p.username, rows[i].result_user);
		ck_assert_str_eq(p.cwd, rows[i].result_cwd);
		ck_assert_str_eq(bounding, rows[i].result_caps);
		ck_assert_str_eq(effective, rows[i].result_caps);
		ck_assert_str_eq(p.args.items[0], "sh");
		ck_assert_uint_eq(p.args.n, 1);
		ck_assert_int_eq(p.terminal, rows[i].has_tty);
		engine_exec_fini(&exec);
		spec_process_fini(&base);
		spec_process_fini(&p);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *arg, *workdir, *error;
	} rows[] = {
		{ NULL, NULL, "the command is empty" },
		{ "", NULL, "the command is empty" },
		{ "sh", "srv", "the working directory 'srv' is not absolute" },
		{ "sh", "", "the working directory '' is not absolute" },
	};
	static const struct strv no_caps;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct engine_exec exec = { .workdir = xstrdup(rows[i].workdir) };
		struct spec_process base = { 0 }, p = { 0 };
		struct error err = { 0 };

		if (rows[i].arg)
			strv_add(&exec.args, rows[i].arg);
		ck_assert_int_eq(engine_exec_process(&exec, &base, &no_caps, &p, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
		engine_exec_fini(&exec);
	}
}
END_TEST

TEST_MAIN("engine/exec", makes_processes, refuses)
