/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net/network.h"
#include "net/subnet.h"

/* Whoever changes records or leases below @net_dir holds this lock; returns its fd. */
int network_lock(const struct dir *net_dir, struct error *err);

struct subnet network_subnet(const struct network *network);

/* ---- network_record.c: the records, <net_dir>/networks/<name>.json ---- */

int network_check_name(const char *name, struct error *err);
int network_check_gateway(const struct network *network, struct error *err);

/* 1 and *ret, 0 if there is none. */
int network_record_read(const struct dir *net_dir, const char *name, struct network_record *ret,
			struct error *err);
int network_record_write(const struct dir *net_dir, const struct network_record *record,
			 struct error *err);
/* Removes what a writer left that was killed; under the lock. */
void network_records_sweep(const struct dir *net_dir);

int network_record_remove(const struct dir *net_dir, const char *name, struct error *err);

/* ---- network.c ---- */

/* Sets net/<family>/conf/<ifname>/<key> of this namespace, if it has another value. */
int network_sysctl(const char *family, const char *ifname, const char *key, const char *value,
		   struct error *err);

/* Keeps IPv6 off an interface of this namespace. */
int network_without_ipv6(const char *ifname, struct error *err);
