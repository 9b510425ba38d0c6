/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/options_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enum.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "engine/options.h"

/* ---- texts that may be any bytes -------------------------------------------------------------- */

#define HEX "hex"

static json_t *bytes_to_json(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	json_t *json = json_string(text);
	auto_str struct str hex = { 0 };

	if (json)
		return json;
	for (; *text; text++)
		str_addf(&hex, "%c%c", digits[(unsigned char)*text >> 4], digits[*text & 15]);
	json = json_object_new();
	json_put_string(json, HEX, hex.text);
	return json;
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The caller's; NULL if @value is no text. */
static char *bytes_of(const json_t *value)
{
	const char *hex = json_string_value(json_object_get(value, HEX));
	char *text;
	size_t n;

	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	if (!hex || strlen(hex) % 2)
		return NULL;
	n = strlen(hex) / 2;
	text = xcalloc(n + 1, 1);
	for (size_t i = 0; i < n; i++) {
		int high = digit_value(hex[2 * i]), low = digit_value(hex[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0) {
			free(text);
			return NULL;
		}
		text[i] = (char)(high << 4 | low);
	}
	return text;
}

static json_t *list_to_json(const struct strv *list)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < list->n; i++)
		json_add(array, bytes_to_json(list->items[i]));
	return array;
}

static int read_list(struct json_reader *reader, const json_t *value, struct strv *ret,
		     struct error *err)
{
	size_t n = json_array_size(value);

	if (!json_is_array(value))
		return json_reader_error(reader, value, err, "expected an array");
	for (size_t i = 0; i < n; i++) {
		char *text = bytes_of(json_array_get(value, i));

		if (!text)
			return json_reader_error(reader, value, err, "[%zu]: expected a text", i);
		strv_take(ret, text);
	}
	return 0;
}

static int read_text(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	char **text = field;

	*text = bytes_of(value);
	return *text ? 0 : json_reader_error(reader, value, err, "expected a text");
}

static int read_texts(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	return read_list(reader, value, field, err);
}

/* ---- plain members ---------------------------------------------------------------------------- */

enum kind { TEXT, LIST, BOOL, INT, INT64, UINT64 };

struct member {
	const char *name;
	enum kind kind;
	size_t offset;
	ptrdiff_t present; /* of the bool that says that it is given; -1: it is if it is not zero */
};

#define MEMBER(member, kind)                                            \
	{                                                               \
#		member, kind, offsetof(struct run_options, member), -1 \
	}
#define GIVEN(member, kind, has)                                     \
	{                                                            \
#		member, kind, offsetof(struct run_options, member), \
			offsetof(struct run_options, has)            \
	}

static const struct member members[] = {
	MEMBER(image, TEXT),
	MEMBER(rootfs, TEXT),
	MEMBER(command, LIST),
	MEMBER(name, TEXT),
	MEMBER(hostname, TEXT),
	MEMBER(env, LIST),
	MEMBER(labels, LIST),
	MEMBER(workdir, TEXT),
	MEMBER(user, TEXT),
	GIVEN(entrypoint, LIST, has_entrypoint),
	MEMBER(is_interactive, BOOL),
	MEMBER(has_tty, BOOL),
	MEMBER(is_removed_at_end, BOOL),
	MEMBER(has_init, BOOL),
	MEMBER(is_read_only, BOOL),
	MEMBER(is_privileged, BOOL),
	MEMBER(stop_signal, TEXT),
	MEMBER(stop_timeout, INT),
	MEMBER(shm_size, UINT64),
	MEMBER(memory, UINT64),
	MEMBER(memory_reservation, UINT64),
	GIVEN(memory_swap, INT64, has_memory_swap),
	MEMBER(cpus_nano, INT64),
	MEMBER(cpu_shares, UINT64),
	MEMBER(cpuset_cpus, TEXT),
	MEMBER(cpuset_mems, TEXT),
	GIVEN(pids_limit, INT64, has_pids_limit),
	GIVEN(oom_score_adj, INT, has_oom_score_adj),
	MEMBER(cap_add, LIST),
	MEMBER(cap_drop, LIST),
	MEMBER(seccomp, TEXT),
	MEMBER(no_new_privileges, BOOL),
	MEMBER(sysctls, LIST),
	MEMBER(project, TEXT),
	MEMBER(service, TEXT),
	MEMBER(allows, LIST),
	MEMBER(has_no_log, BOOL),
	MEMBER(log_max_size, UINT64),
	MEMBER(log_max_files, INT),
	MEMBER(dns, LIST),
	MEMBER(dns_search, LIST),
	MEMBER(dns_options, LIST),
	MEMBER(extra_hosts, LIST),
};

