/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/diff.h"

/*
 * Which of the actions of a plan may be done now: a service begins when what it depends on is as it
 * wants that to be; on the way down, when those that depend on it have ended.  Pure: whoever does the
 * work tells what became of it.
 */
enum task_state {
	TASK_WAITING,
	TASK_RUNNING,
	TASK_DONE,
	TASK_FAILED,
	TASK_SKIPPED, /* it cannot be done: what it waits for will not be */
};

struct task {
	const struct action *action; /* of a container; borrowed from the plan */
	enum task_state state;
	bool is_forced;
};

/* What is known of a service beside its tasks. */
enum fact { FACT_UNKNOWN, FACT_TRUE, FACT_FALSE };

struct service_facts {
	enum fact is_healthy; /* all of it; running is enough where nothing says what healthy is */
	enum fact has_completed;
};

struct schedule {
	const struct project *project;
	bool is_down; /* against the direction of depends_on */
	struct task *tasks;
	size_t n;
	struct service_facts *facts; /* by service */
};

/* The actions of @plan that are about containers; @project and @plan outlive it. */
void schedule_make(const struct project *project, const struct diff *plan, bool is_down,
		   struct schedule *ret);
void schedule_fini(struct schedule *schedule);
#define auto_schedule __attribute__((cleanup(schedule_fini)))

/*
 * The next task that may begin (it is TASK_RUNNING then), or NULL: there is none now.  Tasks that
 * cannot be done any more become TASK_SKIPPED on the way.
 */
struct task *schedule_next(struct schedule *schedule);

/* All tasks of a service are in order: nothing is to be done, or all that was has been. */
bool schedule_has_started(const struct schedule *schedule, size_t service);

/* A waiting task wants to know that of the service. */
bool schedule_wants(const struct schedule *schedule, size_t service, enum condition condition);

/* The same for one that cannot begin without it. */
bool schedule_needs(const struct schedule *schedule, size_t service, enum condition condition);

/* No task is waiting or running. */
bool schedule_is_over(const struct schedule *schedule);

/* Tasks of the service wait for nobody any more. */
void schedule_force(struct schedule *schedule, size_t service);

/* What waits is given up. */
void schedule_cancel(struct schedule *schedule);
