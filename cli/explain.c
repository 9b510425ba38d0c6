/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/explain_internal.h"

const struct enum_name explain_forms[] = {
	{ "text", EXPLAIN_TEXT },
	{ "json", EXPLAIN_JSON },
	{ "script", EXPLAIN_SCRIPT },
	{ NULL },
};

static const struct enum_name who_names[] = {
	{ "host", STEP_HOST },
	{ "init", STEP_INIT },
	{ NULL },
};

static const struct enum_name kind_names[] = {
	{ "run", STEP_RUN },     { "write", STEP_WRITE },
	{ "input", STEP_INPUT }, { "note", STEP_NOTE },
	{ "clone", STEP_CLONE }, { "wrap", STEP_WRAP },
	{ "exec", STEP_EXEC },   { NULL },
};

static const char *name_of(const struct enum_name *table, int value)
{
	const char *name = enum_to_name(table, value);

	return name ? name : "?";
}

static void add_write(const struct step_record *record, const struct explain_names *names,
		      struct str *ret)
{
	auto_free char *value = xstrdup(record->argv[0] ? record->argv[0] : "");
	const char *path = record->argv[0] && record->argv[1] ? record->argv[1] : "";
	size_t len = strlen(value);

	/* echo ends the line itself, and some shells' echo reads escapes and options. */
	if (len && value[len - 1] == '\n')
		value[len - 1] = '\0';
	str_add(ret, strchr(value, '\\') || str_starts(value, "-n") ? "printf '%s\\n' " : "echo ");
	explain_quote(value, names, ret);
	str_add(ret, " > ");
	explain_quote(path, names, ret);
}

void explain_command(const struct step_record *record, const struct explain_names *names,
		     struct str *ret)
{
	auto_free char *note = NULL;

	switch (record->kind) {
	case STEP_WRITE:
		add_write(record, names, ret);
		return;
	case STEP_NOTE:
		note = str_escape(record->argv[0] ? record->argv[0] : "");
		str_addf(ret, "# %s", note);
		return;
	case STEP_CLONE:
		explain_words(record->argv + (record->argv[0] ? 1 : 0), names, ret);
		return;
	case STEP_EXEC:
		str_add(ret, "exec ");
		break;
	case STEP_RUN:
	case STEP_INPUT:
	case STEP_WRAP:
		break;
	}
	explain_words(record->argv, names, ret);
}

/*
 * Text: phase, who, command, time.  A long command goes on in further lines, each ended by a
 * backslash so that the whole can be copied; its time stands in the first.
 */
enum { COMMAND_MIN = 30, COMMAND_MAX = 72, TIME_WIDTH = 9 };

struct table {
	struct explain_names names;
	int phase; /* widths */
	int command;
};

static char *shown_command(const struct step_record *record, const struct table *table)
{
	auto_str struct str text = { 0 };

	explain_command(record, &table->names, &text);
	return str_escape(text.text ? text.text : "");
}

/* Columns, not bytes. */
static size_t width_of(const char *text, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

static void measure(const struct step_record *records, size_t n, struct table *table)
{
	table->phase = (int)strlen("phase");
	table->command = COMMAND_MIN;
	for (size_t i = 0; i < n; i++) {
		auto_free char *command = shown_command(&records[i], table);
		int width = (int)width_of(command, strlen(command));

		table->phase = MAX(table->phase, (int)strlen(records[i].phase));
		table->command = MAX(table->command, MIN(width, COMMAND_MAX));
	}
}

/*
 * How much of @text goes into a line of @room columns: up to a blank outside of quotes, behind which
 * a backslash means what it should; a longer word keeps its length.
 */
static size_t line_length(const char *text, size_t room)
{
	bool is_quoted = false;
	size_t best = 0;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] == '\'')
			is_quoted = !is_quoted;
		else if (text[i] == '\\' && text[i + 1] && !is_quoted)
			i++;
		if (text[i] != ' ' || is_quoted)
			continue;
		if (width_of(text, i) > room)
			return best ? best : i;
		best = i;
	}
	return best && width_of(text, i) > room ? best : i;
}

static void add_time(const struct step_record *record, struct str *ret)
{
	char text[32];

	if (record->is_announced)
		(void)snprintf(text, sizeof(text), "(before)");
	else
		format_duration(record->ns, text, sizeof(text));
	str_addf(ret, "  %*s", TIME_WIDTH, text);
}

static void add_padded(const char *text, size_t len, int width, struct str *ret)
{
	size_t has = width_of(text, len);

	str_add_len(ret, text, len);
	if (has < (size_t)width)
		str_addf(ret, "%*s", (int)((size_t)width - has), "");
}

static void add_lines(const struct step_record *record, const struct table *table, int indent,
		      struct str *ret)
{
	auto_free char *command = shown_command(record, table);
	const char *rest = command;
	bool is_note = record->kind == STEP_NOTE;

	for (bool is_first = true; *rest || is_first; is_first = false) {
		size_t all = strlen(rest);
		size_t room = (size_t)table->command - (is_first ? 0U : 4U);
		size_t len = width_of(rest, all) <= room ? all : line_length(rest, room - 2);
		auto_free char *line =
			xasprintf("%s%.*s%s",
				  is_first  ? ""
				  : is_note ? "#   "
					    : "    ",
				  (int)len, rest, len < all && !is_note ? " \\" : "");

		if (is_first) {
			add_padded(line, strlen(line), table->command, ret);
			add_time(record, ret);
			str_add(ret, "\n");
		} else {
			str_addf(ret, "%*s%s\n", indent, "", line);
		}
		rest += len;
		rest += *rest == ' ';
	}
}

