/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/sys_net.h"
#include "net/network.h"
#include "net/ports.h"

/*
 * One container's place in one network: an address leased to its id, a veth pair whose host end
 * is a port of the bridge, maybe a default route, and its published ports as elements of nft maps.
 *
 * Everything can be found again from the container's id alone (a lease file names the id, the
 * address and the ports; the interface's name derives from the address), so that
 * endpoint_release() works after a crash at any point: the lease is there before the first link.
 *
 * The host ports of a service's replica are shared with the others (net/replicas.h): they lead to it
 * from endpoint_set_ready() on, not from endpoint_attach().
 */
struct endpoint {
	struct network network;
	char container_id[65];
	const char *container_name; /* borrowed; its name for others; NULL: the id */
	const struct strv *aliases; /* borrowed; its further names in this network; NULL: none */
	const char *service;        /* borrowed; whose replica it is; NULL: none's */
	const char *project;        /* borrowed; whose service that is */
	const struct strv *allows;  /* borrowed; in isolated networks: net/tiers.h; NULL: nobody */
	bool is_ready;              /* to be sent to by the service's name, and its ports */
	uint32_t index;             /* of the interface inside: 0 is eth0 */
	bool has_route;             /* the default route goes by it (not in an internal network) */
	struct in_addr address;     /* leased */
	uint8_t mac[6];
	char host_ifname[16];       /* "veth" + the address as 8 hex digits */
	char ifname[16];            /* "eth0" inside */
	struct port_mapping *ports; /* borrowed from the request; host_port filled where it was 0 */
	size_t n_ports;
};

/* More ports (a range counts each of its own) are refused: each is a socket held open. */
#define ENDPOINT_PORTS_MAX 1000

/*
 * Step 1, before the container exists: leases an address (the one in @ret->address if not 0),
 * checks that the host ports are free and reserves them.  @ret->network (from network_ensure()),
 * and container_id to has_route, ports are filled by the caller.
 *
 * -EADDRINUSE names the port or address and who has it (not one that replicas of the same service
 * have); -ENOSPC: the subnet is used up; -EEXIST:
 * this container has a lease in this network (endpoint_release() first).
 * @ret_port_fds: n fds (one a port number; array and fds owned by the caller) that keep other
 * programs off the host ports while they are open: until endpoint_release().  They take no
 * connections.  A range of container ports without host ports gets a range of the host's.
 */
int endpoint_reserve(const struct dir *net_dir, struct endpoint *ret, int **ret_port_fds,
		     size_t *ret_n_port_fds, struct error *err);

/*
 * Whether endpoint_reserve() would get the host ports of @e now, of which only these, service and
 * project count: they are bound, adding to @held, and a host_port of 0 is filled in.  -EADDRINUSE
 * names the port and who has it.
 */
int endpoint_hold_ports(const struct dir *net_dir, const struct endpoint *e,
			struct held_ports *held, struct error *err);

/*
 * Step 2: links, address, route (in the namespace @netns), bridge port, nft elements.  May run
 * while the container's init builds its root file system.  What was made before a failure stays
 * until endpoint_release().
 */
int endpoint_attach(const struct dir *net_dir, const struct endpoint *endpoint,
		    const struct netns *netns, struct error *err);

/*
 * A service's replica is ready from now on, or no longer, in all of its networks: its leases say so,
 * names lead to it accordingly, and new connections to published ports.  Those that there are stay.
 * That of no service is as it is.
 */
int endpoint_set_ready(const struct dir *net_dir, const char *container_id, bool is_ready,
		       struct error *err);

/*
 * Of one that is attached: the default route goes by it from now on, and @endpoint->ports lead to it,
 * which its lease says, too.  There is no other default route, and the ports are held.
 */
int endpoint_take_route(const struct dir *net_dir, const struct endpoint *endpoint,
			const struct netns *netns, struct error *err);

/*
 * Undoes both from the id alone, whatever of it exists: nft elements, veth, lease last.  The veth
 * dies with the namespace: it is deleted only if that lives on, so that the usual release, after
 * the container's end, does not wait for the kernel.  Goes on after a failure, then keeps the
 * lease; nothing to do is no error.  @network_name: NULL for all networks that it is in.
 */
int endpoint_release(const struct dir *net_dir, const char *network_name, const char *container_id,
		     struct error *err);

/*
 * Releases the endpoints of containers that there are not any more: no id of @list_ids, and no
 * interface of theirs either (who runs without being known keeps what it has).  @list_ids is asked
 * once the leases have been read, under the lock; if it fails, nothing is released.
 */
int endpoint_sweep(const struct dir *net_dir,
		   int (*list_ids)(const void *arg, struct strv *ret, struct error *err),
		   const void *arg, struct error *err);
