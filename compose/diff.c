/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/diff.h"

#include <errno.h>
#include <string.h>

#include "base/enum.h"
#include "base/json.h"
#include "base/mem.h"
#include "compose/graph.h"
#include "compose/hash.h"

void diff_fini(struct diff *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		strv_fini(&plan->actions[i].reasons);
	free(plan->actions);
	strv_fini(&plan->orphans);
	*plan = (struct diff){ 0 };
}

const char *action_name(enum action_kind kind)
{
	static const struct enum_name names[] = {
		{ "create network", ACTION_CREATE_NETWORK },
		{ "recreate network", ACTION_RECREATE_NETWORK },
		{ "create volume", ACTION_CREATE_VOLUME },
		{ "create", ACTION_CREATE },
		{ "recreate", ACTION_RECREATE },
		{ "update", ACTION_UPDATE },
		{ "start", ACTION_START },
		{ "restart", ACTION_RESTART },
		{ "stop", ACTION_STOP },
		{ "remove", ACTION_REMOVE },
		{ NULL, 0 },
	};

	return enum_to_name(names, (int)kind);
}

/* What is being planned. */
struct planner {
	const struct project *project;
	const struct diff_input *input;
	struct diff *plan;
	bool *changed_networks;   /* by network: it is recreated */
	bool *recreated_services; /* by service: a container of it is another one then */
};

static struct action *add_action(struct diff *plan, enum action_kind kind, size_t index)
{
	struct action *action;

	plan->actions = xrealloc(plan->actions, plan->n + 1, sizeof(*plan->actions));
	action = &plan->actions[plan->n++];
	*action = (struct action){ .kind = kind, .index = index };
	return action;
}

static struct action *add_container(struct diff *plan, enum action_kind kind, size_t index,
				    const struct existing *container, const char *reason)
{
	struct action *action = add_action(plan, kind, index);

	action->name = container->name;
	action->number = container->number;
	if (reason)
		strv_add(&action->reasons, reason);
	return action;
}

static bool is_wanted(const struct planner *p, size_t service)
{
	return !p->input->wanted || p->input->wanted[service];
}

/* ---- networks and volumes -------------------------------------------------------------------- */

static const struct existing_thing *find_thing(const struct existing_thing *things, size_t n,
					       const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(things[i].name, name) == 0)
			return &things[i];
	}
	return NULL;
}

static void plan_networks(struct planner *p)
{
	for (size_t i = 0; i < p->project->n_networks; i++) {
		const struct network *network = &p->project->networks[i];
		const struct existing_thing *thing =
			find_thing(p->input->networks, p->input->n_networks, network->name);

		if (network->is_external || !network->is_used)
			continue;
		if (!thing) {
			(void)add_action(p->plan, ACTION_CREATE_NETWORK, i);
		} else if (thing->hash && strcmp(thing->hash, network->hash) != 0 &&
			   !p->input->recreates_none) {
			(void)add_action(p->plan, ACTION_RECREATE_NETWORK, i);
			p->changed_networks[i] = true;
		}
	}
}

static void plan_volumes(struct planner *p)
{
	for (size_t i = 0; i < p->project->n_volumes; i++) {
		const struct volume *volume = &p->project->volumes[i];

		if (!volume->is_external && volume->is_used &&
		    !find_thing(p->input->volumes, p->input->n_volumes, volume->name))
			(void)add_action(p->plan, ACTION_CREATE_VOLUME, i);
	}
}

/* ---- one container --------------------------------------------------------------------------- */

/* The keys in which it is not what the service says. */
static enum change compare_configs(const struct service *service, const struct existing *container,
				   struct strv *reasons)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_node struct node *old = NULL;
	auto_node struct node *now = NULL;
	struct error ignored;

	if (container->hash && strcmp(container->hash, service->hash) == 0)
		return DIFF_SAME;
	if (!container->config || json_doc_parse(&doc, "config", container->config,
						 strlen(container->config), &ignored) < 0) {
		strv_add(reasons, "its configuration is not known");
		return DIFF_RECREATES;
	}
	old = node_from_json(doc.root);
	now = service_config(service->node);
	return diff_config(old, now, reasons);
}

