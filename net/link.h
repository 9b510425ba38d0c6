/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sys_net.h"
#include "net/nl.h"

/*
 * Interfaces of the caller's network namespace (rtnetlink(7)).  @nl is a NETLINK_ROUTE socket.
 *
 * Most requests wait for the kernel's one lock of all interfaces, which the end of a container's
 * namespace holds for milliseconds.  Questions that need not wait are asked by ioctl(2), which only
 * reads under RCU.
 */

/* Index and flags of an interface without waiting: 1, 0 if there is none of that name. */
int link_peek(struct nl *nl, const char *name, int *ret_index, unsigned int *ret_flags,
	      struct error *err);

/* The greatest packet of the interface @index, 0 if it is not known; without waiting. */
uint32_t link_mtu(struct nl *nl, int index);

/* True in *ret if @name is of that kind: "bridge", "veth". */
int link_is(struct nl *nl, const char *name, const char *kind, bool *ret, struct error *err);

/* A bridge, down, with @mac as its own address (else it would follow its ports').  @mtu: or 0. */
int link_make_bridge(struct nl *nl, const char *name, const uint8_t mac[6], uint32_t mtu,
		     struct error *err);

struct link_veth {
	const char *name;   /* of the end that stays here */
	const char *bridge; /* which it becomes a port of */
	int bridge_index;
	const struct netns *netns; /* where the other end is made */
	const char *peer_name;
	const uint8_t *peer_mac;
	uint32_t mtu;     /* 0: the kernel's default */
	bool is_isolated; /* the bridge leads no packets from here to others that are, too */
};

/* A pair of interfaces, both down.  -EEXIST if @name is taken. */
int link_make_veth(struct nl *nl, const struct link_veth *veth, struct error *err);

int link_set_up(struct nl *nl, const char *name, struct error *err);

/* The same for our end of a veth, whose own address is set to tell of the other end's namespace. */
int link_set_veth_up(struct nl *nl, const struct link_veth *veth, struct error *err);

/*
 * True in *ret if @name is there, and nobody will take it away: the namespace of its other end
 * lives (a dying one takes the veth along).  Does not wait after link_set_veth_up().
 */
int link_stays(struct nl *nl, const char *name, bool *ret, struct error *err);

/*
 * The same from what the kernel knows of the link now, for which it may wait: a namespace made
 * lately can have got the id of a dying one, which link_stays() takes for a life.
 */
int link_stays_indeed(struct nl *nl, const char *name, bool *ret, struct error *err);

/* One that is not there is no error.  The kernel takes tens of milliseconds for it. */
int link_delete(struct nl *nl, const char *name, struct error *err);
