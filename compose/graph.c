/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/graph.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

void order_fini(struct order *order)
{
	free(order->services);
	free(order->levels);
	*order = (struct order){ 0 };
}

enum mark { UNSEEN, OPEN, DONE };

/* A walk from service to service, along what they depend on; the open ones are its path. */
struct walk {
	const struct project *project;
	enum mark *marks;
	size_t *levels; /* by service */
	size_t *path;
	size_t depth;
	struct order *order;
};

/* "a -> b -> a", told at the dependency that closes it. */
static int tell_cycle(const struct walk *w, const struct dependency *dependency, struct error *err)
{
	const struct service *services = w->project->services;
	auto_str struct str text = { 0 };
	size_t begin = 0;

	while (w->path[begin] != dependency->service)
		begin++;
	for (size_t i = begin; i < w->depth; i++)
		str_addf(&text, "%s -> ", services[w->path[i]].name);
	str_add(&text, services[dependency->service].name);
	return node_error(dependency->node, err, "a cycle: %s", text.text);
}

static int check_condition(const struct walk *w, const struct dependency *dependency,
			   struct error *err)
{
	const struct service *service = &w->project->services[dependency->service];

	if (dependency->condition == CONDITION_HEALTHY &&
	    service->health.test.kind == HEALTH_TEST_NONE)
		return node_error(dependency->node, err, "service '%s' has no health check",
				  service->name);
	return 0;
}

static int visit(struct walk *w, size_t index, struct error *err)
{
	const struct service *service = &w->project->services[index];
	int rc = 0;

	w->marks[index] = OPEN;
	w->path[w->depth++] = index;
	for (size_t i = 0; rc == 0 && i < service->n_depends; i++) {
		const struct dependency *dependency = &service->depends[i];
		size_t other = dependency->service;

		rc = check_condition(w, dependency, err);
		if (rc == 0 && w->marks[other] == OPEN)
			rc = tell_cycle(w, dependency, err);
		if (rc == 0 && w->marks[other] == UNSEEN)
			rc = visit(w, other, err);
		if (rc == 0 && w->levels[other] >= w->levels[index])
			w->levels[index] = w->levels[other] + 1;
	}
	w->depth--;
	w->marks[index] = DONE;
	w->order->services[w->order->n++] = index;
	return rc;
}

int graph_order(const struct project *project, struct order *ret, struct error *err)
{
	size_t n = project->n_services;
	auto_free enum mark *marks = xcalloc(n + 1, sizeof(*marks));
	auto_free size_t *levels = xcalloc(n + 1, sizeof(*levels));
	auto_free size_t *path = xcalloc(n + 1, sizeof(*path));
	auto_order struct order order = { 0 };
	struct walk walk = {
		.project = project, .marks = marks, .levels = levels, .path = path, .order = &order
	};
	int rc = 0;

	order.services = xcalloc(n + 1, sizeof(*order.services));
	order.levels = xcalloc(n + 1, sizeof(*order.levels));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (marks[i] == UNSEEN)
			rc = visit(&walk, i, err);
	}
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		order.levels[i] = levels[order.services[i]];
	*ret = order;
	order = (struct order){ 0 };
	return 0;
}

static bool add_dependencies_once(const struct project *project, bool *wanted)
{
	bool is_changed = false;

	for (size_t i = 0; i < project->n_services; i++) {
		const struct service *service = &project->services[i];

		for (size_t j = 0; wanted[i] && j < service->n_depends; j++) {
			is_changed |= !wanted[service->depends[j].service];
			wanted[service->depends[j].service] = true;
		}
	}
	return is_changed;
}

void graph_add_dependencies(const struct project *project, bool *wanted)
{
	while (add_dependencies_once(project, wanted))
		;
}

static bool add_dependents_once(const struct project *project, bool *wanted)
{
	bool is_changed = false;

	for (size_t i = 0; i < project->n_services; i++) {
		const struct service *service = &project->services[i];

		for (size_t j = 0; !wanted[i] && j < service->n_depends; j++) {
			wanted[i] = wanted[service->depends[j].service];
			is_changed |= wanted[i];
		}
	}
	return is_changed;
}

void graph_add_dependents(const struct project *project, bool *wanted)
{
	while (add_dependents_once(project, wanted))
		;
}
