/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Names, addresses and file contents derived from others.  Pure. */

/* "veth" + 8 hex digits of the leased address: one lease, one name, and no two can be the same. */
void names_veth(struct in_addr address, char ret[16]);

/* "minictr0" for the default network "bridge", else "mc-" + 8 hex digits of a hash of the name. */
void names_bridge(const char *network, char ret[16]);

/* The id of a network that has none of its own: 64 hex digits that follow from its name. */
void names_network_id(const char *network, char ret[65]);

/* A locally administered unicast MAC from the IPv4 address (02:42:a.b.c.d, as docker does). */
void names_mac(struct in_addr address, uint8_t ret[6]);

/*
 * /etc/hosts: localhost lines, the container's own name for each of its addresses, and extra
 * "host:ip" entries, of which the ip may be "host-gateway": the host as the container reaches it.
 *
 * @addresses: the container's; with none its name leads to its loopback
 * @gateway: NULL: the host is not reached; such entries are left out
 */
void names_hosts(struct str *out, const struct in_addr *addresses, size_t n_addresses,
		 const struct in_addr *gateway, const char *hostname, const struct strv *extra);

/* One line of it for an extra "host:ip"; false if there is none (see @gateway). */
bool names_host_line(struct str *out, const char *entry, const struct in_addr *gateway);

/* The name servers that a resolv.conf names, of the host for instance. */
void names_servers(const char *text, struct strv *ret);

/* An address of the loopback network: from inside a container it would lead to that. */
bool names_is_loopback(const char *server);

/*
 * /etc/resolv.conf for a container from the host's text: loopback servers are left out (they are
 * not reachable from inside); @servers, @search, @options replace the host's if not empty.
 */
void names_resolv_conf(struct str *out, const char *host_text, const struct strv *servers,
		       const struct strv *search, const struct strv *options);
