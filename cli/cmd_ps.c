/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_run.h"
#include "cli/human.h"
#include "cli/output.h"
#include "cli/ps_filter.h"
#include "cli/ps_text.h"
#include "engine/health_state.h"
#include "engine/list.h"
#include "engine/reconcile.h"

struct ps_options {
	bool has_all, is_quiet, is_whole, is_latest;
	int last;
	char *format;
	struct strv filters;
};

static const struct opt ps_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct ps_options, has_all),
	  .help = "Show those too that have ended" },
	{ .name = "filter",
	  .letter = 'f',
	  .kind = OPT_PARSE,
	  .parse = ps_filter_add,
	  .offset = OPT_FIELD(struct ps_options, filters),
	  .arg = "KEY=VALUE",
	  .help = "Show only those of this id, name, status, exited (status), label, ancestor "
		  "(image), network, publish or expose (port), or before or since another" },
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct ps_options, format),
	  .arg = "FORMAT",
	  .help = "table, json (an array), jsonl, or a template like {{.Names}}" },
	{ .name = "last",
	  .letter = 'n',
	  .kind = OPT_INT,
	  .offset = OPT_FIELD(struct ps_options, last),
	  .arg = "N",
	  .min = 1,
	  .max = INT_MAX,
	  .help = "Show the N newest, in whatever state" },
	{ .name = "latest",
	  .letter = 'l',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct ps_options, is_latest),
	  .help = "Show the newest, in whatever state" },
	{ .name = "no-trunc",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct ps_options, is_whole),
	  .help = "Show ids and commands as a whole" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct ps_options, is_quiet),
	  .help = "Show ids only" },
	OPTS_END,
};

static void ps_fini(void *options)
{
	struct ps_options *o = options;

	free(o->format);
	strv_fini(&o->filters);
}

/* ---- rows ------------------------------------------------------------------------------------- */

struct row {
	char *id, *image, *command, *since, *at, *running_for, *status, *state, *ports, *names;
	char *labels, *networks;
	struct strv label; /* borrowed */
};

#define COLUMN(name, heading, member)                                    \
	{                                                                \
		name, heading, COLUMN_TEXT, offsetof(struct row, member) \
	}
#define EXTRA(name, heading, member)                                                       \
	{                                                                                  \
		name, heading, COLUMN_TEXT, offsetof(struct row, member), .is_extra = true \
	}

static const struct column columns[] = {
	COLUMN("ID", "CONTAINER ID", id),
	COLUMN("Image", "IMAGE", image),
	COLUMN("Command", "COMMAND", command),
	COLUMN("RunningFor", "CREATED", since),
	COLUMN("Status", "STATUS", status),
	COLUMN("Ports", "PORTS", ports),
	COLUMN("Names", "NAMES", names),
	EXTRA("CreatedAt", "CREATED AT", at),
	EXTRA("State", "STATE", state),
	EXTRA("Labels", "LABELS", labels),
	EXTRA("Networks", "NETWORKS", networks),
	{ "Label", "LABEL", COLUMN_PAIRS, offsetof(struct row, label), .is_extra = true },
	{ NULL },
};

#define COMMAND_WIDTH 20

/* The words, in quotes, cut to what docker shows of them. */
static char *command_text(const struct record *record, bool is_whole)
{
	auto_str struct str words = { 0 };
	size_t len;

	for (size_t i = 0; i < record->command.n; i++)
		str_addf(&words, "%s%s", i ? " " : "", record->command.items[i]);
	if (is_whole || words.len <= COMMAND_WIDTH)
		return xasprintf("\"%s\"", words.text ? words.text : "");
	/* Not in the middle of a character of UTF-8. */
	for (len = COMMAND_WIDTH - 1; len > 0 && (words.text[len] & 0xc0) == 0x80; len--)
		;
	return xasprintf("\"%.*s…\"", (int)len, words.text);
}

#define REASON_WIDTH 60

/* docker's words; of one that is not well also why. */
static char *health_text(const struct list_entry *entry)
{
	enum health_state state = health_state_of(entry->health);
	auto_free char *reason = NULL;

	switch (state) {
	case HEALTH_STARTING:
		return xstrdup(" (health: starting)");
	case HEALTH_HEALTHY:
		return xstrdup(" (healthy)");
	case HEALTH_UNHEALTHY:
		reason = health_state_reason(entry->health);
		return xasprintf(" (unhealthy) %.*s", REASON_WIDTH, reason);
	case HEALTH_NONE:
	case HEALTH_STATES:
		break;
	}
	return xstrdup("");
}

