/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_network.h"
#include "cli/human.h"
#include "cli/output.h"
#include "engine/networks.h"
#include "engine/reconcile.h"
#include "net/ipam.h"
#include "net/names.h"
#include "net/network.h"

/* Those that are there without being made: docker's three. */
static const struct {
	const char *name, *driver;
} predefined[] = { { NETWORK_DEFAULT, "bridge" }, { "host", "host" }, { "none", "null" } };

static const char *driver_of(const struct network_record *record)
{
	for (size_t i = 0; i < ARRAY_LEN(predefined); i++) {
		if (str_eq(record->network.name, predefined[i].name))
			return predefined[i].driver;
	}
	return "bridge";
}

static struct network_record make_predefined(const char *name)
{
	struct network_record record = { 0 };

	(void)snprintf(record.network.name, NETWORK_NAME_MAX, "%s", name);
	names_network_id(name, record.id);
	return record;
}

static int by_name(const void *a, const void *b)
{
	const struct network_record *x = a, *y = b;

	return strcmp(x->network.name, y->network.name);
}

/* All, with the predefined ones, sorted. */
static int list_all(struct network_records *ret, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc;

	if (geteuid() != 0)
		return err_set(err, EPERM, "networks are shown to root only");
	rc = networks_open(&engine_dirs, &networks, err);
	if (rc == 0)
		rc = network_list(&networks.dir, ret, err);
	if (rc < 0)
		return rc;
	ret->items = xrealloc(ret->items, ret->n + ARRAY_LEN(predefined), sizeof(*ret->items));
	for (size_t i = 0; i < ARRAY_LEN(predefined); i++) {
		size_t at = 0;

		while (at < ret->n && !str_eq(ret->items[at].network.name, predefined[i].name))
			at++;
		if (at == ret->n)
			ret->items[ret->n++] = make_predefined(predefined[i].name);
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), by_name);
	return 0;
}

/* ---- ls --------------------------------------------------------------------------------------- */

struct list_options {
	bool is_quiet, is_whole;
	char *format;
	struct strv filters;
};

static const char *const filter_names[] = { "driver=", "id=",   "label=", "name=",
					    "scope=",  "type=", NULL };

static int add_filter(const char *text, void *field, struct error *err)
{
	for (size_t i = 0; filter_names[i]; i++) {
		if (str_starts(text, filter_names[i])) {
			strv_add(field, text);
			return 0;
		}
	}
	return err_set(err, EINVAL,
		       "'%s' is none of driver=, id=, label=, name=, scope=, type=custom|builtin",
		       text);
}

#define LIST(member) OPT_FIELD(struct list_options, member)

static const struct opt list_opts[] = {
	{ "filter", 'f', OPT_PARSE, LIST(filters), "NAME=VALUE",
	  "Show some: by driver, id, label, name, scope, type (custom, builtin)",
	  .parse = add_filter },
	{ "format", 0, OPT_STRING, LIST(format), "FORMAT",
	  "table, json, or a template like {{.Name}}" },
	{ "no-trunc", 0, OPT_FLAG, LIST(is_whole), NULL, "Show ids as a whole" },
	{ "quiet", 'q', OPT_FLAG, LIST(is_quiet), NULL, "Show ids only" },
	OPTS_END,
};

static void list_fini(void *options)
{
	struct list_options *o = options;

	free(o->format);
	strv_fini(&o->filters);
}

struct row {
	char *id, *name, *driver, *scope, *at, *labels, *internal, *ipv6;
};

#define COLUMN(name, heading, member)                                    \
	{                                                                \
		name, heading, COLUMN_TEXT, offsetof(struct row, member) \
	}
#define EXTRA(name, heading, member)                                                       \
	{                                                                                  \
		name, heading, COLUMN_TEXT, offsetof(struct row, member), .is_extra = true \
	}

static const struct column columns[] = {
	COLUMN("ID", "NETWORK ID", id),
	COLUMN("Name", "NAME", name),
	COLUMN("Driver", "DRIVER", driver),
	COLUMN("Scope", "SCOPE", scope),
	EXTRA("CreatedAt", "CREATED AT", at),
	EXTRA("Labels", "LABELS", labels),
	EXTRA("Internal", "INTERNAL", internal),
	EXTRA("IPv6", "IPV6", ipv6),
	{ NULL },
};

static struct row row_of(const struct network_record *record, bool is_whole)
{
	struct str labels = { 0 };

	for (size_t i = 0; i < record->labels.n; i++)
		str_addf(&labels, "%s%s", i ? "," : "", record->labels.items[i]);
	return (struct row){
		.id = xasprintf("%.*s", is_whole ? 64 : 12, record->id),
		.name = xstrdup(record->network.name),
		.driver = xstrdup(driver_of(record)),
		.scope = xstrdup("local"),
		.at = human_time(record->created_ns / 1000000000),
		.labels = str_take(&labels),
		.internal = xstrdup(record->network.is_internal ? "true" : "false"),
		.ipv6 = xstrdup("false"),
	};
}

