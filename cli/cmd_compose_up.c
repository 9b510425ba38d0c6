/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/step.h"
#include "cli/cmd_compose_internal.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "compose/graph.h"
#include "compose/project.h"
#include "compose/steps.h"
#include "image/fetch.h"

/* ---- up --------------------------------------------------------------------------------------- */

struct up_options {
	struct project_choice choice;
	struct up_request request;
	struct strv scales;
	bool is_detached, has_no_deps;
	int timeout, wait_timeout;
	int explain;
};

#define UP(member) .offset = OPT_FIELD(struct up_options, member)

/* What is made, and how: `up` and `create`. */
#define MAKE_OPTS                                                                           \
	{ .name = "force-recreate",                                                         \
	  .kind = OPT_FLAG,                                                                 \
	  UP(request.recreates_all),                                                        \
	  .help = "Make all containers anew" },                                             \
		{ .name = "no-recreate",                                                    \
		  .kind = OPT_FLAG,                                                         \
		  UP(request.recreates_none),                                               \
		  .help = "Leave containers as they are, whatever has changed" },           \
		{ .name = "pull",                                                           \
		  .kind = OPT_ENUM,                                                         \
		  UP(request.pull.policy),                                                  \
		  .names = fetch_policies,                                                  \
		  .arg = "missing|always|never",                                            \
		  .help = "When to get images first (each service's pull_policy)" },        \
		{ .name = "quiet-pull",                                                     \
		  .kind = OPT_FLAG,                                                         \
		  UP(request.pull.is_quiet),                                                \
		  .help = "Show no progress of that" },                                     \
		{ .name = "remove-orphans",                                                 \
		  .kind = OPT_FLAG,                                                         \
		  UP(request.removes_orphans),                                              \
		  .help = "Remove containers of services that the project does not have" }, \
	{                                                                                   \
		.name = "scale", .kind = OPT_LIST, UP(scales), .arg = "SERVICE=N",          \
		.help = "So many containers of it"                                          \
	}

static const struct opt up_opts[] = {
	CHOICE_OPTS(struct up_options, 'f'),
	{ .name = "detach",
	  .letter = 'd',
	  .kind = OPT_FLAG,
	  UP(is_detached),
	  .help = "Do not stay to show what the containers write" },
	{ .name = "explain",
	  .kind = OPT_ENUM,
	  UP(explain),
	  .names = explain_forms,
	  .optional = "text",
	  .arg = "text|json|script",
	  .help = "Print every step on standard output: what was asked of the kernel" },
	MAKE_OPTS,
	{ .name = "no-deps",
	  .kind = OPT_FLAG,
	  UP(has_no_deps),
	  .help = "Only the named services, not what they depend on" },
	{ .name = "no-start",
	  .kind = OPT_FLAG,
	  UP(request.makes_only),
	  .help = "Only make the containers" },
	{ .name = "timeout",
	  .letter = 't',
	  .kind = OPT_INT,
	  .max = 1000000000,
	  UP(timeout),
	  .arg = "SECONDS",
	  .help = "Kill what has not ended by then (each service's stop_grace_period)" },
	{ .name = "wait",
	  .kind = OPT_FLAG,
	  UP(request.waits),
	  .help = "Return when all services are healthy, or running if they have no healthcheck; "
		  "implies -d" },
	{ .name = "wait-timeout",
	  .kind = OPT_INT,
	  .max = 1000000000,
	  UP(wait_timeout),
	  .arg = "SECONDS",
	  .help = "Fail if they are not by then, and say which (wait for ever)" },
	OPTS_END,
};

static void up_init(void *options)
{
	struct up_options *o = options;

	o->timeout = -1;
	o->request.pull.policy = PULL_AS_SAID;
}

static void up_fini(void *options)
{
	struct up_options *o = options;

	project_choice_fini(&o->choice);
	strv_fini(&o->scales);
}

static int scale(struct project *project, const struct strv *scales, struct error *err)
{
	for (size_t i = 0; i < scales->n; i++) {
		const char *equals = strchr(scales->items[i], '=');
		auto_free char *name = NULL;
		int64_t n = 0;
		int rc;

		if (!equals)
			return err_set(err, EINVAL, "--scale: '%s' is not SERVICE=N",
				       scales->items[i]);
		name = xstrndup(scales->items[i], (size_t)(equals - scales->items[i]));
		rc = parse_int64(equals + 1, 0, 10000, &n, err);
		if (rc == 0)
			rc = project_scale(project, name, (int)n, err);
		if (rc < 0)
			return err_wrap(err, "--scale");
	}
	return 0;
}

static void print_steps(const struct step_parts *steps, void *arg)
{
	const struct up_options *o = arg;
	auto_free struct explain_part *parts = xcalloc(steps->n + 1, sizeof(*parts));
	auto_free struct step_record **records = xcalloc(steps->n + 1, sizeof(*records));
	auto_str struct str text = { 0 };
	struct error err;

	for (size_t i = 0; i < steps->n; i++) {
		const struct step_part *part = &steps->items[i];
		size_t n = 0;

		if (step_records_read(part->fd, &records[i], &n) < 0)
			log_warning("the steps of container '%s' cannot be read", part->name);
		parts[i] = (struct explain_part){ part->name, records[i], n, part->is_awaited };
	}
	explain_render_parts((enum explain_form)o->explain, parts, steps->n, &text);
	if (output_print(&text, &err) < 0)
		log_warning("%s", err.msg);
	for (size_t i = 0; i < steps->n; i++)
		step_records_free(records[i], parts[i].n);
}

