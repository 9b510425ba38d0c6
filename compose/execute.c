/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/execute.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/step.h"
#include "compose/execute_internal.h"
#include "compose/graph.h"
#include "compose/member.h"
#include "compose/options.h"
#include "compose/steps.h"
#include "compose/vigil.h"
#include "compose/watch.h"
#include "compose/workers.h"

/*
 * Theory of operation.  schedule.h says which action may be taken; each is done by a worker, a child
 * process that waits for the engine, so that the order of things is the only thing that makes one
 * wait for the other.  The command itself waits in one loop for what workers report.
 *
 *	up     a service begins when what it depends on is as it wants that to be.  Conditions beyond
 *	       "started" are watched from when the service has started on: for the end of containers
 *	       by further workers (watch.c), for their health by the command itself (vigil.c).
 *	down   a service ends when those that depend on it have ended, but waits for them no longer
 *	       than its part of the grace period: the whole takes one, whoever does not listen.
 *
 * Whoever is killed in the middle: containers are looked after by their supervisors, and found
 * again by their labels; nothing else is known between commands.
 */
struct work {
	struct execution *x;
	struct task *task;
	struct worker *worker, *killer;
	char *name; /* of the container */
	struct run_options options;
	int64_t begun_ns;
	int64_t patience_ns;
	int stop_signal; /* 0: the container's own */
	int steps;       /* where they are recorded; -1: nowhere */
};

static int64_t now_ns(const struct execution *x)
{
	return clock_boot_ns() - x->begin_ns;
}

static const struct service *service_of(const struct execution *x, const struct task *task)
{
	size_t index = task->action->index;

	return index == SIZE_MAX ? NULL : &x->base->project->services[index];
}

/* ---- in the worker ---------------------------------------------------------------------------- */

/* What a container is made of is needed. */
static bool is_making(enum action_kind kind)
{
	return kind == ACTION_CREATE || kind == ACTION_RECREATE || kind == ACTION_UPDATE;
}

static int make(struct work *work, struct error *err)
{
	if (work->x->makes_only)
		return member_make(work->x->base->dirs, &work->options,
				   work->x->base->project->name, err);
	return member_run(work->x->base->dirs, &work->options, work->x->base->project->name, err);
}

static int stop(const struct work *work, struct error *err)
{
	return member_stop(work->x->base->dirs, work->name, work->stop_signal, work->patience_ns,
			   err);
}

static int take_action(void *arg, struct error *err)
{
	struct work *work = arg;
	const struct engine_dirs *dirs = work->x->base->dirs;
	enum action_kind kind = work->task->action->kind;
	int rc = 0;

	step_record_to(work->steps);
	if (kind == ACTION_CREATE)
		return make(work, err);
	if (kind == ACTION_UPDATE)
		return member_update(dirs, work->name, &work->options, err);
	if (kind == ACTION_START)
		return member_start(dirs, work->name, err);
	rc = stop(work, err);
	if (rc == 0 && kind == ACTION_RESTART)
		return member_start(dirs, work->name, err);
	if (rc == 0 && kind != ACTION_STOP)
		rc = member_remove(dirs, work->name, err);
	return rc == 0 && is_making(kind) ? make(work, err) : rc;
}

/* ---- what is told ----------------------------------------------------------------------------- */

static const char *done_text(enum action_kind kind)
{
	switch (kind) {
	case ACTION_CREATE:
		return "created";
	case ACTION_RECREATE:
		return "recreated";
	case ACTION_UPDATE:
		return "updated";
	case ACTION_START:
		return "started";
	case ACTION_RESTART:
		return "restarted";
	case ACTION_STOP:
		return "stopped";
	case ACTION_REMOVE:
		return "removed";
	case ACTION_CREATE_NETWORK:
	case ACTION_RECREATE_NETWORK:
	case ACTION_CREATE_VOLUME:
		break;
	}
	return "done";
}

static void tell_done(const struct work *work)
{
	const struct action *action = work->task->action;
	auto_str struct str line = { 0 };
	char time[32];

	format_duration((uint64_t)(now_ns(work->x) - work->begun_ns), time, sizeof(time));
	str_addf(&line, "%s: %s", work->name, done_text(action->kind));
	for (size_t i = 0; i < action->reasons.n; i++)
		str_addf(&line, "%s%s", i ? ", " : " (", action->reasons.items[i]);
	(void)fprintf(stderr, "%s%s in %s\n", line.text, action->reasons.n ? ")" : "", time);
}

/* ---- beginning -------------------------------------------------------------------------------- */

static void advance(struct execution *x);

void execution_fail(struct execution *x, const struct error *err)
{
	if (!x->failure.code) {
		x->failure = *err;
	} else if (!x->interrupted) {
		log_error("%s", err->msg);
	}
	schedule_cancel(&x->schedule);
}

