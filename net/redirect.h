/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sys_net.h"

/*
 * Leads what is sent to port @from of the loopback address @address in the network namespace @netns
 * to port @to of it, for UDP and TCP.  So a service at a well-known port leaves that to the
 * namespace's own programs, which may want to bind it on all addresses.
 *
 * By a table of nf_tables at the receiving end of `lo`, without state: other interfaces and
 * connection tracking are not concerned.  -EOPNOTSUPP or the like: the kernel has no such tables.
 */
int redirect_port(const struct netns *netns, struct in_addr address, uint16_t from, uint16_t to,
		  struct error *err);