/* NULL: not set. */
static json_t *member_to_json(const struct member *m, const void *field, bool is_given)
{
	switch (m->kind) {
	case TEXT: {
		const char *const *text = field;

		return *text ? bytes_to_json(*text) : NULL;
	}
	case LIST: {
		const struct strv *list = field;

		return is_given || list->n ? list_to_json(list) : NULL;
	}
	case BOOL:
		return *(const bool *)field ? json_true() : NULL;
	case INT:
		return is_given || *(const int *)field ? json_integer(*(const int *)field) : NULL;
	case INT64:
	case UINT64: {
		int64_t number;

		memcpy(&number, field, sizeof(number));
		return is_given || number ? json_integer(number) : NULL;
	}
	}
	return NULL;
}

static int read_number(struct json_reader *reader, const struct member *m, const json_t *value,
		       void *field, struct error *err)
{
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value) || (m->kind == INT && number != (int)number))
		return json_reader_error(reader, value, err, "expected a number");
	if (m->kind == INT)
		*(int *)field = (int)number;
	else
		memcpy(field, &number, sizeof(number));
	return 0;
}

static int read_member(struct json_reader *reader, const struct member *m, const json_t *value,
		       void *field, struct error *err)
{
	switch (m->kind) {
	case TEXT:
		return read_text(reader, value, field, err);
	case LIST:
		return read_list(reader, value, field, err);
	case BOOL:
		*(bool *)field = json_is_true(value);
		return 0;
	case INT:
	case INT64:
	case UINT64:
		return read_number(reader, m, value, field, err);
	}
	return 0;
}

/* ---- mounts, limits, ports -------------------------------------------------------------------- */

static const struct enum_name mount_kinds[] = {
	{ "bind", MOUNT_KIND_BIND },
	{ "volume", MOUNT_KIND_VOLUME },
	{ "tmpfs", MOUNT_KIND_TMPFS },
	{ NULL, 0 },
};

static json_t *mount_to_json(const struct mount_request *m)
{
	json_t *json = json_object_new();

	json_put_string(json, "kind", enum_to_name(mount_kinds, (int)m->kind));
	if (m->source)
		json_put(json, "source", bytes_to_json(m->source));
	json_put(json, "target", bytes_to_json(m->target));
	json_put(json, "options", list_to_json(&m->options));
	json_put_bool(json, "is_source_made", m->is_source_made);
	json_put_bool(json, "is_not_copied", m->is_not_copied);
	return json;
}

static int read_mount_kind(struct json_reader *reader, const json_t *value, void *field,
			   struct error *err)
{
	const char *name = json_string_value(value);
	int kind;

	if (!name || !enum_from_name(mount_kinds, name, &kind))
		return json_reader_error(reader, value, err, "no kind of mount");
	*(enum mount_kind *)field = (enum mount_kind)kind;
	return 0;
}

static const struct json_field mount_fields[] = {
	JSON_FIELD_BY(struct mount_request, kind, "kind", read_mount_kind),
	JSON_FIELD_BY(struct mount_request, source, "source", read_text),
	JSON_FIELD_BY(struct mount_request, target, "target", read_text),
	JSON_FIELD_BY(struct mount_request, options, "options", read_texts),
	JSON_FIELD(struct mount_request, is_source_made, JSON_FIELD_BOOL, "is_source_made"),
	JSON_FIELD(struct mount_request, is_not_copied, JSON_FIELD_BOOL, "is_not_copied"),
	JSON_FIELDS_END,
};

static int read_mounts(struct json_reader *reader, const json_t *value, struct run_options *o,
		       struct error *err)
{
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(*o->mounts), mount_fields, &items,
				 &o->n_mounts, err);

	o->mounts = items;
	for (size_t i = 0; rc == 0 && i < o->n_mounts; i++) {
		if (!o->mounts[i].target)
			return json_reader_error(reader, value, err, "[%zu]: no target", i);
	}
	return rc;
}

static json_t *ulimit_to_json(const struct rlimit_text *limit)
{
	json_t *json = json_object_new();

	json_put_string(json, "name", limit->name);
	json_put_int(json, "soft", (int64_t)limit->soft);
	json_put_int(json, "hard", (int64_t)limit->hard);
	return json;
}

/* "no limit" is all ones, which JSON's numbers carry as -1. */
struct raw_ulimit {
	char *name;
	int64_t soft, hard;
};

static const struct json_field ulimit_fields[] = {
	JSON_FIELD_NEEDED(struct raw_ulimit, name, JSON_FIELD_STRING, "name"),
	JSON_FIELD(struct raw_ulimit, soft, JSON_FIELD_INT64, "soft"),
	JSON_FIELD(struct raw_ulimit, hard, JSON_FIELD_INT64, "hard"),
	JSON_FIELDS_END,
};