static void add_input(const struct step_record *record, int indent, struct str *ret)
{
	auto_strv struct strv lines = { 0 };

	if (record->kind != STEP_INPUT || !record->input)
		return;
	strv_split(&lines, record->input, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		auto_str struct str line = { 0 };
		auto_free char *shown = NULL;

		for (const char *c = lines.items[i]; *c; c++)
			str_add_len(&line, *c == '\t' ? "  " : c, *c == '\t' ? 2 : 1);
		shown = str_escape(line.text ? line.text : "");
		if (*shown)
			str_addf(ret, "%*s  | %s\n", indent, "", shown);
	}
}

static void add_step(const struct step_record *record, const char *phase, const struct table *table,
		     struct str *ret)
{
	int indent = table->phase + 2 + 6;

	str_addf(ret, "%-*s  %-6s", table->phase, phase, name_of(who_names, (int)record->who));
	add_lines(record, table, indent, ret);
	add_input(record, indent, ret);
	if (record->rc < 0)
		str_addf(ret, "%*s^ %s\n", indent, "", err_text(-record->rc));
}

struct total {
	const char *phase;
	size_t steps;
	uint64_t ns;
};

static void add_total(const struct total *total, int width, struct str *ret)
{
	char text[32];

	format_duration(total->ns, text, sizeof(text));
	str_addf(ret, "%-*s  %5zu  %*s\n", width, total->phase, total->steps, TIME_WIDTH, text);
}

/* Sums by phase, in the order in which the phases began. */
static void add_totals(const struct step_record *records, size_t n, int width, struct str *ret)
{
	auto_free struct total *totals = xcalloc(n + 1, sizeof(*totals));
	struct total all = { .phase = "total" };
	size_t n_totals = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		if (records[i].kind == STEP_NOTE)
			continue;
		while (at < n_totals && strcmp(totals[at].phase, records[i].phase) != 0)
			at++;
		if (at == n_totals)
			totals[n_totals++].phase = records[i].phase;
		totals[at].steps++;
		totals[at].ns += records[i].ns;
		all.steps++;
		all.ns += records[i].ns;
	}
	str_addf(ret, "\n%-*s  %5s  %*s\n", width, "phase", "steps", TIME_WIDTH, "time");
	for (size_t i = 0; i < n_totals; i++)
		add_total(&totals[i], width, ret);
	add_total(&all, width, ret);
}

/* What stands for the long words that each second line would repeat; to be typed as it is. */
static void add_names(const struct explain_names *names, struct str *ret)
{
	const struct explain_names id = { .id = names->id };

	if (names->id)
		str_addf(ret, "ID=%s\n", names->id);
	if (names->root) {
		str_add(ret, "ROOT=");
		explain_quote(names->root, &id, ret);
		str_add(ret, "\n");
	}
	if (names->id || names->root)
		str_add(ret, "\n");
}

void explain_text(const struct step_record *records, size_t n, struct str *ret)
{
	struct table table = { .names = { 0 } };
	const char *last = NULL;

	explain_find_names(records, n, &table.names);
	measure(records, n, &table);
	add_names(&table.names, ret);
	str_addf(ret, "%-*s  %-6s%-*s  %*s\n", table.phase, "phase", "who", table.command,
		 "command", TIME_WIDTH, "time");
	for (size_t i = 0; i < n; i++) {
		add_step(&records[i],
			 last && strcmp(last, records[i].phase) == 0 ? "" : records[i].phase,
			 &table, ret);
		last = records[i].phase;
	}
	add_totals(records, n, table.phase, ret);
}

static json_t *record_object(const struct step_record *record)
{
	json_t *object = json_object_new();
	auto_str struct str command = { 0 };
	bool has_pid = record->kind == STEP_CLONE && record->argv[0];

	explain_command(record, NULL, &command);
	json_put_string(object, "phase", record->phase);
	json_put_string(object, "who", name_of(who_names, (int)record->who));
	json_put_string(object, "kind", name_of(kind_names, (int)record->kind));
	json_put_string(object, "command", command.text ? command.text : "");
	json_put(object, "argv", json_from_strings(record->argv + (has_pid ? 1 : 0)));
	if (has_pid)
		json_put_string(object, "pid", record->argv[0]);
	json_put_string(object, "input", record->input);
	if (record->is_announced)
		json_put(object, "duration_ns", json_null());
	else
		json_put_int(object, "duration_ns", (int64_t)record->ns);
	if (record->rc < 0) {
		json_put_int(object, "errno", -record->rc);
		json_put_string(object, "error", err_text(-record->rc));
	}
	return object;
}

json_t *explain_json(const struct step_record *records, size_t n)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(array, record_object(&records[i]));
	return array;
}

static void render_json(const struct step_record *records, size_t n, struct str *ret)
{
	auto_json json_t *array = explain_json(records, n);
	auto_free char *text = json_to_text(array, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	str_addf(ret, "%s\n", text);
}

void explain_render(enum explain_form form, const struct step_record *records, size_t n,
		    struct str *ret)
{
	switch (form) {
	case EXPLAIN_NONE:
		return;
	case EXPLAIN_TEXT:
		explain_text(records, n, ret);
		return;
	case EXPLAIN_JSON:
		render_json(records, n, ret);
		return;
	case EXPLAIN_SCRIPT:
		explain_script(records, n, ret);
		return;
	}
}

int explain_begin(struct error *err)
{
	int fd = step_sink(err);

	if (fd >= 0)
		step_record_to(fd);
	return fd;
}

int explain_read(enum explain_form form, int fd, struct str *ret, struct error *err)
{
	struct step_record *records = NULL;
	size_t n = 0;
	int rc = step_records_read(fd, &records, &n);

	if (rc < 0)
		return err_set(err, -rc, "read the recorded steps: %s", err_text(-rc));
	explain_render(form, records, n, ret);
	step_records_free(records, n);
	return 0;
}
