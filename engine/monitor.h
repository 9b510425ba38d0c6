/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/health.h"
#include "engine/probe.h"

/*
 * The health of one container over its life: probes on the clock of engine/health.h, one at a time.
 * For a supervisor's loop.
 */
struct monitor;

/*
 * After each probe.  With @verdict.is_changed it is an event ("health_status: healthy"); what
 * @verdict.action says is for the callee to do.  It may stop, but not free the monitor.
 */
typedef void monitor_handler(void *arg, const struct health *health, struct health_verdict verdict);

/*
 * @config is completed and outlives the monitor; with HEALTH_TEST_NONE or HEALTH_TEST_INHERIT there
 * is nothing to do, and monitor_health() says "none".
 */
struct monitor *monitor_new(struct loop *loop, const struct health_config *config,
			    monitor_handler *handler, void *arg);
void monitor_free(struct monitor *monitor); /* NULL is fine */

struct monitor_place {
	struct exec_target *target; /* taken over; NULL if no program is to be run */
	int netns_fd;               /* taken over; -1: the host's */
	const struct strv *shell;   /* borrowed as long as the monitor lives; may be NULL */
};

/* The container has been started, in this place: "starting", and a first probe. */
void monitor_start(struct monitor *monitor, const struct monitor_place *place);

/* The container is going to stop or to be paused; the state stays as it is. */
void monitor_stop(struct monitor *monitor);

/* It has been resumed. */
void monitor_resume(struct monitor *monitor);

const struct health *monitor_health(const struct monitor *monitor);
