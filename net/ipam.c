/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ipam.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"

enum { ADDRESSES_MAX = 65536 };

bool ipam_is_usable(const struct subnet *subnet, struct in_addr gateway, struct in_addr address)
{
	uint32_t offset = subnet_offset(subnet, address);

	return subnet_has(subnet, address) && address.s_addr != gateway.s_addr && offset != 0 &&
	       offset != subnet_size(subnet) - 1;
}

bool ipam_choose(const struct subnet *subnet, struct in_addr gateway, const struct in_addr *used,
		 size_t n_used, struct in_addr last, struct in_addr *ret)
{
	uint32_t size = MIN(subnet_size(subnet), (uint32_t)ADDRESSES_MAX);
	auto_free bool *is_used = xcalloc(size, sizeof(*is_used));
	uint32_t begin = subnet_has(subnet, last) ? subnet_offset(subnet, last) + 1 : 1;

	for (size_t i = 0; i < n_used; i++) {
		uint32_t offset = subnet_offset(subnet, used[i]);

		if (offset < size)
			is_used[offset] = true;
	}
	for (uint32_t i = 0; i < size; i++) {
		uint32_t offset = (begin + i) % size;
		struct in_addr address = subnet_at(subnet, offset);

		if (!is_used[offset] && ipam_is_usable(subnet, gateway, address)) {
			*ret = address;
			return true;
		}
	}
	return false;
}

/* Private ranges (RFC 1918), those first that others use least. */
static const struct {
	uint8_t address[4];
	uint8_t prefix;
} pools[] = {
	{ { 10, 88, 0, 0 }, 16 },
	{ { 10, 231, 0, 0 }, 16 },
	{ { 172, 28, 0, 0 }, 14 },
	{ { 192, 168, 192, 0 }, 18 },
};

static bool is_free(const struct subnets *used, const struct subnet *wanted)
{
	for (size_t i = 0; i < used->n; i++) {
		if (subnet_overlaps(&used->items[i], wanted))
			return false;
	}
	return true;
}

bool ipam_choose_subnet(const struct subnets *used, struct subnet *ret)
{
	enum { PREFIX = 24 };

	for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
		struct subnet pool = { .prefix = pools[i].prefix };

		memcpy(&pool.address, pools[i].address, sizeof(pool.address));
		for (uint32_t at = 0; at < subnet_size(&pool); at += 1U << (32 - PREFIX)) {
			const struct subnet wanted = { subnet_at(&pool, at), PREFIX };

			if (is_free(used, &wanted)) {
				*ret = wanted;
				return true;
			}
		}
	}
	return false;
}

static bool is_any(const char *host_ip)
{
	return !*host_ip || strcmp(host_ip, "0.0.0.0") == 0;
}

uint16_t port_conflict(const struct port_mapping *a, const struct port_mapping *b)
{
	uint16_t first = MAX(a->host_port, b->host_port);

	if (a->protocol != b->protocol || a->host_port == 0 || b->host_port == 0)
		return 0;
	if (!is_any(a->host_ip) && !is_any(b->host_ip) && strcmp(a->host_ip, b->host_ip) != 0)
		return 0;
	if (first >= a->host_port + a->count || first >= b->host_port + b->count)
		return 0;
	return first;
}