/* What is beside the keys: an image of the same name, a network made anew. */
static bool is_outdated(const struct planner *p, size_t index, const struct existing *container,
			struct strv *reasons)
{
	const struct service *service = &p->project->services[index];
	const char *image = p->input->image_ids ? p->input->image_ids[index] : NULL;
	size_t before = reasons->n;

	if (image && container->image_id && strcmp(image, container->image_id) != 0 &&
	    !strv_has(reasons, "image"))
		strv_add(reasons, "the image of that name is another one");
	for (size_t i = 0; i < service->n_networks; i++) {
		size_t network = service->networks[i].network;

		if (p->changed_networks[network])
			strv_addf(reasons, "network '%s' is made anew",
				  p->project->networks[network].key);
	}
	for (size_t i = 0; i < service->n_depends; i++) {
		const char *mode = service->network_mode;
		const struct service *other = &p->project->services[service->depends[i].service];

		if (mode && str_starts(mode, "service:") &&
		    strcmp(mode + strlen("service:"), other->name) == 0 &&
		    p->recreated_services[service->depends[i].service])
			strv_addf(reasons, "it is in the network of '%s', which is recreated",
				  other->name);
	}
	return reasons->n > before;
}

/* depends_on with restart: true. */
static bool must_restart(const struct planner *p, const struct service *service,
			 struct strv *reasons)
{
	for (size_t i = 0; i < service->n_depends; i++) {
		size_t other = service->depends[i].service;

		if (!service->depends[i].restarts || !p->recreated_services[other])
			continue;
		strv_addf(reasons, "'%s' is recreated", p->project->services[other].name);
		return true;
	}
	return false;
}

/* Of what could be changed while it runs: what is so far. */
static bool can_be_updated(const struct strv *keys)
{
	static const char *const names[] = { "cpus",          "cpu_shares", "mem_limit",
					     "memswap_limit", "pids_limit", "restart" };
	static const char *const beginnings[] = { "deploy.resources.limits",
						  "deploy.restart_policy" };

	for (size_t i = 0; i < keys->n; i++) {
		bool is_one = false;

		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			is_one |= strcmp(keys->items[i], names[j]) == 0;
		for (size_t j = 0; j < ARRAY_LEN(beginnings); j++)
			is_one |= str_starts(keys->items[i], beginnings[j]);
		if (!is_one)
			return false;
	}
	return true;
}

static void plan_existing(struct planner *p, size_t index, const struct existing *container)
{
	const struct service *service = &p->project->services[index];
	auto_strv struct strv reasons = { 0 };
	enum change change = compare_configs(service, container, &reasons);
	enum action_kind kind;

	if (change == DIFF_UPDATES && !can_be_updated(&reasons))
		change = DIFF_RECREATES;
	if (is_outdated(p, index, container, &reasons))
		change = DIFF_RECREATES;
	if (p->input->recreates_all && change != DIFF_RECREATES) {
		strv_add(&reasons, "it was asked for");
		change = DIFF_RECREATES;
	}
	if (p->input->recreates_none)
		change = DIFF_SAME;

	if (change == DIFF_RECREATES || (change == DIFF_UPDATES && !container->is_running))
		kind = ACTION_RECREATE;
	else if (change == DIFF_UPDATES)
		kind = ACTION_UPDATE;
	else if (!container->is_running)
		kind = ACTION_START;
	else if (must_restart(p, service, &reasons))
		kind = ACTION_RESTART;
	else
		return;
	p->recreated_services[index] |= kind == ACTION_RECREATE;
	if (kind == ACTION_START)
		strv_fini(&reasons);
	add_container(p->plan, kind, index, container, NULL)->reasons = reasons;
	reasons = (struct strv){ 0 };
}

/* ---- all of a service ------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	const struct existing *const *left = a;
	const struct existing *const *right = b;

	return ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

/* Its containers by number; caller frees. */
static const struct existing **containers_of(const struct planner *p, const char *service,
					     size_t *ret_n)
{
	const struct existing **found =
		xcalloc(p->input->n_containers + 1, sizeof(struct existing *));
	size_t n = 0;

	for (size_t i = 0; i < p->input->n_containers; i++) {
		if (strcmp(p->input->containers[i].service, service) == 0)
			found[n++] = &p->input->containers[i];
	}
	qsort(found, n, sizeof(struct existing *), by_number);
	*ret_n = n;
	return found;
}

