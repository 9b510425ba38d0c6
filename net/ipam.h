/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "net/subnet.h"

/*
 * Which address and which ports are whose.
 *
 * A lease is a file <net_dir>/leases/<network>,<address>,<container id>: who looks for an address
 * or a container only lists the directory.  In it stands as JSON what others have to know of the
 * endpoint: who finds the directory unchanged knows the contents of its files, too.  Writers hold
 * the lock of the network state directory.  Files are replaced as a whole, and not synced to the
 * disk: they are about links that do not survive the machine either.
 */

/* ---- choosing [pure] ---- */

/* True if @address is in @subnet, and neither the subnet's own, its broadcast's nor @gateway. */
bool ipam_is_usable(const struct subnet *subnet, struct in_addr gateway, struct in_addr address);

/*
 * The next free address behind @last (0: from the first one), around the end of the subnet: one
 * that was given back rests as long as possible, as others may know its old owner.  False: all of
 * them (of the first 65536) are used.
 */
bool ipam_choose(const struct subnet *subnet, struct in_addr gateway, const struct in_addr *used,
		 size_t n_used, struct in_addr last, struct in_addr *ret);

/* The first /24 of the private pool that overlaps with none of @used. */
bool ipam_choose_subnet(const struct subnets *used, struct subnet *ret);

/* A port that both mappings claim on the host, or 0.  "" and "0.0.0.0" claim all addresses. */
uint16_t port_conflict(const struct port_mapping *a, const struct port_mapping *b);

/* parse_port()'s text for @mapping: "127.0.0.1:8080-8081:80-81/tcp". */
void port_format(const struct port_mapping *mapping, struct str *out);
const char *port_protocol(uint8_t protocol); /* "tcp" */

/* ---- leases ---- */

struct lease {
	char network[64];
	char container_id[65];
	struct in_addr address;
	/* by lease_read() only: */
	char *container_name;       /* owned; NULL: unknown */
	uint32_t index;             /* of its interface there: eth0 */
	struct strv aliases;        /* further names in this network */
	char *service;              /* owned; whose replica it is, or NULL */
	char *project;              /* owned; whose service that is, or NULL */
	struct strv allows;         /* of isolated networks: net/tiers.h */
	bool is_isolated;           /* the network */
	bool is_ready;              /* to be sent to by the service's name, and its ports */
	struct port_mapping *ports; /* owned */
	size_t n_ports;
};
void lease_fini(struct lease *lease);
#define auto_lease __attribute__((cleanup(lease_fini)))

struct leases {
	struct lease *items; /* owned */
	size_t n;
};
void leases_fini(struct leases *leases);
#define auto_leases __attribute__((cleanup(leases_fini)))

/* The file's name and back; false if @name is none of a lease.  [pure] */
enum { LEASE_NAME_MAX = 64 + INET_ADDRSTRLEN + 65 };
void lease_file_name(const struct lease *lease, char ret[LEASE_NAME_MAX]);
bool lease_from_file_name(const char *name, struct lease *ret);

/* Opens (makes) the directory of leases below @net_dir; the caller owns the fd. */
int leases_open(const struct dir *net_dir, struct error *err);

/*
 * All leases by their names, in no order; without ports.  Under the lock, as what a writer left that
 * was killed is taken away.
 */
int leases_list(const struct dir *leases_dir, struct leases *ret, struct error *err);

/* Reads name and ports of a listed lease. */
int lease_read(const struct dir *leases_dir, struct lease *lease, struct error *err);

/* Reads all; of one that cannot be read, which is told, nothing but its name is known. */
void leases_read(const struct dir *leases_dir, struct leases *leases);

int lease_write(const struct dir *leases_dir, const struct lease *lease, struct error *err);
int lease_remove(const struct dir *leases_dir, const struct lease *lease, struct error *err);

/* The address leased last in @network, 0 if unknown; kept so that ipam_choose() goes on behind. */
struct in_addr ipam_last(const struct dir *leases_dir, const char *network);
void ipam_set_last(const struct dir *leases_dir, const char *network, struct in_addr address);
