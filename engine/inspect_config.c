/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/inspect.h"
#include "engine/inspect_internal.h"
#include "engine/list.h"
#include "engine/logs.h"
#include "image/image.h"
#include "net/ipam.h"
#include "runtime/spec.h"

void inspect_put_text(json_t *object, const char *key, const char *text)
{
	json_put_string(object, key, text ? text : "");
}

/* docker has null for what was not given. */
static void put_list(json_t *object, const char *key, const struct strv *list)
{
	json_put(object, key, list && list->n ? json_from_strings(list->items) : json_null());
}

/* ["a=b"] -> {"a": "b"} */
static json_t *pairs(const struct strv *list)
{
	json_t *object = json_object_new();

	for (size_t i = 0; i < list->n; i++) {
		const char *equals = strchrnul(list->items[i], '=');
		auto_free char *name = xstrndup(list->items[i], (size_t)(equals - list->items[i]));
		auto_free char *key = str_escape(name);

		json_put_string(object, key, *equals ? equals + 1 : "");
	}
	return object;
}

/* ["/data"] -> {"/data": {}} */
static json_t *keys(const struct strv *list)
{
	json_t *object = json_object_new();

	for (size_t i = 0; i < list->n; i++) {
		auto_free char *key = str_escape(list->items[i]);

		json_put(object, key, json_object_new());
	}
	return object;
}

/* ---- Config ----------------------------------------------------------------------------------- */

/* The image's variables as the user changed them; what every container gets is not among them. */
static json_t *env_of(const struct run_options *o, const struct image *image)
{
	auto_strv struct strv env = { 0 };

	if (image)
		strv_copy(&env, &image->env);
	for (size_t i = 0; i < o->env.n; i++) {
		const char *equals = strchrnul(o->env.items[i], '=');
		auto_free char *name =
			xstrndup(o->env.items[i], (size_t)(equals - o->env.items[i]));

		if (*equals)
			strv_setenv(&env, name, equals + 1);
	}
	return json_from_strings(strv_items(&env));
}

/* The image's command belongs to the image's entry point (engine/bundle.h). */
static void put_command(const struct run_options *o, const struct image *image, json_t *config)
{
	const struct strv *entrypoint = image ? &image->entrypoint : NULL;
	const struct strv *command = image ? &image->cmd : NULL;

	if (o->has_entrypoint) {
		entrypoint = &o->entrypoint;
		command = NULL;
	}
	put_list(config, "Cmd", o->command.n ? &o->command : command);
	put_list(config, "Entrypoint", entrypoint);
}

static json_t *exposed(const struct record *record, const struct image *image)
{
	json_t *ports = image ? keys(&image->exposed_ports) : json_object_new();

	for (size_t i = 0; i < record->n_ports; i++) {
		for (unsigned int j = 0; j < record->ports[i].count; j++) {
			char key[32];

			inspect_port_key(&record->ports[i], j, key);
			json_put(ports, key, json_object_new());
		}
	}
	return ports;
}

/* What the user said of health counts more than the image, one by one. */
static json_t *health_check(const struct health_config *own, const struct image_healthcheck *image)
{
	auto_strv struct strv test = { 0 };
	json_t *check = json_object_new();

	health_test_format(&own->test, &test);
	if (!test.n && image)
		strv_copy(&test, &image->test);
	put_list(check, "Test", &test);
#define PICK(member) (own->member ? own->member : image ? image->member : 0)
	json_put_int(check, "Interval", PICK(interval_ns));
	json_put_int(check, "Timeout", PICK(timeout_ns));
	json_put_int(check, "StartPeriod", PICK(start_period_ns));
	json_put_int(check, "StartInterval", PICK(start_interval_ns));
	json_put_int(check, "Retries", PICK(retries));
#undef PICK
	return check;
}

static void put_health_check(const struct run_options *o, const struct image *image, json_t *config)
{
	const struct image_healthcheck *other = image ? &image->healthcheck : NULL;

	if (health_config_is_set(&o->health) || (other && other->test.n))
		json_put(config, "Healthcheck", health_check(&o->health, other));
}

