/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cli/output.h"
#include "engine/top.h"

#define SECOND     INT64_C(1000000000)
#define PASSWD_MAX (4U << 20)

static bool has_pid(const pid_t *pids, size_t n, long pid)
{
	for (size_t i = 0; i < n; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

/* ---- without options: as `ps -ef` ------------------------------------------------------------- */

/* The host's name for the user: outside of user namespaces the two are one. */
static void add_user(const char *passwd, uid_t uid, struct str *out)
{
	for (const char *line = passwd; line && *line; line = strchr(line, '\n')) {
		size_t len;
		uid_t id;

		line += *line == '\n';
		len = strcspn(line, ":\n");
		if (line[len] == ':' && sscanf(line + len + 1, "%*[^:\n]:%" SCNu32, &id) == 1 &&
		    id == uid) {
			str_add_len(out, line, len);
			return;
		}
	}
	str_addf(out, "%u", uid);
}

static void add_start(int64_t started_ns, int64_t now_ns, struct str *out)
{
	time_t then = started_ns / SECOND, now = now_ns / SECOND;
	struct tm tm_then, tm_now;
	char text[16] = "?";

	if (localtime_r(&then, &tm_then) && localtime_r(&now, &tm_now))
		(void)strftime(text, sizeof(text),
			       tm_then.tm_year != tm_now.tm_year   ? "%Y"
			       : tm_then.tm_yday != tm_now.tm_yday ? "%b%d"
								   : "%H:%M",
			       &tm_then);
	str_add(out, text);
}

static void add_terminal(int terminal, struct str *out)
{
	if (terminal >= 0)
		str_addf(out, "pts/%d", terminal);
	else
		str_add(out, terminal == -1 ? "?" : "tty");
}

static void add_process(const struct top_process *p, const char *passwd, struct str *out)
{
	auto_free char *command = str_escape(p->command);
	uint64_t boot = (uint64_t)clock_boot_ns();
	uint64_t ran = boot > p->started_ns ? boot - p->started_ns : 1;
	uint64_t seconds = p->cpu_ns / SECOND;
	int64_t now = clock_real_ns();

	add_user(passwd, p->uid, out);
	str_addf(out, "\t%d\t%d\t%" PRIu64 "\t", p->pid, p->parent, 100 * p->cpu_ns / ran);
	add_start(now - (int64_t)ran, now, out);
	str_add(out, "\t");
	add_terminal(p->terminal, out);
	str_addf(out, "\t%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "\t%s\n", seconds / 3600,
		 seconds / 60 % 60, seconds % 60, command);
}

static int compare(const void *a, const void *b)
{
	return *(const pid_t *)a < *(const pid_t *)b ? -1 : 1;
}

void process_rows(pid_t *pids, size_t n, const char *prefix, struct str *out)
{
	auto_free char *passwd = NULL;
	struct error ignored;

	qsort(pids, n, sizeof(*pids), compare);
	if (file_read("/etc/passwd", PASSWD_MAX, &passwd, NULL, &ignored) < 0)
		passwd = NULL;
	for (size_t i = 0; i < n; i++) {
		struct top_process process;

		if (!top_read(pids[i], &process))
			continue;
		str_add(out, prefix);
		add_process(&process, passwd, out);
		top_process_fini(&process);
	}
}

void process_table(pid_t *pids, size_t n, struct str *out)
{
	auto_str struct str table = { 0 };

	str_add(&table, PROCESS_HEADING);
	process_rows(pids, n, "", &table);
	output_align(table.text, out);
}

/* ---- with options: the host's ps(1), of which the container's lines are shown ------------------ */

/* Which of the blank-separated words of the heading is PID, -1: none. */
static int pid_column(const char *heading)
{
	int column = 0;

	for (const char *at = heading + strspn(heading, " "); *at && *at != '\n'; column++) {
		size_t len = strcspn(at, " \n");

		if (len == 3 && strncmp(at, "PID", 3) == 0)
			return column;
		at += len;
		at += strspn(at, " ");
	}
	return -1;
}

static long nth_number(const char *line, int n)
{
	line += strspn(line, " ");
	for (; n > 0; n--) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	return strtol(line, NULL, 10);
}

static int run_ps(const struct strv *options, struct str *output, struct error *err)
{
	auto_strv struct strv argv = { 0 };
	int rc;

	strv_add(&argv, "ps");
	for (size_t i = 0; i < options->n; i++)
		strv_add(&argv, options->items[i]);
	const struct helper helper = {
		.argv = argv.items,
		.timeout_ms = 10000,
		.output = output,
	};

	rc = helper_run(&helper, err);
	if (rc == -ENOENT)
		return err_set(err, ENOENT,
			       "options need the program 'ps', which is not installed");
	if (rc > 0)
		return err_set(err, EINVAL, "ps failed: %s", err->msg);
	return rc;
}

int process_table_by_ps(const struct strv *options, const pid_t *pids, size_t n, struct str *out,
			struct error *err)
{
	auto_str struct str output = { 0 };
	auto_strv struct strv lines = { 0 };
	int rc = run_ps(options, &output, err);
	int column;

	if (rc < 0)
		return rc;
	strv_split(&lines, output.text ? output.text : "", '\n');
	column = pid_column(lines.items[0]);
	if (column < 0)
		return err_set(err, EINVAL, "the options of ps leave out the column PID");
	for (size_t i = 0; i < lines.n; i++) {
		auto_free char *line = str_escape(lines.items[i]);

		if (i == 0 || (*line && has_pid(pids, n, nth_number(line, column))))
			str_addf(out, "%s\n", line);
	}
	return 0;
}
