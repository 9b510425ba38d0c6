/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_life.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "engine/control.h"
#include "engine/verbs.h"

static int check_root(struct error *err)
{
	return geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are root's only");
}

/*
 * All are tried.  What succeeded is named on stdout; each failure has its line, the last one by main.
 */
struct tally {
	struct error last;
};

static void count(struct tally *tally, const char *name, const struct error *failure)
{
	if (!failure->code) {
		puts(name);
		return;
	}
	if (tally->last.code) {
		auto_free char *text = str_escape(tally->last.msg);

		log_error("%s", text);
	}
	tally->last = *failure;
}

static int finish(const struct tally *tally, struct error *err)
{
	*err = tally->last;
	return -tally->last.code;
}

static int for_each(const struct strv *names, const void *options,
		    int (*run)(const void *options, const char *name, struct error *err),
		    struct error *err)
{
	struct tally tally = { 0 };
	int rc = check_root(err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < names->n; i++) {
		struct error failure = { 0 };

		if (run(options, names->items[i], &failure) >= 0)
			failure.code = 0;
		count(&tally, names->items[i], &failure);
	}
	return finish(&tally, err);
}

/* ---- start ------------------------------------------------------------------------------------ */

struct start_options {
	bool is_attached, is_interactive;
};

static const struct opt start_opts[] = {
	{ .name = "attach",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct start_options, is_attached),
	  .help = "Take its output, pass signals on, and end with its exit status" },
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct start_options, is_interactive),
	  .help = "The same, and pass standard input on" },
	OPTS_END,
};

static int start_behind(const void *options, const char *name, struct error *err)
{
	const struct foreground_streams none = { 0 };
	auto_str struct str ignored = { 0 };

	(void)options;
	return verb_start(&engine_dirs, name, &none, &ignored, err);
}

static int start_attached(const struct start_options *o, const char *name, struct error *err)
{
	const struct foreground_streams streams = {
		.has_output = true,
		.has_input = o->is_interactive,
	};
	auto_str struct str remark = { 0 };
	int rc = check_root(err);

	if (rc == 0)
		rc = verb_start(&engine_dirs, name, &streams, &remark, err);
	if (remark.len)
		log_error("%s", remark.text);
	return rc;
}

static int run_start(void *options, const struct strv *args, struct error *err)
{
	const struct start_options *o = options;

	close_from(3, log_descriptor());
	if (!o->is_attached && !o->is_interactive)
		return for_each(args, o, start_behind, err);
	if (args->n > 1)
		return err_set(err, EINVAL,
			       "you cannot start and attach multiple containers at "
			       "once");
	return start_attached(o, args->items[0], err);
}

#define CONTAINER_HELP "CONTAINER is a name, an id, or the beginning of one."

const struct command cmd_start = {
	.name = "start",
	.group = "Containers",
	.summary = "Start containers that have ended",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP "\n"
				  "It keeps its files, its name and, if nobody else has them now, "
				  "its address and\nports.",
	.opts = start_opts,
	.options_size = sizeof(struct start_options),
	.min_args = 1,
	.max_args = ARGS_MANY,
	.is_protected = true,
	.run = run_start,
};

/* ---- stop, restart ---------------------------------------------------------------------------- */

static int parse_stop_signal(const char *text, void *field, struct error *err)
{
	struct stop_request *request = field;

	return parse_signal(text, &request->signal, err);
}

#define STOP_OPTS(what)                                                                        \
	{ .name = "signal",                                                                    \
	  .letter = 's',                                                                       \
	  .kind = OPT_PARSE,                                                                   \
	  .parse = parse_stop_signal,                                                          \
	  .offset = OPT_FIELD(struct stop_request, signal),                                    \
	  .arg = "SIGNAL",                                                                     \
	  .help = "What asks it to end; the container's own otherwise" },                      \
		{ .name = "timeout",                                                           \
		  .letter = 't',                                                               \
		  .kind = OPT_INT,                                                             \
		  .offset = OPT_FIELD(struct stop_request, timeout),                           \
		  .arg = "SECONDS",                                                            \
		  .min = -1,                                                                   \
		  .max = INT_MAX / 1000,                                                       \
		  .help = "When it is killed; -1: never (10, or --stop-timeout of the run)" }, \
	{                                                                                      \
		.name = "time", .kind = OPT_INT, .min = -1, .max = INT_MAX / 1000,             \
		.offset = OPT_FIELD(struct stop_request, timeout), .arg = "SECONDS"            \
	}

static const struct opt stop_opts[] = { STOP_OPTS(), OPTS_END };

static void stop_init(void *options)
{
	((struct stop_request *)options)->timeout = CONTROL_TIMEOUT_DEFAULT;
}

