/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inspect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/bundle.h"
#include "engine/inspect_internal.h"
#include "engine/list.h"
#include "engine/logs.h"
#include "engine/run.h"
#include "image/image.h"
#include "net/ipam.h"
#include "net/names.h"
#include "net/network.h"

/* Go's zero time. */
#define NEVER "0001-01-01T00:00:00Z"

static void put_time(json_t *object, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT] = NEVER;

	if (ns)
		clock_format(ns, text);
	json_put_string(object, key, text);
}

/* ---- ports ------------------------------------------------------------------------------------ */

void inspect_port_key(const struct port_mapping *port, unsigned int i, char ret[32])
{
	(void)snprintf(ret, 32, "%u/%s", port->container_port + i, port_protocol(port->protocol));
}

static json_t *host_end(const struct port_mapping *port, unsigned int i, const char *all)
{
	json_t *end = json_object_new();
	char number[16] = "";

	/* One that the host chooses. */
	if (port->host_port)
		(void)snprintf(number, sizeof(number), "%u", port->host_port + i);
	json_put_string(end, "HostIp", *port->host_ip ? port->host_ip : all);
	json_put_string(end, "HostPort", number);
	return end;
}

void inspect_add_ports(const struct port_mapping *port, const char *all, json_t *ports)
{
	for (unsigned int i = 0; i < port->count; i++) {
		char key[32];

		inspect_port_key(port, i, key);
		if (!json_is_array(json_object_get(ports, key)))
			json_put(ports, key, json_array_new());
		json_add(json_object_get(ports, key), host_end(port, i, all));
	}
}

/* ---- parts ------------------------------------------------------------------------------------ */

static json_t *state_of(const struct inspect_input *in)
{
	const struct list_entry *entry = in->entry;
	const struct record *record = &entry->record;
	bool is_restarting = entry->status == LIST_RESTARTING;
	json_t *state = json_object_new();

	json_put_string(state, "Status", list_status_name(entry->status));
	json_put_bool(state, "Running", entry->pid || is_restarting);
	json_put_bool(state, "Paused", entry->status == LIST_PAUSED);
	json_put_bool(state, "Restarting", is_restarting);
	json_put_bool(state, "OOMKilled", record->is_oom_killed);
	json_put_bool(state, "Dead", false);
	json_put_int(state, "Pid", entry->pid);
	json_put_int(state, "ExitCode", record->exit_code);
	inspect_put_text(state, "Error", record->failure);
	put_time(state, "StartedAt", entry->pid ? entry->started_ns : record->started_ns);
	put_time(state, "FinishedAt", record->ended_ns);
	if (in->health)
		json_put(state, "Health", json_incref((json_t *)(uintptr_t)in->health));
	return state;
}

static json_t *graph_driver(const struct inspect_input *in)
{
	const struct strv *layers = &in->entry->record.layers;
	auto_free char *merged = path_join(in->place, "rootfs");
	auto_free char *upper = path_join(in->place, "upper");
	auto_free char *work = path_join(in->place, "work");
	auto_str struct str lower = { 0 };
	json_t *driver = json_object_new();
	json_t *data = json_object_new();

	/* The topmost first, as overlayfs has it. */
	for (size_t i = layers->n; i > 0; i--)
		str_addf(&lower, "%s%s/%s", lower.len ? ":" : "", in->layers, layers->items[i - 1]);
	if (lower.len) {
		json_put_string(data, "LowerDir", lower.text);
		json_put_string(data, "MergedDir", merged);
		json_put_string(data, "UpperDir", upper);
		json_put_string(data, "WorkDir", work);
	}
	json_put_string(driver, "Name", lower.len ? "overlay2" : "rootfs");
	json_put(driver, "Data", data);
	return driver;
}

static json_t *mount_of(const struct inspect_input *in, const struct bundle_mount *mount)
{
	auto_free char *own = path_join(in->place, "volumes");
	bool is_own = mount->source && path_is_below(mount->source, own);
	bool is_volume = is_own || (mount->source && path_is_below(mount->source, in->volumes));
	json_t *json = json_object_new();

	json_put_string(json, "Type", is_volume ? "volume" : mount->source ? "bind" : "tmpfs");
	if (is_volume) {
		json_put_string(json, "Name", path_base(mount->source));
		json_put_string(json, "Driver", "local");
	}
	inspect_put_text(json, "Source", mount->source);
	json_put_string(json, "Destination", mount->target);
	json_put_string(json, "Mode", strv_has(&mount->options, "ro") ? "ro" : "");
	json_put_bool(json, "RW", !strv_has(&mount->options, "ro"));
	json_put_string(json, "Propagation", is_volume || !mount->source ? "" : "rprivate");
	return json;
}

static json_t *mounts_of(const struct inspect_input *in)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < in->mounts->n; i++)
		json_add(array, mount_of(in, &in->mounts->items[i]));
	return array;
}

