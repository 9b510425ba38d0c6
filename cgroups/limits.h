/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cgroups/cgroup.h"
#include "cgroups/resources.h"

/* One value to write: the controller it belongs to, the interface file, the text.  Pure data. */
struct cgroup_write {
	enum cgroup_controller controller;
	char file[64];
	char *value; /* owned */
	/* Where the kernel has this file instead (I/O schedulers differ); "" and NULL: nowhere. */
	char other_file[64];
	char *other_value; /* owned */
	/*
	 * Writes of one set (same number, not 0, side by side) check each other's values in the
	 * kernel, so their right order depends on what is there now: they are tried in turn, again
	 * as long as one of them succeeds.
	 */
	unsigned int set;
	bool is_optional; /* a missing file is fine: the limit holds without it */
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
