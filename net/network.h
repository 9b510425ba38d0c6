/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/*
 * A named bridge network of this host: its record (JSON below the state directory), its bridge
 * device, and its part of the nft table `inet minictr`.  "bridge" is the default one and is made
 * when it is first needed; its subnet is the first free /24 of a pool, checked against the host's
 * addresses and routes.
 */
#define NETWORK_DEFAULT  "bridge"
#define NETWORK_NAME_MAX 64

struct network {
	char name[NETWORK_NAME_MAX];
	char bridge[16];       /* interface name; "minictr0" for the default one */
	struct in_addr subnet; /* network byte order */
	uint8_t prefix;        /* bits */
	struct in_addr gateway;
	bool is_internal; /* no way out */
	bool is_isolated; /* containers reach each other only as their services allow: net/tiers.h */
	uint32_t mtu;     /* 0: the kernel's default; else less, as the way out takes less */
};

/* All that is known of a network: what nobody needs for a packet, too. */
struct network_record {
	struct network network;
	char id[65];         /* hex digits; those of the default network follow from its name */
	int64_t created_ns;  /* CLOCK_REALTIME; 0: unknown */
	struct strv labels;  /* NAME=VALUE */
	struct strv options; /* the same; those that were asked for */
};
void network_record_fini(struct network_record *record);
#define auto_network_record __attribute__((cleanup(network_record_fini)))

/*
 * Finds @name in the network state directory @net_dir (".../net"; made if missing) and makes sure
 * that bridge, addresses, ip_forward and nft chains are there (puts back what is missing).  The
 * default network is created if there is none.  Serialised by a lock in @net_dir.
 * -ENOENT if a network of another name does not exist.
 */
int network_ensure(const struct dir *net_dir, const char *name, struct network *ret,
		   struct error *err);

/*
 * An option of a driver, "NAME=VALUE", as docker calls them; fills @record's network and options.
 * -EINVAL if it is not known, or its value is none.
 *
 *	com.docker.network.driver.mtu    the MTU
 *	com.docker.network.bridge.name   the bridge's name
 *	isolated                         true: containers are kept apart
 *	com.docker.network.bridge.enable_icc
 *	                                 the opposite, as docker calls it
 */
int network_option(struct network_record *record, const char *text, struct error *err);

/*
 * Makes a network: first its record, then what network_ensure() does.  @record: name and is_internal
 * as wanted, labels, what network_option() filled; subnet and prefix, or 0 for the first free one of
 * the pool; gateway, or 0 for the subnet's first address.  The rest is filled.  -EEXIST: there is one
 * of that name, subnet or bridge.
 */
int network_create(const struct dir *net_dir, struct network_record *record, struct error *err);

/*
 * Takes away all that there is of a network, the record last, so that who is killed can begin again.
 * -ENOENT: there is none; -EBUSY names a container that is in it; -EPERM: the default one stays.
 */
int network_remove(const struct dir *net_dir, const char *name, struct error *err);

/* Reads the record only; -ENOENT if there is none. */
int network_load(const struct dir *net_dir, const char *name, struct network *ret,
		 struct error *err);

/*
 * Finds by name, id, or a beginning of an id that only one network has.  1 and *ret, 0 if there is
 * none, -EINVAL if several begin so.
 */
int network_find(const struct dir *net_dir, const char *text, struct network_record *ret,
		 struct error *err);

/* All records, by name; owned by the caller. */
struct network_records {
	struct network_record *items;
	size_t n;
};
void network_records_fini(struct network_records *records);
#define auto_network_records __attribute__((cleanup(network_records_fini)))
int network_list(const struct dir *net_dir, struct network_records *ret, struct error *err);

/* The endpoints in it, by what their leases tell; under the lock.  struct leases: net/ipam.h */
struct leases;
int network_endpoints(const struct dir *net_dir, const char *name, struct leases *ret,
		      struct error *err);
