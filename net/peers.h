/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fd.h"
#include "net/dns.h"

/*
 * What the networks of a container know by name, as its resolver answers it: from the leases, which
 * are read again whenever their directory has changed.  Which networks those are, its own leases
 * tell.
 *
 *	web, 0123456789ab   a container, by its name or the first twelve digits of its id
 *	api                 a further name (alias) or a service: all of that name that are ready
 *	web.front           in that network alone
 *
 * The default network has no names, as with docker.  In several networks the first (in the order of
 * eth0, eth1, ...) that knows the name counts.
 */
struct peers;
struct dns_addresses;

/* @net_dir is borrowed. */
struct peers *peers_new(const struct dir *net_dir, const char *container_id);
void peers_free(struct peers *peers); /* NULL is fine */

/* For struct dns_config: @peers is a struct peers. */
bool peers_lookup(void *peers, const char *name, struct dns_addresses *ret);
bool peers_reverse(void *peers, struct in_addr address, char ret[DNS_NAME_MAX]);

/* One of the networks has a way out. */
bool peers_have_way_out(struct peers *peers);