static void row_fini(struct row *row)
{
	free(row->id);
	free(row->name);
	free(row->driver);
	free(row->scope);
	free(row->at);
	free(row->labels);
	free(row->internal);
	free(row->ipv6);
}

/* "label=NAME" or "label=NAME=VALUE" */
static bool has_label(const struct network_record *record, const char *wanted)
{
	return strchr(wanted, '=') ? strv_has(&record->labels, wanted)
				   : strv_getenv(&record->labels, wanted) != NULL;
}

static bool is_builtin(const struct network_record *record)
{
	for (size_t i = 0; i < ARRAY_LEN(predefined); i++) {
		if (str_eq(record->network.name, predefined[i].name))
			return true;
	}
	return false;
}

static bool matches(const struct network_record *record, const char *filter)
{
	const char *value = strchr(filter, '=') + 1;

	if (str_starts(filter, "driver="))
		return str_eq(driver_of(record), value);
	if (str_starts(filter, "id="))
		return str_starts(record->id, value);
	if (str_starts(filter, "name="))
		return strstr(record->network.name, value) != NULL;
	if (str_starts(filter, "scope="))
		return str_eq(value, "local");
	if (str_starts(filter, "type="))
		return str_eq(value, is_builtin(record) ? "builtin" : "custom");
	return has_label(record, value);
}

/* Of one kind any will do, but for labels; of each kind one has to. */
static bool is_asked_for(const struct network_record *record, const struct strv *filters)
{
	for (size_t kind = 0; filter_names[kind]; kind++) {
		bool has_all = str_eq(filter_names[kind], "label=");
		bool is_given = false, is_matched = has_all;

		for (size_t i = 0; i < filters->n; i++) {
			bool is_match;

			if (!str_starts(filters->items[i], filter_names[kind]))
				continue;
			is_given = true;
			is_match = matches(record, filters->items[i]);
			is_matched = has_all ? is_matched && is_match : is_matched || is_match;
		}
		if (is_given && !is_matched)
			return false;
	}
	return true;
}

static int run_list(void *options, const struct strv *args, struct error *err)
{
	const struct list_options *o = options;
	auto_network_records struct network_records records = { 0 };
	auto_str struct str out = { 0 };
	struct row *rows;
	size_t n = 0;
	int rc = list_all(&records, err);

	(void)args;
	if (rc < 0)
		return rc;
	rows = xcalloc(records.n, sizeof(*rows));
	for (size_t i = 0; i < records.n; i++) {
		if (is_asked_for(&records.items[i], &o->filters))
			rows[n++] = row_of(&records.items[i], o->is_whole);
	}
	rc = output_rows(o->is_quiet ? "{{.ID}}" : o->format, columns, rows, n, sizeof(*rows), &out,
			 err);
	for (size_t i = 0; i < n; i++)
		row_fini(&rows[i]);
	free(rows);
	return rc < 0 ? rc : output_print(&out, err);
}

#define LIST_COMMAND(name_, group_)                                                     \
	{                                                                               \
		.name = (name_), .group = (group_), .summary = "List networks",         \
		.synopsis = "[OPTIONS]", .opts = list_opts,                             \
		.options_size = sizeof(struct list_options), .options_fini = list_fini, \
		.run = run_list                                                         \
	}

const struct command cmd_net_ls = LIST_COMMAND("network ls", "Networks");
const struct command cmd_net_list = LIST_COMMAND("network list", NULL);

/* ---- inspect ---------------------------------------------------------------------------------- */

struct inspect_options {
	char *format;
};

static const struct opt inspect_opts[] = {
	{ "format", 'f', OPT_STRING, OPT_FIELD(struct inspect_options, format), "FORMAT",
	  "json, or a template like {{.Id}}" },
	OPTS_END,
};

static void inspect_fini(void *options)
{
	free(((struct inspect_options *)options)->format);
}

static json_t *pairs_to_json(const struct strv *pairs)
{
	json_t *object = json_object_new();

	for (size_t i = 0; i < pairs->n; i++) {
		const char *equals = strchr(pairs->items[i], '=');
		auto_free char *name =
			xstrndup(pairs->items[i], (size_t)(equals - pairs->items[i]));

		json_put_string(object, name, equals + 1);
	}
	return object;
}

static json_t *ipam_to_json(const struct network *network)
{
	const struct subnet subnet = { network->subnet, network->prefix };
	json_t *ipam = json_object_new();
	json_t *config = json_array_new();

	if (network->prefix) {
		json_t *entry = json_object_new();
		char gateway[INET_ADDRSTRLEN];
		char text[SUBNET_TEXT_MAX];

		subnet_format(&subnet, text);
		(void)inet_ntop(AF_INET, &network->gateway, gateway, sizeof(gateway));
		json_put_string(entry, "Subnet", text);
		json_put_string(entry, "Gateway", gateway);
		json_add(config, entry);
	}
	json_put_string(ipam, "Driver", "default");
	json_put(ipam, "Options", json_object_new());
	json_put(ipam, "Config", config);
	return ipam;
}

