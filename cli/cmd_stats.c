/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cgroups/cgroup.h"
#include "cli/cmd_look.h"
#include "cli/human.h"
#include "cli/output.h"
#include "engine/list.h"
#include "engine/reconcile.h"
#include "engine/usage.h"

/* How long it takes to see what share of the CPU something has, and how often that is shown. */
#define SAMPLE_MS  200
#define REFRESH_MS 1000

struct stats_options {
	bool has_all, is_once, is_whole;
	char *format;
};

static const struct opt stats_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct stats_options, has_all),
	  .help = "Show those too that do not run" },
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct stats_options, format),
	  .arg = "FORMAT",
	  .help = "table, json (an array), jsonl, or a template like {{.CPUPerc}}" },
	{ .name = "no-stream",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct stats_options, is_once),
	  .help = "Show them once" },
	{ .name = "no-trunc",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct stats_options, is_whole),
	  .help = "Show ids as a whole" },
	OPTS_END,
};

static void stats_fini(void *options)
{
	free(((struct stats_options *)options)->format);
}

/* ---- rows ------------------------------------------------------------------------------------- */

struct row {
	char *container, *id, *name, *cpu, *memory, *memory_share, *net, *block, *pids, *throttled;
	char *peak;
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
	COLUMN("Name", "NAME", name),
	COLUMN("CPUPerc", "CPU %", cpu),
	COLUMN("MemUsage", "MEM USAGE / LIMIT", memory),
	COLUMN("MemPerc", "MEM %", memory_share),
	COLUMN("NetIO", "NET I/O", net),
	COLUMN("BlockIO", "BLOCK I/O", block),
	COLUMN("PIDs", "PIDS", pids),
	COLUMN("ThrottledPerc", "THROTTLED %", throttled),
	EXTRA("Container", "CONTAINER", container),
	EXTRA("MemPeak", "MEM PEAK", peak),
	{ NULL },
};

static void row_fini(struct row *row)
{
	char *const texts[] = {
		row->container, row->id,           row->name, row->cpu,
		row->memory,    row->memory_share, row->net,  row->block,
		row->pids,      row->throttled,    row->peak,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
}

static char *pair(uint64_t a, uint64_t b, char *(*format)(uint64_t bytes))
{
	auto_free char *first = format(a);
	auto_free char *second = format(b);

	return xasprintf("%s / %s", first, second);
}

static void fill_row(const struct usage *now, const struct usage_rate *rate, struct row *row)
{
	const struct cgroup_stats *counts = &now->counts;

	row->cpu = xasprintf("%.2f%%", rate->cpu);
	row->memory = pair(now->memory, now->memory_limit, human_bytes);
	row->memory_share = xasprintf("%.2f%%", rate->memory);
	row->net = pair(now->received, now->sent, human_size);
	row->block = pair(counts->io_read_bytes, counts->io_write_bytes, human_size);
	row->pids = xasprintf("%llu", (unsigned long long)counts->pids_current);
	row->throttled = rate->is_limited ? xasprintf("%.2f%%", rate->throttled) : xstrdup("--");
	row->peak = human_bytes(counts->memory_peak);
}

static void fill_empty_row(struct row *row)
{
	row->cpu = xstrdup("--");
	row->memory = xstrdup("-- / --");
	row->memory_share = xstrdup("--");
	row->net = xstrdup("-- / --");
	row->block = xstrdup("-- / --");
	row->pids = xstrdup("--");
	row->throttled = xstrdup("--");
	row->peak = xstrdup("--");
}

/* ---- looking ---------------------------------------------------------------------------------- */

/* One that is shown; at a later look, too. */
struct subject {
	char *asked; /* the name or id that was given */
	struct list_entry entry;
	bool has_before, has_now;
	struct usage before, now;
};

struct subjects {
	struct subject *items;
	size_t n;
	struct cgroup_host *host;
};

static void clear_subjects(struct subjects *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].asked);
		list_entry_fini(&s->items[i].entry);
	}
	free(s->items);
	s->items = NULL;
	s->n = 0;
}

static void subjects_fini(struct subjects *s)
{
	clear_subjects(s);
	cgroup_host_free(s->host);
}

static struct subject *add_subject(struct subjects *s, const char *asked)
{
	s->items = xrealloc(s->items, s->n + 1, sizeof(*s->items));
	s->items[s->n] = (struct subject){ .asked = xstrdup(asked) };
	return &s->items[s->n++];
}

static int find_named(struct subjects *s, const struct strv *names, bool is_first,
		      struct error *err)
{
	for (size_t i = 0; i < names->n; i++) {
		struct list_entry entry;
		int rc = list_find(&engine_dirs, names->items[i], &entry, err);

		/* One that is removed while we look on is shown no more. */
		if (rc < 0 && err->code == ENOENT && !is_first)
			continue;
		if (rc < 0)
			return rc;
		add_subject(s, names->items[i])->entry = entry;
	}
	return 0;
}

static int find_all(struct subjects *s, bool has_all, struct error *err)
{
	struct list_entry *entries = NULL;
	size_t n = 0;
	int rc;

	if (reconcile_all(&engine_dirs, err) < 0)
		log_warning("%s", err->msg);
	rc = list_containers(&engine_dirs, &entries, &n, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (has_all || entries[i].pid)
			add_subject(s, entries[i].record.id)->entry = entries[i];
		else
			list_entry_fini(&entries[i]);
	}
	free(entries);
	return 0;
}