static int read_ulimits(struct json_reader *reader, const json_t *value, struct run_options *o,
			struct error *err)
{
	void *items = NULL;
	size_t n = 0;
	int rc = json_read_array(reader, value, sizeof(struct raw_ulimit), ulimit_fields, &items,
				 &n, err);
	struct raw_ulimit *raw = items;

	o->ulimits = xcalloc(n, sizeof(*o->ulimits));
	for (size_t i = 0; i < n; i++) {
		/* The parser knows the names, which are not ours to free. */
		auto_free char *text = xasprintf("%s=0", raw[i].name);

		if (rc == 0)
			rc = parse_ulimit(text, &o->ulimits[i], err);
		o->ulimits[i].soft = (uint64_t)raw[i].soft;
		o->ulimits[i].hard = (uint64_t)raw[i].hard;
		o->n_ulimits += rc == 0;
		free(raw[i].name);
	}
	free(raw);
	return rc;
}

json_t *ports_to_json(const struct port_mapping *ports, size_t n)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < n; i++) {
		const struct port_mapping *port = &ports[i];
		json_t *object = json_object_new();

		json_put_string(object, "hostIp", port->host_ip);
		json_put_int(object, "hostPort", port->host_port);
		json_put_int(object, "containerPort", port->container_port);
		json_put_int(object, "count", port->count);
		json_put_int(object, "protocol", port->protocol);
		json_add(array, object);
	}
	return array;
}

struct raw_port {
	char *host_ip;
	uint32_t host_port, container_port, count, protocol;
};

static const struct json_field port_fields[] = {
	JSON_FIELD(struct raw_port, host_ip, JSON_FIELD_STRING, "hostIp"),
	JSON_FIELD(struct raw_port, host_port, JSON_FIELD_UINT32, "hostPort"),
	JSON_FIELD(struct raw_port, container_port, JSON_FIELD_UINT32, "containerPort"),
	JSON_FIELD(struct raw_port, count, JSON_FIELD_UINT32, "count"),
	JSON_FIELD(struct raw_port, protocol, JSON_FIELD_UINT32, "protocol"),
	JSON_FIELDS_END,
};

int ports_read(struct json_reader *reader, const json_t *value, struct port_mapping **ret,
	       size_t *ret_n, struct error *err)
{
	void *items = NULL;
	size_t n = 0;
	int rc = json_read_array(reader, value, sizeof(struct raw_port), port_fields, &items, &n,
				 err);
	struct raw_port *raw = items;
	struct port_mapping *ports = xcalloc(n, sizeof(*ports));

	for (size_t i = 0; i < n; i++) {
		ports[i].host_port = (uint16_t)raw[i].host_port;
		ports[i].container_port = (uint16_t)raw[i].container_port;
		ports[i].count = (uint16_t)raw[i].count;
		ports[i].protocol = (uint8_t)raw[i].protocol;
		(void)snprintf(ports[i].host_ip, sizeof(ports[i].host_ip), "%s",
			       raw[i].host_ip ? raw[i].host_ip : "");
		free(raw[i].host_ip);
	}
	free(raw);
	*ret = ports;
	*ret_n = n;
	return rc;
}

static json_t *networks_to_json(const struct run_options *o)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < o->n_networks; i++) {
		const struct network_request *request = &o->networks[i];
		json_t *json = json_object_new();

		json_put_string(json, "name", request->name);
		json_put_strings(json, "aliases", &request->aliases);
		json_put_string(json, "address", request->address);
		json_add(array, json);
	}
	return array;
}

static const struct json_field network_fields[] = {
	JSON_FIELD_NEEDED(struct network_request, name, JSON_FIELD_STRING, "name"),
	JSON_FIELD(struct network_request, aliases, JSON_FIELD_STRINGS, "aliases"),
	JSON_FIELD(struct network_request, address, JSON_FIELD_STRING, "address"),
	JSON_FIELDS_END,
};

static int read_networks(struct json_reader *reader, const json_t *value, struct run_options *o,
			 struct error *err)
{
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(*o->networks), network_fields, &items,
				 &o->n_networks, err);

	o->networks = items;
	return rc;
}

/* ---- restart, health -------------------------------------------------------------------------- */

static json_t *restart_to_json(const struct restart_config *config)
{
	char text[RESTART_TEXT];

	restart_format(config, text);
	return json_string(text);
}

static int read_restart(struct json_reader *reader, const json_t *value, struct run_options *o,
			struct error *err)
{
	if (!json_is_string(value))
		return json_reader_error(reader, value, err, "expected a text");
	return restart_parse(json_string_value(value), &o->restart, err);
}

