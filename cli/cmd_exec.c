/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/sys_exe.h"
#include "cli/cmd_run.h"
#include "engine/exec.h"

static int add_env(const char *text, void *field, struct error *err)
{
	const char *value;

	if (!*text || *text == '=')
		return err_set(err, EINVAL, "'%s' has no name", text);
	if (strchr(text, '=')) {
		strv_add(field, text);
		return 0;
	}
	/* As docker: our own, if we have it. */
	value = getenv(text);
	if (value)
		strv_addf(field, "%s=%s", text, value);
	return 0;
}

struct request {
	struct engine_exec exec;
	struct strv env_files;
};

#define FIELD(member) .offset = OPT_FIELD(struct request, member)

static const struct opt exec_opts[] = {
	{ .name = "detach",
	  .letter = 'd',
	  .kind = OPT_FLAG,
	  FIELD(exec.is_detached),
	  .help = "Return once it runs" },
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPT_PARSE,
	  .parse = add_env,
	  FIELD(exec.env),
	  .arg = "NAME[=VALUE]",
	  .help = "Set a variable of the environment" },
	{ .name = "env-file",
	  .kind = OPT_LIST,
	  FIELD(env_files),
	  .arg = "FILE",
	  .help = "Set those in FILE" },
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPT_FLAG,
	  FIELD(exec.is_interactive),
	  .help = "Connect our standard input" },
	{ .name = "privileged",
	  .kind = OPT_FLAG,
	  FIELD(exec.is_privileged),
	  .help = "Give it all capabilities" },
	{ .name = "tty",
	  .letter = 't',
	  .kind = OPT_FLAG,
	  FIELD(exec.has_tty),
	  .help = "Give it a terminal" },
	{ .name = "user",
	  .letter = 'u',
	  .kind = OPT_STRING,
	  FIELD(exec.user),
	  .arg = "NAME|UID[:GROUP|GID]",
	  .help = "Run it as this user of the container" },
	{ .name = "workdir",
	  .letter = 'w',
	  .kind = OPT_STRING,
	  FIELD(exec.workdir),
	  .arg = "DIR",
	  .help = "Run it in this directory of the container" },
	OPTS_END,
};

static void exec_fini(void *options)
{
	struct request *request = options;

	engine_exec_fini(&request->exec);
	strv_fini(&request->env_files);
}

/* -e counts more than what is in files, whatever the order. */
static int merge_env(struct request *request, struct error *err)
{
	struct strv *env = &request->exec.env;
	struct strv merged = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < request->env_files.n; i++)
		rc = parse_env_file(request->env_files.items[i], &merged, err);
	for (size_t i = 0; i < env->n; i++)
		strv_add(&merged, env->items[i]);
	strv_fini(env);
	*env = merged;
	return rc;
}

static int run_exec(void *options, const struct strv *args, struct error *err)
{
	struct request *request = options;
	int rc = sys_exe_protect(err);

	if (rc == 0 && geteuid() != 0)
		rc = err_set(err, EPERM, "containers are run by root only");
	close_from(3, log_descriptor());
	for (size_t i = 1; i < args->n; i++)
		strv_add(&request->exec.args, args->items[i]);
	if (rc == 0)
		rc = merge_env(request, err);
	return rc < 0 ? rc : engine_exec(&engine_dirs, args->items[0], &request->exec, err);
}

const struct command cmd_exec = {
	.name = "exec",
	.group = "Containers",
	.summary = "Run a further command in a running container",
	.synopsis = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.details =
		"The exit status is the command's own, 128 and a signal's number if that ended\n"
		"it, 127 if there is no such command, 126 if it cannot be executed.\n"
		"\n"
		"With --root, an option of runc's own, or the id of a container that runc's verbs\n"
		"made, this is runc's exec, which ends with 255 if the command cannot be run.",
	.opts = exec_opts,
	.options_size = sizeof(struct request),
	.options_fini = exec_fini,
	.min_args = 2,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.run = run_exec,
};
