/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/sys_mount.h"

struct plan;

/*
 * What is bound into a container, as detached mounts that its creator makes.
 *
 * The init of a user namespace is nobody on the host: it cannot pass directories that are closed to
 * others, as those above a root file system often are, and only the host's root may do so for it.
 */
struct trees {
	int root;    /* of the root file system; owned */
	int *mounts; /* of each of the plan's mounts, -1 if that is no bind; owned */
	size_t n;
};

int trees_open(const struct plan *plan, struct trees *ret, struct error *err);
void trees_fini(struct trees *trees);

/* How the plan's root, and its mount @i, are bound; @source is borrowed. */
struct sys_bind trees_bind_root(const struct plan *plan, int source);
struct sys_bind trees_bind_mount(const struct plan *plan, size_t i, int source);
