/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Theory of operation
 *
 * A container's place in a network is made in two steps, and taken back in one.
 *
 *   reserve  under the lock: an address that no lease has, host ports that no lease has and no
 *            program of the host (bound by us, and kept bound), then the lease file.  Nothing of
 *            the kernel has been changed.
 *   attach   without a lock, since all that it makes is named after the lease:
 *              the namespace's defaults: no IPv6 for what comes
 *              veth pair       host's end already a port of the bridge, the other one made in the
 *                              container's namespace as eth0, so that nothing has to be moved
 *              host's end      no IPv6, up
 *              eth0            address, up, default route, by a socket made inside
 *              nft elements    last: a published port leads to something that answers; who it
 *                              may reach in an isolated network (under the lock, as that
 *                              depends on the others' leases)
 *   release  reads the lease, and undoes whatever is there of it: elements, veth, lease.  The lease
 *            goes last, so a release that dies can be done again; so can one after an attach that
 *            died anywhere.
 *
 * A veth dies with the namespace of its other end, tens of milliseconds after the container; to
 * delete it by hand would make the caller wait for as long.  So release leaves it alone if that
 * namespace is dying, and its name is free only a little later.  Addresses are leased in a circle,
 * so usually nobody wants the name so soon; if somebody does (a subnet nearly used up), attach
 * finds the name taken, sees that the other end is dying, and deletes it then.
 *
 * A service's replica shares its ports with others, and its part of them changes: whenever one becomes
 * ready, ceases to be or is released, the ports' elements are made anew from all leases, under the
 * lock, each port in one transaction (replicas.c).
 *
 * The table may be flushed by others at any time: network_ensure() builds it again from all leases.
 */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/sys_net.h"
#include "net/conntrack.h"
#include "net/ipam.h"
#include "net/link.h"
#include "net/names.h"
#include "net/network_internal.h"
#include "net/nft.h"
#include "net/ports.h"
#include "net/replicas.h"
#include "net/rules.h"
#include "net/tiers.h"

/* ---- reserve ---- */

static int check_allows(const struct endpoint *e, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && e->allows && i < e->allows->n; i++) {
		struct port_mapping port;
		size_t len;

		rc = tiers_parse(e->allows->items[i], &len, &port, err);
		if (rc < 0)
			return err_wrap(err, "allow '%s'", e->allows->items[i]);
	}
	return 0;
}

static int check_request(const struct endpoint *e, struct error *err)
{
	size_t n = 0;

	if (!is_valid_name(e->container_id))
		return err_set(err, EINVAL, "'%s' is no id of a container", e->container_id);
	for (size_t i = 0; i < e->n_ports; i++) {
		const struct port_mapping *port = &e->ports[i];

		if (strchr(port->host_ip, ':'))
			return err_set(err, EAFNOSUPPORT,
				       "publish on '%s': networks have IPv4 only", port->host_ip);
		if (port->host_port + port->count - 1 > UINT16_MAX ||
		    port->container_port + port->count - 1 > UINT16_MAX)
			return err_set(err, ERANGE, "publish ports: a range ends beyond %u",
				       UINT16_MAX);
		n += port->count;
		for (size_t j = 0; j < i; j++) {
			unsigned int twice = port_conflict(&e->ports[j], port);

			if (twice)
				return err_set(err, EADDRINUSE, "port %u/%s is published twice",
					       twice, port_protocol(port->protocol));
		}
	}
	if (n > ENDPOINT_PORTS_MAX)
		return err_set(err, E2BIG, "publish ports: there are %zu, the limit is %d", n,
			       ENDPOINT_PORTS_MAX);
	return check_allows(e, err);
}

static const char *owner_of(const struct lease *lease)
{
	return lease->container_name ? lease->container_name : lease->container_id;
}

static int address_in_use(const struct dir *dir, const struct lease *lease, struct error *err)
{
	struct lease known = *lease;
	char text[INET_ADDRSTRLEN];
	struct error ignored;
	int rc;

	(void)lease_read(dir, &known, &ignored);
	(void)inet_ntop(AF_INET, &lease->address, text, sizeof(text));
	rc = err_set(err, EADDRINUSE, "address %s is in use by container '%s'", text,
		     owner_of(&known));
	lease_fini(&known);
	return rc;
}

