/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/explain.h"
#include "cli/explain_internal.h"

static uint64_t duration_of(const struct explain_part *part)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < part->n; i++)
		ns += part->records[i].ns;
	return ns;
}

/* As the tables count: what no command does is none. */
static size_t count_steps(const struct explain_part *part)
{
	size_t n = 0;

	for (size_t i = 0; i < part->n; i++)
		n += part->records[i].kind != STEP_NOTE;
	return n;
}

static const char *title_of(const struct explain_part *part)
{
	return part->name ? part->name : "networks";
}

/* ---- text ------------------------------------------------------------------------------------- */

static void add_total(const char *title, size_t steps, uint64_t ns, int width, struct str *ret)
{
	char text[32];

	format_duration(ns, text, sizeof(text));
	str_addf(ret, "%-*s  %5zu  %9s\n", width, title, steps, text);
}

static void render_text(const struct explain_part *parts, size_t n, struct str *ret)
{
	int width = (int)strlen("container");
	uint64_t all_ns = 0;
	size_t all = 0;

	for (size_t i = 0; i < n; i++) {
		width = MAX(width, (int)strlen(title_of(&parts[i])));
		if (parts[i].n == 0)
			continue;
		str_addf(ret, "==== %s ====\n\n", title_of(&parts[i]));
		explain_text(parts[i].records, parts[i].n, ret);
		str_add(ret, "\n");
	}
	str_addf(ret, "%-*s  %5s  %9s\n", width, "container", "steps", "time");
	for (size_t i = 0; i < n; i++) {
		if (parts[i].n)
			add_total(title_of(&parts[i]), count_steps(&parts[i]),
				  duration_of(&parts[i]), width, ret);
		all += count_steps(&parts[i]);
		all_ns += duration_of(&parts[i]);
	}
	add_total("total", all, all_ns, width, ret);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void render_json(const struct explain_part *parts, size_t n, struct str *ret)
{
	auto_json json_t *array = json_array_new();
	auto_free char *text = NULL;

	for (size_t i = 0; i < n; i++) {
		json_t *object = json_object_new();

		if (parts[i].name)
			json_put_string(object, "container", parts[i].name);
		else
			json_put(object, "container", json_null());
		json_put_int(object, "duration_ns", (int64_t)duration_of(&parts[i]));
		json_put(object, "steps", explain_json(parts[i].records, parts[i].n));
		json_add(array, object);
	}
	text = json_to_text(array, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	str_addf(ret, "%s\n", text);
}

/* ---- script ----------------------------------------------------------------------------------- */

/*
 * Each container is a script of its own, as --explain=script of a single one makes it; this one
 * writes them into a directory, makes the networks, and starts them one after the other.  In the end
 * they are asked to end, the last one first, and take back what they have made; then the networks
 * go.
 */
static const char stack_head[] =
	"#!/bin/sh\n"
	"# Builds by hand the stack that minictr has made.  Needs root.\n"
	"# With arguments, these are run as a command when all is up; without, all stays until its\n"
	"# containers have ended, or ^C.  Then it is taken down again.\n"
	"# What no command does stands in a comment; nobody asks here whether a service is healthy.\n"
	"set -eu\n"
	"\n"
	"made=0\n"
	"pids=\n"
	"dir=$(mktemp -d)\n"
	"cleanup() {\n"
	"\tset +e\n"
	"\tfor pid in $pids; do\n"
	"\t\tkill -TERM \"$pid\"\n"
	"\t\twait \"$pid\"\n"
	"\tdone\n";

static const char stack_functions[] = "\trm -rf \"$dir\"\n"
				      "}\n"
				      "trap 'cleanup 2>/dev/null' EXIT\n"
				      "trap 'exit 130' INT\n"
				      "trap 'exit 143' TERM\n"
				      "\n"
				      "start() { # CONTAINER   returns when it runs\n"
				      "\tSTATE=\"$dir/$1.state\" sh \"$dir/$1\" </dev/null &\n"
				      "\tlast=$!\n"
				      "\tpids=\"$last $pids\"\n"
				      "\tuntil [ -s \"$dir/$1.state\" ]; do\n"
				      "\t\tsleep 0.01\n"
				      "\tdone\n"
				      "\t[ \"$(cat \"$dir/$1.state\")\" = up ] || exit 1\n"
				      "}\n"
				      "await() { # its end, which must be a good one\n"
				      "\twait \"$last\"\n"
				      "\tpids=${pids#* }\n"
				      "}\n";

static const char stack_tail[] = "\n# All is up.\n"
				 "if [ $# -gt 0 ]; then\n"
				 "\t\"$@\"\n"
				 "\texit\n"
				 "fi\n"
				 "wait\n";

static void add_container(const struct explain_part *part, struct str *ret)
{
	auto_str struct str script = { 0 };

	explain_script_part(part->records, part->n, &script);
	str_addf(ret, "\n# ---- %s\ncat >\"$dir/%s\"", part->name, part->name);
	explain_here_document("CONTAINER", script.text, ret);
	str_addf(ret, "start %s\n%s", part->name, part->is_awaited ? "await\n" : "");
}

static void render_script(const struct explain_part *parts, size_t n, struct str *ret)
{
	auto_str struct str steps = { 0 };
	auto_str struct str undo = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!parts[i].name)
			explain_script_host(parts[i].records, parts[i].n, &steps, &undo);
	}
	str_add(ret, stack_head);
	if (undo.len)
		str_add(ret, undo.text);
	str_add(ret, stack_functions);
	if (steps.len)
		str_addf(ret, "\n# ---- networks\n%s", steps.text);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].name && parts[i].n)
			add_container(&parts[i], ret);
	}
	str_add(ret, stack_tail);
}

void explain_render_parts(enum explain_form form, const struct explain_part *parts, size_t n,
			  struct str *ret)
{
	switch (form) {
	case EXPLAIN_NONE:
		return;
	case EXPLAIN_TEXT:
		render_text(parts, n, ret);
		return;
	case EXPLAIN_JSON:
		render_json(parts, n, ret);
		return;
	case EXPLAIN_SCRIPT:
		render_script(parts, n, ret);
		return;
	}
}
