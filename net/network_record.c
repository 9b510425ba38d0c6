/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "net/ipam.h"
#include "net/names.h"
#include "net/network_internal.h"

#define RECORDS "networks"

int network_lock(const struct dir *net_dir, struct error *err)
{
	return lock_acquire(net_dir, "lock", LOCK_EXCLUSIVE, err);
}

struct subnet network_subnet(const struct network *network)
{
	return (struct subnet){ network->subnet, network->prefix };
}

void network_record_fini(struct network_record *record)
{
	strv_fini(&record->labels);
	strv_fini(&record->options);
	*record = (struct network_record){ 0 };
}

void network_records_fini(struct network_records *records)
{
	for (size_t i = 0; i < records->n; i++)
		network_record_fini(&records->items[i]);
	free(records->items);
	*records = (struct network_records){ 0 };
}

int network_check_name(const char *name, struct error *err)
{
	if (!is_valid_name(name) || strlen(name) >= NETWORK_NAME_MAX)
		return err_set(err, EINVAL, "'%s' is no name for a network", name);
	return 0;
}

int network_check_gateway(const struct network *network, struct error *err)
{
	const struct subnet subnet = network_subnet(network);
	char gateway[INET_ADDRSTRLEN];
	char text[SUBNET_TEXT_MAX];

	if (ipam_is_usable(&subnet, (struct in_addr){ INADDR_ANY }, network->gateway))
		return 0;
	(void)inet_ntop(AF_INET, &network->gateway, gateway, sizeof(gateway));
	subnet_format(&subnet, text);
	return err_set(err, EINVAL, "gateway '%s' is no address of subnet '%s'", gateway, text);
}

/* ---- options ---- */

static int check_bridge(const char *name, struct error *err)
{
	if (!is_valid_name(name) || strlen(name) >= IFNAMSIZ)
		return err_set(err, EINVAL, "bridge '%s' is no name of an interface", name);
	return 0;
}

static int set_bridge(struct network *network, const char *value, struct error *err)
{
	int rc = check_bridge(value, err);

	if (rc == 0)
		(void)snprintf(network->bridge, sizeof(network->bridge), "%s", value);
	return rc;
}

/* What the kernel takes for a bridge is 68 to 65535; below 576 IPv4 does not work everywhere. */
static int set_mtu(struct network *network, const char *value, struct error *err)
{
	enum { LEAST = 68, MOST = 65535 };
	uint64_t mtu = 0;
	int rc = parse_uint64(value, MOST, &mtu, err);

	if (rc == 0 && mtu != 0 && mtu < LEAST)
		rc = err_set(err, ERANGE, "MTU %s is not from %d to %d", value, LEAST, MOST);
	if (rc == 0)
		network->mtu = (uint32_t)mtu;
	return rc;
}

static int set_isolated(struct network *network, const char *value, struct error *err)
{
	return parse_bool(*value ? value : "true", &network->is_isolated, err);
}

static int set_icc(struct network *network, const char *value, struct error *err)
{
	int rc = set_isolated(network, value, err);

	if (rc == 0)
		network->is_isolated = !network->is_isolated;
	return rc;
}

static const struct {
	const char *name;
	int (*set)(struct network *network, const char *value, struct error *err);
} known_options[] = {
	{ "com.docker.network.driver.mtu", set_mtu },
	{ "com.docker.network.bridge.name", set_bridge },
	{ "com.docker.network.bridge.enable_icc", set_icc },
	{ "isolated", set_isolated },
};

int network_option(struct network_record *record, const char *text, struct error *err)
{
	const char *equals = strchrnul(text, '=');
	auto_free char *name = xstrndup(text, (size_t)(equals - text));
	const char *value = *equals ? equals + 1 : "";

	for (size_t i = 0; i < ARRAY_LEN(known_options); i++) {
		int rc;

		if (strcmp(name, known_options[i].name) != 0)
			continue;
		rc = known_options[i].set(&record->network, value, err);
		if (rc < 0)
			return err_wrap(err, "option '%s'", name);
		strv_setenv(&record->options, name, *equals ? value : "true");
		return 0;
	}
	return err_set(err, EINVAL, "networks have no option '%s'", name);
}

