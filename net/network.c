/* SPDX-License-Identifier: Apache-2.0 */
#include "net/network.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/sys.h"
#include "net/addr.h"
#include "net/ipam.h"
#include "net/link.h"
#include "net/names.h"
#include "net/network_internal.h"
#include "net/nft.h"
#include "net/nl.h"
#include "net/rules.h"

#define DEFAULT_NETWORK "bridge"

int network_lock(const struct dir *net_dir, struct error *err)
{
	return lock_acquire(net_dir, "lock", LOCK_EXCLUSIVE, err);
}

struct subnet network_subnet(const struct network *network)
{
	return (struct subnet){ network->subnet, network->prefix };
}

/* ---- the record: <net_dir>/networks/<name>.json ---- */

struct record {
	char *bridge, *subnet, *gateway;
	bool is_internal;
	uint32_t mtu;
};

static void record_fini(struct record *record)
{
	free(record->bridge);
	free(record->subnet);
	free(record->gateway);
}

static int open_records(const struct dir *net_dir, struct error *err)
{
	return dir_make_open_at(net_dir, "networks", 0700, err);
}

static int check_record(const struct record *record, const char *name, struct network *ret,
			struct error *err)
{
	struct network network = { .is_internal = record->is_internal, .mtu = record->mtu };
	struct subnet subnet;
	int rc = subnet_parse(record->subnet, &subnet, err);

	if (rc < 0)
		return rc;
	if (inet_pton(AF_INET, record->gateway, &network.gateway) != 1 ||
	    !ipam_is_usable(&subnet, (struct in_addr){ INADDR_ANY }, network.gateway))
		return err_set(err, EINVAL, "gateway '%s' is no address of subnet '%s'",
			       record->gateway, record->subnet);
	if (!is_valid_name(record->bridge) || strlen(record->bridge) >= sizeof(network.bridge))
		return err_set(err, EINVAL, "bridge '%s' is no name of an interface",
			       record->bridge);
	network.subnet = subnet.address;
	network.prefix = subnet.prefix;
	(void)snprintf(network.name, sizeof(network.name), "%s", name);
	(void)snprintf(network.bridge, sizeof(network.bridge), "%s", record->bridge);
	*ret = network;
	return 0;
}

/* 1 and *ret, 0 if there is none. */
static int find_record(const struct dir *net_dir, const char *name, struct network *ret,
		       struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD_NEEDED(struct record, bridge, JSON_FIELD_STRING, "bridge"),
		JSON_FIELD_NEEDED(struct record, subnet, JSON_FIELD_STRING, "subnet"),
		JSON_FIELD_NEEDED(struct record, gateway, JSON_FIELD_STRING, "gateway"),
		JSON_FIELD(struct record, is_internal, JSON_FIELD_BOOL, "internal"),
		JSON_FIELD(struct record, mtu, JSON_FIELD_UINT32, "mtu"),
		JSON_FIELDS_END,
	};
	__attribute__((cleanup(record_fini))) struct record record = { 0 };
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *file = xasprintf("networks/%s.json", name);
	int rc;

	if (faccessat(net_dir->fd, file, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	rc = json_doc_load(&doc, net_dir->fd, file, err);
	if (rc == 0)
		rc = json_read(&doc, fields, &record, err);
	if (rc == 0)
		rc = check_record(&record, name, ret, err);
	if (rc < 0)
		return err_wrap(err, "read network '%s'", name);
	return 1;
}

static int write_record(const struct dir *net_dir, const struct network *network, struct error *err)
{
	const struct subnet subnet = network_subnet(network);
	auto_free char *path = xasprintf("%s/networks", net_dir->path);
	auto_free char *file = xasprintf("%s.json", network->name);
	auto_json json_t *object = json_object_new();
	auto_fd int fd = open_records(net_dir, err);
	const struct dir records = { .fd = fd, .path = path };
	char subnet_text[SUBNET_TEXT_MAX];
	char gateway[INET_ADDRSTRLEN];
	auto_free char *text = NULL;

	if (fd < 0)
		return fd;
	subnet_format(&subnet, subnet_text);
	(void)inet_ntop(AF_INET, &network->gateway, gateway, sizeof(gateway));
	json_put_string(object, "bridge", network->bridge);
	json_put_string(object, "subnet", subnet_text);
	json_put_string(object, "gateway", gateway);
	json_put_bool(object, "internal", network->is_internal);
	json_put_int(object, "mtu", network->mtu);
	text = json_to_text(object, JSON_INDENT(2));
	return file_replace_at(&records, file, text, strlen(text), 0600, FILE_DURABLE, err);
}

/* Calls @each for every record; one that cannot be read is told and left out. */
static int for_each_record(const struct dir *net_dir,
			   void (*each)(const struct network *network, void *arg), void *arg,
			   struct error *err)
{
	int fd = open_records(net_dir, err);
	const struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		int rc = err_sys(err, "list networks in '%s'", net_dir->path);

		close_fd(&fd);
		return rc;
	}
	while ((entry = readdir(dir))) {
		auto_free char *name = NULL;
		struct network network;
		struct error why;
		int rc;

		if (str_starts(entry->d_name, FILE_TEMP_PREFIX))
			(void)unlinkat(fd, entry->d_name, 0);
		if (entry->d_name[0] == '.' || !str_ends(entry->d_name, ".json"))
			continue;
		name = xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".json"));
		rc = find_record(net_dir, name, &network, &why);
		if (rc < 0)
			log_warning("%s", why.msg);
		else if (rc > 0)
			each(&network, arg);
	}
	(void)closedir(dir);
	return 0;
}

