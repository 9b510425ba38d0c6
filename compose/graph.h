/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/model.h"

/* Services in the order in which they may start, each behind all that it depends on. */
struct order {
	size_t *services; /* indexes in the project; owned */
	size_t *levels;   /* by position in @services: 0 depends on nothing, 1 on some of 0, ... */
	size_t n;
};

void order_fini(struct order *order);
#define auto_order __attribute__((cleanup(order_fini)))

/*
 * Among services that do not depend on each other the order is that of their names.  -EINVAL if
 * some wait for each other: "f:3:5: services.a.depends_on.b: a cycle: a -> b -> a", or wait for
 * what cannot be: the health of a service that has none.
 */
int graph_order(const struct project *project, struct order *ret, struct error *err);

/* Adds to @wanted (one bool for each service) all that these depend on. */
void graph_add_dependencies(const struct project *project, bool *wanted);

/* Adds to @wanted all that depend on these: what has to stop before them. */
void graph_add_dependents(const struct project *project, bool *wanted);