/* ---- one record ---- */

struct raw {
	char *id, *bridge, *subnet, *gateway;
	bool is_internal, is_isolated;
	uint32_t mtu;
	int64_t created;
	struct strv labels, options;
};

static void raw_fini(struct raw *raw)
{
	free(raw->id);
	free(raw->bridge);
	free(raw->subnet);
	free(raw->gateway);
	strv_fini(&raw->labels);
	strv_fini(&raw->options);
}

static int check_raw(const struct raw *raw, const char *name, struct network *ret,
		     struct error *err)
{
	struct network network = {
		.is_internal = raw->is_internal,
		.is_isolated = raw->is_isolated,
		.mtu = raw->mtu,
	};
	struct subnet subnet;
	int rc = subnet_parse(raw->subnet, &subnet, err);

	if (rc < 0)
		return rc;
	if (inet_pton(AF_INET, raw->gateway, &network.gateway) != 1)
		return err_set(err, EINVAL, "gateway '%s' is no address", raw->gateway);
	network.subnet = subnet.address;
	network.prefix = subnet.prefix;
	rc = network_check_gateway(&network, err);
	if (rc == 0)
		rc = set_bridge(&network, raw->bridge, err);
	(void)snprintf(network.name, sizeof(network.name), "%s", name);
	*ret = network;
	return rc;
}