static void find_before(struct subject *subject, const struct usage *left, size_t n)
{
	for (size_t i = 0; i < n && !subject->has_before; i++) {
		if (strcmp(left[i].id, subject->entry.record.id) != 0)
			continue;
		subject->before = left[i];
		subject->has_before = usage_is_before(&left[i], &subject->now);
	}
	if (!subject->has_before) {
		subject->before = usage_at_start(&subject->now, clock_real_ns());
		subject->has_before = usage_is_before(&subject->before, &subject->now);
	}
}

static void sleep_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* Whoever ends while we look has nothing to show. */
static void read_subject(const struct subjects *s, struct subject *subject)
{
	struct error err;

	subject->has_now = subject->entry.pid && usage_read(&engine_dirs, s->host, &subject->entry,
							    &subject->now, &err) == 0;
	if (subject->entry.pid && !subject->has_now)
		log_debug("%s", err.msg);
}

/* Reads all; those of which too little is known for a rate a second time, after a while. */
static void read_all(struct subjects *s, const struct usage *left, size_t n_left)
{
	bool is_complete = true;

	for (size_t i = 0; i < s->n; i++) {
		struct subject *subject = &s->items[i];

		read_subject(s, subject);
		if (!subject->has_now)
			continue;
		find_before(subject, left, n_left);
		is_complete &= subject->has_before;
	}
	if (is_complete)
		return;
	sleep_ms(SAMPLE_MS);
	for (size_t i = 0; i < s->n; i++) {
		struct subject *subject = &s->items[i];

		if (!subject->has_now || subject->has_before)
			continue;
		subject->before = subject->now;
		read_subject(s, subject);
	}
}

static void leave_readings(const struct subjects *s)
{
	struct usage *usages = xcalloc(s->n + 1, sizeof(*usages));
	struct error err;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].has_now)
			usages[n++] = s->items[i].now;
	}
	if (n && usage_save(&engine_dirs, usages, n, &err) < 0)
		log_debug("%s", err.msg);
	free(usages);
}

/* ---- showing ---------------------------------------------------------------------------------- */

static struct row row_of(const struct subject *subject, bool is_whole)
{
	const struct record *record = &subject->entry.record;
	struct row row = {
		.container = xstrdup(subject->asked),
		.id = xstrndup(record->id, is_whole ? RECORD_ID_LEN : RECORD_SHORT_LEN),
		.name = xstrdup(record->name),
	};
	struct usage_rate rate;

	if (subject->has_now) {
		rate = usage_rate(&subject->before, &subject->now);
		fill_row(&subject->now, &rate, &row);
	} else {
		fill_empty_row(&row);
	}
	return row;
}

static int show(const struct stats_options *o, const struct subjects *s, struct str *out,
		struct error *err)
{
	struct row *rows = xcalloc(s->n + 1, sizeof(*rows));
	int rc;

	for (size_t i = 0; i < s->n; i++)
		rows[i] = row_of(&s->items[i], o->is_whole);
	rc = output_rows(o->format, columns, rows, s->n, sizeof(*rows), out, err);
	for (size_t i = 0; i < s->n; i++)
		row_fini(&rows[i]);
	free(rows);
	return rc < 0 ? rc : output_print(out, err);
}

static int look(const struct stats_options *o, const struct strv *names, bool is_first,
		struct subjects *s, struct error *err)
{
	struct usage *left = NULL;
	size_t n_left = 0;
	int rc;

	clear_subjects(s);
	rc = names->n ? find_named(s, names, is_first, err) : find_all(s, o->has_all, err);
	if (rc < 0)
		return rc;
	usage_load(&engine_dirs, &left, &n_left);
	read_all(s, left, n_left);
	free(left);
	leave_readings(s);
	return 0;
}

static int run_stats(void *options, const struct strv *args, struct error *err)
{
	const struct stats_options *o = options;
	bool is_terminal = isatty(STDOUT_FILENO);
	struct subjects s = { 0 };
	int rc;

	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	rc = cgroup_host_open(&s.host, err);
	for (bool is_first = true; rc == 0; is_first = false) {
		auto_str struct str out = { 0 };

		if (!o->is_once && is_terminal)
			str_add(&out, "\033[H\033[J");
		rc = look(o, args, is_first, &s, err);
		if (rc == 0)
			rc = show(o, &s, &out, err);
		/* When all that were asked for are gone, nothing will come. */
		if (rc < 0 || o->is_once || (args->n && !s.n))
			break;
		sleep_ms(REFRESH_MS);
	}
	subjects_fini(&s);
	return rc;
}

const struct command cmd_stats = {
	.name = "stats",
	.group = "Containers",
	.summary = "Show what containers use",
	.synopsis = "[OPTIONS] [CONTAINER...]",
	.details =
		"CPU % is a share of one CPU since the last look, if that was less than 30 s ago,\n"
		"else of the last 100 ms.  THROTTLED % says in how many periods of the same time\n"
		"a CPU limit made the container wait.",
	.opts = stats_opts,
	.options_size = sizeof(struct stats_options),
	.options_fini = stats_fini,
	.max_args = ARGS_MANY,
	.run = run_stats,
};