const char *port_protocol(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

static void add_range(unsigned int first, unsigned int count, struct str *out)
{
	if (count > 1)
		str_addf(out, "%u-%u", first, first + count - 1);
	else
		str_addf(out, "%u", first);
}

void port_format(const struct port_mapping *mapping, struct str *out)
{
	if (*mapping->host_ip)
		str_addf(out, strchr(mapping->host_ip, ':') ? "[%s]:" : "%s:", mapping->host_ip);
	if (mapping->host_port)
		add_range(mapping->host_port, mapping->count, out);
	if (mapping->host_port || *mapping->host_ip)
		str_add(out, ":");
	add_range(mapping->container_port, mapping->count, out);
	str_addf(out, "/%s", port_protocol(mapping->protocol));
}

void lease_fini(struct lease *lease)
{
	free(lease->container_name);
	strv_fini(&lease->aliases);
	strv_fini(&lease->allows);
	free(lease->service);
	free(lease->project);
	free(lease->ports);
	*lease = (struct lease){ 0 };
}

void leases_fini(struct leases *leases)
{
	for (size_t i = 0; i < leases->n; i++)
		lease_fini(&leases->items[i]);
	free(leases->items);
	*leases = (struct leases){ 0 };
}

void lease_file_name(const struct lease *lease, char ret[LEASE_NAME_MAX])
{
	char address[INET_ADDRSTRLEN];

	(void)inet_ntop(AF_INET, &lease->address, address, sizeof(address));
	(void)snprintf(ret, LEASE_NAME_MAX, "%s,%s,%s", lease->network, address,
		       lease->container_id);
}

bool lease_from_file_name(const char *name, struct lease *ret)
{
	auto_strv struct strv parts = { 0 };
	struct lease lease = { 0 };

	strv_split(&parts, name, ',');
	if (parts.n != 3 || !is_valid_name(parts.items[0]) || !is_valid_name(parts.items[2]) ||
	    strlen(parts.items[0]) >= sizeof(lease.network) ||
	    strlen(parts.items[2]) >= sizeof(lease.container_id) ||
	    inet_pton(AF_INET, parts.items[1], &lease.address) != 1)
		return false;
	(void)snprintf(lease.network, sizeof(lease.network), "%s", parts.items[0]);
	(void)snprintf(lease.container_id, sizeof(lease.container_id), "%s", parts.items[2]);
	*ret = lease;
	return true;
}

int leases_open(const struct dir *net_dir, struct error *err)
{
	return dir_make_open_at(net_dir, "leases", 0700, err);
}

int leases_list(const struct dir *leases_dir, struct leases *ret, struct error *err)
{
	int fd = openat(leases_dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct leases found = { 0 };
	const struct dirent *entry;

	if (!dir) {
		int rc = err_sys(err, "list leases in '%s'", leases_dir->path);

		close_fd(&fd);
		return rc;
	}
	while ((entry = readdir(dir))) {
		struct lease lease;

		if (str_starts(entry->d_name, FILE_TEMP_PREFIX))
			(void)unlinkat(leases_dir->fd, entry->d_name, 0);
		if (!lease_from_file_name(entry->d_name, &lease))
			continue;
		if ((found.n & (found.n - 1)) == 0)
			found.items = xrealloc(found.items, found.n ? 2 * found.n : 1,
					       sizeof(*found.items));
		found.items[found.n++] = lease;
	}
	(void)closedir(dir);
	*ret = found;
	return 0;
}

struct lease_content {
	char *container, *service, *project;
	uint32_t index;
	bool is_ready, is_isolated;
	struct strv aliases, ports, allows;
};

static void content_fini(struct lease_content *content)
{
	free(content->container);
	free(content->service);
	free(content->project);
	strv_fini(&content->aliases);
	strv_fini(&content->ports);
	strv_fini(&content->allows);
}

static struct strv take_strv(struct strv *list)
{
	const struct strv taken = *list;

	*list = (struct strv){ 0 };
	return taken;
}

int lease_read(const struct dir *leases_dir, struct lease *lease, struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD(struct lease_content, container, JSON_FIELD_STRING, "container"),
		JSON_FIELD(struct lease_content, index, JSON_FIELD_UINT32, "index"),
		JSON_FIELD(struct lease_content, aliases, JSON_FIELD_STRINGS, "aliases"),
		JSON_FIELD(struct lease_content, service, JSON_FIELD_STRING, "service"),
		JSON_FIELD(struct lease_content, project, JSON_FIELD_STRING, "project"),
		JSON_FIELD(struct lease_content, is_ready, JSON_FIELD_BOOL, "ready"),
		JSON_FIELD(struct lease_content, is_isolated, JSON_FIELD_BOOL, "isolated"),
		JSON_FIELD(struct lease_content, allows, JSON_FIELD_STRINGS, "allows"),
		JSON_FIELD(struct lease_content, ports, JSON_FIELD_STRINGS, "ports"),
		JSON_FIELDS_END,
	};
	__attribute__((cleanup(content_fini))) struct lease_content content = { 0 };
	auto_free struct port_mapping *ports = NULL;
	auto_json_doc struct json_doc doc = { 0 };
	char name[LEASE_NAME_MAX];
	struct lease read;
	int rc;

	lease_file_name(lease, name);
	rc = json_doc_load(&doc, leases_dir->fd, name, err);
	if (rc == 0)
		rc = json_read(&doc, fields, &content, err);
	if (rc < 0)
		return err_wrap(err, "read lease '%s/%s'", leases_dir->path, name);

	ports = xcalloc(content.ports.n + 1, sizeof(*ports));
	for (size_t i = 0; i < content.ports.n; i++) {
		rc = parse_port(content.ports.items[i], &ports[i], err);
		if (rc < 0)
			return err_wrap(err, "read lease '%s/%s'", leases_dir->path, name);
	}
	read = (struct lease){
		.address = lease->address,
		.container_name = take_ptr(content.container),
		.index = content.index,
		.aliases = take_strv(&content.aliases),
		.service = take_ptr(content.service),
		.project = take_ptr(content.project),
		.allows = take_strv(&content.allows),
		.is_isolated = content.is_isolated,
		.is_ready = content.is_ready,
		.ports = take_ptr(ports),
		.n_ports = content.ports.n,
	};
	memcpy(read.network, lease->network, sizeof(read.network));
	memcpy(read.container_id, lease->container_id, sizeof(read.container_id));
	lease_fini(lease);
	*lease = read;
	return 0;
}

void leases_read(const struct dir *leases_dir, struct leases *leases)
{
	for (size_t i = 0; i < leases->n; i++) {
		struct error why;

		if (lease_read(leases_dir, &leases->items[i], &why) < 0)
			log_warning("%s", why.msg);
	}
}

int lease_write(const struct dir *leases_dir, const struct lease *lease, struct error *err)
{
	auto_json json_t *content = json_object_new();
	auto_strv struct strv ports = { 0 };
	auto_free char *text = NULL;
	char name[LEASE_NAME_MAX];

	for (size_t i = 0; i < lease->n_ports; i++) {
		auto_str struct str port = { 0 };

		port_format(&lease->ports[i], &port);
		strv_add(&ports, port.text);
	}
	json_put_string(content, "container", lease->container_name);
	json_put_int(content, "index", lease->index);
	json_put_strings(content, "aliases", &lease->aliases);
	json_put_string(content, "service", lease->service);
	json_put_string(content, "project", lease->project);
	json_put_bool(content, "ready", lease->is_ready);
	json_put_bool(content, "isolated", lease->is_isolated);
	json_put_strings(content, "allows", &lease->allows);
	json_put_strings(content, "ports", &ports);
	text = json_to_text(content, JSON_COMPACT);
	lease_file_name(lease, name);
	return file_replace_at(leases_dir, name, text, strlen(text), 0600, FILE_FAST, err);
}

int lease_remove(const struct dir *leases_dir, const struct lease *lease, struct error *err)
{
	char name[LEASE_NAME_MAX];

	lease_file_name(lease, name);
	if (unlinkat(leases_dir->fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove lease '%s/%s'", leases_dir->path, name);
	return 0;
}

/* No lease's name begins with a dot. */
static void last_file_name(const char *network, char ret[80])
{
	(void)snprintf(ret, 80, ".last,%s", network);
}

struct in_addr ipam_last(const struct dir *leases_dir, const char *network)
{
	struct in_addr last = { 0 };
	struct error ignored;
	auto_free char *text = NULL;
	char name[80];

	last_file_name(network, name);
	if (file_read_at(leases_dir, name, INET_ADDRSTRLEN, &text, NULL, &ignored) == 0 &&
	    inet_pton(AF_INET, text, &last) != 1)
		last.s_addr = 0;
	return last;
}

void ipam_set_last(const struct dir *leases_dir, const char *network, struct in_addr address)
{
	char text[INET_ADDRSTRLEN];
	char name[80];
	auto_fd int fd = -1;

	last_file_name(network, name);
	(void)inet_ntop(AF_INET, &address, text, sizeof(text));
	fd = openat(leases_dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	/* Unknown, the search begins at the first address: nothing depends on it. */
	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
}
