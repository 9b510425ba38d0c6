/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/ready.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "engine/health_state.h"

#define PROBES_SHOWN 3
#define LINES_SHOWN  5 /* of each */

/* What a program in a container has said: it is shown as text, whatever it is. */
static char *reason_of(const struct list_entry *container)
{
	auto_free char *reason = health_state_reason(container->health);

	return str_escape(reason);
}

/* ---- is it ready? ----------------------------------------------------------------------------- */

static enum fact judge_ended(const struct list_entry *container, enum ready_wish wish,
			     struct error *why)
{
	const struct record *record = &container->record;

	if (record->failure) {
		(void)err_set(why, ECHILD, "container '%s' could not be started: %s", record->name,
			      record->failure);
		return FACT_FALSE;
	}
	if (wish == READY_HEALTHY_OR_RUNNING && record->exit_code == 0)
		return FACT_TRUE;
	(void)err_set(why, ECHILD, "container '%s' has ended with exit status %d%s", record->name,
		      record->exit_code, record->is_oom_killed ? ": out of memory" : "");
	return FACT_FALSE;
}

static enum fact judge_health(const struct list_entry *container, enum ready_wish wish,
			      struct error *why)
{
	auto_free char *reason = NULL;

	switch (health_state_of(container->health)) {
	case HEALTH_HEALTHY:
		return FACT_TRUE;
	case HEALTH_UNHEALTHY:
		reason = reason_of(container);
		(void)err_set(why, ECHILD, "container '%s' is unhealthy: %s",
			      container->record.name, reason);
		return FACT_FALSE;
	case HEALTH_NONE:
		if (wish == READY_HEALTHY_OR_RUNNING)
			return FACT_TRUE;
		(void)err_set(why, EINVAL, "container '%s' has no healthcheck",
			      container->record.name);
		return FACT_FALSE;
	case HEALTH_STARTING:
	case HEALTH_STATES:
		break;
	}
	return FACT_UNKNOWN;
}

enum fact ready_judge(const struct list_entry *container, enum ready_wish wish, struct error *why)
{
	switch (container->status) {
	case LIST_EXITED:
		return judge_ended(container, wish, why);
	case LIST_RUNNING:
	case LIST_PAUSED:
		return judge_health(container, wish, why);
	case LIST_CREATED:
	case LIST_RESTARTING:
		break;
	}
	return FACT_UNKNOWN;
}

/* ---- for people ------------------------------------------------------------------------------- */

char *ready_lack(const struct list_entry *container)
{
	const char *name = container->record.name;
	auto_free char *reason = NULL;

	if (container->status != LIST_RUNNING)
		return xasprintf("container '%s' is %s, its last exit status was %d", name,
				 list_status_name(container->status), container->record.exit_code);
	if (json_array_size(json_object_get(container->health, "Log")) == 0)
		return xasprintf("container '%s' is starting", name);
	reason = reason_of(container);
	return xasprintf("container '%s' is starting: %s", name, reason);
}

static void add_duration(const json_t *probe, struct str *ret)
{
	const char *begin = json_string_value(json_object_get(probe, "Start"));
	const char *end = json_string_value(json_object_get(probe, "End"));
	int64_t begin_ns, end_ns;
	struct error ignored;
	char text[32];

	if (!begin || !end || clock_read(&begin, &begin_ns, &ignored) < 0 ||
	    clock_read(&end, &end_ns, &ignored) < 0 || end_ns < begin_ns)
		return;
	format_duration((uint64_t)(end_ns - begin_ns), text, sizeof(text));
	str_addf(ret, " after %s", text);
}

static void add_output(const char *output, struct str *ret)
{
	auto_strv struct strv lines = { 0 };

	strv_split(&lines, output, '\n');
	for (size_t i = 0, n = 0; i < lines.n && n < LINES_SHOWN; i++) {
		auto_free char *line = str_escape(lines.items[i]);

		if (!*line)
			continue;
		str_addf(ret, n++ ? "    %s\n" : ": %s\n", line);
	}
}

static void add_probe(const json_t *probe, struct str *ret)
{
	int exit_code = (int)json_integer_value(json_object_get(probe, "ExitCode"));
	const char *output = json_string_value(json_object_get(probe, "Output"));
	size_t len;

	if (exit_code < 0)
		str_add(ret, "  no answer");
	else
		str_addf(ret, "  exit status %d", exit_code);
	add_duration(probe, ret);
	len = ret->len;
	if (output)
		add_output(output, ret);
	if (ret->len == len)
		str_add(ret, "\n");
}

void ready_render_probes(const struct list_entry *container, struct str *ret)
{
	const json_t *log = json_object_get(container->health, "Log");
	size_t n = json_array_size(log);

	if (n == 0)
		return;
	str_addf(ret, "%s: its last probes:\n", container->record.name);
	for (size_t i = n > PROBES_SHOWN ? n - PROBES_SHOWN : 0; i < n; i++)
		add_probe(json_array_get(log, i), ret);
}
