/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cgroups/cgroup.h"
#include "cgroups/events.h"
#include "cgroups/stats.h"
#include "cli/cmd_oci.h"
#include "cli/output.h"
#include "runtime/container.h"

/* `events`: statistics of a container, and that the kernel killed in it for lack of memory. */

#define MS INT64_C(1000000)

struct events_options {
	int64_t interval_ns;
	bool is_once;
};

static void events_init(void *options)
{
	((struct events_options *)options)->interval_ns = 5000 * MS;
}

static const struct opt events_opts[] = {
	{ .name = "interval",
	  .kind = OPT_DURATION,
	  .offset = OPT_FIELD(struct events_options, interval_ns),
	  .arg = "DURATION",
	  .help = "Time between statistics; 5s by default" },
	{ .name = "stats",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct events_options, is_once),
	  .help = "Print them once, then end" },
	OPTS_END,
};

/* What is watched. */
struct watch {
	const char *id;
	struct cgroup *cgroup;
	int pidfd, oom; /* of init; -1 where nobody is killed for memory */
	uint64_t kills; /* that were reported */
};

static int print_event(const char *type, const char *id, json_t *data, struct error *err)
{
	auto_json json_t *event = json_object_new();
	auto_free char *text = NULL;
	auto_str struct str out = { 0 };

	json_put_string(event, "type", type);
	json_put_string(event, "id", id);
	if (data)
		json_put(event, "data", data);
	text = json_to_text(event, JSON_COMPACT);
	str_addf(&out, "%s\n", text);
	return output_print(&out, err);
}

static int print_stats(const struct watch *w, struct error *err)
{
	json_t *document = NULL;
	int rc = cgroup_stats_document(w->cgroup, &document, err);

	return rc < 0 ? rc : print_event("stats", w->id, document, err);
}

/* One event a kill that was not told yet. */
static int print_kills(struct watch *w, struct error *err)
{
	uint64_t kills = 0;
	uint64_t ignored[512];
	int rc;

	while (w->oom >= 0 && read(w->oom, ignored, sizeof(ignored)) > 0)
		;
	rc = cgroup_oom_kills(w->cgroup, &kills, err);
	for (; rc == 0 && w->kills < kills; w->kills++)
		rc = print_event("oom", w->id, NULL, err);
	return rc;
}

/* Until init has ended. */
static int follow(struct watch *w, int64_t interval_ns, struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = w->pidfd, .events = POLLIN },
		{ .fd = w->oom, .events = POLLIN },
	};
	int64_t next = clock_boot_ns() + interval_ns;
	int rc = 0;

	while (rc == 0) {
		int64_t left = MAX(next - clock_boot_ns(), 0);

		if (poll(fds, ARRAY_LEN(fds), (int)((left + MS - 1) / MS)) < 0 && errno != EINTR)
			return err_sys(err, "wait for events of '%s'", w->id);
		rc = print_kills(w, err);
		if (rc < 0 || fds[0].revents)
			return rc;
		if (clock_boot_ns() < next)
			continue;
		rc = print_stats(w, err);
		next += interval_ns;
	}
	return rc;
}

static int open_watch(const struct container_state *state, struct watch *w, struct error *err)
{
	struct error ignored;
	int rc = proc_open(state->pid, state->start_time, err);

	if (rc == -ESRCH)
		return err_set(err, ESRCH, "container not running");
	if (rc < 0)
		return rc;
	w->pidfd = rc;
	rc = cgroup_oom_watch(w->cgroup, err);
	if (rc < 0 && rc != -ENODEV)
		return rc;
	w->oom = rc < 0 ? -1 : rc;
	return cgroup_oom_kills(w->cgroup, &w->kills, &ignored);
}

static int run_events(void *options, const struct strv *args, struct error *err)
{
	const struct events_options *o = options;
	auto_cgroup struct cgroup *cgroup = NULL;
	struct watch w = { .id = args->items[0], .pidfd = -1, .oom = -1 };
	struct container_state state;
	int rc;

	if (o->interval_ns < MS)
		return err_set(err, EINVAL, "--interval: at least 1ms");
	rc = oci_open_cgroup(w.id, &state, &cgroup, err);
	if (rc < 0)
		return rc;
	w.cgroup = cgroup;
	if (state.status == CONTAINER_STOPPED)
		rc = err_set(err, ESRCH, "container not running");
	else if (o->is_once)
		rc = print_stats(&w, err);
	else
		rc = open_watch(&state, &w, err);
	if (rc == 0 && !o->is_once)
		rc = follow(&w, o->interval_ns, err);
	close_fd(&w.pidfd);
	close_fd(&w.oom);
	container_state_fini(&state);
	return rc;
}

/* Of one container, where the engine's are of all. */
static bool is_oci_events(int argc, char *const argv[])
{
	struct events_options options;
	auto_strv struct strv args = { 0 };
	struct error ignored;

	return oci_has_root() ||
	       (opts_parse(events_opts, false, argc, argv, &options, &args, &ignored) == 0 &&
		args.n == 1);
}

const struct command oci_events = {
	.name = "events",
	.is_meant = is_oci_events,
	.summary = "Print statistics and events of a container",
	.synopsis = "[OPTIONS] ID",
	.opts = events_opts,
	.options_size = sizeof(struct events_options),
	.options_init = events_init,
	.min_args = 1,
	.max_args = 1,
	.run = run_events,
};
