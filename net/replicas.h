/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/parse.h"
#include "net/ipam.h"
#include "net/rules.h"

/*
 * Host ports of services.  All replicas of a service may publish the same port; the host deals its
 * connections out among those that are ready.  With one of them the port is as a container's own,
 * with more it has slots (RULES_SLOTS), with none there is nothing, and the host refuses.
 *
 * What is in the table follows from the leases alone.
 */
struct nl;

/* Both are replicas of the same service. */
bool replicas_are_of_one(const struct lease *a, const struct lease *b);

/* The elements of all ports of services [pure]; leases as read. */
void replicas_add_all(const struct leases *leases, struct rules_elements *elements);

/*
 * Makes the elements of these ports those that the leases tell, each port in one transaction; under
 * the lock.  Without a table there is nothing to do: network_ensure() makes it.
 */
int replicas_publish(struct nl *nl, const struct leases *leases, const struct port_mapping *ports,
		     size_t n, struct error *err);

/* The same for the ports that elements stood for which have been removed one by one. */
int replicas_heal(struct nl *nl, const struct leases *leases, const struct rules_elements *removed,
		  struct error *err);