char *ps_status_text(const struct list_entry *entry, int64_t now)
{
	const struct record *record = &entry->record;
	auto_free char *since = NULL;
	auto_free char *health = NULL;

	switch (entry->status) {
	case LIST_CREATED:
		return xstrdup("Created");
	case LIST_RUNNING:
	case LIST_PAUSED:
		since = human_duration(now - entry->started_ns / 1000000000);
		if (entry->status == LIST_PAUSED)
			return xasprintf("Up %s (Paused)", since);
		health = health_text(entry);
		return xasprintf("Up %s%s", since, health);
	case LIST_RESTARTING:
		since = human_duration(now - record->ended_ns / 1000000000);
		return xasprintf("Restarting (%d) %s ago", record->exit_code, since);
	case LIST_EXITED:
		since = human_duration(now - record->ended_ns / 1000000000);
		return xasprintf("Exited (%d) %s ago%s", record->exit_code, since,
				 record->is_oom_killed ? " (out of memory)" : "");
	}
	return NULL;
}

static void add_port(const struct port_mapping *port, struct str *ret)
{
	const char *protocol = port->protocol == IPPROTO_UDP    ? "udp"
			       : port->protocol == IPPROTO_SCTP ? "sctp"
								: "tcp";
	unsigned int more = port->count > 1 ? port->count - 1U : 0;
	char to_host[16] = "", to_container[16] = "";

	if (more) {
		(void)snprintf(to_host, sizeof(to_host), "-%u", port->host_port + more);
		(void)snprintf(to_container, sizeof(to_container), "-%u",
			       port->container_port + more);
	}
	str_addf(ret, "%s%s:%u%s->%u%s/%s", ret->len ? ", " : "",
		 *port->host_ip ? port->host_ip : "0.0.0.0", port->host_port, to_host,
		 port->container_port, to_container, protocol);
}

char *ps_ports_text(const struct list_entry *entry)
{
	struct str text = { 0 };

	for (size_t i = 0; entry->status != LIST_EXITED && i < entry->record.n_ports; i++)
		add_port(&entry->record.ports[i], &text);
	return str_take(&text);
}

static char *join(const struct strv *list)
{
	struct str text = { 0 };

	for (size_t i = 0; i < list->n; i++)
		str_addf(&text, "%s%s", i ? "," : "", list->items[i]);
	return str_take(&text);
}

static struct row row_of(const struct list_entry *entry, bool is_whole)
{
	const struct record *record = &entry->record;
	int64_t now = (int64_t)time(NULL);
	auto_free char *since = human_duration(now - record->created_ns / 1000000000);

	return (struct row){
		.id = xstrndup(record->id, is_whole ? RECORD_ID_LEN : RECORD_SHORT_LEN),
		.image = xstrdup(record->image),
		.command = command_text(record, is_whole),
		.since = xasprintf("%s ago", since),
		.at = human_time(record->created_ns / 1000000000),
		.status = ps_status_text(entry, now),
		.state = xstrdup(list_status_name(entry->status)),
		.ports = ps_ports_text(entry),
		.names = xstrdup(record->name),
		.labels = join(&record->labels),
		.networks = join(&record->networks),
		.label = record->labels,
	};
}

static void row_fini(struct row *row)
{
	char *const texts[] = {
		row->id,    row->image, row->command, row->since,  row->at,       row->status,
		row->state, row->ports, row->names,   row->labels, row->networks,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
}

static bool is_asked_for(const struct list_entry *entry, const struct ps_options *o)
{
	return o->has_all || o->last || o->is_latest || ps_filter_wants_all(&o->filters) ||
	       (entry->status != LIST_CREATED && entry->status != LIST_EXITED);
}

static int run_ps(void *options, const struct strv *args, struct error *err)
{
	const struct ps_options *o = options;
	struct list_entry *entries = NULL;
	auto_str struct str out = { 0 };
	size_t n = 0, n_rows = 0, limit;
	struct row *rows;
	int rc;

	(void)args;
	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	if (reconcile_all(&engine_dirs, err) < 0)
		log_warning("%s", err->msg);
	rc = list_containers(&engine_dirs, &entries, &n, err);
	if (rc < 0)
		return rc;
	limit = o->is_latest ? 1 : o->last ? (size_t)o->last : n;
	rows = xcalloc(n + 1, sizeof(*rows));
	for (size_t i = 0; i < n && n_rows < limit; i++) {
		if (is_asked_for(&entries[i], o) &&
		    ps_filter_matches(&o->filters, &entries[i], entries, n))
			rows[n_rows++] = row_of(&entries[i], o->is_whole);
	}
	rc = output_rows(o->is_quiet ? "{{.ID}}" : o->format, columns, rows, n_rows, sizeof(*rows),
			 &out, err);
	for (size_t i = 0; i < n_rows; i++)
		row_fini(&rows[i]);
	free(rows);
	list_free(entries, n);
	return rc < 0 ? rc : output_print(&out, err);
}

const struct command cmd_ps = {
	.name = "ps",
	.group = "Containers",
	.summary = "List containers",
	.synopsis = "[OPTIONS]",
	.opts = ps_opts,
	.options_size = sizeof(struct ps_options),
	.options_fini = ps_fini,
	.run = run_ps,
};
