/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/step.h"
#include "compose/execute.h"
#include "compose/options.h"
#include "compose/steps.h"
#include "compose/tail.h"
#include "compose/things.h"
#include "compose/timeline.h"
#include "compose/world.h"
#include "net/ports.h"

/* ---- before anything is changed --------------------------------------------------------------- */

static int check_service(const struct project *project, const struct service *service,
			 struct error *err)
{
	struct run_options options = { 0 };
	int rc = service_options(project, service, 1, &options, err);

	if (rc == 0)
		run_options_fini(&options);
	return rc;
}

/* All that can be said of the services without looking at the machine. */
static int check_services(const struct command_base *base, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < base->project->n_services; i++) {
		if (base->wanted[i])
			rc = check_service(base->project, &base->project->services[i], err);
	}
	return rc;
}

/* Nobody can tell when a service is healthy that has no healthcheck. */
static int check_conditions(const struct command_base *base, const struct world *world,
			    struct error *err)
{
	const struct project *project = base->project;

	for (size_t i = 0; i < project->n_services; i++) {
		const struct service *service = &project->services[i];

		for (size_t j = 0; base->wanted[i] && j < service->n_depends; j++) {
			const struct dependency *dependency = &service->depends[j];
			size_t index = dependency->service;

			if (dependency->condition == CONDITION_HEALTHY && base->wanted[index] &&
			    !world->has_check[index])
				return node_error(dependency->node, err,
						  "neither service '%s' nor its image has a "
						  "healthcheck",
						  project->services[index].name);
		}
	}
	return 0;
}

static int hold_ports(const struct command_base *base, const struct action *action,
		      struct held_ports *held, struct error *err)
{
	const struct service *service = &base->project->services[action->index];
	const struct node *ports = node_get(service->node, "ports");
	struct run_options options = { 0 };
	int rc = service_options(base->project, service, action->number, &options, err);

	for (size_t i = 0; rc == 0 && i < options.n_ports; i++) {
		if (!options.ports[i].host_port)
			continue;
		rc = things_hold_port(base->dirs, &options, i, held, err);
		if (rc < 0)
			(void)node_wrap(ports->items[i], err);
	}
	run_options_fini(&options);
	return rc;
}

/* Those of containers that are not there yet must be free; each can be had once. */
static int check_ports(const struct command_base *base, const struct diff *plan, struct error *err)
{
	auto_held_ports struct held_ports held = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < plan->n; i++) {
		if (plan->actions[i].kind == ACTION_CREATE)
			rc = hold_ports(base, &plan->actions[i], &held, err);
	}
	return rc;
}

/* ---- networks --------------------------------------------------------------------------------- */

static int make_network(const struct command_base *base, const struct network *network,
			struct error *err)
{
	const struct node *config = node_get(node_get(network->node, "ipam"), "config");
	const struct node *first = config && config->n ? config->items[0] : NULL;
	const struct network_wish wish = {
		.name = network->name,
		.is_internal = network->is_internal,
		.is_isolated = network->is_isolated,
		.subnet = node_get_text(first, "subnet"),
		.gateway = node_get_text(first, "gateway"),
		.project = base->project->name,
		.key = network->key,
		.hash = network->hash,
	};
	int rc = things_make_network(base->dirs, &wish, err);

	if (rc < 0)
		return network->node ? node_wrap(network->node, err) : rc;
	(void)fprintf(stderr, "network %s: created\n", network->name);
	return 0;
}

static bool is_in(const struct service *service, size_t network)
{
	for (size_t i = 0; i < service->n_networks; i++) {
		if (service->networks[i].network == network)
			return true;
	}
	return false;
}

/* A network that is to be another one: nobody can be in it meanwhile. */
static int remove_network(const struct command_base *base, const struct diff *plan, size_t network,
			  struct error *err)
{
	auto_diff struct diff removal = { 0 };
	auto_execution struct execution x = { .base = base, .schedule.is_down = true };
	int rc;

	removal.actions = xcalloc(plan->n + 1, sizeof(*removal.actions));
	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];

		if (action->kind != ACTION_RECREATE ||
		    !is_in(&base->project->services[action->index], network))
			continue;
		removal.actions[removal.n++] = (struct action){
			.kind = ACTION_REMOVE,
			.index = action->index,
			.number = action->number,
			.name = action->name,
		};
	}
	rc = execute(&x, &removal, err);
	return rc < 0 ? rc
		      : things_remove_network(base->dirs, base->project->networks[network].name,
					      err);
}

static int make_networks(const struct command_base *base, const struct diff *plan, int steps,
			 struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < plan->n; i++) {
		const struct action *action = &plan->actions[i];

		if (action->kind == ACTION_RECREATE_NETWORK)
			rc = remove_network(base, plan, action->index, err);
		step_record_to(steps);
		step_phase("network");
		if (rc >= 0 && (action->kind == ACTION_RECREATE_NETWORK ||
				action->kind == ACTION_CREATE_NETWORK))
			rc = make_network(base, &base->project->networks[action->index], err);
		step_record_to(-1);
	}
	return rc;
}

/* ---- what is told in the end ------------------------------------------------------------------ */