/* What was asked for of a network, or NULL. */
static const struct network_request *request_of(const struct run_options *o, const char *network)
{
	for (size_t i = 0; i < o->n_networks; i++) {
		if (str_eq(o->networks[i].name, network))
			return &o->networks[i];
	}
	return NULL;
}

static json_t *endpoint_of(const struct inspect_endpoint *endpoint, const struct run_options *o)
{
	const struct network_request *request = request_of(o, endpoint->network);
	bool has_aliases = request && request->aliases.n;
	json_t *json = json_object_new();
	json_t *config = json_null();

	if (request && request->address) {
		config = json_object_new();
		json_put_string(config, "IPv4Address", request->address);
	}
	json_put(json, "IPAMConfig", config);
	json_put(json, "Links", json_null());
	json_put(json, "Aliases",
		 has_aliases ? json_from_strings(request->aliases.items) : json_null());
	json_put_string(json, "MacAddress", endpoint->mac);
	json_put_string(json, "NetworkID", endpoint->network);
	json_put_string(json, "Gateway", endpoint->gateway);
	json_put_string(json, "IPAddress", endpoint->address);
	json_put_int(json, "IPPrefixLen", endpoint->prefix);
	json_put_string(json, "IPv6Gateway", "");
	json_put_string(json, "GlobalIPv6Address", "");
	json_put_int(json, "GlobalIPv6PrefixLen", 0);
	return json;
}

/* Published ports, and those that the image exposes: null as long as nothing leads there. */
static json_t *ports_of(const struct inspect_input *in)
{
	const struct record *record = &in->entry->record;
	json_t *ports = json_object_new();

	if (!in->entry->pid)
		return ports;
	for (size_t i = 0; in->image && i < in->image->exposed_ports.n; i++) {
		auto_free char *key = str_escape(in->image->exposed_ports.items[i]);

		json_put(ports, key, json_null());
	}
	for (size_t i = 0; i < record->n_ports; i++)
		inspect_add_ports(&record->ports[i], "0.0.0.0", ports);
	return ports;
}

static json_t *network_settings(const struct inspect_input *in)
{
	static const struct inspect_endpoint none = { "", "", "", "", 0 };
	const struct inspect_endpoint *first = in->n_endpoints ? in->endpoints : &none;
	auto_free char *key =
		in->entry->pid ? xasprintf("/proc/%d/ns/net", in->entry->pid) : xstrdup("");
	json_t *settings = json_object_new();
	json_t *networks = json_object_new();

	json_put_string(settings, "SandboxKey", key);
	json_put(settings, "Ports", ports_of(in));
	/* docker had these before there were several networks, and scripts have them still. */
	json_put_string(settings, "Gateway", first->gateway);
	json_put_string(settings, "IPAddress", first->address);
	json_put_int(settings, "IPPrefixLen", first->prefix);
	json_put_string(settings, "MacAddress", first->mac);
	for (size_t i = 0; i < in->n_endpoints; i++)
		json_put(networks, in->endpoints[i].network,
			 endpoint_of(&in->endpoints[i], &in->entry->record.options));
	json_put(settings, "Networks", networks);
	return settings;
}

json_t *inspect_container_json(const struct inspect_input *in)
{
	const struct record *record = &in->entry->record;
	const struct strv *command = &record->command;
	auto_free char *name = xasprintf("/%s", record->name);
	auto_free char *log = path_join(in->place, LOG_FILE);
	json_t *json = json_object_new();

	json_put_string(json, "Id", record->id);
	put_time(json, "Created", record->created_ns);
	inspect_put_text(json, "Path", command->n ? command->items[0] : NULL);
	json_put(json, "Args", json_from_strings(strv_items(command) + (command->n ? 1 : 0)));
	json_put(json, "State", state_of(in));
	inspect_put_text(json, "Image", record->image_id);
	json_put_string(json, "LogPath", record->options.has_no_log ? "" : log);
	json_put_string(json, "Name", name);
	json_put_int(json, "RestartCount", record->restart_count);
	json_put_string(json, "Driver", "overlay2");
	json_put_string(json, "Platform", "linux");
	json_put_string(json, "MountLabel", "");
	json_put_string(json, "ProcessLabel", "");
	json_put_string(json, "AppArmorProfile", "");
	json_put(json, "ExecIDs", json_null());
	json_put(json, "HostConfig", inspect_host_config(in));
	json_put(json, "GraphDriver", graph_driver(in));
	json_put(json, "Mounts", mounts_of(in));
	json_put(json, "Config", inspect_config(in));
	json_put(json, "NetworkSettings", network_settings(in));
	return json;
}

/* ---- looking ---------------------------------------------------------------------------------- */

/* One of each network that the container is in; what the members point to is in @texts. */
struct endpoints {
	struct inspect_endpoint *items;
	struct texts {
		char network[64], address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], mac[18];
	} * texts;
	size_t n;
};

