/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/cmd_compose_internal.h"
#include "cli/output.h"
#include "cli/ps_text.h"
#include "compose/project.h"
#include "compose/world.h"
#include "engine/health_state.h"

/* ---- ps --------------------------------------------------------------------------------------- */

struct ps_options {
	struct project_choice choice;
	char *format;
	bool has_all, is_quiet, wants_services;
};

static const struct opt ps_opts[] = {
	CHOICE_OPTS(struct ps_options, 'f'),
	{ "all", 'a', OPT_FLAG, OPT_FIELD(struct ps_options, has_all), NULL,
	  "Show those too that have ended" },
	{ "format", 0, OPT_STRING, OPT_FIELD(struct ps_options, format), "FORMAT",
	  "table, json (an array), jsonl, or a template like {{.Name}}" },
	{ "quiet", 'q', OPT_FLAG, OPT_FIELD(struct ps_options, is_quiet), NULL, "Show ids only" },
	{ "services", 0, OPT_FLAG, OPT_FIELD(struct ps_options, wants_services), NULL,
	  "Show the names of services only" },
	OPTS_END,
};

static void ps_fini(void *options)
{
	struct ps_options *o = options;

	project_choice_fini(&o->choice);
	free(o->format);
}

struct row {
	const char *id, *name, *image, *service, *state, *project, *health;
	char *status, *ports;
	int exit_code;
};

#define COLUMN(name, heading, member)                                    \
	{                                                                \
		name, heading, COLUMN_TEXT, offsetof(struct row, member) \
	}

static const struct column columns[] = {
	COLUMN("Name", "NAME", name),
	COLUMN("Image", "IMAGE", image),
	COLUMN("Service", "SERVICE", service),
	COLUMN("Status", "STATUS", status),
	COLUMN("Ports", "PORTS", ports),
	{ "Health", "HEALTH", COLUMN_TEXT, offsetof(struct row, health), .is_extra = true },
	{ "ID", "CONTAINER ID", COLUMN_TEXT, offsetof(struct row, id), .is_extra = true },
	{ "State", "STATE", COLUMN_TEXT, offsetof(struct row, state), .is_extra = true },
	{ "Project", "PROJECT", COLUMN_TEXT, offsetof(struct row, project), .is_extra = true },
	{ "ExitCode", "EXIT CODE", COLUMN_INT, offsetof(struct row, exit_code), .is_extra = true },
	{ NULL },
};

/* docker's: "" for one without. */
static const char *health_text(const struct list_entry *entry)
{
	enum health_state state = health_state_of(entry->health);

	return state == HEALTH_NONE || !entry->pid ? "" : health_state_name(state);
}

static struct row row_of(const struct project *project, const struct existing *container,
			 const struct list_entry *entry)
{
	return (struct row){
		.id = entry->record.id,
		.name = container->name,
		.image = entry->record.image,
		.service = container->service,
		.state = list_status_name(entry->status),
		.project = project->name,
		.health = health_text(entry),
		.status = ps_status_text(entry, (int64_t)time(NULL)),
		.ports = ps_ports_text(entry),
		.exit_code = entry->record.has_ended ? entry->record.exit_code : 0,
	};
}

/* Orphans too, unless services are named. */
static bool is_shown(const struct ps_options *o, const struct existing *container)
{
	return (o->has_all || container->is_running) &&
	       (o->choice.services.n == 0 || strv_has(&o->choice.services, container->service));
}

static int print_rows(const struct ps_options *o, const struct row *rows, size_t n,
		      struct error *err)
{
	const char *format = o->is_quiet         ? "{{.ID}}"
			     : o->wants_services ? "{{.Service}}"
						 : o->format;
	auto_str struct str out = { 0 };
	int rc = output_rows(format, columns, rows, n, sizeof(*rows), &out, err);

	return rc < 0 ? rc : output_print(&out, err);
}

