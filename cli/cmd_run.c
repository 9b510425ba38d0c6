/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_run.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cmd_image_internal.h"
#include "cli/run_opts.h"
#include "engine/foreground.h"
#include "engine/reconcile.h"
#include "image/fetch.h"

/* ---- run -------------------------------------------------------------------------------------- */

/* Records, statuses and cgroups are root's; said before anything else fails for that reason. */
static int check_root(struct error *err)
{
	return geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are made by root only");
}

/* On stderr: what the container wrote to stdout stays what it was. */
static void print_explanation(enum explain_form form, int fd)
{
	auto_str struct str text = { 0 };
	struct error err;

	if (explain_read(form, fd, &text, &err) < 0)
		log_warning("%s", err.msg);
	else if (text.len)
		(void)!write(STDERR_FILENO, text.text, text.len);
}

/* A pull's progress is no part of what the container writes, nor of what is explained. */
static int fetch(const struct run_request *request, struct error *err)
{
	const char *image = request->options.image;
	enum fetch_policy policy = (enum fetch_policy)request->pull;
	int rc = image ? fetch_is_needed(IMAGE_STORE, image, policy, err) : 0;

	if (rc <= 0)
		return rc;
	if (policy == FETCH_MISSING && !request->pulls_quietly) {
		auto_free char *shown = str_escape(image);

		(void)fprintf(stderr, "Unable to find image '%s' locally\n", shown);
	}
	return fetch_image(IMAGE_STORE, image, policy, request->pulls_quietly, err);
}

static int run_run(void *options, const struct strv *args, struct error *err)
{
	struct run_request *request = options;
	auto_str struct str remark = { 0 };
	auto_fd int steps = -1;
	bool is_detached;
	char id[65];
	int rc = run_request_finish(request, args, err);

	/* What a shell left open is not for a process to keep that may outlive us. */
	close_from(3, log_descriptor());
	if (rc == 0)
		rc = check_root(err);
	if (rc == 0)
		rc = fetch(request, err);
	if (rc == 0 && request->explain != EXPLAIN_NONE)
		rc = steps = explain_begin(err);
	if (rc < 0)
		return rc;
	is_detached = request->options.is_detached;
	rc = foreground_run(&engine_dirs, &request->options, id, &remark, err);
	if (steps >= 0)
		print_explanation((enum explain_form)request->explain, steps);
	if (rc >= 0 && is_detached)
		puts(id);
	if (remark.len)
		log_error("%s", remark.text);
	return rc;
}

const struct command cmd_run = {
	.name = "run",
	.group = "Containers",
	.summary = "Run a command in a new container",
	.synopsis = "[OPTIONS] IMAGE [COMMAND...]",
	.details = "The exit status is the command's own, 128 and a signal's number if that ended\n"
		   "it, 127 if there is no such command, 126 if it cannot be executed, 125 if it\n"
		   "did not come to that.",
	.opts = run_opts,
	.options_size = sizeof(struct run_request),
	.options_fini = run_request_fini,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.is_protected = true,
	.usage_status = 125,
	.run = run_run,
};

/* ---- rm --------------------------------------------------------------------------------------- */

struct rm_options {
	bool is_forced;
};

static const struct opt rm_opts[] = {
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct rm_options, is_forced),
	  .help = "Kill what runs; a missing one is no failure" },
	OPTS_END,
};

static int run_rm(void *options, const struct strv *args, struct error *err)
{
	const struct rm_options *o = options;
	struct error last = { 0 };
	int rc = check_root(err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < args->n; i++) {
		struct error failure = { 0 };

		rc = container_remove(&engine_dirs, args->items[i], o->is_forced, &failure);
		if (rc == 0) {
			printf("%s\n", args->items[i]);
			continue;
		}
		/* docker's -f: what is not there need not be removed. */
		if (failure.code == ENOENT && o->is_forced) {
			log_error("%s", failure.msg);
			continue;
		}
		/* All are tried; each failure has its line, the last one by main. */
		if (last.code)
			log_error("%s", last.msg);
		last = failure;
	}
	*err = last;
	return -last.code;
}

const struct command cmd_rm = {
	.name = "rm",
	.group = "Containers",
	.summary = "Remove containers",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.details = "CONTAINER is a name, an id, or the beginning of one.",
	.opts = rm_opts,
	.options_size = sizeof(struct rm_options),
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_rm,
};
