/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/dns.h"

/*
 * A container's resolver, on its supervisor's loop: answers for names that the caller knows, passes
 * other queries on to upstream servers if there are any.
 *
 * What a container can do to it is bounded: 256 queries on their way upstream (more get SERVFAIL),
 * 64 TCP clients (one more ends the oldest), five seconds for each.
 */
struct loop;

/* Where a name leads to now: ready endpoints only. */
#define DNS_ADDRESSES_MAX 64
struct dns_addresses {
	struct in_addr v4[DNS_ADDRESSES_MAX];
	struct in6_addr v6[DNS_ADDRESSES_MAX];
	size_t n_v4, n_v6;
};

/*
 * True if @name (lower case, no dot at the end) is one of ours; its addresses, which may be none.
 * They are handed out in turns.
 */
typedef bool dns_lookup(void *arg, const char *name, struct dns_addresses *ret);

/* True and the name if @address is one of ours. */
typedef bool dns_reverse(void *arg, struct in_addr address, char ret[DNS_NAME_MAX]);

#define DNS_UPSTREAMS_MAX 4

struct dns_config {
	struct loop *loop;
	int udp, tcp; /* see dns_sockets_open(); taken over, after a failure too; -1: none */
	dns_lookup *lookup;
	dns_reverse *reverse; /* may be NULL */
	void *arg;
	uint32_t ttl; /* of our own answers, s; 0: asked again each time */

	/* Asked one after the other.  None: NXDOMAIN for what is not ours. */
	struct sockaddr_storage upstreams[DNS_UPSTREAMS_MAX];
	size_t n_upstreams;
	int upstream_netns; /* where they are reached from: borrowed; -1: ours */
	int upstream_ms;    /* patience with each of them; 0: 2000 */
};

struct dns_server;
struct dns_server *dns_server_new(const struct dns_config *config, struct error *err);
void dns_server_free(struct dns_server *server); /* NULL is fine; pending queries stay unanswered */

/* Other upstream servers from now on. */
void dns_server_set_upstreams(struct dns_server *server, const struct sockaddr_storage *upstreams,
			      size_t n);

/*
 * The two sockets for a resolver at @address:@port, made inside the network namespace @netns_fd
 * (-1: ours).  Port 0: whichever is free for both; *ret_port says which.
 */
int dns_sockets_open(int netns_fd, struct in_addr address, uint16_t port, int *ret_udp,
		     int *ret_tcp, uint16_t *ret_port, struct error *err);
