/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_compose_internal.h"
#include "compose/graph.h"
#include "compose/project.h"

/* stop, start, restart, kill, rm: to containers that are there. */
struct life_options {
	struct project_choice choice;
	int timeout;
	bool is_forced, stops;
};

static void life_init(void *options)
{
	((struct life_options *)options)->timeout = -1;
}

static void life_fini(void *options)
{
	project_choice_fini(&((struct life_options *)options)->choice);
}

#define TIMEOUT_OPT                                                                           \
	{                                                                                     \
		"timeout", 't', OPT_INT, OPT_FIELD(struct life_options, timeout), "SECONDS",  \
			"Kill what has not ended by then (each service's stop_grace_period)", \
			.max = 1000000000                                                     \
	}

static const struct opt plain_opts[] = { CHOICE_OPTS(struct life_options, 'f'), OPTS_END };
static const struct opt stop_opts[] = { CHOICE_OPTS(struct life_options, 'f'), TIMEOUT_OPT,
					OPTS_END };
static const struct opt rm_opts[] = {
	CHOICE_OPTS(struct life_options, 0),
	{ "force", 'f', OPT_FLAG, OPT_FIELD(struct life_options, is_forced), NULL,
	  "Do not ask: nothing here does" },
	{ "stop", 's', OPT_FLAG, OPT_FIELD(struct life_options, stops), NULL,
	  "End those that run first" },
	TIMEOUT_OPT,
	OPTS_END,
};

static int run_verb(struct life_options *o, const struct strv *args, enum project_verb verb,
		    struct error *err)
{
	auto_project struct project project = { 0 };
	auto_free bool *wanted = NULL;
	struct command_base base;
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are root's");

	close_from(3, log_descriptor());
	if (rc == 0)
		rc = project_choose(args, &o->choice, &project, &wanted, err);
	if (rc < 0)
		return rc;
	base = (struct command_base){
		.dirs = &engine_dirs,
		.project = &project,
		.wanted = wanted,
		.grace_ns = o->timeout < 0 ? -1 : o->timeout * (int64_t)1000000000,
	};
	if (verb == PROJECT_REMOVE && o->stops)
		rc = project_do(&base, PROJECT_STOP, err);
	return rc < 0 ? rc : project_do(&base, verb, err);
}

static int run_stop(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_STOP, err);
}

static int run_start(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_START, err);
}

static int run_restart(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_RESTART, err);
}

static int run_kill(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_KILL, err);
}

static int run_pause(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_PAUSE, err);
}

static int run_unpause(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_UNPAUSE, err);
}

static int run_rm(void *options, const struct strv *args, struct error *err)
{
	return run_verb(options, args, PROJECT_REMOVE, err);
}

#define LIFE_COMMAND(name_, summary_, opts_, run_, ...)                                    \
	{                                                                                  \
		.name = "compose " name_, .group = "Stacks", .summary = summary_,          \
		.synopsis = "[OPTIONS] [FILE...] [SERVICE...]", .opts = opts_,             \
		.options_size = sizeof(struct life_options), .options_init = life_init,    \
		.options_fini = life_fini, .max_args = ARGS_MANY, .run = run_, __VA_ARGS__ \
	}

const struct command compose_stop = LIFE_COMMAND("stop", "End its containers", stop_opts, run_stop);
const struct command compose_start = LIFE_COMMAND("start", "Start its containers that do not run",
						  plain_opts, run_start, .is_protected = true);
const struct command compose_restart = LIFE_COMMAND("restart", "Restart its containers", stop_opts,
						    run_restart, .is_protected = true);
const struct command compose_kill =
	LIFE_COMMAND("kill", "Kill its containers", plain_opts, run_kill);
const struct command compose_pause =
	LIFE_COMMAND("pause", "Freeze all processes of its containers", plain_opts, run_pause);
const struct command compose_unpause =
	LIFE_COMMAND("unpause", "Let its paused containers go on", plain_opts, run_unpause);
const struct command compose_rm =
	LIFE_COMMAND("rm", "Remove its containers that do not run", rm_opts, run_rm);
