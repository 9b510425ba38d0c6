/* SPDX-License-Identifier: Apache-2.0 */
#include "net/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/sys.h"
#include "net/addr.h"
#include "net/ipam.h"
#include "net/link.h"
#include "net/names.h"
#include "net/network_internal.h"
#include "net/nft.h"
#include "net/nl.h"
#include "net/replicas.h"
#include "net/rules.h"
#include "net/tiers.h"

/* ---- which subnet ---- */

/* Fills what @network leaves open, and refuses what others have. */
static int choose_subnet(const struct network_records *others, struct network *network,
			 struct error *err)
{
	auto_nl struct nl nl = { .fd = -1 };
	auto_subnets struct subnets used = { 0 };
	struct subnet subnet = network_subnet(network);
	char text[SUBNET_TEXT_MAX];
	int rc = nl_init(&nl, NETLINK_ROUTE, err);

	/*
	 * The subnets of our own bridge count, too: they may be in use by containers of another
	 * state directory, of whose leases we know nothing.
	 */
	if (rc == 0)
		rc = addr_list_used(&nl, &used, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < others->n; i++) {
		const struct subnet other = network_subnet(&others->items[i].network);

		subnets_add(&used, &other);
	}
	if (!subnet.prefix && !ipam_choose_subnet(&used, &subnet))
		return err_set(err, ENOSPC, "all private subnets are in use on this host");
	for (size_t i = 0; network->prefix && i < used.n; i++) {
		char other[SUBNET_TEXT_MAX];

		if (!subnet_overlaps(&used.items[i], &subnet))
			continue;
		subnet_format(&subnet, text);
		subnet_format(&used.items[i], other);
		return err_set(err, EEXIST, "subnet '%s' overlaps with '%s', which is in use", text,
			       other);
	}
	network->subnet = subnet.address;
	network->prefix = subnet.prefix;
	if (!network->gateway.s_addr)
		network->gateway = subnet_at(&subnet, 1);
	return network_check_gateway(network, err);
}

/* The bridge that it has to have may be somebody else's. */
static int choose_bridge(const struct network_records *others, struct network *network,
			 struct error *err)
{
	auto_nl struct nl nl = { .fd = -1 };
	unsigned int flags;
	int index;
	int rc;

	if (!*network->bridge)
		names_bridge(network->name, network->bridge);
	for (size_t i = 0; i < others->n; i++) {
		if (strcmp(others->items[i].network.bridge, network->bridge) == 0)
			return err_set(err, EEXIST, "bridge '%s' is in use by network '%s'",
				       network->bridge, others->items[i].network.name);
	}
	/* That of the default network is shared by the state directories of a host. */
	if (strcmp(network->name, NETWORK_DEFAULT) == 0)
		return 0;
	rc = nl_init(&nl, NETLINK_ROUTE, err);
	if (rc == 0)
		rc = link_peek(&nl, network->bridge, &index, &flags, err);
	if (rc > 0)
		return err_set(err, EEXIST, "interface '%s' exists", network->bridge);
	return rc;
}

