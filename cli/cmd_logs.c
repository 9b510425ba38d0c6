/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/proc.h"
#include "cli/cmd_look.h"
#include "engine/list.h"
#include "engine/logs.h"

struct logs_options {
	bool is_followed, has_timestamps;
	int64_t since_ns, until_ns, tail;
};

static int parse_when(const char *text, void *field, struct error *err)
{
	return clock_parse(text, clock_real_ns(), field, err);
}

static int parse_tail(const char *text, void *field, struct error *err)
{
	int64_t *tail = field;
	struct error ignored;

	*tail = -1;
	if (strcmp(text, "all") == 0 || strcmp(text, "-1") == 0)
		return 0;
	if (parse_int64(text, 0, INT64_MAX, tail, &ignored) < 0)
		return err_set(err, EINVAL, "'%s' is neither a number nor 'all'", text);
	return 0;
}

static const struct opt logs_opts[] = {
	{ .name = "follow",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct logs_options, is_followed),
	  .help = "Go on with what comes, until the container ends" },
	{ .name = "since",
	  .kind = OPT_PARSE,
	  .parse = parse_when,
	  .offset = OPT_FIELD(struct logs_options, since_ns),
	  .arg = "TIME",
	  .help = "Only what came after it: 2006-01-02T15:04:05Z, seconds since 1970, or how long "
		  "ago, like 10m" },
	{ .name = "tail",
	  .letter = 'n',
	  .kind = OPT_PARSE,
	  .parse = parse_tail,
	  .offset = OPT_FIELD(struct logs_options, tail),
	  .arg = "N",
	  .help = "Only the last N lines (all)" },
	{ .name = "timestamps",
	  .letter = 't',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct logs_options, has_timestamps),
	  .help = "Show when each line came" },
	{ .name = "until",
	  .kind = OPT_PARSE,
	  .parse = parse_when,
	  .offset = OPT_FIELD(struct logs_options, until_ns),
	  .arg = "TIME",
	  .help = "Only what came before it" },
	OPTS_END,
};

static void logs_init(void *options)
{
	((struct logs_options *)options)->tail = -1;
}

/*
 * Readable when there is nothing more to wait for: the supervisor, which lives through restarts and
 * ends when all is written, has ended, or whoever reads what we write has gone.
 */
static int watch_end(int supervisor, struct error *err)
{
	struct epoll_event input = { .events = EPOLLIN }, none = { .events = 0 };
	auto_fd int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, supervisor, &input) < 0)
		return err_sys(err, "watch the container's end");
	/* Files cannot be watched, and have no reader that could go. */
	(void)epoll_ctl(fd, EPOLL_CTL_ADD, STDOUT_FILENO, &none);
	return take_fd(&fd);
}

static int run_logs(void *options, const struct strv *args, struct error *err)
{
	const struct logs_options *o = options;
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_list_entry struct list_entry entry = { 0 };
	struct log_printer printer = {
		.fds = { [LOG_STDOUT] = STDOUT_FILENO, [LOG_STDERR] = STDERR_FILENO },
		.has_timestamps = o->has_timestamps,
	};
	const struct log_sink sink = log_printer_sink(&printer);
	auto_fd int supervisor = -1;
	auto_fd int end = -1;
	struct error gone;
	int rc;

	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	rc = list_find(&engine_dirs, args->items[0], &entry, err);
	if (rc == 0)
		rc = record_open(&engine_dirs, entry.record.name, &place, err);
	if (rc == 0 && faccessat(place.dir.fd, LOG_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		rc = err_set(err, ENOENT, "container '%s' keeps no log", entry.record.name);
	if (rc < 0)
		return rc;
	supervisor = proc_open(entry.record.supervisor, entry.record.supervisor_start, &gone);
	if (supervisor >= 0)
		rc = end = watch_end(supervisor, err);
	if (rc < 0)
		return rc;
	const struct log_query query = {
		.since_ns = o->since_ns,
		.until_ns = o->until_ns,
		.tail = o->tail,
		.is_followed = o->is_followed && supervisor >= 0,
		.end_fd = end,
	};

	rc = log_read(&place.dir, &query, &sink, err);
	log_printer_fini(&printer);
	return rc;
}

const struct command cmd_logs = {
	.name = "logs",
	.group = "Containers",
	.summary = "Show what a container wrote to stdout and stderr",
	.synopsis = "[OPTIONS] CONTAINER",
	.details =
		"There is none of a container with --log-driver none, nor of one that runs in the\n"
		"foreground and is removed at its end (--rm).",
	.opts = logs_opts,
	.options_size = sizeof(struct logs_options),
	.options_init = logs_init,
	.min_args = 1,
	.max_args = 1,
	.run = run_logs,
};