static int run_ps(void *options, const struct strv *args, struct error *err)
{
	struct ps_options *o = options;
	auto_project struct project project = { 0 };
	auto_world struct world world = { 0 };
	auto_free struct row *rows = NULL;
	size_t n = 0;
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are shown to root only");

	project_choice_args(args, &o->choice);
	if (rc == 0)
		rc = project_choice_load(&o->choice, &project, err);
	if (rc == 0)
		rc = world_look(&engine_dirs, project.name, &world, err);
	if (rc < 0)
		return rc;
	rows = xcalloc(world.n_containers + 1, sizeof(*rows));
	for (size_t i = 0; i < world.n_containers; i++) {
		if (is_shown(o, &world.containers[i]))
			rows[n++] = row_of(&project, &world.containers[i], world.of[i]);
	}
	rc = print_rows(o, rows, n, err);
	for (size_t i = 0; i < n; i++) {
		free(rows[i].status);
		free(rows[i].ports);
	}
	return rc;
}

const struct command compose_ps = {
	.name = "compose ps",
	.group = "Stacks",
	.summary = "List its containers",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.opts = ps_opts,
	.options_size = sizeof(struct ps_options),
	.options_fini = ps_fini,
	.max_args = ARGS_MANY,
	.run = run_ps,
};

/* ---- logs ------------------------------------------------------------------------------------- */

struct logs_options {
	struct project_choice choice;
	struct logs_request request;
};

static int parse_when(const char *text, void *field, struct error *err)
{
	return clock_parse(text, clock_real_ns(), field, err);
}

static int parse_tail(const char *text, void *field, struct error *err)
{
	int64_t *tail = field;

	*tail = -1;
	return strcmp(text, "all") == 0 ? 0 : parse_int64(text, 0, INT64_MAX, tail, err);
}

#define LOGS(member) OPT_FIELD(struct logs_options, request.member)

static const struct opt logs_opts[] = {
	CHOICE_OPTS(struct logs_options, 0),
	{ "follow", 'f', OPT_FLAG, LOGS(is_followed), NULL,
	  "Go on with what comes, until all have ended" },
	{ "no-log-prefix", 0, OPT_FLAG, LOGS(has_no_prefix), NULL, "Do not say whose a line is" },
	{ "since", 0, OPT_PARSE, LOGS(since_ns), "TIME", "Only what came after it",
	  .parse = parse_when },
	{ "tail", 'n', OPT_PARSE, LOGS(tail), "N", "Only the last N lines of each (all)",
	  .parse = parse_tail },
	{ "timestamps", 't', OPT_FLAG, LOGS(has_timestamps), NULL, "Show when each line came" },
	{ "until", 0, OPT_PARSE, LOGS(until_ns), "TIME", "Only what came before it",
	  .parse = parse_when },
	OPTS_END,
};

static void logs_init(void *options)
{
	((struct logs_options *)options)->request.tail = -1;
}

static void logs_fini(void *options)
{
	project_choice_fini(&((struct logs_options *)options)->choice);
}

static int run_logs(void *options, const struct strv *args, struct error *err)
{
	struct logs_options *o = options;
	auto_project struct project project = { 0 };
	auto_free bool *wanted = NULL;
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are shown to root only");

	if (rc == 0)
		rc = project_choose(args, &o->choice, &project, &wanted, err);
	if (rc < 0)
		return rc;
	o->request.base = (struct command_base){
		.dirs = &engine_dirs,
		.project = &project,
		.wanted = wanted,
	};
	rc = project_logs(&o->request, err);
	return rc > 0 ? 128 + rc : rc;
}

const struct command compose_logs = {
	.name = "compose logs",
	.group = "Stacks",
	.summary = "Show what its containers wrote",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.opts = logs_opts,
	.options_size = sizeof(struct logs_options),
	.options_init = logs_init,
	.options_fini = logs_fini,
	.max_args = ARGS_MANY,
	.run = run_logs,
};