static int choose_address(const struct dir *dir, const struct leases *leases, struct endpoint *e,
			  struct error *err)
{
	const struct subnet subnet = network_subnet(&e->network);
	auto_free struct in_addr *used = xcalloc(leases->n + 1, sizeof(*used));
	char text[INET_ADDRSTRLEN];

	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *lease = &leases->items[i];

		used[i] = lease->address;
		if (strcmp(lease->network, e->network.name) == 0 &&
		    strcmp(lease->container_id, e->container_id) == 0)
			return err_set(err, EEXIST, "container '%s' is in network '%s' already",
				       e->container_id, e->network.name);
		if (e->address.s_addr && e->address.s_addr == lease->address.s_addr)
			return address_in_use(dir, lease, err);
	}
	if (e->address.s_addr) {
		(void)inet_ntop(AF_INET, &e->address, text, sizeof(text));
		if (!ipam_is_usable(&subnet, e->network.gateway, e->address))
			return err_set(err, EINVAL, "network '%s' has no address %s",
				       e->network.name, text);
		return 0;
	}
	if (!ipam_choose(&subnet, e->network.gateway, used, leases->n,
			 ipam_last(dir, e->network.name), &e->address)) {
		char subnet_text[SUBNET_TEXT_MAX];

		subnet_format(&subnet, subnet_text);
		return err_set(err, ENOSPC, "the subnet %s of network '%s' is used up", subnet_text,
			       e->network.name);
	}
	return 0;
}

/*
 * The container that has one of @port's host ports, or NULL.  With other replicas of @own, if that is
 * given, it may share them.
 */
static const struct lease *find_owner(const struct leases *leases, const struct port_mapping *port,
				      const struct lease *own, unsigned int *ret)
{
	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *lease = &leases->items[i];

		for (size_t j = 0; j < lease->n_ports; j++) {
			*ret = port_conflict(&lease->ports[j], port);
			if (*ret && !(own && replicas_are_of_one(lease, own)))
				return lease;
		}
	}
	return NULL;
}

/* A port that the kernel chose may be in a lease whose holder has died. */
static int hold_chosen(const struct leases *leases, struct port_mapping *port, bool is_shared,
		       struct held_ports *held, struct error *err)
{
	enum { TRIES_MAX = 10 };

	for (int i = 0; i < TRIES_MAX; i++) {
		auto_held_ports struct held_ports tried = { 0 };
		unsigned int ignored;
		int rc = ports_hold(port, is_shared, &tried, err);

		if (rc < 0)
			return rc;
		if (!find_owner(leases, port, NULL, &ignored)) {
			held->fds = xrealloc(held->fds, held->n + tried.n, sizeof(*held->fds));
			memcpy(held->fds + held->n, tried.fds, tried.n * sizeof(*held->fds));
			held->n += tried.n;
			tried.n = 0;
			return 0;
		}
		port->host_port = 0;
	}
	return err_set(err, EADDRINUSE, "no free port is to be found");
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static int hold_ports(const struct dir *dir, struct leases *leases, const struct endpoint *e,
		      struct held_ports *held, struct error *err)
{
	auto_free char *service = copy(e->service);
	auto_free char *project = copy(e->project);
	const struct lease own = { .service = service, .project = project };
	bool is_shared = service != NULL;