static int make_id(struct network_record *record, struct error *err)
{
	uint8_t bytes[sizeof(record->id) / 2];

	if (strcmp(record->network.name, NETWORK_DEFAULT) == 0) {
		names_network_id(record->network.name, record->id);
		return 0;
	}
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(err, "make an id");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(record->id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int make_record(const struct dir *net_dir, struct network_record *record, struct error *err)
{
	auto_network_records struct network_records others = { 0 };
	int rc = network_list(net_dir, &others, err);

	network_records_sweep(net_dir);
	if (rc == 0)
		rc = choose_subnet(&others, &record->network, err);
	if (rc == 0)
		rc = choose_bridge(&others, &record->network, err);
	if (rc == 0)
		rc = make_id(record, err);
	record->created_ns = clock_real_ns();
	if (rc == 0)
		rc = network_record_write(net_dir, record, err);
	if (rc < 0)
		return err_wrap(err, "make network '%s'", record->network.name);
	return 0;
}

/* ---- what has to be there, and is put back ---- */

static bool has_content(const struct dir *dir, const char *file, const char *wanted)
{
	auto_free char *text = NULL;
	struct error ignored;

	return file_read_at(dir, file, 64, &text, NULL, &ignored) == 0 &&
	       strncmp(text, wanted, strlen(wanted)) == 0 && text[strlen(wanted)] == '\n';
}

/* Sets net/@file if it has another value; a kernel without IPv6 has none of its files. */
static int set_sysctl(const char *file, const char *value, struct error *err)
{
	auto_fd int fd = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dir dir = { .fd = fd, .path = "/proc/sys/net" };

	if (fd < 0)
		return err_sys(err, "open '/proc/sys/net'");
	if (has_content(&dir, file, value))
		return 0;
	if (str_starts(file, "ipv6/") && faccessat(fd, "ipv6", F_OK, 0) < 0)
		return 0;
	return sys_write_at(&dir, file, value, err);
}

int network_sysctl(const char *family, const char *ifname, const char *key, const char *value,
		   struct error *err)
{
	char file[96];

	(void)snprintf(file, sizeof(file), "%s/conf/%s/%s", family, ifname, key);
	return set_sysctl(file, value, err);
}

/* IPv4 only: no address by itself, and no router but us. */
int network_without_ipv6(const char *ifname, struct error *err)
{
	int rc = network_sysctl("ipv6", ifname, "disable_ipv6", "1", err);

	if (rc == 0)
		rc = network_sysctl("ipv6", ifname, "accept_ra", "0", err);
	return rc;
}

static int make_bridge(struct nl *nl, const struct network *network, int *ret_index,
		       struct error *err)
{
	unsigned int flags;
	uint8_t mac[6];
	int rc;

	names_mac(network->gateway, mac);
	rc = link_make_bridge(nl, network->bridge, mac, network->mtu, err);
	if (rc < 0)
		return rc;
	rc = link_peek(nl, network->bridge, ret_index, &flags, err);
	if (rc == 0)
		return err_set(err, ENODEV, "bridge '%s' is gone", network->bridge);
	return rc;
}

static int ensure_bridge(struct nl *nl, const struct network *network, struct error *err)
{
	bool has_address = false;
	bool is_bridge = false;
	unsigned int flags = 0;
	int index = 0;
	int rc = link_peek(nl, network->bridge, &index, &flags, err);

	if (rc == 0)
		rc = make_bridge(nl, network, &index, err);
	if (rc >= 0)
		rc = network_without_ipv6(network->bridge, err);
	if (rc == 0)
		rc = addr_is_set(nl, index, network->gateway, network->prefix, &has_address, err);
	if (rc < 0 || (has_address && flags & IFF_UP))
		return rc;

	rc = link_is(nl, network->bridge, "bridge", &is_bridge, err);
	if (rc == 0 && !is_bridge)
		return err_set(err, EEXIST, "interface '%s' exists and is no bridge",
			       network->bridge);
	if (rc == 0 && !has_address)
		rc = addr_set(nl, network->bridge, index, network->gateway, network->prefix, err);
	if (rc == 0)
		rc = link_set_up(nl, network->bridge, err);
	return rc;
}

static void add_elements(const struct network *network, struct rules_elements *elements)
{
	const struct rules_network rules = {
		.bridge = network->bridge,
		.subnet = network_subnet(network),
		.is_internal = network->is_internal,
		.is_isolated = network->is_isolated,
	};

	rules_add_network(elements, &rules);
}

/* Of all containers, as their leases tell: published ports, and what isolated networks allow. */
static int add_leases(const struct dir *net_dir, struct rules_elements *elements, struct error *err)
{
	auto_free char *path = xasprintf("%s/leases", net_dir->path);
	auto_fd int fd = leases_open(net_dir, err);
	const struct dir dir = { .fd = fd, .path = path };
	auto_leases struct leases leases = { 0 };
	int rc = fd < 0 ? fd : leases_list(&dir, &leases, err);

	if (rc < 0)
		return rc;
	leases_read(&dir, &leases);
	for (size_t i = 0; i < leases.n; i++) {
		const struct lease *lease = &leases.items[i];

		for (size_t j = 0; !lease->service && j < lease->n_ports; j++)
			rules_add_ports(elements, &lease->ports[j], lease->address);
	}
	replicas_add_all(&leases, elements);
	tiers_add(&leases, NULL, elements);
	return 0;
}

static int ensure_rules(const struct dir *net_dir, const struct network *network, struct error *err)
{
	auto_rules_elements struct rules_elements own = { 0 };
	auto_network_records struct network_records records = { 0 };
	auto_rules_elements struct rules_elements all = { 0 };
	bool is_whole = false;
	struct nl *nl;
	int rc = nft_socket(&nl, err);

	add_elements(network, &own);
	if (rc == 0)
		rc = nft_is_whole(nl, &own, &is_whole, err);
	if (rc < 0 || is_whole)
		return rc;

	rc = network_list(net_dir, &records, err);
	for (size_t i = 0; rc == 0 && i < records.n; i++)
		add_elements(&records.items[i].network, &all);
	if (rc == 0)
		rc = add_leases(net_dir, &all, err);
	if (rc == 0)
		rc = nft_build(nl, &all, err);
	return rc;
}

/* What the host cannot send on whole, containers should not send either. */
static uint32_t choose_mtu(struct nl *nl)
{
	enum { KERNELS_DEFAULT = 1500 };
	int way_out = addr_way_out(nl);
	uint32_t mtu = way_out ? link_mtu(nl, way_out) : 0;

	return mtu < KERNELS_DEFAULT ? mtu : 0;
}

/*
 * The ports of an isolated network's bridge lead nothing to each other, whatever the protocol.  What
 * its containers may send each other anyway goes by the host: it answers when they ask for each
 * other's hardware address (proxy_arp_pvlan, at once), routes what then comes to it, and applies the
 * rules.  There is no shorter way that it should tell them of.
 */
static int keep_apart(const struct network *network, struct error *err)
{
	char delay[64];
	int rc = network_sysctl("ipv4", network->bridge, "proxy_arp_pvlan", "1", err);

	(void)snprintf(delay, sizeof(delay), "ipv4/neigh/%s/proxy_delay", network->bridge);
	if (rc == 0)
		rc = set_sysctl(delay, "0", err);
	if (rc == 0)
		rc = network_sysctl("ipv4", network->bridge, "send_redirects", "0", err);
	return rc < 0 ? rc : network_sysctl("ipv4", "all", "send_redirects", "0", err);
}

/* Rules first: a kernel that cannot have them leaves nothing behind. */
static int put_right(const struct dir *net_dir, struct network *network, struct error *err)
{
	auto_nl struct nl nl = { .fd = -1 };
	int rc = ensure_rules(net_dir, network, err);

	if (rc == 0)
		rc = nl_init(&nl, NETLINK_ROUTE, err);
	if (rc == 0 && !network->mtu)
		network->mtu = choose_mtu(&nl);
	if (rc == 0)
		rc = ensure_bridge(&nl, network, err);
	/* The rules keep containers from using it ("raw"). */
	if (rc == 0)
		rc = network_sysctl("ipv4", network->bridge, "route_localnet", "1", err);
	if (rc == 0 && network->is_isolated)
		rc = keep_apart(network, err);
	if (rc == 0)
		rc = set_sysctl("ipv4/ip_forward", "1", err);
	if (rc < 0)
		return err_wrap(err, "set up network '%s'", network->name);
	return 0;
}

/* ---- the verbs ---- */

int network_ensure(const struct dir *net_dir, const char *name, struct network *ret,
		   struct error *err)
{
	auto_network_record struct network_record record = { 0 };
	auto_fd int lock = -1;
	int rc = network_check_name(name, err);

	if (rc < 0)
		return rc;
	lock = network_lock(net_dir, err);
	if (lock < 0)
		return lock;

	rc = network_record_read(net_dir, name, &record, err);
	if (rc == 0 && strcmp(name, NETWORK_DEFAULT) != 0)
		return err_set(err, ENOENT, "network '%s' does not exist", name);
	if (rc == 0) {
		(void)snprintf(record.network.name, NETWORK_NAME_MAX, "%s", name);
		rc = make_record(net_dir, &record, err);
	}
	if (rc >= 0)
		rc = put_right(net_dir, &record.network, err);
	if (rc < 0)
		return rc;
	*ret = record.network;
	return 0;
}

/* What there is of it but for the record; goes on after a failure. */
static int take_away(const struct dir *net_dir, const struct network *network, struct error *err)
{
	auto_free char *last = xasprintf("leases/.last,%s", network->name);
	auto_rules_elements struct rules_elements elements = { 0 };
	auto_nl struct nl nl = { .fd = -1 };
	bool is_bridge = false;
	struct error later;
	struct nl *nft;
	int first = nft_socket(&nft, err);
	int rc;

	add_elements(network, &elements);
	if (first == 0)
		first = nft_remove(nft, &elements, err);
	/* A kernel without nf_tables has nothing in them. */
	else if (first == -EPROTONOSUPPORT)
		first = 0;
	rc = nl_init(&nl, NETLINK_ROUTE, first ? &later : err);
	if (rc == 0)
		rc = link_is(&nl, network->bridge, "bridge", &is_bridge, first ? &later : err);
	if (rc == 0 && is_bridge)
		rc = link_delete(&nl, network->bridge, first ? &later : err);
	(void)unlinkat(net_dir->fd, last, 0);
	return first < 0 ? first : rc;
}

int network_create(const struct dir *net_dir, struct network_record *record, struct error *err)
{
	static const char *const predefined[] = { NETWORK_DEFAULT, "host", "none" };
	auto_network_record struct network_record existing = { 0 };
	const char *name = record->network.name;
	struct error later;
	auto_fd int lock = -1;
	int rc = network_check_name(name, err);

	if (rc < 0)
		return rc;
	lock = network_lock(net_dir, err);
	if (lock < 0)
		return lock;
	rc = network_record_read(net_dir, name, &existing, err);
	for (size_t i = 0; i < ARRAY_LEN(predefined); i++)
		rc = rc == 0 && strcmp(name, predefined[i]) == 0 ? 1 : rc;
	if (rc > 0)
		return err_set(err, EEXIST, "network '%s' exists already", name);
	if (rc == 0)
		rc = make_record(net_dir, record, err);
	if (rc < 0)
		return rc;
	rc = put_right(net_dir, &record->network, err);
	/* With the record goes the knowledge of what there is: not before all that is gone. */
	if (rc < 0 && take_away(net_dir, &record->network, &later) == 0)
		(void)network_record_remove(net_dir, name, &later);
	return rc;
}

static int list_endpoints(const struct dir *net_dir, const char *name, struct leases *ret,
			  struct error *err)
{
	auto_free char *path = xasprintf("%s/leases", net_dir->path);
	auto_fd int fd = leases_open(net_dir, err);
	const struct dir dir = { .fd = fd, .path = path };
	struct leases leases = { 0 };
	int rc = fd < 0 ? fd : leases_list(&dir, &leases, err);
	size_t n = 0;

	for (size_t i = 0; i < leases.n; i++) {
		struct lease lease = leases.items[i];
		struct error why;

		if (strcmp(lease.network, name) != 0)
			continue;
		if (lease_read(&dir, &lease, &why) < 0)
			log_warning("%s", why.msg);
		leases.items[n++] = lease;
	}
	leases.n = n;
	if (rc == 0)
		*ret = leases;
	return rc;
}

int network_endpoints(const struct dir *net_dir, const char *name, struct leases *ret,
		      struct error *err)
{
	auto_fd int lock = network_lock(net_dir, err);

	return lock < 0 ? lock : list_endpoints(net_dir, name, ret, err);
}

int network_remove(const struct dir *net_dir, const char *name, struct error *err)
{
	auto_network_record struct network_record record = { 0 };
	auto_leases struct leases leases = { 0 };
	auto_fd int lock = -1;
	int rc = network_check_name(name, err);

	if (rc == 0 && strcmp(name, NETWORK_DEFAULT) == 0)
		return err_set(err, EPERM, "network '%s' is predefined and stays", name);
	if (rc == 0)
		rc = lock = network_lock(net_dir, err);
	if (rc < 0)
		return rc;
	network_records_sweep(net_dir);
	rc = network_record_read(net_dir, name, &record, err);
	if (rc == 0)
		return err_set(err, ENOENT, "network '%s' does not exist", name);
	if (rc > 0)
		rc = list_endpoints(net_dir, name, &leases, err);
	if (rc == 0 && leases.n)
		return err_set(err, EBUSY, "network '%s' is in use by container '%s'", name,
			       leases.items[0].container_name ? leases.items[0].container_name
							      : leases.items[0].container_id);
	if (rc == 0)
		rc = take_away(net_dir, &record.network, err);
	if (rc == 0)
		rc = network_record_remove(net_dir, name, err);
	return rc < 0 ? err_wrap(err, "remove network '%s'", name) : 0;
}