static json_t *endpoint_to_json(const struct lease *lease, const struct network *network)
{
	auto_free char *key = xasprintf("%s %s", lease->container_id, network->name);
	json_t *object = json_object_new();
	char address[INET_ADDRSTRLEN];
	auto_free char *cidr = NULL;
	uint8_t mac[6];
	char mac_text[18];
	char id[65];

	names_network_id(key, id);
	names_mac(lease->address, mac);
	(void)snprintf(mac_text, sizeof(mac_text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		       mac[2], mac[3], mac[4], mac[5]);
	(void)inet_ntop(AF_INET, &lease->address, address, sizeof(address));
	cidr = xasprintf("%s/%u", address, network->prefix);
	json_put_string(object, "Name",
			lease->container_name ? lease->container_name : lease->container_id);
	json_put_string(object, "EndpointID", id);
	json_put_string(object, "MacAddress", mac_text);
	json_put_string(object, "IPv4Address", cidr);
	json_put_string(object, "IPv6Address", "");
	return object;
}

static json_t *record_to_json(const struct network_record *record, const struct leases *leases)
{
	json_t *object = json_object_new();
	json_t *containers = json_object_new();
	json_t *from = json_object_new();
	char created[CLOCK_TEXT];

	for (size_t i = 0; i < leases->n; i++)
		json_put(containers, leases->items[i].container_id,
			 endpoint_to_json(&leases->items[i], &record->network));
	clock_format(record->created_ns, created);
	json_put_string(from, "Network", "");
	json_put_string(object, "Name", record->network.name);
	json_put_string(object, "Id", record->id);
	json_put_string(object, "Created", created);
	json_put_string(object, "Scope", "local");
	json_put_string(object, "Driver", driver_of(record));
	json_put_bool(object, "EnableIPv4", true);
	json_put_bool(object, "EnableIPv6", false);
	json_put(object, "IPAM", ipam_to_json(&record->network));
	json_put_bool(object, "Internal", record->network.is_internal);
	json_put_bool(object, "Attachable", false);
	json_put_bool(object, "Ingress", false);
	json_put(object, "ConfigFrom", from);
	json_put_bool(object, "ConfigOnly", false);
	json_put(object, "Containers", containers);
	json_put(object, "Options", pairs_to_json(&record->options));
	json_put(object, "Labels", pairs_to_json(&record->labels));
	return object;
}

/* The record that @text names, or NULL; @ret_is_many: several ids begin so. */
static const struct network_record *find(const struct network_records *all, const char *text,
					 bool *ret_is_many)
{
	const struct network_record *found = NULL;

	for (size_t i = 0; i < all->n; i++) {
		if (str_eq(all->items[i].network.name, text))
			return &all->items[i];
	}
	for (size_t i = 0; *text && i < all->n; i++) {
		if (!str_starts(all->items[i].id, text))
			continue;
		*ret_is_many = found != NULL;
		found = &all->items[i];
	}
	return found;
}

static int inspect(const struct network_records *all, const char *text, json_t **ret,
		   struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	auto_leases struct leases leases = { 0 };
	bool is_many = false;
	const struct network_record *record = find(all, text, &is_many);
	int rc;

	if (is_many)
		return err_set(err, EINVAL, "several networks have ids that begin with '%s'", text);
	if (!record)
		return err_set(err, ENOENT, "network '%s' does not exist", text);
	rc = networks_open(&engine_dirs, &networks, err);
	if (rc == 0)
		rc = network_endpoints(&networks.dir, record->network.name, &leases, err);
	if (rc == 0)
		*ret = record_to_json(record, &leases);
	return rc;
}

/* What is found is printed; each that is not has its line, the last one by main. */
static int run_inspect(void *options, const struct strv *args, struct error *err)
{
	const struct inspect_options *o = options;
	bool is_array = !o->format || str_eq(o->format, "json");
	auto_network_records struct network_records all = { 0 };
	auto_json json_t *array = json_array_new();
	auto_str struct str out = { 0 };
	struct error last = { 0 };
	int rc = list_all(&all, err);

	if (rc == 0 && reconcile_all(&engine_dirs, &last) < 0)
		log_debug("%s", last.msg);
	last = (struct error){ 0 };
	for (size_t i = 0; rc == 0 && i < args->n; i++) {
		struct error failure = { 0 };
		json_t *value = NULL;

		if (inspect(&all, args->items[i], &value, &failure) == 0) {
			json_add(array, value);
			rc = is_array ? 0 : output_value(o->format, value, &out, err);
			continue;
		}
		if (last.code)
			log_error("%s", last.msg);
		last = failure;
	}
	if (rc == 0 && is_array)
		rc = output_value(NULL, array, &out, err);
	if (rc == 0)
		rc = output_print(&out, err);
	if (rc < 0)
		return rc;
	*err = last;
	return -last.code;
}

const struct command cmd_net_inspect = {
	.name = "network inspect",
	.group = "Networks",
	.summary = "Show all that is known of networks",
	.synopsis = "[OPTIONS] NETWORK [NETWORK...]",
	.details = "NETWORK is a name, an id, or the beginning of one.",
	.opts = inspect_opts,
	.options_size = sizeof(struct inspect_options),
	.options_fini = inspect_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_inspect,
};