static json_t *health_to_json_config(const struct health_config *h)
{
	json_t *json = json_object_new();
	auto_strv struct strv test = { 0 };

	health_test_format(&h->test, &test);
	json_put(json, "test", list_to_json(&test));
	json_put_int(json, "interval", h->interval_ns);
	json_put_int(json, "timeout", h->timeout_ns);
	json_put_int(json, "startPeriod", h->start_period_ns);
	json_put_int(json, "startInterval", h->start_interval_ns);
	json_put_int(json, "retries", h->retries);
	json_put_bool(json, "hasDockerClock", h->has_docker_clock);
	json_put_string(json, "action", enum_to_name(health_actions, (int)h->action));
	return json;
}

static int read_test(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	auto_strv struct strv list = { 0 };
	int rc = read_list(reader, value, &list, err);

	return rc < 0 ? rc : health_test_parse(&list, field, err);
}

static int read_action(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	const char *name = json_string_value(value);
	int action;

	if (!name || !enum_from_name(health_actions, name, &action))
		return json_reader_error(reader, value, err, "no action");
	*(enum health_action *)field = (enum health_action)action;
	return 0;
}

#define HEALTH(member, type, name) JSON_FIELD(struct health_config, member, JSON_FIELD_##type, name)

static const struct json_field health_fields[] = {
	JSON_FIELD_BY(struct health_config, test, "test", read_test),
	HEALTH(interval_ns, INT64, "interval"),
	HEALTH(timeout_ns, INT64, "timeout"),
	HEALTH(start_period_ns, INT64, "startPeriod"),
	HEALTH(start_interval_ns, INT64, "startInterval"),
	HEALTH(retries, INT, "retries"),
	HEALTH(has_docker_clock, BOOL, "hasDockerClock"),
	JSON_FIELD_BY(struct health_config, action, "action", read_action),
	JSON_FIELDS_END,
};

/* ---- the whole -------------------------------------------------------------------------------- */

static json_t *mounts_to_json(const struct run_options *o)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < o->n_mounts; i++)
		json_add(array, mount_to_json(&o->mounts[i]));
	return array;
}

static json_t *ulimits_to_json(const struct run_options *o)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < o->n_ulimits; i++)
		json_add(array, ulimit_to_json(&o->ulimits[i]));
	return array;
}

json_t *run_options_to_json(const struct run_options *o)
{
	json_t *json = json_object_new();

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct member *m = &members[i];
		bool is_given = m->present >= 0 && *((const bool *)((const char *)o + m->present));
		json_t *value = member_to_json(m, (const char *)o + m->offset, is_given);

		if (value)
			json_put(json, m->name, value);
	}
	if (o->n_mounts)
		json_put(json, "mounts", mounts_to_json(o));
	if (o->n_ulimits)
		json_put(json, "ulimits", ulimits_to_json(o));
	if (o->n_ports)
		json_put(json, "ports", ports_to_json(o->ports, o->n_ports));
	if (o->n_networks)
		json_put(json, "networks", networks_to_json(o));
	if (o->restart.policy != RESTART_NO)
		json_put(json, "restart", restart_to_json(&o->restart));
	if (health_config_is_set(&o->health))
		json_put(json, "health", health_to_json_config(&o->health));
	return json;
}

static int read_plain(struct json_reader *reader, const json_t *value, struct run_options *o,
		      struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct member *m = &members[i];
		const json_t *member = json_object_get(value, m->name);
		int rc;

		if (!member)
			continue;
		if (m->present >= 0)
			*((bool *)((char *)o + m->present)) = true;
		rc = read_member(reader, m, member, (char *)o + m->offset, err);
		if (rc < 0)
			return err_wrap(err, "'%s'", m->name);
	}
	return 0;
}

int run_options_read(struct json_reader *reader, const json_t *value, void *options,
		     struct error *err)
{
	struct run_options *o = options;
	const json_t *mounts = json_object_get(value, "mounts");
	const json_t *ulimits = json_object_get(value, "ulimits");
	const json_t *ports = json_object_get(value, "ports");
	const json_t *networks = json_object_get(value, "networks");
	const json_t *restart = json_object_get(value, "restart");
	const json_t *health = json_object_get(value, "health");
	int rc = read_plain(reader, value, o, err);

	if (rc == 0 && mounts)
		rc = read_mounts(reader, mounts, o, err);
	if (rc == 0 && ulimits)
		rc = read_ulimits(reader, ulimits, o, err);
	if (rc == 0 && ports)
		rc = ports_read(reader, ports, &o->ports, &o->n_ports, err);
	if (rc == 0 && networks)
		rc = read_networks(reader, networks, o, err);
	if (rc == 0 && restart)
		rc = read_restart(reader, restart, o, err);
	if (rc == 0 && health)
		rc = json_read_object(reader, health, ".health", health_fields, &o->health, err);
	return rc;
}
