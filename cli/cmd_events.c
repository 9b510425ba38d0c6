/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cmd_look.h"
#include "cli/output.h"
#include "engine/events.h"

struct events_options {
	struct events_query query;
	char *format;
	struct strv filters;
};

static void events_fini(void *options)
{
	struct events_options *o = options;

	free(o->format);
	strv_fini(&o->filters);
}

static int parse_when(const char *text, void *field, struct error *err)
{
	return clock_parse(text, clock_real_ns(), field, err);
}

/* ---- filters ---------------------------------------------------------------------------------- */

static const char *attribute(const json_t *event, const char *name)
{
	const json_t *actor = json_object_get(event, "Actor");

	return json_string_value(json_object_get(json_object_get(actor, "Attributes"), name));
}

static bool is_text(const json_t *event, const char *key, const char *value)
{
	return str_eq(json_string_value(json_object_get(event, key)), value);
}

static bool is_container(const json_t *event, const char *value)
{
	const char *id = json_string_value(json_object_get(event, "id"));

	return (id && *value && str_starts(id, value)) || str_eq(attribute(event, "name"), value);
}

/* "health_status" means "health_status: healthy", too. */
static bool is_event(const json_t *event, const char *value)
{
	const char *action = json_string_value(json_object_get(event, "Action"));
	size_t len = strlen(value);

	return action && strncmp(action, value, len) == 0 &&
	       (action[len] == '\0' || action[len] == ':');
}

static bool is_image(const json_t *event, const char *value)
{
	return is_text(event, "from", value);
}

static bool is_type(const json_t *event, const char *value)
{
	return is_text(event, "Type", value);
}

static bool is_labelled(const json_t *event, const char *value)
{
	auto_free char *name = xstrndup(value, strcspn(value, "="));
	const char *has = attribute(event, name);

	return has && (!strchr(value, '=') || strcmp(has, strchr(value, '=') + 1) == 0);
}

static const struct key {
	const char *name;
	bool (*matches)(const json_t *event, const char *value);
	bool wants_every; /* value; else one is enough */
} keys[] = {
	{ "container", is_container }, { "event", is_event },
	{ "image", is_image },         { "label", is_labelled, .wants_every = true },
	{ "type", is_type },
};

/* The value of @filter, if it is one for @key. */
static const char *value_of(const char *filter, const struct key *key)
{
	size_t len = strlen(key->name);

	return strncmp(filter, key->name, len) == 0 && filter[len] == '=' ? filter + len + 1 : NULL;
}

static int add_filter(const char *text, void *field, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (value_of(text, &keys[i])) {
			strv_add(field, text);
			return 0;
		}
	}
	return err_set(err, EINVAL,
		       "'%s' is none of container=, event=, image=, label=, type=", text);
}

static bool passes(const json_t *event, const struct strv *filters, const struct key *key)
{
	bool is_given = false, is_one = false, is_every = true;

	for (size_t i = 0; i < filters->n; i++) {
		const char *value = value_of(filters->items[i], key);
		bool matches = value && key->matches(event, value);

		if (!value)
			continue;
		is_given = true;
		is_one |= matches;
		is_every &= matches;
	}
	return !is_given || (key->wants_every ? is_every : is_one);
}

static bool passes_all(const json_t *event, const struct strv *filters)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!passes(event, filters, &keys[i]))
			return false;
	}
	return true;
}

/* ---- printing --------------------------------------------------------------------------------- */

/* "2006-01-02T15:04:05.000000000Z": all of one width, in the local time as docker has it. */
static void add_time(int64_t ns, struct str *out)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char date[32], zone[8];
	struct tm tm;

	(void)localtime_r(&seconds, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)strftime(zone, sizeof(zone), "%z", &tm);
	str_addf(out, "%s.%09" PRId64 "%.3s:%s", date, ns % 1000000000, zone, zone + 3);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* As docker has it: the time, what happened to which, and its attributes by name. */
static void add_line(const json_t *event, struct str *out)
{
	json_t *attributes = json_object_get(json_object_get(event, "Actor"), "Attributes");
	auto_strv struct strv pairs = { 0 };
	auto_str struct str line = { 0 };
	auto_free char *escaped = NULL;
	const char *name;
	json_t *value;

	json_object_foreach(attributes, name, value)
		strv_addf(&pairs, "%s=%s", name, json_string_value(value));
	if (pairs.n)
		qsort(pairs.items, pairs.n, sizeof(*pairs.items), compare_texts);
	add_time(json_integer_value(json_object_get(event, "timeNano")), &line);
	str_addf(&line, " %s %s %s", json_string_value(json_object_get(event, "Type")),
		 json_string_value(json_object_get(event, "Action")),
		 json_string_value(json_object_get(event, "id")));
	for (size_t i = 0; i < pairs.n; i++)
		str_addf(&line, "%s%s", i ? ", " : " (", pairs.items[i]);
	str_addf(&line, "%s", pairs.n ? ")" : "");
	escaped = str_escape(line.text);
	str_addf(out, "%s\n", escaped);
}

static int on_event(void *arg, const json_t *event, struct error *err)
{
	const struct events_options *o = arg;
	auto_str struct str out = { 0 };
	auto_free char *json = NULL;
	int rc = 0;

	if (!passes_all(event, &o->filters))
		return 0;
	if (!o->format) {
		add_line(event, &out);
	} else if (strcmp(o->format, "json") == 0) {
		json = json_to_text(event, JSON_COMPACT);
		str_addf(&out, "%s\n", json);
	} else {
		rc = output_value(o->format, event, &out, err);
	}
	return rc < 0 ? rc : output_print(&out, err);
}

static const struct opt events_opts[] = {
	{ .name = "filter",
	  .letter = 'f',
	  .kind = OPT_PARSE,
	  .parse = add_filter,
	  .offset = OPT_FIELD(struct events_options, filters),
	  .arg = "NAME=VALUE",
	  .help = "Only those of this container, event, image, label or type" },
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct events_options, format),
	  .arg = "FORMAT",
	  .help = "json, or a template like {{.Action}}" },
	{ .name = "since",
	  .kind = OPT_PARSE,
	  .parse = parse_when,
	  .offset = OPT_FIELD(struct events_options, query.since_ns),
	  .arg = "TIME",
	  .help = "Those too that happened after it: 2006-01-02T15:04:05Z, seconds since 1970, or "
		  "how long ago, like 10m" },
	{ .name = "until",
	  .kind = OPT_PARSE,
	  .parse = parse_when,
	  .offset = OPT_FIELD(struct events_options, query.until_ns),
	  .arg = "TIME",
	  .help = "Those before it, then end" },
	OPTS_END,
};

static int run_events(void *options, const struct strv *args, struct error *err)
{
	const struct events_options *o = options;

	(void)args;
	if (geteuid() != 0)
		return err_set(err, EPERM, "events are shown to root only");
	return events_read(&engine_dirs, &o->query, on_event, options, err);
}

const struct command cmd_events = {
	.name = "events",
	.group = "Containers",
	.summary = "Show what happens to containers, as it happens",
	.synopsis = "[OPTIONS]",
	.details = "The last ones are kept, until the machine is started again.",
	.opts = events_opts,
	.options_size = sizeof(struct events_options),
	.options_fini = events_fini,
	.run = run_events,
};
