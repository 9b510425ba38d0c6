/* SPDX-License-Identifier: Apache-2.0 */
#include "net/replicas.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/nft.h"

bool replicas_are_of_one(const struct lease *a, const struct lease *b)
{
	return a->service && b->service && str_eq(a->project, b->project) &&
	       strcmp(a->service, b->service) == 0;
}

/* ---- what the leases tell ---- */

static bool is_same_host(const struct port_mapping *a, const struct port_mapping *b)
{
	struct in_addr x = { 0 };
	struct in_addr y = { 0 };

	(void)inet_pton(AF_INET, a->host_ip, &x);
	(void)inet_pton(AF_INET, b->host_ip, &y);
	return a->protocol == b->protocol && x.s_addr == y.s_addr;
}

/* The mapping of @lease that has the host's port @port, or NULL. */
static const struct port_mapping *find_port(const struct lease *lease,
					    const struct port_mapping *port)
{
	for (size_t i = 0; lease->service && i < lease->n_ports; i++) {
		const struct port_mapping *own = &lease->ports[i];

		if (is_same_host(own, port) && port->host_port >= own->host_port &&
		    port->host_port < own->host_port + own->count)
			return own;
	}
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct in_addr *x = a;
	const struct in_addr *y = b;
	uint32_t first = ntohl(x->s_addr);
	uint32_t second = ntohl(y->s_addr);

	return (first > second) - (first < second);
}

/* Those that are ready and have the host's port on @port of their own, by address. */
static size_t find_ready(const struct leases *leases, const struct port_mapping *port,
			 struct in_addr *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *lease = &leases->items[i];
		const struct port_mapping *own = find_port(lease, port);

		if (own && lease->is_ready &&
		    own->container_port + (port->host_port - own->host_port) ==
			    port->container_port)
			ret[n++] = lease->address;
	}
	if (n > 1)
		qsort(ret, n, sizeof(*ret), by_address);
	return n;
}

/*
 * Of one port (@host->count is 1).  While a service is changed from one port of its own to another,
 * replicas differ: the port that most of those have that are ready is what counts.
 */
static void add_port(const struct leases *leases, const struct port_mapping *host,
		     struct rules_elements *elements)
{
	auto_free struct in_addr *ready = xcalloc(leases->n + 1, sizeof(*ready));
	struct port_mapping best = *host;
	size_t most = 0;

	for (size_t i = 0; i < leases->n; i++) {
		const struct port_mapping *own = find_port(&leases->items[i], host);
		struct port_mapping port = *host;
		size_t n;

		if (!own)
			continue;
		port.container_port =
			(uint16_t)(own->container_port + (host->host_port - own->host_port));
		n = most && port.container_port == best.container_port
			    ? 0
			    : find_ready(leases, &port, ready);
		if (n > most) {
			best = port;
			most = n;
		}
	}
	(void)find_ready(leases, &best, ready);
	if (most > 1)
		rules_add_slots(elements, &best, ready, most);
	else if (most == 1)
		rules_add_ports(elements, &best, *ready);
}

static bool is_first(const struct leases *leases, size_t index, const struct port_mapping *port)
{
	for (size_t i = 0; i < index; i++) {
		if (find_port(&leases->items[i], port))
			return false;
	}
	return true;
}

static struct port_mapping one_of(const struct port_mapping *range, unsigned int i)
{
	struct port_mapping one = *range;

	one.host_port = (uint16_t)(range->host_port + i);
	one.container_port = (uint16_t)(range->container_port + i);
	one.count = 1;
	return one;
}

void replicas_add_all(const struct leases *leases, struct rules_elements *elements)
{
	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *lease = &leases->items[i];

		for (size_t j = 0; lease->service && j < lease->n_ports; j++) {
			for (unsigned int k = 0; k < lease->ports[j].count; k++) {
				const struct port_mapping one = one_of(&lease->ports[j], k);

				if (is_first(leases, i, &one))
					add_port(leases, &one, elements);
			}
		}
	}
}

/* ---- the table ---- */

static int add_if_there(struct nl *nl, const struct rules_elements *all, size_t n_asked,
			struct rules_elements *found, struct error *err)
{
	const struct rules_elements asked = { .items = all->items, .n = n_asked };
	bool is_there = false;
	int rc = nft_has(nl, &asked, &is_there, err);

	for (size_t i = 0; rc == 0 && is_there && i < all->n; i++)
		rules_add(found, &all->items[i]);
	return rc;
}

/* One by one, where a port is in none of the states that we leave it in. */
static int put_right(struct nl *nl, const struct rules_elements *direct,
		     const struct rules_elements *slots, const struct rules_elements *now,
		     struct error *err)
{
	int rc = nft_remove(nl, direct, err);

	if (rc == 0)
		rc = nft_remove(nl, slots, err);
	return rc < 0 ? rc : nft_add(nl, now, err);
}

/* A port is there by itself, or by all of its slots (behind the port they lead to), or not at all. */
static int publish_one(struct nl *nl, const struct leases *leases, const struct port_mapping *port,
		       struct error *err)
{
	const struct in_addr nobody = { INADDR_ANY };
	auto_rules_elements struct rules_elements direct = { 0 };
	auto_rules_elements struct rules_elements slots = { 0 };
	auto_rules_elements struct rules_elements old = { 0 };
	auto_rules_elements struct rules_elements now = { 0 };
	int rc;

	rules_add_ports(&direct, port, nobody);
	rules_add_slots(&slots, port, &nobody, 1);
	add_port(leases, port, &now);
	rc = add_if_there(nl, &direct, 1, &old, err);
	if (rc == 0)
		rc = add_if_there(nl, &slots, 1, &old, err);
	if (rc == 0)
		rc = nft_replace(nl, &old, &now, err);
	if (rc == -ENOENT || rc == -EEXIST || rc == -EBUSY)
		rc = put_right(nl, &direct, &slots, &now, err);
	if (rc == -ENOENT) {
		log_debug("%s", err->msg);
		return 0;
	}
	return rc;
}

int replicas_publish(struct nl *nl, const struct leases *leases, const struct port_mapping *ports,
		     size_t n, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		for (unsigned int j = 0; rc == 0 && j < ports[i].count; j++) {
			const struct port_mapping one = one_of(&ports[i], j);

			rc = publish_one(nl, leases, &one, err);
		}
	}
	return rc;
}

int replicas_heal(struct nl *nl, const struct leases *leases, const struct rules_elements *removed,
		  struct error *err)
{
	struct port_mapping last = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < removed->n; i++) {
		struct port_mapping port;

		if (!rules_port_of(&removed->items[i], &port) ||
		    (is_same_host(&port, &last) && port.host_port == last.host_port))
			continue;
		last = port;
		rc = publish_one(nl, leases, &port, err);
	}
	return rc;
}
