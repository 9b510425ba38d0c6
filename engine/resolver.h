/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/sys_net.h"
#include "engine/dirs.h"
#include "engine/record.h"

/*
 * A container's resolver: 127.0.0.11 in its network namespace, answered by its supervisor.  It knows
 * the names of the container's networks (net/peers.h), and asks others only if one of these networks
 * has a way out: the servers of --dns, or the host's, from the host, so that those on the host's
 * loopback serve, too.
 */
#define RESOLVER_ADDRESS "127.0.0.11"

struct loop;
struct resolver;

/*
 * True if this container is to have one: in a network that somebody made (in the default one are no
 * names, as with docker), or if the host's servers are not to be reached in another way.
 */
bool resolver_is_wanted(const struct record *record);

/*
 * Makes its sockets in @netns, the container's.  Queries wait there until resolver_start().  @record
 * and @dirs are borrowed until resolver_free().
 */
int resolver_open(const struct engine_dirs *dirs, const struct record *record,
		  const struct netns *netns, struct resolver **ret, struct error *err);

int resolver_start(struct resolver *resolver, struct loop *loop, struct error *err);

/* The namespace can end only after that.  NULL is fine. */
void resolver_free(struct resolver *resolver);

/* The text of the host's resolv.conf that is of use to others than the host; caller frees. */
char *resolver_host_text(void);
