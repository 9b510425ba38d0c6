/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sys_exe.h"
#include "base/version.h"
#include "cli/cmd_oci.h"
#include "cli/command.h"
#include "cli/commands.h"

struct global_options {
	char *root, *log, *criu, *rootless;
	int log_format, log_level;
	bool is_debug, uses_systemd, wants_version;
};

static const struct enum_name log_formats[] = { { "text", 0 }, { "json", 1 }, { NULL, 0 } };

static const struct enum_name log_levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
	{ NULL, 0 },
};

#define GLOBAL(member) .offset = OPT_FIELD(struct global_options, member)

static const struct opt global_opts[] = {
	{ .name = "root",
	  .kind = OPT_STRING,
	  GLOBAL(root),
	  .arg = "DIR",
	  .help = "Where the state of OCI containers is kept" },
	{ .name = "log",
	  .kind = OPT_STRING,
	  GLOBAL(log),
	  .arg = "FILE",
	  .help = "Append messages to this file as well" },
	{ .name = "log-format",
	  .kind = OPT_ENUM,
	  GLOBAL(log_format),
	  .arg = "FORMAT",
	  .names = log_formats,
	  .help = "Its format, text or json" },
	{ .name = "log-level",
	  .kind = OPT_ENUM,
	  GLOBAL(log_level),
	  .arg = "LEVEL",
	  .names = log_levels,
	  .help = "error, warning, info or debug" },
	{ .name = "debug", .kind = OPT_FLAG, GLOBAL(is_debug), .help = "The same as debug" },
	{ .name = "systemd-cgroup",
	  .kind = OPT_FLAG,
	  GLOBAL(uses_systemd),
	  .help = "Have systemd make the control groups of bundles' containers" },
	{ .name = "rootless", .kind = OPT_STRING, GLOBAL(rootless), .arg = "auto" },
	{ .name = "criu", .kind = OPT_STRING, GLOBAL(criu), .arg = "PATH" },
	{ .name = "version",
	  .letter = 'v',
	  .kind = OPT_FLAG,
	  GLOBAL(wants_version),
	  .help = "Print the version" },
	OPTS_END,
};

static void global_init(void *options)
{
	((struct global_options *)options)->log_level = LOG_LEVEL_WARNING;
}

/* Who calls us "runc" looks for that name, too: go-runc, nerdctl. */
static void print_version(void)
{
	printf("%s version " MINICTR_VERSION "\ncommit: %s\nspec: 1.3.0\n",
	       str_ends(program_invocation_short_name, "runc") ? "runc" : "minictr",
	       version_commit);
}

static int run_global(void *options, const struct strv *args, struct error *err)
{
	static char *root; /* for the rest of the process */
	const struct global_options *o = options;
	int rc = 0;

	if (o->wants_version) {
		print_version();
		exit(EXIT_SUCCESS);
	}
	log_set_level(o->is_debug ? LOG_LEVEL_DEBUG : (enum log_level)o->log_level);
	if (o->log && *o->log)
		rc = log_to_file(o->log, o->log_format == 1, err);
	if (rc < 0)
		return rc;
	if (o->uses_systemd)
		oci_set_systemd();
	if (o->log || o->criu || o->rootless)
		oci_set_caller();
	if (o->root) {
		root = xstrdup(o->root);
		oci_set_root(root);
	}
	(void)args;
	return 0;
}

static void global_fini(void *options)
{
	struct global_options *o = options;

	free(o->root);
	free(o->log);
	free(o->criu);
	free(o->rootless);
}

static const struct command global = {
	.name = "minictr",
	.synopsis = "[OPTIONS] COMMAND [ARG...]",
	.summary = "A container engine that shows what it does",
	.opts = global_opts,
	.options_size = sizeof(struct global_options),
	.options_init = global_init,
	.options_fini = global_fini,
	.run = run_global,
};

/* What we open must not become somebody's standard input or output. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDWR);
}

int main(int argc, char *argv[])
{
	fill_standard_fds();
	sys_exe_begin();
	if (getauxval(AT_SECURE)) {
		log_error("refusing to run set-user-ID");
		return 125;
	}
	return commands_main(&global, all_commands, argc, argv);
}