static void endpoints_fini(struct endpoints *endpoints)
{
	free(endpoints->items);
	free(endpoints->texts);
}

static void fill_texts(const struct dir *networks, const struct lease *lease, struct texts *text,
		       unsigned int *ret_prefix)
{
	struct network network;
	struct error ignored;
	uint8_t mac[6];

	names_mac(lease->address, mac);
	(void)snprintf(text->mac, sizeof(text->mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		       mac[1], mac[2], mac[3], mac[4], mac[5]);
	(void)snprintf(text->network, sizeof(text->network), "%s", lease->network);
	(void)inet_ntop(AF_INET, &lease->address, text->address, sizeof(text->address));
	if (network_load(networks, lease->network, &network, &ignored) < 0)
		return;
	(void)inet_ntop(AF_INET, &network.gateway, text->gateway, sizeof(text->gateway));
	*ret_prefix = network.prefix;
}

static void add_endpoint(struct endpoints *endpoints, const struct texts *text, unsigned int prefix)
{
	size_t n = endpoints->n++;

	endpoints->items = xrealloc(endpoints->items, n + 1, sizeof(*endpoints->items));
	endpoints->texts = xrealloc(endpoints->texts, n + 1, sizeof(*endpoints->texts));
	endpoints->texts[n] = *text;
	endpoints->items[n].prefix = prefix;
	for (size_t i = 0; i <= n; i++) {
		struct inspect_endpoint *item = &endpoints->items[i];

		item->network = endpoints->texts[i].network;
		item->address = endpoints->texts[i].address;
		item->gateway = endpoints->texts[i].gateway;
		item->mac = endpoints->texts[i].mac;
	}
}

static bool find_lease(const struct strv *names, const char *network, const char *id,
		       struct lease *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		if (lease_from_file_name(names->items[i], ret) &&
		    strcmp(ret->network, network) == 0 && strcmp(ret->container_id, id) == 0)
			return true;
	}
	return false;
}

/*
 * By the leases: they are there before the container is, and go with it.  Without one it belongs to
 * its network all the same.
 */
static void find_endpoints(const struct engine_dirs *dirs, const struct record *record,
			   struct endpoints *ret)
{
	auto_free char *path = path_join(dirs->data, "networks");
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dir networks = { .fd = fd, .path = path };
	auto_strv struct strv names = { 0 };
	struct error ignored;

	if (fd >= 0)
		(void)dir_names_at(&networks, "leases", &names, &ignored);
	for (size_t i = 0; i < record->networks.n; i++) {
		const char *network = record->networks.items[i];
		struct texts found = { "" };
		unsigned int prefix = 0;
		struct lease lease;

		(void)snprintf(found.network, sizeof(found.network), "%s", network);
		if (find_lease(&names, network, record->id, &lease))
			fill_texts(&networks, &lease, &found, &prefix);
		add_endpoint(ret, &found, prefix);
	}
}

static void look_at(const struct engine_dirs *dirs, const struct list_entry *entry,
		    const struct run *run, json_t **ret)
{
	const struct record *record = &entry->record;
	const struct image *image = run->image.id[0] ? &run->image : NULL;
	auto_free char *volumes = path_join(dirs->data, "volumes");
	auto_free char *layers = path_join(dirs->data, "images/layers");
	const struct bundle_input bundle = {
		.options = &record->options,
		.image = image,
		.name = record->name,
		.place = run->place.path,
		.volumes = volumes,
	};
	struct bundle_mounts mounts;
	struct endpoints endpoints = { 0 };
	struct inspect_input in = {
		.entry = entry,
		.image = image,
		.mounts = &mounts,
		.place = run->place.path,
		.volumes = volumes,
		.layers = layers,
		.hostname = run->hostname,
		.health = entry->health,
	};

	bundle_mounts_resolve(&bundle, &mounts);
	find_endpoints(dirs, record, &endpoints);
	in.endpoints = endpoints.items;
	in.n_endpoints = endpoints.n;
	*ret = inspect_container_json(&in);
	endpoints_fini(&endpoints);
	bundle_mounts_fini(&mounts);
}

int inspect_container(const struct engine_dirs *dirs, const char *text, json_t **ret,
		      struct error *err)
{
	auto_list_entry struct list_entry entry = { 0 };
	struct run run = { .dirs = dirs, .place.dir.fd = -1 };
	struct error missing;
	int rc = list_find(dirs, text, &entry, err);

	if (rc < 0)
		return rc;
	rc = record_open(dirs, entry.record.name, &run.place, err);
	if (rc == 0)
		rc = record_read(&run.place, &run.record, err);
	/* Of an image that is gone or broken all is shown that is known without it. */
	if (rc == 0 && run_look(&run, &missing) < 0)
		log_debug("%s", missing.msg);
	if (rc == 0)
		look_at(dirs, &entry, &run, ret);
	run_fini(&run);
	return rc;
}
