/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/graph.h"
#include "compose/project.h"
#include "compose/schedule.h"

struct loop;
struct vigil;
struct watch;
struct work;

/* When a service had come how far; since the beginning of the command, 0: not at all. */
struct service_times {
	int64_t begun_ns, started_ns, ready_ns;
	bool is_healthy; /* at ready_ns */
};

/* One plan being carried out. */
struct execution {
	const struct command_base *base;
	struct schedule schedule;
	struct service_times *times; /* by service */
	bool waits_for_all;    /* to be healthy, or to run: whether or not a task waits for it */
	int64_t wait_ns;       /* for services to be ready; 0: for ever */
	const bool *has_check; /* by service: it has a healthcheck; borrowed; NULL: unknown */
	bool is_killing;       /* with no patience */
	bool kills_on_signal;  /* a signal takes the patience away, instead of ending it all */
	bool makes_only;       /* containers are not started, so none waits for another */
	bool records_steps;
	int interrupted; /* the signal */

	struct loop *loop;
	int64_t begin_ns;
	int64_t patience_ns; /* for all to end that end */
	struct work *works;  /* by task */
	struct watch **watches;
	size_t n_watches;
	struct vigil *vigil;
	struct order order;
	struct error failure; /* the first one */
};

/*
 * Carries out what @plan says of containers.  0: all is done.  Else the first failure; what was
 * running by then has come to its end.  -EINTR: a signal.
 */
int execute(struct execution *x, const struct diff *plan, struct error *err);

/* Hands over what was recorded, in the order in which services depend on each other. */
struct step_parts;
void execution_take_steps(struct execution *x, struct step_parts *parts);
void execution_fini(struct execution *x);
#define auto_execution __attribute__((cleanup(execution_fini)))