json_t *inspect_config(const struct inspect_input *in)
{
	const struct record *record = &in->entry->record;
	const struct run_options *o = &record->options;
	const struct image *image = in->image;
	const char *user = o->user ? o->user : image ? image->user : NULL;
	const char *workdir = o->workdir ? o->workdir : image ? image->working_dir : NULL;
	json_t *config = json_object_new();

	inspect_put_text(config, "Hostname", in->hostname);
	inspect_put_text(config, "Domainname", "");
	inspect_put_text(config, "User", user);
	json_put_bool(config, "AttachStdin", o->is_interactive);
	json_put_bool(config, "AttachStdout", true);
	json_put_bool(config, "AttachStderr", true);
	json_put(config, "ExposedPorts", exposed(record, image));
	json_put_bool(config, "Tty", o->has_tty);
	json_put_bool(config, "OpenStdin", o->is_interactive);
	json_put_bool(config, "StdinOnce", false);
	json_put(config, "Env", env_of(o, image));
	put_command(o, image, config);
	put_health_check(o, image, config);
	inspect_put_text(config, "Image", record->image);
	json_put(config, "Volumes",
		 image && image->volumes.n ? keys(&image->volumes) : json_null());
	inspect_put_text(config, "WorkingDir", workdir);
	json_put(config, "OnBuild", json_null());
	json_put(config, "Labels", pairs(&record->labels));
	inspect_put_text(config, "StopSignal", record->stop_signal);
	json_put_int(config, "StopTimeout", record->stop_timeout);
	return config;
}

/* ---- HostConfig ------------------------------------------------------------------------------- */

static bool is_read_only(const struct mount_request *mount)
{
	return strv_has(&mount->options, "ro");
}

/* -v makes a source that is missing, --mount does not; of volumes nobody knows who asked for them. */
static bool is_from_volume_option(const struct mount_request *mount)
{
	return mount->source && (mount->is_source_made || mount->kind == MOUNT_KIND_VOLUME);
}

static json_t *binds(const struct run_options *o)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < o->n_mounts; i++) {
		const struct mount_request *m = &o->mounts[i];
		auto_free char *text = NULL;

		if (!is_from_volume_option(m))
			continue;
		text = xasprintf("%s:%s%s", m->source, m->target, is_read_only(m) ? ":ro" : "");
		json_add(array, json_text(text));
	}
	return array;
}

static json_t *mounts_asked_for(const struct run_options *o)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < o->n_mounts; i++) {
		const struct mount_request *m = &o->mounts[i];
		json_t *mount;

		if (is_from_volume_option(m) || m->kind == MOUNT_KIND_TMPFS)
			continue;
		mount = json_object_new();
		json_put_string(mount, "Type", m->kind == MOUNT_KIND_BIND ? "bind" : "volume");
		json_put_string(mount, "Source", m->source);
		json_put_string(mount, "Target", m->target);
		if (is_read_only(m))
			json_put_bool(mount, "ReadOnly", true);
		json_add(array, mount);
	}
	return array;
}

/* {"/scratch": "size=1m"} */
static json_t *tmpfs_mounts(const struct run_options *o)
{
	json_t *object = json_object_new();

	for (size_t i = 0; i < o->n_mounts; i++) {
		const struct mount_request *m = &o->mounts[i];
		auto_free char *key = str_escape(m->target);
		auto_str struct str options = { 0 };

		if (m->kind != MOUNT_KIND_TMPFS)
			continue;
		for (size_t j = 0; j < m->options.n; j++)
			str_addf(&options, "%s%s", j ? "," : "", m->options.items[j]);
		json_put_string(object, key, options.text ? options.text : "");
	}
	return object;
}

static json_t *port_bindings(const struct run_options *o)
{
	json_t *bindings = json_object_new();

	for (size_t i = 0; i < o->n_ports; i++)
		inspect_add_ports(&o->ports[i], "", bindings);
	return bindings;
}

static json_t *restart_policy(const struct restart_config *config)
{
	json_t *policy = json_object_new();
	char text[RESTART_TEXT];

	restart_format(config, text);
	text[strcspn(text, ":")] = '\0';
	json_put_string(policy, "Name", text);
	json_put_int(policy, "MaximumRetryCount", config->max_retries);
	return policy;
}

static json_t *log_config(const struct run_options *o)
{
	uint64_t max_size = o->log_max_size ? o->log_max_size : log_limits_default.max_size;
	int max_files = o->log_max_files ? o->log_max_files : log_limits_default.max_files;
	auto_free char *size = xasprintf("%" PRIu64, max_size);
	auto_free char *files = xasprintf("%d", max_files);
	json_t *log = json_object_new();
	json_t *config = json_object_new();

	if (!o->has_no_log) {
		json_put_string(config, "max-size", size);
		json_put_string(config, "max-file", files);
	}
	json_put_string(log, "Type", o->has_no_log ? "none" : "json-file");
	json_put(log, "Config", config);
	return log;
}

