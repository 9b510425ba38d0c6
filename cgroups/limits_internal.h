/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "cgroups/limits.h"

/* A plan in the making; limits.c and limits_lists.c only. */
struct limits_planner {
	const enum cgroup_version *versions;
	struct cgroup_writes *writes;
	struct error *err;
};

/* Adds a write; takes over @value.  The result is good until the next one. */
struct cgroup_write *limits_add(struct limits_planner *p, enum cgroup_controller controller,
				const char *file, char *value);

/* -ENODEV naming @what and the controller if the host lacks it. */
int limits_check_controller(const struct limits_planner *p, enum cgroup_controller controller,
			    const char *what);
int limits_check_range(const char *what, uint64_t value, uint64_t min, uint64_t max,
		       struct error *err);

/* What comes in lists, each with an entry for a device, a page size or a file. */
int limits_plan_weights(struct limits_planner *p, const struct cgroup_io *io);
int limits_plan_throttles(struct limits_planner *p, const struct cgroup_io *io);
int limits_plan_hugepages(struct limits_planner *p, const struct cgroup_resources *r);
int limits_plan_rdma(struct limits_planner *p, const struct cgroup_resources *r);
int limits_plan_devices(struct limits_planner *p, const struct cgroup_resources *r);
int limits_plan_unified(struct limits_planner *p, const struct cgroup_resources *r);
