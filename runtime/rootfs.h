/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/plan.h"

struct cgroup;
struct trees;

/*
 * The container's root file system, made by its init in its own mount namespace.  See the head of
 * rootfs.c for the order and its reasons.
 */
struct rootfs {
	const struct plan *plan;
	const struct container_overlay *overlay; /* NULL: the plan's rootfs as it is */
	const struct cgroup *cgroup;             /* for mounts of type "cgroup" */
	const struct trees *trees;               /* what is bound; NULL: opened by name */
	bool no_pivot;
	struct dir root; /* set by rootfs_open(); owned fd, the path is the plan's rootfs */
	int proc, sys;   /* what rootfs_mount() mounted on /proc and /sys, -1: nothing; owned */
};

/* Mount propagation, and the root itself: overlay or bind, opened. */
int rootfs_open(struct rootfs *rootfs, struct error *err);

/* The mounts of the plan. */
int rootfs_mount(struct rootfs *rootfs, struct error *err);

/* Masked and read-only paths. */
int rootfs_mask(struct rootfs *rootfs, struct error *err);

/* Makes it the root, and read-only if asked. */
int rootfs_enter(struct rootfs *rootfs, struct error *err);