static void on_done(void *arg, int rc, const struct error *err)
{
	struct work *work = arg;
	struct execution *x = work->x;
	size_t index = work->task->action->index;

	work->worker = NULL;
	/* A cancelled one reports the signal as its status. */
	work->task->state = rc == 0 ? TASK_DONE : TASK_FAILED;
	if (rc == 0)
		tell_done(work);
	else if (rc < 0)
		execution_fail(x, err);
	if (rc == 0 && index != SIZE_MAX && schedule_has_started(&x->schedule, index))
		x->times[index].started_ns = now_ns(x);
	advance(x);
}

/* How long it may take to end; all that end do so within one grace period. */
static int64_t patience_of(const struct execution *x, const struct service *service)
{
	int64_t own = service ? service->stop_grace_ns : 10000000000;

	if (x->base->grace_ns >= 0)
		own = x->base->grace_ns;
	if (x->is_killing)
		return 0;
	return x->schedule.is_down ? MAX(0, MIN(own, x->patience_ns - now_ns(x))) : own;
}

static int prepare(struct work *work, struct error *err)
{
	const struct execution *x = work->x;
	const struct action *action = work->task->action;
	const struct service *service = service_of(x, work->task);

	if (service && is_making(action->kind)) {
		int rc = service_options(x->base->project, service, action->number, &work->options,
					 err);

		if (rc < 0)
			return rc;
	}
	work->name = action->name
			     ? xstrdup(action->name)
			     : service_container_name(x->base->project, service, action->number);
	work->patience_ns = patience_of(x, service);
	work->stop_signal = x->is_killing ? SIGKILL : 0;
	return 0;
}

static void begin(struct execution *x, struct task *task)
{
	struct work *work = &x->works[task - x->schedule.tasks];
	size_t index = task->action->index;
	struct error err;
	int rc;

	*work = (struct work){ .x = x, .task = task, .begun_ns = now_ns(x), .steps = -1 };
	if (index != SIZE_MAX && !x->times[index].begun_ns)
		x->times[index].begun_ns = work->begun_ns;
	rc = prepare(work, &err);
	if (rc == 0 && x->records_steps)
		rc = work->steps = step_sink(&err);
	if (rc >= 0) {
		work->worker = worker_start_keeping(x->loop, take_action, on_done, work,
						    work->steps, &err);
		rc = work->worker ? 0 : -1;
	}
	if (rc == 0)
		return;
	task->state = TASK_FAILED;
	execution_fail(x, &err);
}

static bool is_over(const struct execution *x)
{
	return schedule_is_over(&x->schedule) &&
	       (x->failure.code || (!watches_are_running(x) && !vigil_is_waiting(x)));
}

/* Begins what may begin; ends the loop when nothing is left. */
static void advance(struct execution *x)
{
	struct task *task;

	do {
		while ((task = schedule_next(&x->schedule)))
			begin(x, task);
		if (!x->failure.code)
			watches_begin(x);
	} while (!x->failure.code && vigil_keep(x));
	if (is_over(x))
		loop_stop(x->loop, 0);
}

void execution_advance(struct execution *x)
{
	advance(x);
}

/* ---- the patience of those that wait for others to end ---------------------------------------- */

static int kill_one(void *arg, struct error *err)
{
	const struct work *work = arg;

	return member_kill(work->x->base->dirs, work->name, SIGKILL, err);
}

static void on_killed(void *arg, int rc, const struct error *err)
{
	struct work *work = arg;

	(void)rc;
	(void)err;
	work->killer = NULL;
}

/* What is asked to end by now, and what will be. */
static void kill_all(struct execution *x)
{
	struct error ignored;

	x->is_killing = true;
	for (size_t i = 0; i < x->schedule.n; i++) {
		struct work *work = &x->works[i];

		if (work->worker && !work->killer)
			work->killer = worker_start(x->loop, kill_one, on_killed, work, &ignored);
	}
}

static void on_patience_end(void *arg)
{
	kill_all(arg);
}

struct turn {
	struct execution *x;
	size_t level;
};

/* Services of this level have waited long enough for those above. */
static void on_turn(void *arg)
{
	const struct turn *turn = arg;
	struct execution *x = turn->x;

	for (size_t i = 0; i < x->order.n; i++) {
		if (x->order.levels[i] == turn->level)
			schedule_force(&x->schedule, x->order.services[i]);
	}
	advance(x);
}

static int64_t longest_grace(const struct execution *x)
{
	int64_t longest = 0;

	if (x->base->grace_ns >= 0)
		return x->base->grace_ns;
	for (size_t i = 0; i < x->schedule.n; i++) {
		const struct service *service = service_of(x, &x->schedule.tasks[i]);

		longest = MAX(longest, service ? service->stop_grace_ns : 10000000000);
	}
	return longest;
}

/* Level 0 depends on nothing, and is the last one to end. */
static struct turn *set_turns(struct execution *x)
{
	size_t n_levels = 0;
	struct turn *turns;