/* "RLIMIT_NOFILE" -> "nofile"; no limit is -1. */
static json_t *ulimits(const struct run_options *o)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < o->n_ulimits; i++) {
		const struct rlimit_text *limit = &o->ulimits[i];
		json_t *object = json_object_new();
		char name[32];

		(void)snprintf(name, sizeof(name), "%s", limit->name + strlen("RLIMIT_"));
		for (char *c = name; *c; c++)
			*c = (char)(*c | 0x20);
		json_put_string(object, "Name", name);
		json_put_int(object, "Hard", (int64_t)limit->hard);
		json_put_int(object, "Soft", (int64_t)limit->soft);
		json_add(array, object);
	}
	return array;
}

static json_t *security(const struct run_options *o)
{
	json_t *array;

	if (!o->seccomp && !o->no_new_privileges)
		return json_null();
	array = json_array_new();
	if (o->seccomp) {
		auto_free char *text = xasprintf("seccomp=%s", o->seccomp);

		json_add(array, json_text(text));
	}
	if (o->no_new_privileges)
		json_add(array, json_text("no-new-privileges"));
	return array;
}

static json_t *fixed_paths(const char *const *paths, bool is_privileged)
{
	json_t *array;

	if (is_privileged)
		return json_null();
	array = json_array_new();
	for (; *paths; paths++)
		json_add(array, json_text(*paths));
	return array;
}

#define SHM_SIZE (64 << 20) /* docker's default */

static void put_limits(const struct run_options *o, json_t *host)
{
	/* docker: as much swap as memory (engine/bundle.c). */
	int64_t swap =
		o->has_memory_swap && o->memory_swap ? o->memory_swap : 2 * (int64_t)o->memory;

	json_put_int(host, "ShmSize", o->shm_size ? (int64_t)o->shm_size : SHM_SIZE);
	json_put_int(host, "CpuShares", (int64_t)o->cpu_shares);
	json_put_int(host, "Memory", (int64_t)o->memory);
	json_put_int(host, "NanoCpus", o->cpus_nano);
	json_put_string(host, "CgroupParent", "/minictr");
	json_put_int(host, "CpuPeriod", 0);
	json_put_int(host, "CpuQuota", 0);
	inspect_put_text(host, "CpusetCpus", o->cpuset_cpus);
	inspect_put_text(host, "CpusetMems", o->cpuset_mems);
	json_put_int(host, "MemoryReservation", (int64_t)o->memory_reservation);
	json_put_int(host, "MemorySwap", swap);
	json_put(host, "PidsLimit", o->has_pids_limit ? json_integer(o->pids_limit) : json_null());
	json_put(host, "Ulimits", ulimits(o));
	json_put_int(host, "OomScoreAdj", o->oom_score_adj);
}

json_t *inspect_host_config(const struct inspect_input *in)
{
	const struct record *record = &in->entry->record;
	const struct run_options *o = &record->options;
	json_t *host = json_object_new();

	json_put(host, "Binds", binds(o));
	json_put(host, "LogConfig", log_config(o));
	inspect_put_text(host, "NetworkMode",
			 record->networks.n ? record->networks.items[0] : NULL);
	json_put(host, "PortBindings", port_bindings(o));
	json_put(host, "RestartPolicy", restart_policy(&o->restart));
	json_put_bool(host, "AutoRemove", record->is_removed_at_end);
	put_list(host, "CapAdd", &o->cap_add);
	put_list(host, "CapDrop", &o->cap_drop);
	json_put_string(host, "CgroupnsMode", "private");
	put_list(host, "Dns", &o->dns);
	put_list(host, "DnsOptions", &o->dns_options);
	put_list(host, "DnsSearch", &o->dns_search);
	put_list(host, "ExtraHosts", &o->extra_hosts);
	json_put_string(host, "IpcMode", "private");
	json_put_string(host, "PidMode", "");
	json_put_string(host, "UTSMode", "");
	json_put_string(host, "UsernsMode", "");
	json_put_bool(host, "Privileged", o->is_privileged);
	json_put_bool(host, "PublishAllPorts", false);
	json_put_bool(host, "ReadonlyRootfs", o->is_read_only);
	json_put(host, "SecurityOpt", security(o));
	json_put_string(host, "Runtime", "minictr");
	put_limits(o, host);
	json_put(host, "Mounts", mounts_asked_for(o));
	json_put(host, "Tmpfs", tmpfs_mounts(o));
	json_put(host, "Sysctls", pairs(&o->sysctls));
	json_put_bool(host, "Init", o->has_init);
	json_put(host, "MaskedPaths", fixed_paths(spec_default_masked_paths, o->is_privileged));
	json_put(host, "ReadonlyPaths", fixed_paths(spec_default_readonly_paths, o->is_privileged));
	return host;
}
