/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <net/if.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sys_net.h"

struct spec;

/*
 * linux.netDevices: interfaces of the host that become the container's.  The kernel gives them back,
 * or ends them, with the container's network namespace (config-linux.md, "Network Devices"); only
 * a create that fails has to do so itself.
 */
struct net_devices {
	struct netns netns; /* the container's; fd owned, -1: nothing was moved */
	char *path;         /* netns.path; owned */
	const struct spec *spec;
	char (*names)[IFNAMSIZ]; /* their names there, of the first @n_moved; owned */
	size_t n_moved;
};

/*
 * @joined: the network namespace that the container joins, borrowed; -1: that of its init @pid.
 * After a failure, too, net_devices_return() and net_devices_fini() have to follow.
 */
int net_devices_move(const struct spec *spec, pid_t pid, int joined, struct net_devices *ret,
		     struct error *err);

/* Those that were moved come back under their names; failures are warnings. */
void net_devices_return(struct net_devices *devices);

void net_devices_fini(struct net_devices *devices);
