/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/monitor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "runtime/exec.h"

#define MILLISECOND INT64_C(1000000)

struct monitor {
	struct loop *loop;
	struct health health;
	monitor_handler *handler;
	void *arg;
	bool is_on;

	struct exec_target *target; /* owned */
	int netns_fd;               /* owned */
	struct probe_place place;

	int64_t started; /* clock_boot_ns() */
	int64_t began;   /* the probe under way, since the start */
	struct probe *probe;
	int timer; /* 0: none */
};

static int64_t since_start(const struct monitor *m)
{
	return clock_boot_ns() - m->started;
}

static void schedule(struct monitor *m);

static void on_probed(void *arg, struct health_result *result)
{
	struct monitor *m = arg;
	struct health_verdict verdict = health_probed(&m->health, m->began, since_start(m), result);

	m->probe = NULL;
	m->handler(m->arg, &m->health, verdict);
	if (m->is_on && !m->probe && !m->timer)
		schedule(m);
}

static void on_time(void *arg)
{
	struct monitor *m = arg;
	const struct health_config *config = m->health.config;

	m->timer = 0;
	m->began = since_start(m);
	m->probe = probe_start(&m->place, &config->test, config->timeout_ns, on_probed, m);
}

static void schedule(struct monitor *m)
{
	int64_t delay = health_delay(&m->health, since_start(m));

	/* Never before its time: a failure on docker's clock has to be on it. */
	m->timer = loop_timer(m->loop, (delay + MILLISECOND - 1) / MILLISECOND, on_time, m);
}

static bool has_test(const struct health_config *config)
{
	return config->test.kind != HEALTH_TEST_NONE && config->test.kind != HEALTH_TEST_INHERIT;
}

struct monitor *monitor_new(struct loop *loop, const struct health_config *config,
			    monitor_handler *handler, void *arg)
{
	struct monitor *m = xcalloc(1, sizeof(*m));

	*m = (struct monitor){
		.loop = loop,
		.health.config = has_test(config) ? config : NULL,
		.handler = handler,
		.arg = arg,
		.netns_fd = -1,
	};
	return m;
}

static void leave_place(struct monitor *m)
{
	exec_target_free(m->target);
	m->target = NULL;
	close_fd(&m->netns_fd);
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	monitor_stop(m);
	leave_place(m);
	health_fini(&m->health);
	free(m);
}

void monitor_start(struct monitor *m, const struct monitor_place *place)
{
	const struct health_config *config = m->health.config;

	monitor_stop(m);
	leave_place(m);
	m->target = place->target;
	m->netns_fd = place->netns_fd;
	if (!config)
		return;
	m->place = (struct probe_place){
		.loop = m->loop,
		.target = m->target,
		.shell = place->shell,
		.netns_fd = m->netns_fd,
	};
	m->started = clock_boot_ns();
	m->is_on = true;
	health_start(&m->health);
	schedule(m);
}

void monitor_stop(struct monitor *m)
{
	m->is_on = false;
	if (m->timer)
		loop_timer_cancel(m->loop, m->timer);
	m->timer = 0;
	probe_cancel(m->probe);
	m->probe = NULL;
}

void monitor_resume(struct monitor *m)
{
	if (!m->health.config || m->is_on)
		return;
	m->is_on = true;
	health_resume(&m->health, since_start(m));
	schedule(m);
}

const struct health *monitor_health(const struct monitor *m)
{
	return &m->health;
}
