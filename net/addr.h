/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/nl.h"
#include "net/subnet.h"

/* IPv4 addresses and routes (rtnetlink(7)); @nl is a NETLINK_ROUTE socket. */

/* Gives the interface an address, or leaves the one that is there. */
int addr_set(struct nl *nl, const char *ifname, int ifindex, struct in_addr address, uint8_t prefix,
	     struct error *err);

/* True in *ret if the interface has exactly this address. */
int addr_is_set(struct nl *nl, int ifindex, struct in_addr address, uint8_t prefix, bool *ret,
		struct error *err);

/* Index of the interface by which this host reaches the world; 0 if it does not. */
int addr_way_out(struct nl *nl);

/*
 * Adds the subnets that this host reaches by a route or has an address in (which makes one); default
 * routes and halves of the whole Internet are left out.
 */
int addr_list_used(struct nl *nl, struct subnets *ret, struct error *err);
