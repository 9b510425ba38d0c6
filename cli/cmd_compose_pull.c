/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cmd_compose_internal.h"
#include "compose/graph.h"
#include "compose/project.h"
#include "image/fetch.h"

/* To pull nothing needs no command. */
static const struct enum_name policies[] = {
	{ "missing", FETCH_MISSING },
	{ "always", FETCH_ALWAYS },
	{ NULL, 0 },
};

struct pull_options {
	struct project_choice choice;
	struct pull_request request;
	bool has_deps;
};

static const struct opt pull_opts[] = {
	CHOICE_OPTS(struct pull_options, 'f'),
	{ "ignore-pull-failures", 0, OPT_FLAG,
	  OPT_FIELD(struct pull_options, request.ignores_failures), NULL,
	  "Only warn of what cannot be pulled" },
	{ "include-deps", 0, OPT_FLAG, OPT_FIELD(struct pull_options, has_deps), NULL,
	  "What the named services depend on, too" },
	{ "policy", 0, OPT_ENUM, OPT_FIELD(struct pull_options, request.policy), "missing|always",
	  "Only those that are not here, or all (always)", .names = policies },
	{ "quiet", 'q', OPT_FLAG, OPT_FIELD(struct pull_options, request.is_quiet), NULL,
	  "Show no progress" },
	OPTS_END,
};

static void pull_init(void *options)
{
	((struct pull_options *)options)->request.policy = FETCH_ALWAYS;
}

static void pull_fini(void *options)
{
	project_choice_fini(&((struct pull_options *)options)->choice);
}

static int run_pull(void *options, const struct strv *args, struct error *err)
{
	struct pull_options *o = options;
	auto_project struct project project = { 0 };
	auto_free bool *wanted = NULL;
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "images are root's");

	if (rc == 0)
		rc = project_choose(args, &o->choice, &project, &wanted, err);
	if (rc < 0)
		return rc;
	if (o->has_deps)
		graph_add_dependencies(&project, wanted);
	o->request.base = (struct command_base){
		.dirs = &engine_dirs,
		.project = &project,
		.wanted = wanted,
	};
	return project_pull(&o->request, err);
}

const struct command compose_pull = {
	.name = "compose pull",
	.group = "Stacks",
	.summary = "Get the images of its services from their registries",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.details =
		"All of them are tried, whatever becomes of one; those with pull_policy never or\n"
		"build are not.",
	.opts = pull_opts,
	.options_size = sizeof(struct pull_options),
	.options_init = pull_init,
	.options_fini = pull_fini,
	.max_args = ARGS_MANY,
	.run = run_pull,
};