static bool is_id(const char *text)
{
	return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

int network_record_read(const struct dir *net_dir, const char *name, struct network_record *ret,
			struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD(struct raw, id, JSON_FIELD_STRING, "id"),
		JSON_FIELD_NEEDED(struct raw, bridge, JSON_FIELD_STRING, "bridge"),
		JSON_FIELD_NEEDED(struct raw, subnet, JSON_FIELD_STRING, "subnet"),
		JSON_FIELD_NEEDED(struct raw, gateway, JSON_FIELD_STRING, "gateway"),
		JSON_FIELD(struct raw, is_internal, JSON_FIELD_BOOL, "internal"),
		JSON_FIELD(struct raw, is_isolated, JSON_FIELD_BOOL, "isolated"),
		JSON_FIELD(struct raw, mtu, JSON_FIELD_UINT32, "mtu"),
		JSON_FIELD(struct raw, created, JSON_FIELD_INT64, "created"),
		JSON_FIELD(struct raw, labels, JSON_FIELD_STRINGS, "labels"),
		JSON_FIELD(struct raw, options, JSON_FIELD_STRINGS, "options"),
		JSON_FIELDS_END,
	};
	__attribute__((cleanup(raw_fini))) struct raw raw = { 0 };
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *file = xasprintf(RECORDS "/%s.json", name);
	struct network network;
	int rc;

	if (faccessat(net_dir->fd, file, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	rc = json_doc_load(&doc, net_dir->fd, file, err);
	if (rc == 0)
		rc = json_read(&doc, fields, &raw, err);
	if (rc == 0)
		rc = check_raw(&raw, name, &network, err);
	if (rc < 0)
		return err_wrap(err, "read network '%s'", name);
	*ret = (struct network_record){
		.network = network,
		.created_ns = raw.created,
		.labels = raw.labels,
		.options = raw.options,
	};
	raw.labels = raw.options = (struct strv){ 0 };
	if (is_id(raw.id))
		memcpy(ret->id, raw.id, sizeof(ret->id));
	else
		names_network_id(name, ret->id);
	return 1;
}

static int open_records(const struct dir *net_dir, struct error *err)
{
	return dir_make_open_at(net_dir, RECORDS, 0700, err);
}

void network_records_sweep(const struct dir *net_dir)
{
	auto_strv struct strv names = { 0 };
	struct error ignored;

	if (dir_names_at(net_dir, RECORDS, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *file = xasprintf(RECORDS "/%s", names.items[i]);

		if (str_starts(names.items[i], FILE_TEMP_PREFIX))
			(void)unlinkat(net_dir->fd, file, 0);
	}
}

static char *to_text(const struct network_record *record)
{
	const struct network *network = &record->network;
	const struct subnet subnet = network_subnet(network);
	auto_json json_t *object = json_object_new();
	char subnet_text[SUBNET_TEXT_MAX];
	char gateway[INET_ADDRSTRLEN];

	subnet_format(&subnet, subnet_text);
	(void)inet_ntop(AF_INET, &network->gateway, gateway, sizeof(gateway));
	json_put_string(object, "id", record->id);
	json_put_string(object, "bridge", network->bridge);
	json_put_string(object, "subnet", subnet_text);
	json_put_string(object, "gateway", gateway);
	json_put_bool(object, "internal", network->is_internal);
	json_put_bool(object, "isolated", network->is_isolated);
	json_put_int(object, "mtu", network->mtu);
	json_put_int(object, "created", record->created_ns);
	json_put_strings(object, "labels", &record->labels);
	json_put_strings(object, "options", &record->options);
	return json_to_text(object, JSON_INDENT(2));
}

int network_record_write(const struct dir *net_dir, const struct network_record *record,
			 struct error *err)
{
	auto_free char *path = xasprintf("%s/" RECORDS, net_dir->path);
	auto_free char *file = xasprintf("%s.json", record->network.name);
	auto_free char *text = to_text(record);
	auto_fd int fd = open_records(net_dir, err);
	const struct dir records = { .fd = fd, .path = path };

	if (fd < 0)
		return fd;
	return file_replace_at(&records, file, text, strlen(text), 0600, FILE_DURABLE, err);
}

int network_record_remove(const struct dir *net_dir, const char *name, struct error *err)
{
	auto_free char *file = xasprintf(RECORDS "/%s.json", name);

	if (unlinkat(net_dir->fd, file, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove '%s/%s'", net_dir->path, file);
	return 0;
}

/* ---- all of them ---- */

/* One that cannot be read is told and left out. */
static void add_record(const struct dir *net_dir, const char *file, struct network_records *to)
{
	auto_free char *name = xstrndup(file, strlen(file) - strlen(".json"));
	struct network_record record;
	struct error why;
	int rc = network_record_read(net_dir, name, &record, &why);

	if (rc < 0)
		log_warning("%s", why.msg);
	if (rc <= 0)
		return;
	to->items = xrealloc(to->items, to->n + 1, sizeof(*to->items));
	to->items[to->n++] = record;
}

int network_list(const struct dir *net_dir, struct network_records *ret, struct error *err)
{
	auto_strv struct strv names = { 0 };
	auto_fd int fd = open_records(net_dir, err);
	int rc = fd < 0 ? fd : dir_names_at(net_dir, RECORDS, &names, err);

	if (rc < 0)
		return rc;
	*ret = (struct network_records){ 0 };
	for (size_t i = 0; i < names.n; i++) {
		if (names.items[i][0] != '.' && str_ends(names.items[i], ".json"))
			add_record(net_dir, names.items[i], ret);
	}
	return 0;
}

int network_load(const struct dir *net_dir, const char *name, struct network *ret,
		 struct error *err)
{
	auto_network_record struct network_record record = { 0 };
	int rc = network_check_name(name, err);

	if (rc == 0)
		rc = network_record_read(net_dir, name, &record, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ENOENT, "network '%s' does not exist", name);
	*ret = record.network;
	return 0;
}

int network_find(const struct dir *net_dir, const char *text, struct network_record *ret,
		 struct error *err)
{
	auto_network_records struct network_records all = { 0 };
	struct network_record *found = NULL;
	struct error ignored;
	int rc;

	if (network_check_name(text, &ignored) == 0) {
		rc = network_record_read(net_dir, text, ret, err);
		if (rc != 0)
			return rc;
	}
	rc = network_list(net_dir, &all, err);
	for (size_t i = 0; rc == 0 && *text && i < all.n; i++) {
		if (!str_starts(all.items[i].id, text))
			continue;
		if (found)
			return err_set(err, EINVAL,
				       "several networks have ids that begin with '%s'", text);
		found = &all.items[i];
	}
	if (rc < 0 || !found)
		return rc;
	*ret = *found;
	*found = (struct network_record){ 0 };
	return 1;
}
