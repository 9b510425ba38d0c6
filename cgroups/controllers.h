/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "cgroups/cgroup.h"

/* Which controllers this host has, and in which hierarchy each of them lives. */

/* One cgroup mount as /proc/self/mountinfo shows it. */
struct cgroup_mount {
	enum cgroup_version version;
	unsigned int
		controllers; /* bits by enum cgroup_controller; v1 only (v2: cgroup.controllers) */
	dev_t dev;
	char *root;  /* the part of the hierarchy that is mounted: "/" but for bind mounts; owned */
	char *point; /* owned */
};

struct cgroup_mounts {
	struct cgroup_mount *items; /* owned, in mountinfo's order */
	size_t n;
};

/*
 * Finds the cgroup mounts with controllers in the text of a mountinfo file (proc_pid_mountinfo(5)).
 * Named v1 hierarchies without controllers (name=systemd) are left out.  Pure.
 */
void cgroup_mounts_parse(const char *mountinfo, struct cgroup_mounts *ret);
void cgroup_mounts_fini(struct cgroup_mounts *mounts);

/* "memory pids" -> bits; names unknown to us are ignored.  Pure. */
unsigned int cgroup_controllers_parse(const char *text, const char *separators);

struct cgroup_hierarchy;

/*
 * Enables controllers for the children of each directory on the way to @path, from the top
 * (cgroup-v2.rst, "Top-down Constraint").  A refusal for one of @required is an error; the ones of
 * @wanted are for statistics, and done without.
 */
int cgroup_controllers_enable(const struct cgroup_hierarchy *h, const char *path,
			      unsigned int required, unsigned int wanted, struct error *err);
