/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/nl.h"

/* IPv4 addresses and routes (rtnetlink(7)); @nl is a NETLINK_ROUTE socket. */

struct subnet {
	struct in_addr address; /* first one, network byte order */
	uint8_t prefix;         /* bits */
};

bool subnet_has(const struct subnet *subnet, struct in_addr address);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);

/* Gives the interface an address, or leaves the one that is there. */
int addr_set(struct nl *nl, const char *ifname, int ifindex, struct in_addr address, uint8_t prefix,
	     struct error *err);

/* True in *ret if the interface has exactly this address. */
int addr_is_set(struct nl *nl, int ifindex, struct in_addr address, uint8_t prefix, bool *ret,
		struct error *err);

/*
 * Subnets that this host reaches by a route or has an address in (which makes one), default routes
 * and halves of the whole Internet left out; those of the interface @except_ifindex too.
 */
struct subnets {
	struct subnet *items; /* owned */
	size_t n;
};
int addr_list_used(struct nl *nl, int except_ifindex, struct subnets *ret, struct error *err);
void subnets_fini(struct subnets *subnets);
#define auto_subnets __attribute__((cleanup(subnets_fini)))
