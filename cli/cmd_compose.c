/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_compose.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/cmd_compose_internal.h"
#include "cli/output.h"

enum config_format { FORMAT_YAML, FORMAT_JSON };

struct config_options {
	struct project_choice choice;
	int format;
	bool is_quiet, wants_services, wants_volumes, wants_networks, wants_images, wants_profiles;
	char *hash;
};

static const struct enum_name config_formats[] = {
	{ "yaml", FORMAT_YAML },
	{ "json", FORMAT_JSON },
	{ NULL, 0 },
};

#define CONFIG(member) OPT_FIELD(struct config_options, member)

static const struct opt config_opts[] = {
	CHOICE_OPTS(struct config_options, 'f'),
	{ "format", 0, OPT_ENUM, CONFIG(format), "yaml|json", "How to print it (yaml)",
	  .names = config_formats },
	{ "quiet", 'q', OPT_FLAG, CONFIG(is_quiet), NULL, "Only check, print nothing" },
	{ "services", 0, OPT_FLAG, CONFIG(wants_services), NULL, "Print the names of services" },
	{ "volumes", 0, OPT_FLAG, CONFIG(wants_volumes), NULL, "Print the names of volumes" },
	{ "networks", 0, OPT_FLAG, CONFIG(wants_networks), NULL, "Print the names of networks" },
	{ "images", 0, OPT_FLAG, CONFIG(wants_images), NULL, "Print the names of images" },
	{ "profiles", 0, OPT_FLAG, CONFIG(wants_profiles), NULL, "Print the names of profiles" },
	{ "hash", 0, OPT_STRING, CONFIG(hash), "SERVICE|*",
	  "Print the hash of what the service's containers are made of" },
	OPTS_END,
};

static void config_fini(void *options)
{
	struct config_options *o = options;

	project_choice_fini(&o->choice);
	free(o->hash);
}

static void add_line(struct str *out, const char *line)
{
	auto_free char *shown = str_escape(line);

	str_addf(out, "%s\n", shown);
}

static void list_profiles(const struct project *project, struct str *out)
{
	auto_strv struct strv seen = { 0 };

	for (size_t i = 0; i < project->n_services; i++) {
		const struct node *profiles = node_get(project->services[i].node, "profiles");

		for (size_t j = 0; profiles && j < profiles->n; j++) {
			if (strv_has(&seen, profiles->items[j]->text))
				continue;
			strv_add(&seen, profiles->items[j]->text);
			add_line(out, profiles->items[j]->text);
		}
	}
}

static bool is_wanted(const struct config_options *o, const char *service)
{
	return o->choice.services.n == 0 || strv_has(&o->choice.services, service);
}

static int list_hashes(const struct project *project, const char *wanted, struct str *out,
		       struct error *err)
{
	bool is_all = strcmp(wanted, "*") == 0;

	if (!is_all && project_find(project, wanted) < 0)
		return err_set(err, EINVAL, "there is no service '%.100s'", wanted);
	for (size_t i = 0; i < project->n_services; i++) {
		if (is_all || strcmp(project->services[i].name, wanted) == 0)
			str_addf(out, "%s %s\n", project->services[i].name,
				 project->services[i].hash);
	}
	return 0;
}

/* Names only; false if none were asked for. */
static bool list_names(const struct config_options *o, const struct project *project,
		       struct str *out)
{
	for (size_t i = 0; o->wants_services && i < project->n_services; i++) {
		if (is_wanted(o, project->services[i].name))
			add_line(out, project->services[i].name);
	}
	for (size_t i = 0; o->wants_volumes && i < project->n_volumes; i++)
		add_line(out, project->volumes[i].key);
	for (size_t i = 0; o->wants_networks && i < project->n_networks; i++)
		add_line(out, project->networks[i].key);
	for (size_t i = 0; o->wants_images && i < project->n_services; i++) {
		if (project->services[i].image && is_wanted(o, project->services[i].name))
			add_line(out, project->services[i].image);
	}
	if (o->wants_profiles)
		list_profiles(project, out);
	return o->wants_services || o->wants_volumes || o->wants_networks || o->wants_images ||
	       o->wants_profiles;
}

/* The whole project, or what is left of it with the named services only. */
static void print_tree(const struct config_options *o, const struct project *project,
		       struct str *out)
{
	auto_node struct node *tree = node_copy(project->tree);
	struct node *services = node_get(tree, "services");
	auto_free char *text = NULL;
	auto_json json_t *json = NULL;
	size_t i = 0;

	while (i < services->n) {
		if (is_wanted(o, services->items[i]->key))
			i++;
		else
			node_free(node_detach(services->items[i]));
	}
	node_double_dollars(tree);
	if (o->format == FORMAT_YAML) {
		node_to_yaml(tree, out);
		return;
	}
	json = node_to_json(tree);
	text = json_to_text(json, JSON_INDENT(2));
	str_addf(out, "%s\n", text);
}