static int run_stop(void *options, const struct strv *args, struct error *err)
{
	auto_free struct error *failures = xcalloc(args->n, sizeof(*failures));
	struct tally tally = { 0 };
	int rc = check_root(err);

	if (rc < 0)
		return rc;
	verb_stop_all(&engine_dirs, args, options, failures);
	for (size_t i = 0; i < args->n; i++)
		count(&tally, args->items[i], &failures[i]);
	return finish(&tally, err);
}

const struct command cmd_stop = {
	.name = "stop",
	.group = "Containers",
	.summary = "Ask containers to end, and kill those that take too long",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP,
	.opts = stop_opts,
	.options_size = sizeof(struct stop_request),
	.options_init = stop_init,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_stop,
};

static int restart_one(const void *options, const char *name, struct error *err)
{
	return verb_restart(&engine_dirs, name, options, err);
}

static int run_restart(void *options, const struct strv *args, struct error *err)
{
	close_from(3, log_descriptor());
	return for_each(args, options, restart_one, err);
}

const struct command cmd_restart = {
	.name = "restart",
	.group = "Containers",
	.summary = "Stop containers and start them again",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP,
	.opts = stop_opts,
	.options_size = sizeof(struct stop_request),
	.options_init = stop_init,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.is_protected = true,
	.run = run_restart,
};

/* ---- kill ------------------------------------------------------------------------------------- */

static const struct opt kill_opts[] = {
	{ .name = "signal",
	  .letter = 's',
	  .kind = OPT_PARSE,
	  .parse = parse_stop_signal,
	  .offset = OPT_FIELD(struct stop_request, signal),
	  .arg = "SIGNAL",
	  .help = "Another one than SIGKILL" },
	OPTS_END,
};

static void kill_init(void *options)
{
	((struct stop_request *)options)->signal = SIGKILL;
}

static int kill_one(const void *options, const char *name, struct error *err)
{
	const struct stop_request *request = options;

	return verb_kill(&engine_dirs, name, request->signal, err);
}

static int run_kill(void *options, const struct strv *args, struct error *err)
{
	return for_each(args, options, kill_one, err);
}

const struct command cmd_kill = {
	.name = "kill",
	.group = "Containers",
	.summary = "Send containers a signal",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP,
	.opts = kill_opts,
	.options_size = sizeof(struct stop_request),
	.options_init = kill_init,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_kill,
};

/* ---- wait ------------------------------------------------------------------------------------- */

static int run_wait(void *options, const struct strv *args, struct error *err)
{
	struct tally tally = { 0 };
	int rc = check_root(err);

	(void)options;
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < args->n; i++) {
		struct error failure = { 0 };
		char text[16];

		rc = verb_wait(&engine_dirs, args->items[i], &failure);
		if (rc >= 0)
			failure.code = 0;
		(void)snprintf(text, sizeof(text), "%d", rc);
		count(&tally, text, &failure);
		(void)fflush(stdout);
	}
	return finish(&tally, err);
}

const struct command cmd_wait = {
	.name = "wait",
	.group = "Containers",
	.summary = "Wait for containers to end, and print their exit statuses",
	.synopsis = "CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_wait,
};

/* ---- pause, unpause --------------------------------------------------------------------------- */

static int pause_one(const void *options, const char *name, struct error *err)
{
	(void)options;
	return verb_pause(&engine_dirs, name, true, err);
}

static int run_pause(void *options, const struct strv *args, struct error *err)
{
	return for_each(args, options, pause_one, err);
}

const struct command cmd_pause = {
	.name = "pause",
	.group = "Containers",
	.summary = "Freeze all processes of containers",
	.synopsis = "CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_pause,
};

static int unpause_one(const void *options, const char *name, struct error *err)
{
	(void)options;
	return verb_pause(&engine_dirs, name, false, err);
}

static int run_unpause(void *options, const struct strv *args, struct error *err)
{
	return for_each(args, options, unpause_one, err);
}

const struct command cmd_unpause = {
	.name = "unpause",
	.group = "Containers",
	.summary = "Let the processes of paused containers go on",
	.synopsis = "CONTAINER [CONTAINER...]",
	.details = CONTAINER_HELP,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_unpause,
};

/* ---- rename ----------------------------------------------------------------------------------- */

static int run_rename(void *options, const struct strv *args, struct error *err)
{
	int rc = check_root(err);

	(void)options;
	return rc < 0 ? rc : verb_rename(&engine_dirs, args->items[0], args->items[1], err);
}

const struct command cmd_rename = {
	.name = "rename",
	.group = "Containers",
	.summary = "Give a container that has ended another name",
	.synopsis = "CONTAINER NAME",
	.details = CONTAINER_HELP,
	.min_args = 2,
	.max_args = 2,
	.run = run_rename,
};