static void tell_orphans(const struct up_request *request, const struct diff *plan)
{
	auto_str struct str names = { 0 };

	for (size_t i = 0; i < plan->orphans.n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", plan->orphans.items[i]);
	if (names.len && !request->removes_orphans)
		log_warning("containers of services that the project does not have: %s: remove "
			    "them with --remove-orphans",
			    names.text);
}

static const char *state_of(const struct execution *x, size_t index)
{
	if (x->times[index].is_healthy)
		return "healthy";
	return x->schedule.facts[index].has_completed == FACT_TRUE ? "completed" : "started";
}

static void tell_times(const struct execution *x)
{
	const struct project *project = x->base->project;
	auto_free struct timeline_row *rows = xcalloc(x->order.n + 1, sizeof(*rows));
	auto_str struct str text = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < x->order.n; i++) {
		size_t index = x->order.services[i];
		const struct service_times *times = &x->times[index];

		if (times->started_ns)
			rows[n++] = (struct timeline_row){
				.name = project->services[index].name,
				.state = state_of(x, index),
				.begun_ns = times->begun_ns,
				.ready_ns = MAX(times->ready_ns, times->started_ns),
			};
	}
	timeline_render(rows, n, &text);
	if (text.len)
		(void)fprintf(stderr, "ready after:\n%s", text.text);
}

/* Starting is for another time. */
static void leave_starts_out(struct diff *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		enum action_kind kind = plan->actions[i].kind;

		if (kind == ACTION_START || kind == ACTION_RESTART)
			strv_fini(&plan->actions[i].reasons);
		else
			plan->actions[n++] = plan->actions[i];
	}
	plan->n = n;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int plan_up(const struct up_request *request, struct world *world, struct diff *ret,
		   struct error *err)
{
	const struct command_base *base = &request->base;
	struct diff_input input;
	int rc = world_look(base->dirs, base->project->name, world, err);

	if (rc == 0)
		rc = world_look_for(base->dirs, base->project, base->wanted, world, err);
	if (rc == 0)
		rc = check_conditions(base, world, err);
	if (rc < 0)
		return rc;
	input = world_input(world);
	input.wanted = base->wanted;
	input.recreates_all = request->recreates_all;
	input.recreates_none = request->recreates_none;
	input.removes_orphans = request->removes_orphans;
	return diff_up(base->project, &input, ret, err);
}

/* Networks, then containers; what was recorded of it is handed out, whatever it came to. */
static int carry_out(const struct up_request *request, struct execution *x, const struct diff *plan,
		     struct error *err)
{
	auto_step_parts struct step_parts parts = { 0 };
	int steps = -1;
	int rc = 0;

	if (request->on_steps) {
		rc = steps = step_sink(err);
		if (rc < 0)
			return rc;
		step_parts_add(&parts, NULL, steps, false);
		x->records_steps = true;
	}
	rc = make_networks(&request->base, plan, steps, err);
	if (rc >= 0)
		rc = execute(x, plan, err);
	execution_take_steps(x, &parts);
	if (request->on_steps)
		request->on_steps(&parts, request->arg);
	return rc;
}

static int bring_up(const struct up_request *request, struct error *err)
{
	const struct command_base *base = &request->base;
	auto_world struct world world = { 0 };
	auto_diff struct diff plan = { 0 };
	auto_execution struct execution x = {
		.base = base,
		.makes_only = request->makes_only,
		.waits_for_all = request->waits && !request->makes_only,
		.wait_ns = request->wait_ns,
	};
	struct pull_request pull = request->pull;
	int rc;

	pull.base = *base;
	rc = project_pull(&pull, err);
	if (rc == 0)
		rc = plan_up(request, &world, &plan, err);

	if (rc == 0 && request->makes_only)
		leave_starts_out(&plan);
	if (rc == 0)
		rc = check_ports(base, &plan, err);
	if (rc < 0)
		return rc;
	x.has_check = world.has_check;
	tell_orphans(request, &plan);
	rc = carry_out(request, &x, &plan, err);
	if (rc < 0)
		return rc;
	if (x.schedule.n && !request->makes_only)
		tell_times(&x);
	else if (!x.schedule.n)
		(void)fprintf(stderr, "%s: nothing to do\n", base->project->name);
	return 0;
}

/* Shows what they write; a signal ends them, a second one at once. */
static int stay(const struct up_request *request, struct error *err)
{
	const struct logs_request logs = {
		.base = request->base,
		.is_followed = true,
		.tail = -1,
		.since_ns = clock_real_ns(),
	};
	int rc = project_logs(&logs, err);

	if (rc <= 0)
		return rc;
	(void)fprintf(stderr, "\nending (again to kill)\n");
	return project_do(&request->base, PROJECT_STOP_OR_KILL, err);
}

int project_up(const struct up_request *request, struct error *err)
{
	const struct command_base *base = &request->base;
	int rc = check_services(base, err);
	int lock = rc < 0 ? rc : world_lock(base->dirs, base->project->name, err);

	if (lock < 0)
		return lock;
	rc = bring_up(request, err);
	world_unlock(base->dirs, base->project->name, lock);
	return rc == 0 && request->is_attached ? stay(request, err) : rc;
}