static int run_config(void *options, const struct strv *args, struct error *err)
{
	struct config_options *o = options;
	auto_project struct project project = { 0 };
	auto_str struct str out = { 0 };
	int rc;

	project_choice_args(args, &o->choice);
	if (o->wants_profiles)
		strv_add(&o->choice.profiles, "*");
	rc = project_choice_load(&o->choice, &project, err);
	if (rc < 0)
		return rc;
	if (o->hash)
		rc = list_hashes(&project, o->hash, &out, err);
	else if (!list_names(o, &project, &out))
		print_tree(o, &project, &out);
	if (rc == 0 && !o->is_quiet && out.len)
		rc = output_print(&out, err);
	return rc;
}

static const struct command compose_config = {
	.name = "compose config",
	.group = "Stacks",
	.summary = "Check a project's files and print what they come to",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.details =
		"Short forms are written out, variables replaced, files merged, and defaults that\n"
		"follow from the project added; what is printed means the same when it is read.\n"
		"Anything wrong is told with file, line and column.",
	.opts = config_opts,
	.options_size = sizeof(struct config_options),
	.options_fini = config_fini,
	.max_args = ARGS_MANY,
	.run = run_config,
};

/* ---- minictr compose ------------------------------------------------------------------------- */

static const struct command *const compose_commands[] = {
	&compose_config, &compose_create,  &compose_down,  &compose_exec,  &compose_images,
	&compose_kill,   &compose_logs,    &compose_pause, &compose_port,  &compose_ps,
	&compose_pull,   &compose_restart, &compose_rm,    &compose_start, &compose_stop,
	&compose_top,    &compose_unpause, &compose_up,    NULL,
};

struct compose_options {
	struct project_choice choice;
};

static const struct opt compose_opts[] = { CHOICE_OPTS(struct compose_options, 'f'), OPTS_END };

static void compose_fini(void *options)
{
	project_choice_fini(&((struct compose_options *)options)->choice);
}

static void add_all(struct strv *words, const char *option, const struct strv *values)
{
	for (size_t i = 0; i < values->n; i++)
		strv_addf(words, "%s=%s", option, values->items[i]);
}

/* docker's place for these options is in front of the command; there they count as behind it. */
static void add_choice(struct strv *words, const struct project_choice *choice)
{
	add_all(words, "--file", &choice->files);
	add_all(words, "--env-file", &choice->env_files);
	add_all(words, "--profile", &choice->profiles);
	if (choice->name)
		strv_addf(words, "--project-name=%s", choice->name);
	if (choice->directory)
		strv_addf(words, "--project-directory=%s", choice->directory);
}

static int run_compose(void *options, const struct strv *args, struct error *err)
{
	const struct compose_options *o = options;
	const struct command *command = NULL;
	auto_strv struct strv words = { 0 };
	int n_words = 0;
	int rc;

	strv_add(&words, "compose");
	for (size_t i = 0; i < args->n; i++) {
		strv_add(&words, args->items[i]);
		if (i == 0)
			add_choice(&words, &o->choice);
	}
	rc = command_find(compose_commands, (int)words.n, words.items, &command, &n_words, err);
	if (rc < 0)
		return rc;
	return command_run(command, (int)words.n - n_words, words.items + n_words, err);
}

const struct command cmd_compose = {
	.name = "compose",
	.group = "Stacks",
	.summary = "Stacks of containers from a project file: up, down, ps, logs, ...",
	.synopsis = "[OPTIONS] COMMAND [ARG...]",
	.details = "Commands:\n"
		   "  config   Check a project's files and print what they come to\n"
		   "  create   Make its containers, and do not start them\n"
		   "  down     End and remove its containers and networks\n"
		   "  exec     Run a command in a running container of a service\n"
		   "  images   List the images that its containers were made of\n"
		   "  kill     Kill its containers\n"
		   "  logs     Show what its containers wrote\n"
		   "  pause    Freeze all processes of its containers\n"
		   "  port     Show where the host publishes a port of a service\n"
		   "  ps       List its containers\n"
		   "  pull     Get the images of its services from their registries\n"
		   "  restart  Restart its containers\n"
		   "  rm       Remove its containers that do not run\n"
		   "  start    Start its containers that do not run\n"
		   "  stop     End its containers\n"
		   "  top      Show the processes of its containers\n"
		   "  unpause  Let its paused containers go on\n"
		   "  up       Make what the files say, and start it",
	.opts = compose_opts,
	.options_size = sizeof(struct compose_options),
	.options_fini = compose_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.run = run_compose,
};