	if (e->n_ports)
		leases_read(dir, leases);
	for (size_t i = 0; i < e->n_ports; i++) {
		struct port_mapping *port = &e->ports[i];
		unsigned int taken = 0;
		const struct lease *owner = find_owner(leases, port, &own, &taken);
		int rc;

		if (owner)
			return err_set(err, EADDRINUSE, "port %u/%s is in use by container '%s'",
				       taken, port_protocol(port->protocol), owner_of(owner));
		rc = port->host_port ? ports_hold(port, is_shared, held, err)
				     : hold_chosen(leases, port, is_shared, held, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int endpoint_hold_ports(const struct dir *net_dir, const struct endpoint *e,
			struct held_ports *held, struct error *err)
{
	auto_free char *path = xasprintf("%s/leases", net_dir->path);
	auto_leases struct leases leases = { 0 };
	auto_fd int lock = network_lock(net_dir, err);
	auto_fd int fd = lock < 0 ? lock : leases_open(net_dir, err);
	const struct dir dir = { fd, path };
	int rc = fd < 0 ? fd : leases_list(&dir, &leases, err);

	return rc < 0 ? rc : hold_ports(&dir, &leases, e, held, err);
}

static int write_lease(const struct dir *dir, const struct endpoint *e, struct error *err)
{
	struct lease lease = {
		.address = e->address,
		.container_name = copy(e->container_name),
		.index = e->index,
		.service = copy(e->service),
		.project = copy(e->project),
		.is_ready = e->is_ready,
		.is_isolated = e->network.is_isolated,
		.ports = e->ports,
		.n_ports = e->n_ports,
	};
	int rc;

	(void)snprintf(lease.network, sizeof(lease.network), "%s", e->network.name);
	(void)snprintf(lease.container_id, sizeof(lease.container_id), "%s", e->container_id);
	if (e->aliases)
		lease.aliases = *e->aliases;
	if (e->allows && lease.is_isolated)
		lease.allows = *e->allows;
	rc = lease_write(dir, &lease, err);
	free(lease.container_name);
	free(lease.service);
	free(lease.project);
	if (rc == 0)
		ipam_set_last(dir, e->network.name, e->address);
	return rc;
}

static int reserve(const struct dir *dir, struct endpoint *e, struct held_ports *held,
		   struct error *err)
{
	auto_leases struct leases leases = { 0 };
	int rc = leases_list(dir, &leases, err);

	if (rc == 0)
		rc = choose_address(dir, &leases, e, err);
	if (rc == 0)
		rc = hold_ports(dir, &leases, e, held, err);
	if (rc == 0)
		rc = write_lease(dir, e, err);
	return rc;
}

int endpoint_reserve(const struct dir *net_dir, struct endpoint *ret, int **ret_port_fds,
		     size_t *ret_n_port_fds, struct error *err)
{
	auto_free char *path = xasprintf("%s/leases", net_dir->path);
	auto_held_ports struct held_ports held = { 0 };
	struct endpoint e = *ret;
	auto_fd int lock = -1;
	auto_fd int fd = -1;
	int rc = check_request(&e, err);

	if (rc < 0)
		return rc;
	lock = network_lock(net_dir, err);
	if (lock < 0)
		return lock;
	fd = leases_open(net_dir, err);
	if (fd < 0)
		return fd;
	rc = reserve(&(struct dir){ fd, path }, &e, &held, err);
	if (rc < 0)
		return rc;

	names_mac(e.address, e.mac);
	names_veth(e.address, e.host_ifname);
	(void)snprintf(e.ifname, sizeof(e.ifname), "eth%u", e.index);
	*ret = e;
	*ret_port_fds = take_ptr(held.fds);
	*ret_n_port_fds = held.n;
	held.n = 0;
	return 0;
}

/* ---- attach ---- */

struct inside {
	const struct netns *netns;
	bool is_first; /* interface in that namespace */
	int sock;
};

/* What comes into being in the namespace has no IPv6 then, so eth0 never has such an address. */
static int prepare_inside(void *arg, struct error *err)
{
	static const struct {
		const char *key, *value;
	} settings[] = {
		{ "ipv6/conf/default/disable_ipv6", "1" },
		{ "ipv6/conf/default/accept_ra", "0" },
	};
	struct inside *inside = arg;
	bool has_ipv6 = access("/proc/sys/net/ipv6", F_OK) == 0;

	for (size_t i = 0; i < ARRAY_LEN(settings) && has_ipv6 && inside->is_first; i++) {
		int rc = sys_netns_sysctl(inside->netns, settings[i].key, settings[i].value, err);

		if (rc < 0)
			return rc;
	}
	inside->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (inside->sock < 0)
		return err_sys(err, "open a socket in '%s'", inside->netns->path);
	return 0;
}

/* A pair by that name may be on its way out, with the namespace of the container that had it. */
static int make_veth(struct nl *nl, const struct link_veth *veth, struct error *err)
{
	struct error why;
	bool stays = false;
	int rc = link_make_veth(nl, veth, err);

	if (rc != -EEXIST || link_stays_indeed(nl, veth->name, &stays, &why) < 0)
		return rc;
	if (stays)
		return err_set(err, EEXIST, "interface '%s' exists, and its container lives",
			       veth->name);
	rc = link_delete(nl, veth->name, err);
	if (rc == 0)
		rc = link_make_veth(nl, veth, err);
	return rc;
}

static int make_links(const struct endpoint *e, const struct netns *netns, struct error *err)
{
	struct link_veth veth = {
		.name = e->host_ifname,
		.bridge = e->network.bridge,
		.netns = netns,
		.peer_name = e->ifname,
		.peer_mac = e->mac,
		.mtu = e->network.mtu,
		.is_isolated = e->network.is_isolated,
	};
	auto_nl struct nl nl = { .fd = -1 };
	unsigned int flags;
	int rc = nl_init(&nl, NETLINK_ROUTE, err);

	if (rc == 0)
		rc = link_peek(&nl, veth.bridge, &veth.bridge_index, &flags, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ENODEV, "bridge '%s' is gone", veth.bridge);
	rc = make_veth(&nl, &veth, err);
	if (rc == 0)
		rc = network_without_ipv6(e->host_ifname, err);
	if (rc == 0)
		rc = link_set_veth_up(&nl, &veth, err);
	return rc;
}

static int set_up_inside(const struct endpoint *e, const struct inside *inside, struct error *err)
{
	int rc = sys_netns_address(inside->netns, inside->sock, e->ifname, e->address,
				   e->network.prefix, err);

	if (rc == 0)
		rc = sys_netns_link_up(inside->netns, inside->sock, e->ifname, err);
	if (rc == 0 && e->has_route && !e->network.is_internal)
		rc = sys_netns_default_route(inside->netns, inside->sock, e->network.gateway, err);
	return rc;
}

static int publish(const struct endpoint *e, struct error *err)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	struct nl *nl;
	int rc;

	if (e->n_ports == 0 || e->service)
		return 0;
	for (size_t i = 0; i < e->n_ports; i++)
		rules_add_ports(&elements, &e->ports[i], e->address);
	rc = nft_socket(&nl, err);
	if (rc == 0)
		rc = nft_add(nl, &elements, err);
	if (rc == 0)
		conntrack_forget(nl, e->ports, e->n_ports);
	return rc;
}

/* What is leased in the state directory, under its lock. */
struct leased {
	int lock;
	struct dir dir; /* fd owned */
	char *path;
	struct leases leases; /* by their names only */
};

static void leased_close(struct leased *leased)
{
	leases_fini(&leased->leases);
	close_fd(&leased->dir.fd);
	free(leased->path);
	close_fd(&leased->lock);
}

static int leased_open(const struct dir *net_dir, struct leased *ret, struct error *err)
{
	ret->path = xasprintf("%s/leases", net_dir->path);
	ret->dir = (struct dir){ .fd = -1, .path = ret->path };
	ret->lock = network_lock(net_dir, err);
	if (ret->lock < 0)
		return ret->lock;
	ret->dir.fd = leases_open(net_dir, err);
	return ret->dir.fd < 0 ? ret->dir.fd : leases_list(&ret->dir, &ret->leases, err);
}

#define auto_leased __attribute__((cleanup(leased_close)))
#define LEASED_CLOSED                          \
	{                                      \
		.lock = -1, .dir = {.fd = -1 } \
	}

/* Whom it may reach in an isolated network, and who it. */
static int admit(const struct dir *net_dir, const struct endpoint *e, struct error *err)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	auto_leased struct leased all = LEASED_CLOSED;
	struct nl *nl;
	int rc;

	if (!e->network.is_isolated || !e->service)
		return 0;
	rc = leased_open(net_dir, &all, err);
	if (rc < 0)
		return rc;
	leases_read(&all.dir, &all.leases);
	for (size_t i = 0; i < all.leases.n; i++) {
		if (all.leases.items[i].address.s_addr == e->address.s_addr)
			tiers_add(&all.leases, &all.leases.items[i], &elements);
	}
	rc = nft_socket(&nl, err);
	return rc < 0 ? rc : nft_add(nl, &elements, err);
}

int endpoint_attach(const struct dir *net_dir, const struct endpoint *endpoint,
		    const struct netns *netns, struct error *err)
{
	struct inside inside = { .netns = netns, .is_first = endpoint->index == 0, .sock = -1 };
	int rc = sys_in_netns(netns, prepare_inside, &inside, err);

	if (rc == 0)
		rc = make_links(endpoint, netns, err);
	if (rc == 0)
		rc = set_up_inside(endpoint, &inside, err);
	if (rc == 0)
		rc = admit(net_dir, endpoint, err);
	if (rc == 0)
		rc = publish(endpoint, err);
	close_fd(&inside.sock);
	if (rc < 0)
		return err_wrap(err, "attach to network '%s'", endpoint->network.name);
	return 0;
}

/* ---- ready or not ---- */

/* All leases have been read. */
static int publish_service(const struct leases *leases, const struct lease *lease,
			   struct error *err)
{
	struct nl *nl;
	int rc;