/* ---- which subnet ---- */

static void add_subnet(const struct network *network, void *arg)
{
	const struct subnet subnet = network_subnet(network);

	subnets_add(arg, &subnet);
}

/* Fills what @network leaves open, and refuses what others have. */
static int choose_subnet(const struct dir *net_dir, struct network *network, struct error *err)
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
	if (rc == 0)
		rc = for_each_record(net_dir, add_subnet, &used, err);
	if (rc < 0)
		return rc;

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
	return 0;
}

static int make_record(const struct dir *net_dir, struct network *network, struct error *err)
{
	int rc;

	names_bridge(network->name, network->bridge);
	rc = choose_subnet(net_dir, network, err);
	if (rc == 0)
		rc = write_record(net_dir, network, err);
	return rc;
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

static void add_elements(const struct network *network, void *arg)
{
	const struct subnet subnet = network_subnet(network);

	rules_add_network(arg, network->bridge, &subnet, network->is_internal);
}

/* Published ports of all containers, as their leases tell. */
static int add_leases(const struct dir *net_dir, struct rules_elements *elements, struct error *err)
{
	auto_free char *path = xasprintf("%s/leases", net_dir->path);
	auto_fd int fd = leases_open(net_dir, err);
	const struct dir dir = { .fd = fd, .path = path };
	auto_leases struct leases leases = { 0 };
	int rc = fd < 0 ? fd : leases_list(&dir, &leases, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < leases.n; i++) {
		struct lease *lease = &leases.items[i];
		struct error why;

		if (lease_read(&dir, lease, &why) < 0)
			log_warning("%s", why.msg);
		for (size_t j = 0; j < lease->n_ports; j++)
			rules_add_ports(elements, &lease->ports[j], lease->address);
	}
	return 0;
}

static int ensure_rules(const struct dir *net_dir, const struct network *network, struct error *err)
{
	auto_rules_elements struct rules_elements own = { 0 };
	auto_rules_elements struct rules_elements all = { 0 };
	bool is_whole = false;
	struct nl *nl;
	int rc = nft_socket(&nl, err);

	add_elements(network, &own);
	if (rc == 0)
		rc = nft_is_whole(nl, &own, &is_whole, err);
	if (rc < 0 || is_whole)
		return rc;

	rc = for_each_record(net_dir, add_elements, &all, err);
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
	if (rc == 0)
		rc = set_sysctl("ipv4/ip_forward", "1", err);
	if (rc < 0)
		return err_wrap(err, "set up network '%s'", network->name);
	return 0;
}

/* ---- the verbs ---- */

static int check_name(const char *name, struct error *err)
{
	if (!is_valid_name(name) || strlen(name) >= sizeof(((struct network *)0)->name))
		return err_set(err, EINVAL, "'%s' is no name for a network", name);
	return 0;
}

int network_load(const struct dir *net_dir, const char *name, struct network *ret,
		 struct error *err)
{
	int rc = check_name(name, err);

	if (rc == 0)
		rc = find_record(net_dir, name, ret, err);
	if (rc == 0)
		return err_set(err, ENOENT, "network '%s' does not exist", name);
	return rc < 0 ? rc : 0;
}

int network_ensure(const struct dir *net_dir, const char *name, struct network *ret,
		   struct error *err)
{
	struct network network = { 0 };
	auto_fd int lock = -1;
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	lock = network_lock(net_dir, err);
	if (lock < 0)
		return lock;

	rc = find_record(net_dir, name, &network, err);
	if (rc == 0 && strcmp(name, DEFAULT_NETWORK) != 0)
		return err_set(err, ENOENT, "network '%s' does not exist", name);
	if (rc == 0) {
		(void)snprintf(network.name, sizeof(network.name), "%s", name);
		rc = make_record(net_dir, &network, err);
		if (rc < 0)
			return err_wrap(err, "make network '%s'", name);
	}
	if (rc >= 0)
		rc = put_right(net_dir, &network, err);
	if (rc < 0)
		return rc;
	*ret = network;
	return 0;
}

int network_create(const struct dir *net_dir, struct network *network, struct error *err)
{
	struct network wanted = *network;
	struct network existing;
	auto_fd int lock = -1;
	int rc = check_name(network->name, err);

	if (rc < 0)
		return rc;
	lock = network_lock(net_dir, err);
	if (lock < 0)
		return lock;
	rc = find_record(net_dir, network->name, &existing, err);
	if (rc > 0)
		return err_set(err, EEXIST, "network '%s' exists already", network->name);
	if (rc == 0)
		rc = make_record(net_dir, &wanted, err);
	if (rc < 0)
		return err_wrap(err, "make network '%s'", network->name);
	rc = put_right(net_dir, &wanted, err);
	if (rc < 0) {
		auto_free char *file = xasprintf("networks/%s.json", wanted.name);

		(void)unlinkat(net_dir->fd, file, 0);
		return rc;
	}
	*network = wanted;
	return 0;
}