	for (size_t i = 0; i < x->order.n; i++)
		n_levels = MAX(n_levels, x->order.levels[i] + 1);
	turns = xcalloc(n_levels + 1, sizeof(*turns));
	x->patience_ns = longest_grace(x);
	for (size_t level = 0; level < n_levels; level++) {
		int64_t ms = x->patience_ns / 1000000 * (int64_t)(n_levels - 1 - level) /
			     (int64_t)n_levels;

		turns[level] = (struct turn){ x, level };
		(void)loop_timer(x->loop, ms, on_turn, &turns[level]);
	}
	(void)loop_timer(x->loop, x->patience_ns / 1000000, on_patience_end, x);
	return turns;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void on_signal(void *arg, int signal)
{
	struct execution *x = arg;
	struct error err;

	if (x->kills_on_signal) {
		kill_all(x);
		return;
	}
	x->interrupted = signal;
	(void)err_set(&err, EINTR, "interrupted");
	execution_fail(x, &err);
	for (size_t i = 0; i < x->schedule.n; i++) {
		if (!x->works[i].worker)
			continue;
		worker_signal(x->works[i].worker, signal);
		/* Who is asked to end does so without us. */
		if (x->schedule.is_down) {
			worker_free(take_ptr(x->works[i].worker));
			x->works[i].task->state = TASK_FAILED;
		}
	}
	watches_end(x);
	vigil_end(x);
	advance(x);
}

/* For those that are not ready; what is being done comes to its end. */
static void on_wait_end(void *arg)
{
	struct execution *x = arg;
	struct error err;

	if (x->failure.code)
		return;
	vigil_give_up(x, x->wait_ns, &err);
	execution_fail(x, &err);
	watches_end(x);
	vigil_end(x);
	advance(x);
}

static int run(struct execution *x, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
	auto_free struct turn *turns = NULL;
	int rc = loop_signals(x->loop, signals, on_signal, x, err);

	if (rc < 0)
		return rc;
	if (x->schedule.is_down)
		turns = set_turns(x);
	if (x->wait_ns)
		(void)loop_timer(x->loop, x->wait_ns / 1000000, on_wait_end, x);
	advance(x);
	return is_over(x) ? 0 : loop_run(x->loop, err);
}

/* What is not wanted nobody waits for (up --no-deps). */
static void take_as_given(struct execution *x)
{
	for (size_t i = 0; x->base->wanted && i < x->base->project->n_services; i++) {
		if (!x->base->wanted[i])
			x->schedule.facts[i] = (struct service_facts){ FACT_TRUE, FACT_TRUE };
	}
}

int execute(struct execution *x, const struct diff *plan, struct error *err)
{
	const struct project *project = x->base->project;
	int rc = graph_order(project, &x->order, err);

	if (rc < 0)
		return rc;
	schedule_make(project, plan, x->schedule.is_down, &x->schedule);
	for (size_t i = 0; i < project->n_services && x->makes_only; i++)
		schedule_force(&x->schedule, i);
	take_as_given(x);
	x->times = xcalloc(project->n_services + 1, sizeof(*x->times));
	x->works = xcalloc(x->schedule.n + 1, sizeof(*x->works));
	for (size_t i = 0; i < x->schedule.n; i++)
		x->works[i].steps = -1;
	x->begin_ns = clock_boot_ns();
	x->loop = loop_new(err);
	if (!x->loop)
		return -err->code;
	rc = run(x, err);
	if (rc < 0 || !x->failure.code)
		return rc;
	*err = x->failure;
	return -err->code;
}

/* Somebody waits for the service to be completed. */
static bool is_awaited(const struct project *project, size_t index)
{
	for (size_t i = 0; i < project->n_services; i++) {
		const struct service *service = &project->services[i];

		for (size_t j = 0; j < service->n_depends; j++) {
			if (service->depends[j].service == index &&
			    service->depends[j].condition == CONDITION_COMPLETED)
				return true;
		}
	}
	return false;
}

void execution_take_steps(struct execution *x, struct step_parts *parts)
{
	for (size_t i = 0; i < x->schedule.n && x->works; i++) {
		struct work *work = &x->works[i];
		size_t index = work->steps < 0 ? SIZE_MAX : work->task->action->index;

		if (work->steps >= 0)
			step_parts_add(parts, work->name, take_fd(&work->steps),
				       index != SIZE_MAX && is_awaited(x->base->project, index));
	}
}

void execution_fini(struct execution *x)
{
	for (size_t i = 0; i < x->schedule.n && x->works; i++) {
		worker_free(x->works[i].worker);
		worker_free(x->works[i].killer);
		free(x->works[i].name);
		close_fd(&x->works[i].steps);
		run_options_fini(&x->works[i].options);
	}
	watches_end(x);
	vigil_end(x);
	free(x->watches);
	free(x->works);
	free(x->times);
	order_fini(&x->order);
	schedule_fini(&x->schedule);
	loop_free(x->loop);
}