	if (lease->n_ports == 0)
		return 0;
	rc = nft_socket(&nl, err);
	if (rc == 0)
		rc = replicas_publish(nl, leases, lease->ports, lease->n_ports, err);
	if (rc == 0)
		conntrack_forget(nl, lease->ports, lease->n_ports);
	return rc;
}

/* The table even if the lease cannot be written: what is not ready should get nothing. */
static int set_ready(struct leased *all, struct lease *lease, bool is_ready, struct error *err)
{
	struct error later;
	int first, rc;

	lease->is_ready = is_ready;
	first = lease_write(&all->dir, lease, err);
	rc = publish_service(&all->leases, lease, first < 0 ? &later : err);
	return first < 0 ? first : rc;
}

int endpoint_set_ready(const struct dir *net_dir, const char *container_id, bool is_ready,
		       struct error *err)
{
	auto_leased struct leased all = LEASED_CLOSED;
	int rc = leased_open(net_dir, &all, err);

	if (rc < 0)
		return rc;
	leases_read(&all.dir, &all.leases);
	for (size_t i = 0; i < all.leases.n; i++) {
		struct lease *lease = &all.leases.items[i];
		struct error later;

		if (!lease->service || lease->is_ready == is_ready ||
		    strcmp(lease->container_id, container_id) != 0)
			continue;
		if (set_ready(&all, lease, is_ready, rc < 0 ? &later : err) < 0 && rc == 0)
			rc = err_wrap(err, "make container '%s' %s in network '%s'", container_id,
				      is_ready ? "ready" : "not ready", lease->network);
	}
	return rc;
}

/* ---- another route ---- */

static int note_ports(const struct dir *net_dir, const struct endpoint *e, struct error *err)
{
	auto_free char *path = xasprintf("%s/leases", net_dir->path);
	auto_fd int lock = network_lock(net_dir, err);
	auto_fd int fd = lock < 0 ? lock : leases_open(net_dir, err);

	return fd < 0 ? fd : write_lease(&(struct dir){ fd, path }, e, err);
}

int endpoint_take_route(const struct dir *net_dir, const struct endpoint *endpoint,
			const struct netns *netns, struct error *err)
{
	struct inside inside = { .netns = netns, .sock = -1 };
	int rc = sys_in_netns(netns, prepare_inside, &inside, err);

	if (rc == 0)
		rc = sys_netns_default_route(netns, inside.sock, endpoint->network.gateway, err);
	close_fd(&inside.sock);
	if (rc == 0 && endpoint->n_ports)
		rc = note_ports(net_dir, endpoint, err);
	if (rc == 0)
		rc = publish(endpoint, err);
	if (rc < 0)
		return err_wrap(err, "route by network '%s'", endpoint->network.name);
	return 0;
}

/* ---- release ---- */

/* Whatever names the address, in a table that no other's lease tells of; others' replicas stay. */
static int unpublish_unknown(struct leased *all, const struct lease *lease, struct nl *nl,
			     struct error *err)
{
	static const enum rules_set sets[] = { RULES_PORTS,    RULES_ADDRESS_PORTS,
					       RULES_SERVICES, RULES_ADDRESS_SERVICES,
					       RULES_SIBLINGS, RULES_ALLOWED };
	auto_rules_elements struct rules_elements elements = { 0 };
	int rc = nft_find(nl, sets, ARRAY_LEN(sets), lease->address, &elements, err);

