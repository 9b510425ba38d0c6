/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/sys_mount.h"

struct plan;

/*
 * What is bound into a container, as detached mounts that its creator makes, where init could not.
 *
 * The init of a user namespace is nobody on the host: it cannot pass directories that are closed to
 * others, as those above a root file system often are, and only the host's root may do so for it.
 * The same goes for ids: who maps those of a mount has to be root of its file system.
 */
struct trees {
	int root;    /* of the root file system, -1 if init binds it; owned */
	int *mounts; /* of each of the plan's mounts, -1 if init makes it; owned */
	size_t n;
};

/* All that is bound if the container has a user namespace, else only what is idmapped. */
int trees_open(const struct plan *plan, struct trees *ret, struct error *err);
void trees_fini(struct trees *trees);

/* How the plan's root, and its mount @i, are bound; @source is borrowed. */
struct sys_bind trees_bind_root(const struct plan *plan, int source);
struct sys_bind trees_bind_mount(const struct plan *plan, size_t i, int source);
