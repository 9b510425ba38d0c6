/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cmd_compose_internal.h"
#include "cli/exec_opts.h"
#include "cli/output.h"
#include "cli/ps_text.h"
#include "compose/world.h"

/* ---- which container -------------------------------------------------------------------------- */

/* What looks like a file is one, as long as what comes behind it is enough for the rest. */
static size_t take_files(const struct strv *args, size_t n_others, struct project_choice *choice)
{
	size_t n = 0;

	while (args->n - n > n_others && project_is_file(args->items[n]))
		strv_add(&choice->files, args->items[n++]);
	return n;
}

/*
 * The running container of a service with that number; 0: the one with the smallest.  @world is the
 * caller's to world_fini(), always.
 */
static int find_member(struct project_choice *choice, const char *service, int number,
		       struct world *world, const struct list_entry **ret, struct error *err)
{
	auto_project struct project project = { 0 };
	ssize_t best = -1;
	int rc;

	/* One that a profile leaves out may have been started nevertheless. */
	strv_add(&choice->services, service);
	rc = project_choice_load(choice, &project, err);
	if (rc < 0)
		return rc;
	rc = world_look(&engine_dirs, project.name, world, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < world->n_containers; i++) {
		const struct existing *container = &world->containers[i];

		if (!str_eq(container->service, service) || !world->of[i]->pid ||
		    (number && container->number != number))
			continue;
		if (best < 0 || container->number < world->containers[best].number)
			best = (ssize_t)i;
	}
	if (best < 0 && number)
		return err_set(err, ESRCH, "container %d of service '%.100s' is not running",
			       number, service);
	if (best < 0)
		return err_set(err, ESRCH, "service '%.100s' is not running", service);
	*ret = world->of[best];
	return 0;
}

#define INDEX_OPT(struct_)                                                                   \
	{                                                                                    \
		.name = "index", .kind = OPT_INT, .max = 10000,                              \
		.offset = OPT_FIELD(struct_, index), .arg = "N",                             \
		.help = "Which container of the service (the one with the smallest number)", \
	}

/* ---- exec ------------------------------------------------------------------------------------- */

struct exec_options {
	struct project_choice choice;
	struct exec_request request;
	int index;
	bool has_no_terminal, is_tty, is_interactive;
};

static const struct opt exec_opts[] = {
	CHOICE_OPTS(struct exec_options, 'f'),
	EXEC_OPTS(OPT_FIELD(struct exec_options, request)),
	INDEX_OPT(struct exec_options),
	{ .name = "no-tty",
	  .letter = 'T',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct exec_options, has_no_terminal),
	  .help = "No terminal; without it there is one if ours are terminals" },
	/* docker's, and the default as with docker. */
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct exec_options, is_interactive) },
	{ .name = "tty",
	  .letter = 't',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct exec_options, is_tty) },
	OPTS_END,
};

static void exec_init(void *options)
{
	struct exec_options *o = options;

	o->is_interactive = o->is_tty = true;
}

static void exec_fini(void *options)
{
	struct exec_options *o = options;

	project_choice_fini(&o->choice);
	exec_request_fini(&o->request);
}

static int run_exec(void *options, const struct strv *args, struct error *err)
{
	struct exec_options *o = options;
	auto_world struct world world = { 0 };
	const struct list_entry *entry = NULL;
	size_t n = take_files(args, 2, &o->choice);
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are run by root only");

	if (rc == 0)
		rc = find_member(&o->choice, args->items[n], o->index, &world, &entry, err);
	if (rc < 0)
		return rc;
	o->request.exec.is_interactive = o->is_interactive && !o->request.exec.is_detached;
	o->request.exec.has_tty =
		o->is_tty && !o->has_no_terminal && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	return exec_request_run(&o->request, entry->record.id, args, n + 1, err);
}

const struct command compose_exec = {
	.name = "compose exec",
	.group = "Stacks",
	.summary = "Run a command in a running container of a service",
	.synopsis = "[OPTIONS] [FILE...] SERVICE COMMAND [ARG...]",
	.details =
		"Our standard input is connected.  The exit status is the command's own, 128 and a\n"
		"signal's number if that ended it, 127 if there is no such command, 126 if it cannot\n"
		"be executed.",
	.opts = exec_opts,
	.options_size = sizeof(struct exec_options),
	.options_init = exec_init,
	.options_fini = exec_fini,
	.min_args = 2,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.is_protected = true,
	.run = run_exec,
};

/* ---- port ------------------------------------------------------------------------------------- */

struct port_options {
	struct project_choice choice;
	int index;
	char *protocol;
};

static const struct opt port_opts[] = {
	CHOICE_OPTS(struct port_options, 'f'),
	INDEX_OPT(struct port_options),
	{ .name = "protocol",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct port_options, protocol),
	  .arg = "tcp|udp",
	  .help = "Of which protocol the port is (tcp)" },
	OPTS_END,
};

static void port_fini(void *options)
{
	struct port_options *o = options;

	project_choice_fini(&o->choice);
	free(o->protocol);
}

static int run_port(void *options, const struct strv *args, struct error *err)
{
	struct port_options *o = options;
	auto_world struct world world = { 0 };
	auto_str struct str out = { 0 };
	const struct list_entry *entry = NULL;
	size_t n = take_files(args, 2, &o->choice);
	auto_free char *port = NULL;
	int rc;

	if (args->n - n != 2)
		return err_set(err, EINVAL, "'compose port' needs a service and a port");
	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	port = xasprintf("%s%s%s", args->items[n + 1], o->protocol ? "/" : "",
			 o->protocol ? o->protocol : "");
	rc = find_member(&o->choice, args->items[n], o->index, &world, &entry, err);
	if (rc == 0)
		rc = ports_text(entry, port, &out, err);
	return rc < 0 ? rc : output_print(&out, err);
}

const struct command compose_port = {
	.name = "compose port",
	.group = "Stacks",
	.summary = "Show where the host publishes a port of a service",
	.synopsis = "[OPTIONS] [FILE...] SERVICE PORT[/PROTOCOL]",
	.opts = port_opts,
	.options_size = sizeof(struct port_options),
	.options_fini = port_fini,
	.min_args = 2,
	.max_args = ARGS_MANY,
	.run = run_port,
};
