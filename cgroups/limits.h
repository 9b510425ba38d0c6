/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "cgroups/cgroup.h"
#include "cgroups/resources.h"

/* One value to write: the controller it belongs to, the interface file, the text.  Pure data. */
struct cgroup_write {
	enum cgroup_controller controller;
	char file[64];
	char *value; /* owned */
};

struct cgroup_writes {
	struct cgroup_write *items; /* owned */
	size_t n;
};

void cgroup_writes_fini(struct cgroup_writes *w);

/*
 * Resources -> ordered writes for the controllers' versions in @versions (CGROUP_ABSENT where the
 * host has none: a limit that needs it is -ENODEV naming the controller and the limit).  Validates:
 * memory at least 512 KiB, swap not below memory, quota at least 1 ms, period 1 ms..1 s, weights in
 * range.  Pure; one table of files per version.
 *
 * cpu.shares -> cpu.weight: 1 + (shares - 2) * 9999 / 262142; blkio weight -> io.weight:
 * 1 + (weight - 10) * 9999 / 990 (runtime-spec, and crun/runc alike).
 */
int cgroup_limits_plan(const struct cgroup_resources *resources,
		       const enum cgroup_version versions[CGROUP_CONTROLLERS],
		       struct cgroup_writes *ret, struct error *err);