	if (rc == 0)
		rc = nft_remove(nl, &elements, err);
	if (rc < 0 || elements.n == 0)
		return rc;
	leases_read(&all->dir, &all->leases);
	return replicas_heal(nl, &all->leases, &elements, err);
}

/* The part of an isolated network's rules that names it. */
static int dismiss(const struct lease *lease, struct nl *nl, struct error *err)
{
	static const enum rules_set sets[] = { RULES_SIBLINGS, RULES_ALLOWED };
	auto_rules_elements struct rules_elements elements = { 0 };
	int rc = 0;

	if (lease->is_isolated)
		rc = nft_find(nl, sets, ARRAY_LEN(sets), lease->address, &elements, err);
	return rc < 0 ? rc : nft_remove(nl, &elements, err);
}

static int unpublish(struct leased *all, struct lease *lease, struct error *err)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	struct nl *nl;
	int rc;

	if (lease->n_ports == 0 && !lease->is_isolated)
		return 0;
	rc = nft_socket(&nl, err);
	if (rc == 0)
		rc = dismiss(lease, nl, err);
	if (rc < 0 || lease->n_ports == 0)
		return rc;
	if (lease->service) {
		leases_read(&all->dir, &all->leases);
		lease->is_ready = false;
		return publish_service(&all->leases, lease, err);
	}
	for (size_t i = 0; i < lease->n_ports; i++)
		rules_add_ports(&elements, &lease->ports[i], lease->address);
	rc = nft_remove(nl, &elements, err);
	if (rc == 0)
		conntrack_forget(nl, lease->ports, lease->n_ports);
	return rc;
}

static int delete_veth(const struct lease *lease, struct error *err)
{
	auto_nl struct nl nl = { .fd = -1 };
	bool stays = false;
	char name[16];
	int rc = nl_init(&nl, NETLINK_ROUTE, err);

	names_veth(lease->address, name);
	if (rc == 0)
		rc = link_stays(&nl, name, &stays, err);
	if (rc == 0 && stays)
		rc = link_delete(&nl, name, err);
	return rc;
}

/* The lease tells which ports, if it can be read; else the table is searched for its address. */
static int release(struct leased *all, struct lease *lease, struct error *err)
{
	bool is_known;
	struct error why;
	struct nl *nl;
	int first;
	int rc;

	is_known = lease_read(&all->dir, lease, &why) == 0;
	if (is_known) {
		first = unpublish(all, lease, err);
	} else {
		log_warning("%s", why.msg);
		first = nft_socket(&nl, err);
		if (first == 0)
			first = unpublish_unknown(all, lease, nl, err);
	}
	rc = delete_veth(lease, first ? &why : err);
	first = first ? first : rc;
	if (first < 0)
		return first;
	return lease_remove(&all->dir, lease, err);
}

static void leave_out(struct leases *leases, size_t index)
{
	lease_fini(&leases->items[index]);
	memmove(&leases->items[index], &leases->items[index + 1],
		(leases->n - index - 1) * sizeof(*leases->items));
	leases->n--;
}

int endpoint_release(const struct dir *net_dir, const char *network_name, const char *container_id,
		     struct error *err)
{
	auto_leased struct leased all = LEASED_CLOSED;
	int rc = leased_open(net_dir, &all, err);