/* The lowest number above @number that none has. */
static int next_number(const struct existing *const *found, size_t n, int number)
{
	for (number++;; number++) {
		size_t i;

		for (i = 0; i < n && found[i]->number != number; i++)
			;
		if (i == n)
			return number;
	}
}

static void plan_service(struct planner *p, size_t index)
{
	const struct service *service = &p->project->services[index];
	auto_free const struct existing **found = NULL;
	size_t n = 0;
	int number = 0;

	found = containers_of(p, service->name, &n);
	for (size_t i = 0; i < n; i++) {
		if (i < (size_t)service->replicas)
			plan_existing(p, index, found[i]);
		else
			(void)add_container(p->plan, ACTION_REMOVE, index, found[i], "scale");
	}
	for (size_t i = n; i < (size_t)service->replicas; i++) {
		struct action *action = add_action(p->plan, ACTION_CREATE, index);

		number = next_number(found, n, number);
		action->number = number;
		if (n)
			strv_add(&action->reasons, "scale");
	}
}

static void plan_orphans(struct planner *p, bool removes)
{
	for (size_t i = 0; i < p->input->n_containers; i++) {
		const struct existing *container = &p->input->containers[i];

		if (project_find(p->project, container->service) >= 0 ||
		    strv_has(&p->project->inactive, container->service))
			continue;
		strv_add(&p->plan->orphans, container->name);
		if (removes)
			(void)add_container(p->plan, ACTION_REMOVE, SIZE_MAX, container,
					    "its service is gone");
	}
}

int diff_up(const struct project *project, const struct diff_input *input, struct diff *ret,
	    struct error *err)
{
	auto_order struct order order = { 0 };
	auto_diff struct diff plan = { 0 };
	auto_free bool *networks = xcalloc(project->n_networks + 1, sizeof(bool));
	auto_free bool *services = xcalloc(project->n_services + 1, sizeof(bool));
	struct planner p = {
		.project = project,
		.input = input,
		.plan = &plan,
		.changed_networks = networks,
		.recreated_services = services,
	};
	int rc = graph_order(project, &order, err);

	if (rc < 0)
		return rc;
	plan_networks(&p);
	plan_volumes(&p);
	for (size_t i = 0; i < order.n; i++) {
		if (is_wanted(&p, order.services[i]))
			plan_service(&p, order.services[i]);
	}
	plan_orphans(&p, input->removes_orphans);
	*ret = plan;
	plan = (struct diff){ 0 };
	return 0;
}

/* All containers, those of the services that start last first. */
static int plan_end(const struct project *project, const struct diff_input *input,
		    enum action_kind kind, struct diff *ret, struct error *err)
{
	auto_order struct order order = { 0 };
	struct planner p = { .project = project, .input = input, .plan = ret };
	int rc = graph_order(project, &order, err);

	if (rc < 0)
		return rc;
	*ret = (struct diff){ 0 };
	for (size_t i = order.n; i > 0; i--) {
		size_t index = order.services[i - 1];
		auto_free const struct existing **found = NULL;
		size_t n = 0;

		found = containers_of(&p, project->services[index].name, &n);
		for (size_t j = 0; is_wanted(&p, index) && j < n; j++) {
			if (kind == ACTION_REMOVE || found[j]->is_running)
				(void)add_container(ret, kind, index, found[j], NULL);
		}
	}
	plan_orphans(&p, kind == ACTION_REMOVE && input->removes_orphans);
	return 0;
}

int diff_stop(const struct project *project, const struct diff_input *input, struct diff *ret,
	      struct error *err)
{
	return plan_end(project, input, ACTION_STOP, ret, err);
}

int diff_down(const struct project *project, const struct diff_input *input, struct diff *ret,
	      struct error *err)
{
	return plan_end(project, input, ACTION_REMOVE, ret, err);
}
