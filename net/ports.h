/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/parse.h"

/*
 * Host ports kept for a container.  Packets to a published port never reach a socket of the host,
 * so nothing would keep another program from listening there in vain: each port is bound by a
 * socket that takes no connections.
 */
struct held_ports {
	int *fds; /* owned, as each fd is */
	size_t n;
};
void held_ports_fini(struct held_ports *held);
#define auto_held_ports __attribute__((cleanup(held_ports_fini)))

/*
 * Binds every port of @mapping, adding to @held; -EADDRINUSE names the port that a program has.  A
 * host_port of 0 is replaced by the first of as many consecutive free ports as @mapping counts.
 * @is_shared: others who say so, too, can hold the same (as replicas of a service do).
 */
int ports_hold(struct port_mapping *mapping, bool is_shared, struct held_ports *held,
	       struct error *err);
