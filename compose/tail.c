/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/tail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/proc.h"
#include "compose/workers.h"
#include "compose/world.h"
#include "engine/logs.h"

#define TAIL_LINES 10

/* One container's log, with its name in front of each line. */
struct tail {
	const struct logs_request *request;
	const struct list_entry *entry;
	char *prefix; /* NULL: none */
	int fds[LOG_STREAMS];
	struct worker *worker;
	struct loop *loop;
	size_t *n_running;
};

static int read_log(const struct engine_dirs *dirs, const struct tail *tail, struct error *err)
{
	const struct logs_request *request = tail->request;
	const struct record *record = &tail->entry->record;
	auto_place struct record_place place = RECORD_NO_PLACE;
	struct log_printer printer = {
		.fds = { [LOG_STDOUT] = tail->fds[0], [LOG_STDERR] = tail->fds[1] },
		.has_timestamps = request->has_timestamps,
		.prefix = tail->prefix,
	};
	const struct log_sink sink = log_printer_sink(&printer);
	struct error gone;
	auto_fd int supervisor = proc_open(record->supervisor, record->supervisor_start, &gone);
	int rc = record_open(dirs, record->name, &place, err);

	if (rc == 0) {
		const struct log_query query = {
			.since_ns = request->since_ns,
			.until_ns = request->until_ns,
			.tail = request->tail,
			.is_followed = request->is_followed && supervisor >= 0,
			.end_fd = supervisor,
		};

		rc = log_read(&place.dir, &query, &sink, err);
	}
	log_printer_fini(&printer);
	/* It was removed meanwhile. */
	return rc == -ENOENT ? 0 : rc;
}

static size_t widest_name(const struct world *world)
{
	size_t width = 0;

	for (size_t i = 0; i < world->n_containers; i++)
		width = MAX(width, strlen(world->containers[i].name));
	return width;
}

void tail_show(const struct engine_dirs *dirs, const char *project, const char *service)
{
	const struct logs_request request = { .tail = TAIL_LINES };
	auto_world struct world world = { 0 };
	struct error ignored;

	if (world_look(dirs, project, &world, &ignored) < 0)
		return;
	for (size_t i = 0; i < world.n_containers; i++) {
		auto_free char *prefix = xasprintf("%s | ", world.containers[i].name);
		const struct tail tail = {
			.request = &request,
			.entry = world.of[i],
			.prefix = prefix,
			.fds = { STDERR_FILENO, STDERR_FILENO },
		};

		if (str_eq(world.containers[i].service, service))
			(void)read_log(dirs, &tail, &ignored);
	}
}

/* ---- logs ------------------------------------------------------------------------------------- */

static int follow(void *arg, struct error *err)
{
	const struct tail *tail = arg;

	return read_log(tail->request->base.dirs, tail, err);
}

static void on_end(void *arg, int rc, const struct error *err)
{
	struct tail *tail = arg;

	(void)rc;
	(void)err;
	tail->worker = NULL;
	if (--*tail->n_running == 0)
		loop_stop(tail->loop, 0);
}

static void on_signal(void *arg, int signal)
{
	loop_stop(arg, signal);
}

/* Until all have come to their end: 0; or a signal comes, which is returned. */
static int follow_all(struct tail *tails, size_t n, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
	auto_loop struct loop *loop = loop_new(err);
	size_t n_running = 0;
	int rc = loop ? loop_signals(loop, signals, on_signal, loop, err) : -err->code;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		tails[i].loop = loop;
		tails[i].n_running = &n_running;
		tails[i].worker = worker_start(loop, follow, on_end, &tails[i], err);
		rc = tails[i].worker ? 0 : -err->code;
		n_running += rc == 0;
	}
	if (rc == 0 && n_running)
		rc = loop_run(loop, err);
	for (size_t i = 0; i < n; i++)
		worker_free(tails[i].worker);
	return rc;
}

int project_logs(const struct logs_request *request, struct error *err)
{
	const struct command_base *base = &request->base;
	auto_world struct world world = { 0 };
	auto_free struct tail *tails = NULL;
	size_t n = 0;
	int width;
	int rc = world_look(base->dirs, base->project->name, &world, err);

	if (rc < 0)
		return rc;
	width = (int)widest_name(&world);
	tails = xcalloc(world.n_containers + 1, sizeof(*tails));
	for (size_t i = 0; i < world.n_containers; i++) {
		ssize_t service = project_find(base->project, world.containers[i].service);

		if (service < 0 || !base->wanted[service])
			continue;
		tails[n++] = (struct tail){
			.request = request,
			.entry = world.of[i],
			.prefix = request->has_no_prefix
					  ? NULL
					  : xasprintf("%-*s | ", width, world.containers[i].name),
			.fds = { STDOUT_FILENO, STDERR_FILENO },
		};
	}
	if (request->is_followed) {
		rc = follow_all(tails, n, err);
	} else {
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = read_log(base->dirs, &tails[i], err);
	}
	for (size_t i = 0; i < n; i++)
		free(tails[i].prefix);
	return rc;
}