static int run_up(void *options, const struct strv *args, struct error *err)
{
	struct up_options *o = options;
	auto_project struct project project = { 0 };
	auto_free bool *wanted = NULL;
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are made by root only");

	/* What a shell left open is not for a process to keep that may outlive us. */
	close_from(3, log_descriptor());
	if (rc == 0 && o->request.recreates_all && o->request.recreates_none)
		rc = err_set(err, EINVAL, "--force-recreate and --no-recreate exclude each other");
	if (rc == 0 && o->request.waits && o->request.makes_only)
		rc = err_set(err, EINVAL, "--wait and --no-start exclude each other");
	if (rc == 0)
		rc = project_choose(args, &o->choice, &project, &wanted, err);
	if (rc == 0)
		rc = scale(&project, &o->scales, err);
	if (rc < 0)
		return rc;
	if (!o->has_no_deps)
		graph_add_dependencies(&project, wanted);
	o->request.base = (struct command_base){
		.dirs = &engine_dirs,
		.project = &project,
		.wanted = wanted,
		.grace_ns = o->timeout < 0 ? -1 : o->timeout * (int64_t)1000000000,
	};
	if (o->explain != EXPLAIN_NONE) {
		o->request.on_steps = print_steps;
		o->request.arg = o;
	}
	o->request.wait_ns = o->wait_timeout * (int64_t)1000000000;
	o->request.is_attached = !o->is_detached && !o->request.waits && !o->request.makes_only;
	return project_up(&o->request, err);
}

const struct command compose_up = {
	.name = "compose up",
	.group = "Stacks",
	.summary = "Make what the files say, and start it",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.details =
		"What is there already and as it should be is left alone; what is recreated, and for\n"
		"which key, is told.  Without -d what the containers write is shown until they end;\n"
		"^C ends them.",
	.opts = up_opts,
	.options_size = sizeof(struct up_options),
	.options_init = up_init,
	.options_fini = up_fini,
	.max_args = ARGS_MANY,
	.is_protected = true,
	.run = run_up,
};

/* ---- create ----------------------------------------------------------------------------------- */

static const struct opt create_opts[] = { CHOICE_OPTS(struct up_options, 'f'), MAKE_OPTS,
					  OPTS_END };

static int run_create(void *options, const struct strv *args, struct error *err)
{
	struct up_options *o = options;

	o->request.makes_only = true;
	o->has_no_deps = true;
	return run_up(options, args, err);
}

const struct command compose_create = {
	.name = "compose create",
	.group = "Stacks",
	.summary = "Make its containers, and do not start them",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.details =
		"The same as 'up --no-start --no-deps': networks are made, and what has changed is\n"
		"made anew.",
	.opts = create_opts,
	.options_size = sizeof(struct up_options),
	.options_init = up_init,
	.options_fini = up_fini,
	.max_args = ARGS_MANY,
	.run = run_create,
};

/* ---- down ------------------------------------------------------------------------------------- */

struct down_options {
	struct project_choice choice;
	struct down_request request;
	int timeout;
};

static const struct opt down_opts[] = {
	CHOICE_OPTS(struct down_options, 'f'),
	{ .name = "remove-orphans",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct down_options, request.removes_orphans),
	  .help = "Remove containers of services that the project does not have, too" },
	{ .name = "timeout",
	  .letter = 't',
	  .kind = OPT_INT,
	  .max = 1000000000,
	  .offset = OPT_FIELD(struct down_options, timeout),
	  .arg = "SECONDS",
	  .help = "Kill what has not ended by then (each service's stop_grace_period)" },
	{ .name = "volumes",
	  .letter = 'v',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct down_options, request.removes_volumes),
	  .help = "Remove the project's volumes, too" },
	OPTS_END,
};

static void down_init(void *options)
{
	((struct down_options *)options)->timeout = -1;
}

static void down_fini(void *options)
{
	project_choice_fini(&((struct down_options *)options)->choice);
}

static int run_down(void *options, const struct strv *args, struct error *err)
{
	struct down_options *o = options;
	auto_project struct project project = { 0 };
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are removed by root only");

	project_choice_args(args, &o->choice);
	/* Whatever a profile made goes, too. */
	strv_add(&o->choice.profiles, "*");
	if (rc == 0 && o->choice.services.n)
		rc = err_set(err, EINVAL, "down is for all of a project: use rm for '%s'",
			     o->choice.services.items[0]);
	if (rc == 0)
		rc = project_choice_load(&o->choice, &project, err);
	if (rc < 0)
		return rc;
	o->request.base = (struct command_base){
		.dirs = &engine_dirs,
		.project = &project,
		.grace_ns = o->timeout < 0 ? -1 : o->timeout * (int64_t)1000000000,
	};
	return project_down(&o->request, err);
}

const struct command compose_down = {
	.name = "compose down",
	.group = "Stacks",
	.summary = "End and remove its containers and networks",
	.synopsis = "[OPTIONS] [FILE...]",
	.details = "Containers end against the order of depends_on, all of them within one grace\n"
		   "period; then they are killed.",
	.opts = down_opts,
	.options_size = sizeof(struct down_options),
	.options_init = down_init,
	.options_fini = down_fini,
	.max_args = ARGS_MANY,
	.run = run_down,
};