	for (size_t i = 0; i < all.leases.n;) {
		struct lease *lease = &all.leases.items[i];
		struct error later;

		if ((network_name && strcmp(lease->network, network_name) != 0) ||
		    strcmp(lease->container_id, container_id) != 0)
			i++;
		else if (release(&all, lease, rc < 0 ? &later : err) == 0)
			leave_out(&all.leases, i);
		else {
			i++;
			if (rc == 0)
				rc = err_wrap(err, "detach container '%s' from network '%s'",
					      container_id, lease->network);
		}
	}
	return rc;
}

/* 1 if its interface is there, also one that is about to go with its namespace. */
static int has_veth(const struct lease *lease, struct error *err)
{
	auto_nl struct nl nl = { .fd = -1 };
	unsigned int flags;
	char name[16];
	int index;
	int rc = nl_init(&nl, NETLINK_ROUTE, err);

	names_veth(lease->address, name);
	return rc < 0 ? rc : link_peek(&nl, name, &index, &flags, err);
}

int endpoint_sweep(const struct dir *net_dir,
		   int (*list_ids)(const void *arg, struct strv *ret, struct error *err),
		   const void *arg, struct error *err)
{
	auto_leased struct leased all = LEASED_CLOSED;
	auto_strv struct strv ids = { 0 };
	int rc = leased_open(net_dir, &all, err);

	if (rc == 0 && all.leases.n)
		rc = list_ids(arg, &ids, err);
	for (size_t i = 0; rc == 0 && i < all.leases.n;) {
		struct lease *lease = &all.leases.items[i];
		int is_there = strv_has(&ids, lease->container_id) ? 1 : has_veth(lease, err);

		rc = is_there ? MIN(is_there, 0) : release(&all, lease, err);
		if (is_there)
			i++;
		else if (rc == 0)
			leave_out(&all.leases, i);
	}
	return rc < 0 ? err_wrap(err, "give back what lost containers had") : 0;
}
