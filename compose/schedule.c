/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/schedule.h"

#include "base/mem.h"
#include "compose/graph.h"

static bool is_of_container(const struct action *action)
{
	return action->kind != ACTION_CREATE_NETWORK && action->kind != ACTION_RECREATE_NETWORK &&
	       action->kind != ACTION_CREATE_VOLUME;
}

void schedule_make(const struct project *project, const struct diff *plan, bool is_down,
		   struct schedule *ret)
{
	*ret = (struct schedule){ .project = project, .is_down = is_down };
	ret->tasks = xcalloc(plan->n + 1, sizeof(*ret->tasks));
	ret->facts = xcalloc(project->n_services + 1, sizeof(*ret->facts));
	for (size_t i = 0; i < plan->n; i++) {
		if (is_of_container(&plan->actions[i]))
			ret->tasks[ret->n++].action = &plan->actions[i];
	}
}

void schedule_fini(struct schedule *schedule)
{
	free(schedule->tasks);
	free(schedule->facts);
	*schedule = (struct schedule){ 0 };
}

/* ---- facts ------------------------------------------------------------------------------------ */

static bool has_failed(const struct schedule *s, size_t service)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].action->index == service &&
		    (s->tasks[i].state == TASK_FAILED || s->tasks[i].state == TASK_SKIPPED))
			return true;
	}
	return false;
}

bool schedule_has_started(const struct schedule *s, size_t service)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].action->index == service && s->tasks[i].state != TASK_DONE)
			return false;
	}
	return true;
}

/* One that has gone is in nobody's way. */
static bool has_ended(const struct schedule *s, size_t service)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].action->index == service &&
		    (s->tasks[i].state == TASK_WAITING || s->tasks[i].state == TASK_RUNNING))
			return false;
	}
	return true;
}

static enum fact condition_of(const struct schedule *s, const struct dependency *dependency)
{
	const struct service_facts *facts = &s->facts[dependency->service];

	if (has_failed(s, dependency->service))
		return FACT_FALSE;
	if (!schedule_has_started(s, dependency->service))
		return FACT_UNKNOWN;
	switch (dependency->condition) {
	case CONDITION_HEALTHY:
		return facts->is_healthy;
	case CONDITION_COMPLETED:
		return facts->has_completed;
	case CONDITION_STARTED:
		break;
	}
	return FACT_TRUE;
}

/* ---- what may begin --------------------------------------------------------------------------- */

/* FALSE: never. */
static enum fact may_start(const struct schedule *s, size_t index)
{
	const struct service *service = &s->project->services[index];
	enum fact result = FACT_TRUE;

	for (size_t i = 0; i < service->n_depends; i++) {
		enum fact fact = condition_of(s, &service->depends[i]);

		if (fact == FACT_FALSE && service->depends[i].is_required)
			return FACT_FALSE;
		if (fact == FACT_UNKNOWN)
			result = FACT_UNKNOWN;
	}
	return result;
}

/* Also those that depend on it by way of others, which may have ended long ago. */
static enum fact may_stop(const struct schedule *s, size_t index)
{
	auto_free bool *dependents = xcalloc(s->project->n_services + 1, sizeof(*dependents));

	dependents[index] = true;
	graph_add_dependents(s->project, dependents);
	for (size_t i = 0; i < s->project->n_services; i++) {
		if (i != index && dependents[i] && !has_ended(s, i))
			return FACT_UNKNOWN;
	}
	return FACT_TRUE;
}

static enum fact may_begin(const struct schedule *s, const struct task *task)
{
	const struct action *action = task->action;

	/* For what is not wanted any more nobody waits. */
	if (action->index == SIZE_MAX || task->is_forced)
		return FACT_TRUE;
	if (s->is_down)
		return may_stop(s, action->index);
	return action->kind == ACTION_REMOVE ? FACT_TRUE : may_start(s, action->index);
}

struct task *schedule_next(struct schedule *s)
{
	bool is_changed = true;

	while (is_changed) {
		is_changed = false;
		for (size_t i = 0; i < s->n; i++) {
			struct task *task = &s->tasks[i];
			enum fact fact;

			if (task->state != TASK_WAITING)
				continue;
			fact = may_begin(s, task);
			if (fact == FACT_TRUE) {
				task->state = TASK_RUNNING;
				return task;
			}
			if (fact == FACT_FALSE) {
				task->state = TASK_SKIPPED;
				is_changed = true;
			}
		}
	}
	return NULL;
}

static bool waits_for(const struct service *service, size_t index, enum condition condition,
		      bool is_required)
{
	for (size_t i = 0; i < service->n_depends; i++) {
		const struct dependency *dependency = &service->depends[i];

		if (dependency->service == index && dependency->condition == condition &&
		    (dependency->is_required || !is_required))
			return true;
	}
	return false;
}

static bool is_waited_for(const struct schedule *s, size_t index, enum condition condition,
			  bool is_required)
{
	for (size_t i = 0; !s->is_down && i < s->n; i++) {
		const struct task *task = &s->tasks[i];

		if (task->state == TASK_WAITING && task->action->index != SIZE_MAX &&
		    waits_for(&s->project->services[task->action->index], index, condition,
			      is_required))
			return true;
	}
	return false;
}

bool schedule_wants(const struct schedule *s, size_t index, enum condition condition)
{
	return is_waited_for(s, index, condition, false);
}

bool schedule_needs(const struct schedule *s, size_t index, enum condition condition)
{
	return is_waited_for(s, index, condition, true);
}

bool schedule_is_over(const struct schedule *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].state == TASK_WAITING || s->tasks[i].state == TASK_RUNNING)
			return false;
	}
	return true;
}

void schedule_force(struct schedule *s, size_t service)
{
	for (size_t i = 0; i < s->n; i++)
		s->tasks[i].is_forced |= s->tasks[i].action->index == service;
}

void schedule_cancel(struct schedule *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].state == TASK_WAITING)
			s->tasks[i].state = TASK_SKIPPED;
	}
}
