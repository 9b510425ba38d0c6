/* SPDX-License-Identifier: Apache-2.0 */
#include "net/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/dns_server.h"
#include "net/ipam.h"
#include "net/network.h"

#define SHORT_ID_LEN 12

/*
 * Points in time of files are as fine as the kernel's clock tick at worst.  A directory that has
 * been changed less than this ago may be changed once more at the same time.
 */
#define TICK_NS 20000000

struct peers {
	const struct dir *net_dir;
	char *id;
	struct leases leases; /* of our networks only, those of the first network first */
	bool has_way_out;
	struct timespec changed; /* the directory's mtime, when they were read */
	bool is_settled;         /* it will be another after the next change */
};

struct peers *peers_new(const struct dir *net_dir, const char *container_id)
{
	struct peers *peers = xcalloc(1, sizeof(*peers));

	peers->net_dir = net_dir;
	peers->id = xstrdup(container_id);
	return peers;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	leases_fini(&peers->leases);
	free(peers->id);
	free(peers);
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* The networks that we are in. */
struct own {
	char network[NETWORK_NAME_MAX];
	uint32_t index;
};

struct reading {
	struct dir dir; /* of the leases */
	struct strv names;
	struct own *own;
	size_t n_own;
};

static int by_index(const void *a, const void *b)
{
	const struct own *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static void find_own(struct reading *r, const char *id)
{
	for (size_t i = 0; i < r->names.n; i++) {
		struct lease lease;
		struct error ignored;

		if (!lease_from_file_name(r->names.items[i], &lease) ||
		    strcmp(lease.container_id, id) != 0 ||
		    lease_read(&r->dir, &lease, &ignored) < 0)
			continue;
		r->own = xrealloc(r->own, r->n_own + 1, sizeof(*r->own));
		memcpy(r->own[r->n_own].network, lease.network, sizeof(lease.network));
		r->own[r->n_own++].index = lease.index;
		lease_fini(&lease);
	}
	if (r->n_own)
		qsort(r->own, r->n_own, sizeof(*r->own), by_index);
}

/* One that has gone meanwhile, or is damaged, is nobody's address. */
static void add_leases(struct peers *peers, const struct reading *r, const char *network)
{
	struct leases *leases = &peers->leases;

	for (size_t i = 0; i < r->names.n; i++) {
		struct lease lease;
		struct error why;

		if (!lease_from_file_name(r->names.items[i], &lease) ||
		    strcmp(lease.network, network) != 0)
			continue;
		if (lease_read(&r->dir, &lease, &why) < 0) {
			log_debug("%s", why.msg);
			continue;
		}
		leases->items = xrealloc(leases->items, leases->n + 1, sizeof(*leases->items));
		leases->items[leases->n++] = lease;
	}
}

static void read_all(struct peers *peers, int leases_fd)
{
	struct reading r = { .dir = { .fd = leases_fd, .path = "leases" } };
	struct error ignored;

	leases_fini(&peers->leases);
	peers->has_way_out = false;
	if (dir_names_at(peers->net_dir, "leases", &r.names, &ignored) == 0)
		find_own(&r, peers->id);
	for (size_t i = 0; i < r.n_own; i++) {
		struct network network;

		if (strcmp(r.own[i].network, NETWORK_DEFAULT) != 0)
			add_leases(peers, &r, r.own[i].network);
		if (network_load(peers->net_dir, r.own[i].network, &network, &ignored) == 0 &&
		    !network.is_internal)
			peers->has_way_out = true;
	}
	strv_fini(&r.names);
	free(r.own);
}

static int64_t ns_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static void refresh(struct peers *peers)
{
	auto_fd int fd = openat(peers->net_dir->fd, "leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct timespec now;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0)
		return;
	if (peers->is_settled && ns_of(&st.st_mtim) == ns_of(&peers->changed))
		return;
	read_all(peers, fd);
	peers->changed = st.st_mtim;
	peers->is_settled = ns_of(&now) - ns_of(&st.st_mtim) > TICK_NS;
}

/* ---- answering -------------------------------------------------------------------------------- */

static bool is_named(const struct lease *lease, const char *name)
{
	if (lease->container_name && strcasecmp(lease->container_name, name) == 0)
		return true;
	return strlen(name) == SHORT_ID_LEN &&
	       strncasecmp(lease->container_id, name, SHORT_ID_LEN) == 0;
}

static bool is_one_of(const struct lease *lease, const char *name)
{
	if (lease->service && strcasecmp(lease->service, name) == 0)
		return true;
	for (size_t i = 0; i < lease->aliases.n; i++) {
		if (strcasecmp(lease->aliases.items[i], name) == 0)
			return true;
	}
	return false;
}

/* In one network.  A container's own name leads to it even if it is not ready. */
static bool look_up_in(const struct lease *leases, size_t n, const char *name,
		       struct dns_addresses *ret)
{
	bool is_known = false;

	for (size_t i = 0; i < n; i++) {
		if (!is_one_of(&leases[i], name))
			continue;
		is_known = true;
		if (leases[i].is_ready && ret->n_v4 < DNS_ADDRESSES_MAX)
			ret->v4[ret->n_v4++] = leases[i].address;
	}
	for (size_t i = 0; i < n && ret->n_v4 == 0; i++) {
		if (!is_named(&leases[i], name))
			continue;
		is_known = true;
		ret->v4[ret->n_v4++] = leases[i].address;
	}
	return is_known;
}

/* The end of those that belong to the same network as the one at @begin. */
static size_t end_of_network(const struct leases *leases, size_t begin)
{
	size_t end = begin;

	while (end < leases->n &&
	       strcmp(leases->items[end].network, leases->items[begin].network) == 0)
		end++;
	return end;
}

/* "web" of "web.front"; false if @name does not end with ".@network". */
static bool cut_network(const char *name, const char *network, char ret[DNS_NAME_MAX])
{
	size_t len = strlen(name), tail = strlen(network);

	if (len <= tail + 1 || name[len - tail - 1] != '.' ||
	    strcasecmp(name + len - tail, network) != 0)
		return false;
	(void)snprintf(ret, DNS_NAME_MAX, "%.*s", (int)(len - tail - 1), name);
	return true;
}

bool peers_lookup(void *arg, const char *name, struct dns_addresses *ret)
{
	struct peers *peers = arg;
	const struct leases *leases = &peers->leases;
	char inner[DNS_NAME_MAX];

	refresh(peers);
	for (size_t i = 0, end; i < leases->n; i = end) {
		end = end_of_network(leases, i);
		if (look_up_in(leases->items + i, end - i, name, ret))
			return true;
	}
	for (size_t i = 0, end; i < leases->n; i = end) {
		end = end_of_network(leases, i);
		if (cut_network(name, leases->items[i].network, inner) &&
		    look_up_in(leases->items + i, end - i, inner, ret))
			return true;
	}
	return false;
}

bool peers_reverse(void *arg, struct in_addr address, char ret[DNS_NAME_MAX])
{
	struct peers *peers = arg;

	refresh(peers);
	for (size_t i = 0; i < peers->leases.n; i++) {
		const struct lease *lease = &peers->leases.items[i];

		if (lease->address.s_addr != address.s_addr || !lease->container_name)
			continue;
		(void)snprintf(ret, DNS_NAME_MAX, "%s.%s", lease->container_name, lease->network);
		return true;
	}
	return false;
}

bool peers_have_way_out(struct peers *peers)
{
	refresh(peers);
	return peers->has_way_out;
}
