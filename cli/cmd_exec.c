/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "cli/cmd_run.h"
#include "cli/exec_opts.h"

#define FIELD(member) .offset = OPT_FIELD(struct exec_request, exec.member)

static const struct opt exec_opts[] = {
	EXEC_OPTS(0),
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPT_FLAG,
	  FIELD(is_interactive),
	  .help = "Connect our standard input" },
	{ .name = "tty",
	  .letter = 't',
	  .kind = OPT_FLAG,
	  FIELD(has_tty),
	  .help = "Give it a terminal" },
	OPTS_END,
};

static void exec_fini(void *options)
{
	exec_request_fini(options);
}

static int run_exec(void *options, const struct strv *args, struct error *err)
{
	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are run by root only");
	return exec_request_run(options, args->items[0], args, 1, err);
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
	.options_size = sizeof(struct exec_request),
	.options_fini = exec_fini,
	.min_args = 2,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.is_protected = true,
	.run = run_exec,
};
