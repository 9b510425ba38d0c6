/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/loop.h"
#include "base/str.h"
#include "engine/health.h"

/*
 * One look at a container's service, by health_test: a program run in the container, or a
 * connection made inside its network namespace.  Nothing waits: all happens on a loop.
 *
 * A program runs in a cgroup of its own below the container's, so that its limits are the
 * container's, and is killed with all that it has started when it ends or its time is up.
 */
struct exec_target;

struct probe_place {
	struct loop *loop;
	const struct exec_target *target; /* for programs */
	const struct strv *shell;         /* of the image; NULL or empty: /bin/sh -c */
	int netns_fd;                     /* for connections; -1: ours */
};

struct probe;

/* @result is the callee's to take over; the probe is gone. */
typedef void probe_done(void *arg, struct health_result *result);

/*
 * Begins.  @done is called once, later, whatever happens; not after probe_cancel().  What @place and
 * @test point to is borrowed until then; the loop as long as it runs.  @timeout_ns counts from when
 * the program runs; to get there it has 30 s.
 */
struct probe *probe_start(const struct probe_place *place, const struct health_test *test,
			  int64_t timeout_ns, probe_done *done, void *arg);

/* Ends it early; NULL is fine. */
void probe_cancel(struct probe *probe);
