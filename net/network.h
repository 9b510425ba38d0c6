/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * A named bridge network of this host: its record (JSON below the state directory), its bridge
 * device, and its part of the nft table `inet minictr`.  "bridge" is the default one and is made
 * when it is first needed; its subnet is the first free /24 of a pool, checked against the host's
 * addresses and routes.
 */
struct network {
	char name[64];
	char bridge[16];       /* interface name; "minictr0" for the default one */
	struct in_addr subnet; /* network byte order */
	uint8_t prefix;        /* bits */
	struct in_addr gateway;
	bool is_internal; /* no way out */
	uint32_t mtu;     /* 0: the kernel's default; else less, as the way out takes less */
};

/*
 * Finds @name in the network state directory @net_dir (".../net"; made if missing) and makes sure
 * that bridge, addresses, ip_forward and nft chains are there (puts back what is missing).  The
 * default network is created if there is none.  Serialised by a lock in @net_dir.
 * -ENOENT if a network of another name does not exist.
 */
int network_ensure(const struct dir *net_dir, const char *name, struct network *ret,
		   struct error *err);

/*
 * Makes the record of a new network and then what network_ensure() does.  @network: name and
 * is_internal, mtu as wanted; subnet and prefix, or 0 for the first free one of the pool; gateway,
 * or 0 for the subnet's first address.  -EEXIST: there is one of that name or subnet.
 */
int network_create(const struct dir *net_dir, struct network *network, struct error *err);

/* Reads the record only; -ENOENT if there is none. */
int network_load(const struct dir *net_dir, const char *name, struct network *ret,
		 struct error *err);
