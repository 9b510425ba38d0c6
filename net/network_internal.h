/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net/network.h"
#include "net/subnet.h"

/* Whoever changes records or leases below @net_dir holds this lock; returns its fd. */
int network_lock(const struct dir *net_dir, struct error *err);

struct subnet network_subnet(const struct network *network);

/* Sets net/<family>/conf/<ifname>/<key> of this namespace, if it has another value. */
int network_sysctl(const char *family, const char *ifname, const char *key, const char *value,
		   struct error *err);

/* Keeps IPv6 off an interface of this namespace. */
int network_without_ipv6(const char *ifname, struct error *err);
