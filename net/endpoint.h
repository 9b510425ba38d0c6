/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/parse.h"
#include "net/network.h"

/*
 * One container's place in one network: an address leased to its id, a veth pair whose host end
 * is a port of the bridge, a default route, and its published ports as elements of nft maps.
 *
 * Everything can be found again from the container's id alone (lease files name the id, interface
 * names and map elements derive from the lease), so that endpoint_release() works after a crash at
 * any point: the lease is on disk before the first link is made.
 */
struct endpoint {
	struct network network;
	char container_id[65];
	struct in_addr address; /* leased */
	uint8_t mac[6];
	char host_ifname[16];       /* "veth" + 8 hex digits of the id's hash */
	char ifname[16];            /* "eth0" inside */
	struct port_mapping *ports; /* borrowed from the request; host_port filled where it was 0 */
	size_t n_ports;
};

/*
 * Step 1, before the container exists: leases an address (the one in @ret->address if not 0),
 * checks that the host ports are free and reserves them.  @ret->network, container_id, ports are
 * filled by the caller.  -EADDRINUSE names the port and who has it; -ENOSPC: the subnet is used up.
 * @ret_port_fds: n fds (one a port number, owned by the caller) that keep the host ports reserved
 * while open.
 */
int endpoint_reserve(const struct dir *net_dir, struct endpoint *ret, int **ret_port_fds,
		     size_t *ret_n_port_fds, struct error *err);

/* Step 2: links, address, route (in the namespace @netns_fd), bridge port, nft elements. */
int endpoint_attach(const struct endpoint *endpoint, int netns_fd, struct error *err);

/*
 * Undoes both from the id alone, whatever of it exists: nft elements, veth (dies with the namespace:
 * deleted only if still there), lease last.  Goes on after a failure; nothing to do is no error.
 */
int endpoint_release(const struct dir *net_dir, const char *network_name, const char *container_id,
		     struct error *err);
