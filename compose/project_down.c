/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "compose/execute.h"
#include "compose/things.h"
#include "compose/world.h"
#include "engine/verbs.h"

/* ---- stop, start, restart, kill, rm ----------------------------------------------------------- */

static void add_action(struct diff *plan, enum action_kind kind, size_t index,
		       const struct existing *container)
{
	plan->actions = xrealloc(plan->actions, plan->n + 1, sizeof(*plan->actions));
	plan->actions[plan->n++] = (struct action){
		.kind = kind,
		.index = index,
		.number = container->number,
		.name = container->name,
	};
}

static bool concerns(enum project_verb verb, const struct existing *container)
{
	switch (verb) {
	case PROJECT_STOP:
	case PROJECT_STOP_OR_KILL:
	case PROJECT_KILL:
		return container->is_running;
	case PROJECT_START:
	case PROJECT_REMOVE:
		return !container->is_running;
	case PROJECT_RESTART:
	case PROJECT_PAUSE:
	case PROJECT_UNPAUSE:
		break;
	}
	return true;
}

static enum action_kind action_of(enum project_verb verb)
{
	switch (verb) {
	case PROJECT_START:
		return ACTION_START;
	case PROJECT_RESTART:
		return ACTION_RESTART;
	case PROJECT_REMOVE:
		return ACTION_REMOVE;
	case PROJECT_STOP:
	case PROJECT_STOP_OR_KILL:
	case PROJECT_KILL:
	case PROJECT_PAUSE:
	case PROJECT_UNPAUSE:
		break;
	}
	return ACTION_STOP;
}

static void plan_verb(const struct command_base *base, enum project_verb verb,
		      const struct world *world, struct diff *plan)
{
	for (size_t i = 0; i < world->n_containers; i++) {
		ssize_t index = project_find(base->project, world->containers[i].service);

		if (index >= 0 && base->wanted[index] && concerns(verb, &world->containers[i]))
			add_action(plan, action_of(verb), (size_t)index, &world->containers[i]);
	}
}

/* At once: nothing has to be waited for. */
static int pause_all(const struct command_base *base, bool is_paused, const struct world *world,
		     struct error *err)
{
	const enum list_status wanted = is_paused ? LIST_RUNNING : LIST_PAUSED;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < world->n_containers; i++) {
		const struct existing *container = &world->containers[i];
		ssize_t index = project_find(base->project, container->service);

		if (index < 0 || !base->wanted[index] || world->of[i]->status != wanted)
			continue;
		rc = verb_pause(base->dirs, container->name, is_paused, err);
		if (rc == 0)
			(void)fprintf(stderr, "%s: %s\n", container->name,
				      is_paused ? "paused" : "goes on");
	}
	return rc;
}

static int do_locked(const struct command_base *base, enum project_verb verb, struct error *err)
{
	auto_world struct world world = { 0 };
	auto_diff struct diff plan = { 0 };
	auto_execution struct execution x = {
		.base = base,
		.schedule.is_down = verb != PROJECT_START && verb != PROJECT_RESTART,
		.is_killing = verb == PROJECT_KILL,
		.kills_on_signal = verb == PROJECT_STOP_OR_KILL,
	};
	int rc = world_look(base->dirs, base->project->name, &world, err);

	if (rc < 0)
		return rc;
	if (verb == PROJECT_PAUSE || verb == PROJECT_UNPAUSE)
		return pause_all(base, verb == PROJECT_PAUSE, &world, err);
	plan_verb(base, verb, &world, &plan);
	return execute(&x, &plan, err);
}

int project_do(const struct command_base *base, enum project_verb verb, struct error *err)
{
	int lock = world_lock(base->dirs, base->project->name, err);
	int rc;

	if (lock < 0)
		return lock;
	rc = do_locked(base, verb, err);
	world_unlock(base->dirs, base->project->name, lock);
	return rc;
}

/* ---- down ------------------------------------------------------------------------------------- */

static int remove_networks(const struct command_base *base, struct error *err)
{
	for (size_t i = 0; i < base->project->n_networks; i++) {
		const struct network *network = &base->project->networks[i];
		int rc;

		if (network->is_external)
			continue;
		rc = things_remove_network(base->dirs, network->name, err);
		if (rc == -EBUSY)
			log_warning("%s", err->msg);
		else if (rc < 0)
			return rc;
		else if (rc == 1)
			(void)fprintf(stderr, "network %s: removed\n", network->name);
	}
	return 0;
}

static int remove_volumes(const struct command_base *base, struct error *err)
{
	for (size_t i = 0; i < base->project->n_volumes; i++) {
		const struct volume *volume = &base->project->volumes[i];
		int rc = volume->is_external ? 0
					     : things_remove_volume(base->dirs, volume->name, err);

		if (rc < 0)
			return rc;
		if (rc == 1)
			(void)fprintf(stderr, "volume %s: removed\n", volume->name);
	}
	return 0;
}

static void tell_orphans(const struct down_request *request, const struct diff *plan)
{
	if (plan->orphans.n && !request->removes_orphans)
		log_warning("%zu containers of services that the project does not have stay: "
			    "remove them with --remove-orphans",
			    plan->orphans.n);
}

static int take_down(const struct down_request *request, struct error *err)
{
	const struct command_base *base = &request->base;
	auto_world struct world world = { 0 };
	auto_diff struct diff plan = { 0 };
	auto_execution struct execution x = { .base = base, .schedule.is_down = true };
	struct diff_input input;
	int rc = world_look(base->dirs, base->project->name, &world, err);

	if (rc < 0)
		return rc;
	input = world_input(&world);
	input.removes_orphans = request->removes_orphans;
	rc = diff_down(base->project, &input, &plan, err);
	if (rc == 0)
		rc = execute(&x, &plan, err);
	if (rc < 0)
		return rc;
	tell_orphans(request, &plan);
	rc = remove_networks(base, err);
	return rc == 0 && request->removes_volumes ? remove_volumes(base, err) : rc;
}

int project_down(const struct down_request *request, struct error *err)
{
	const struct command_base *base = &request->base;
	int lock = world_lock(base->dirs, base->project->name, err);
	int rc;

	if (lock < 0)
		return lock;
	rc = take_down(request, err);
	world_unlock(base->dirs, base->project->name, lock);
	return rc;
}
