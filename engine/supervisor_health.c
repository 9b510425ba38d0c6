/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "engine/events.h"
#include "engine/health_state.h"
#include "engine/monitor.h"
#include "engine/supervisor_internal.h"
#include "runtime/exec.h"
#include "runtime/spec.h"

static void tell_state(const struct supervisor *s, const struct health *health)
{
	struct error err;

	if (health_state_write(s->run.dirs, s->run.record.id, health, &err) < 0)
		log_warning("%s", err.msg);
}

/* What somebody wants of the container counts more. */
static void act(struct supervisor *s, enum health_action action)
{
	struct error ignored;

	if (s->wish != WISH_NOTHING)
		return;
	switch (action) {
	case HEALTH_ACT_NONE:
		break;
	case HEALTH_ACT_KILL:
		(void)proc_signal(s->run.container.pidfd, SIGKILL, &ignored);
		break;
	case HEALTH_ACT_RESTART:
		supervisor_stop(s, 0, CONTROL_TIMEOUT_DEFAULT, WISH_RESTART);
		break;
	case HEALTH_ACT_STOP:
		supervisor_stop(s, 0, CONTROL_TIMEOUT_DEFAULT, WISH_STOP);
		break;
	}
}

/* ---- who gets connections --------------------------------------------------------------------- */

static bool is_well(const struct supervisor *s)
{
	return !s->monitor || monitor_health(s->monitor)->state == HEALTH_HEALTHY;
}

void ready_begin(struct supervisor *s)
{
	struct error err;

	if (s->wish == WISH_NOTHING && !s->is_paused && !s->has_ended && is_well(s) &&
	    run_set_ready(&s->run, true, &err) < 0)
		log_warning("%s", err.msg);
}

void ready_end(struct supervisor *s)
{
	struct error err;

	if (run_set_ready(&s->run, false, &err) < 0)
		log_warning("%s", err.msg);
}

/* ---- probes ----------------------------------------------------------------------------------- */

static void on_probed(void *arg, const struct health *health, struct health_verdict verdict)
{
	struct supervisor *s = arg;
	int64_t at_ns = clock_real_ns();

	if (health->state == HEALTH_HEALTHY)
		ready_begin(s);
	else
		ready_end(s);
	/* Who reads the state may act before the event is written. */
	tell_state(s, health);
	if (verdict.is_changed) {
		auto_free char *action =
			xasprintf("health_status: %s", health_state_name(health->state));

		event_add(s->run.dirs, &s->run.record, action, at_ns, NULL);
	}
	act(s, verdict.action);
	supervisor_settle(s);
}

/* Where programs are run: as further processes of the container. */
static int open_target(const struct supervisor *s, struct exec_target **ret, struct error *err)
{
	auto_free char *root = path_join(s->run.dirs->state, "containers");
	auto_free char *cache = path_join(s->run.dirs->state, "cache");
	auto_spec struct spec spec = { 0 };
	int rc = run_make_process(&s->run, &spec, err);

	return rc < 0 ? rc : exec_target_open(root, s->run.record.id, &spec, cache, ret, err);
}

/* Where connections are made: in its network. */
static int open_network(const struct supervisor *s, int *ret, struct error *err)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", s->run.container.pid);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, "open '%s'", path) : 0;
}

static int open_place(const struct supervisor *s, struct monitor_place *place, struct error *err)
{
	switch (s->run.health.test.kind) {
	case HEALTH_TEST_CMD:
	case HEALTH_TEST_SHELL:
		return open_target(s, &place->target, err);
	case HEALTH_TEST_HTTP:
	case HEALTH_TEST_TCP:
		return open_network(s, &place->netns_fd, err);
	case HEALTH_TEST_INHERIT:
	case HEALTH_TEST_NONE:
		break;
	}
	return 0;
}

int health_begin(struct supervisor *s, struct error *err)
{
	const struct health_config *config = &s->run.health;
	struct monitor_place place = { .netns_fd = -1 };
	struct error ended;
	int rc;

	if (!run_has_health_check(&s->run))
		return 0;
	rc = open_place(s, &place, err);
	/* One that has ended already is nobody's patient. */
	if (rc < 0)
		return proc_wait_end(s->run.container.pidfd, 0, &ended) == 1 ? 0 : rc;
	if (!s->monitor)
		s->monitor = monitor_new(s->loop, config, on_probed, s);
	monitor_start(s->monitor, &place);
	tell_state(s, monitor_health(s->monitor));
	return 0;
}

void health_pause(struct supervisor *s, bool is_paused)
{
	if (s->monitor && is_paused)
		monitor_stop(s->monitor);
	else if (s->monitor)
		monitor_resume(s->monitor);
	if (is_paused)
		ready_end(s);
	else
		ready_begin(s);
}

/* Its cgroup is to go, with those of the probes. */
void health_end(struct supervisor *s)
{
	if (s->monitor)
		monitor_stop(s->monitor);
}
