/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Doors to the kernel: an interface inside another network namespace.  (The host's side is done by
 * netlink: net/nl.h.)
 *
 * By ioctl(2) on an AF_INET socket, not by netlink: what a closed netlink socket holds is let go
 * only after an RCU grace period.  A short-lived container's namespace would live on as long, and
 * who takes its interface away would have to wait for it.
 */

/* A network namespace held open, with the path that people see ("/proc/4711/ns/net"). */
struct netns {
	int fd;           /* borrowed */
	const char *path; /* borrowed */
};

/*
 * Runs @work with @netns as the caller's, and comes back to its own: what is opened meanwhile stays
 * there.  Not a step: @work's are.  Only for a process with one thread.
 */
int sys_in_netns(const struct netns *netns, int (*work)(void *arg, struct error *err), void *arg,
		 struct error *err);

/* Inside of @netns only: writes "net/@key" ("ipv6/conf/eth0/accept_ra"). */
int sys_netns_sysctl(const struct netns *netns, const char *key, const char *value,
		     struct error *err);

/* On @sock, an AF_INET socket made inside of @netns. */
int sys_netns_address(const struct netns *netns, int sock, const char *ifname,
		      struct in_addr address, uint8_t prefix, struct error *err);
int sys_netns_link_up(const struct netns *netns, int sock, const char *ifname, struct error *err);
int sys_netns_default_route(const struct netns *netns, int sock, struct in_addr gateway,
			    struct error *err);
