/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/schema.h"

#include "compose/shape_internal.h"

#define UPDATES .change = CHANGE_UPDATES
#define NOTHING .change = CHANGE_NOTHING
#define NEEDED  .is_required = true
#define UNDONE  .is_undone = true
#define WORDS(...)                     \
	.words = (const char *const[]) \
	{                              \
		__VA_ARGS__, NULL      \
	}
#define KEYS_END             \
	{                    \
		.name = NULL \
	}

static const struct key build_keys[] = {
	{ "context", KEY_TEXT },
	{ "dockerfile", KEY_TEXT },
	{ "args", KEY_PAIRS },
	{ "target", KEY_TEXT },
	{ "dockerfile_inline", KEY_TEXT },
	{ "entitlements", KEY_LIST },
	{ "ssh", KEY_ANY },
	{ "labels", KEY_PAIRS },
	{ "cache_from", KEY_LIST },
	{ "cache_to", KEY_LIST },
	{ "no_cache", KEY_BOOL },
	{ "additional_contexts", KEY_PAIRS },
	{ "network", KEY_TEXT },
	{ "provenance", KEY_ANY },
	{ "sbom", KEY_ANY },
	{ "pull", KEY_BOOL },
	{ "shm_size", KEY_SIZE },
	{ "secrets", KEY_ANY },
	{ "extra_hosts", KEY_LIST, .before = shape_extra_hosts },
	{ "isolation", KEY_TEXT },
	{ "privileged", KEY_BOOL },
	{ "tags", KEY_LIST },
	{ "ulimits", KEY_ANY, .before = shape_ulimits },
	{ "platforms", KEY_LIST },
	{ "no_cache_filter", KEY_TEXTS },
	KEYS_END,
};

static const struct key depends_keys[] = {
	{ "condition", KEY_WORD, NEEDED,
	  WORDS("service_started", "service_healthy", "service_completed_successfully") },
	{ "required", KEY_BOOL },
	{ "restart", KEY_BOOL },
	KEYS_END,
};

static const struct key limit_keys[] = {
	{ "cpus", KEY_CPUS },
	{ "memory", KEY_SIZE },
	{ "pids", KEY_INT, .min = -1 },
	KEYS_END,
};

static const struct key reservation_keys[] = {
	{ "cpus", KEY_CPUS },
	{ "memory", KEY_SIZE },
	{ "devices", KEY_ANY },
	{ "generic_resources", KEY_ANY },
	KEYS_END,
};

static const struct key resource_keys[] = {
	{ "limits", KEY_MAP, limit_keys },
	{ "reservations", KEY_MAP, reservation_keys },
	KEYS_END,
};

static const struct key restart_keys[] = {
	{ "condition", KEY_WORD, WORDS("none", "on-failure", "any") },
	{ "delay", KEY_DURATION },
	{ "max_attempts", KEY_INT },
	{ "window", KEY_DURATION },
	KEYS_END,
};

static const struct key rollout_keys[] = {
	{ "parallelism", KEY_INT },
	{ "delay", KEY_DURATION },
	{ "failure_action", KEY_WORD, WORDS("continue", "pause", "rollback") },
	{ "monitor", KEY_DURATION },
	{ "max_failure_ratio", KEY_NUMBER },
	{ "order", KEY_WORD, WORDS("start-first", "stop-first") },
	KEYS_END,
};

static const struct key deploy_keys[] = {
	{ "mode", KEY_WORD, NOTHING,
	  WORDS("replicated", "global", "replicated-job", "global-job") },
	{ "endpoint_mode", KEY_TEXT, NOTHING },
	{ "replicas", KEY_INT, NOTHING },
	{ "labels", KEY_PAIRS, NOTHING },
	{ "rollback_config", KEY_MAP, rollout_keys, NOTHING },
	{ "update_config", KEY_MAP, rollout_keys, NOTHING },
	{ "resources", KEY_MAP, resource_keys, UPDATES },
	{ "restart_policy", KEY_MAP, restart_keys, UPDATES },
	{ "placement", KEY_ANY, NOTHING },
	KEYS_END,
};

static const struct key ulimit_keys[] = {
	{ "soft", KEY_TEXT },
	{ "hard", KEY_TEXT },
	KEYS_END,
};

static const struct key device_keys[] = {
	{ "source", KEY_TEXT, NEEDED },
	{ "target", KEY_TEXT },
	{ "permissions", KEY_TEXT },
	KEYS_END,
};

static const struct key env_file_keys[] = {
	{ "path", KEY_TEXT, .after = shape_file_path, NEEDED },
	{ "required", KEY_BOOL },
	{ "format", KEY_WORD, WORDS("raw") },
	KEYS_END,
};

static const struct key extends_keys[] = {
	{ "service", KEY_TEXT, .after = check_name_text, NEEDED },
	{ "file", KEY_TEXT, .after = shape_file_path },
	KEYS_END,
};

static const struct key health_keys[] = {
	{ "test", KEY_LIST, .before = shape_health_test, .after = check_health_test,
	  .merge = MERGE_REPLACES },
	{ "interval", KEY_DURATION },
	{ "timeout", KEY_DURATION },
	{ "retries", KEY_INT, .max = INT32_MAX },
	{ "start_period", KEY_DURATION },
	{ "start_interval", KEY_DURATION },
	{ "disable", KEY_BOOL },
	KEYS_END,
};

static const struct key logging_keys[] = {
	{ "driver", KEY_TEXT },
	{ "options", KEY_PAIRS },
	KEYS_END,
};

static const struct key attachment_keys[] = {
	{ "aliases", KEY_LIST },
	{ "interface_name", KEY_TEXT },
	{ "ipv4_address", KEY_TEXT, .after = check_address },
	{ "ipv6_address", KEY_TEXT, .after = check_address },
	{ "link_local_ips", KEY_LIST, .after = check_addresses },
	{ "mac_address", KEY_TEXT },
	{ "driver_opts", KEY_PAIRS },
	{ "priority", KEY_INT },
	{ "gw_priority", KEY_INT, .min = INT32_MIN, .max = INT32_MAX },
	KEYS_END,
};

static const struct key port_keys[] = {
	{ "name", KEY_TEXT },         { "mode", KEY_WORD, WORDS("host", "ingress") },
	{ "host_ip", KEY_TEXT },      { "target", KEY_INT, .min = 1, .max = 65535, NEEDED },
	{ "published", KEY_TEXT },    { "protocol", KEY_TEXT },
	{ "app_protocol", KEY_TEXT }, KEYS_END,
};

static const struct key grant_keys[] = {
	{ "source", KEY_TEXT, .after = check_name_text, NEEDED },
	{ "target", KEY_TEXT },
	{ "uid", KEY_TEXT },
	{ "gid", KEY_TEXT },
	{ "mode", KEY_TEXT },
	KEYS_END,
};

static const struct key bind_keys[] = {
	{ "propagation", KEY_WORD,
	  WORDS("private", "rprivate", "shared", "rshared", "slave", "rslave") },
	{ "create_host_path", KEY_BOOL },
	{ "selinux", KEY_WORD, WORDS("z", "Z") },
	{ "recursive", KEY_WORD, WORDS("enabled", "disabled", "writable", "readonly") },
	KEYS_END,
};

static const struct key volume_option_keys[] = {
	{ "labels", KEY_PAIRS },
	{ "nocopy", KEY_BOOL },
	{ "subpath", KEY_TEXT, UNDONE },
	KEYS_END,
};

static const struct key tmpfs_option_keys[] = {
	{ "size", KEY_SIZE },
	{ "mode", KEY_TEXT },
	KEYS_END,
};

static const struct key mount_keys[] = {
	{ "type", KEY_WORD, WORDS("bind", "volume", "tmpfs"), NEEDED },
	{ "source", KEY_TEXT },
	{ "target", KEY_TEXT, NEEDED },
	{ "read_only", KEY_BOOL },
	{ "consistency", KEY_TEXT },
	{ "bind", KEY_MAP, bind_keys },
	{ "volume", KEY_MAP, volume_option_keys },
	{ "tmpfs", KEY_MAP, tmpfs_option_keys },
	KEYS_END,
};

static const struct key allow_keys[] = {
	{ "from", KEY_TEXT, .after = check_name_text, NEEDED },
	{ "port", KEY_TEXT, NEEDED },
	KEYS_END,
};

const struct key schema_service[] = {
	{ "annotations", KEY_PAIRS },
	{ "attach", KEY_BOOL, NOTHING },
	{ "blkio_config", KEY_ANY, UNDONE },
	{ "build", KEY_MAP, build_keys, .before = shape_build, NOTHING },
	{ "cap_add", KEY_LIST, .after = check_capabilities },
	{ "cap_drop", KEY_LIST, .after = check_capabilities },
	{ "cgroup", KEY_WORD, WORDS("host", "private"), UNDONE },
	{ "cgroup_parent", KEY_TEXT, UNDONE },
	{ "command", KEY_COMMAND, .merge = MERGE_REPLACES },
	{ "configs", KEY_ITEMS, grant_keys, .item = shape_grant_item, .after = check_configs,
	  .identity = source_identity },
	{ "container_name", KEY_TEXT, .after = check_name_text },
	{ "cpu_count", KEY_INT, UNDONE },
	{ "cpu_percent", KEY_NUMBER, UNDONE },
	{ "cpu_period", KEY_TEXT, UNDONE },
	{ "cpu_quota", KEY_TEXT, UNDONE },
	{ "cpu_rt_period", KEY_TEXT, UNDONE },
	{ "cpu_rt_runtime", KEY_TEXT, UNDONE },
	{ "cpu_shares", KEY_INT, UPDATES },
	{ "cpus", KEY_CPUS, UPDATES },
	{ "cpuset", KEY_TEXT, .after = check_cpu_list, UPDATES },
	{ "credential_spec", KEY_ANY, UNDONE },
	{ "depends_on", KEY_NAMED, depends_keys, .before = shape_depends_on, NOTHING },
	{ "deploy", KEY_MAP, deploy_keys },
	{ "develop", KEY_ANY, NOTHING },
	{ "device_cgroup_rules", KEY_LIST, UNDONE },
	{ "devices", KEY_ITEMS, device_keys, .item = shape_device_item, UNDONE },
	{ "dns", KEY_TEXTS, .after = check_addresses },
	{ "dns_opt", KEY_LIST },
	{ "dns_search", KEY_TEXTS },
	{ "domainname", KEY_TEXT, UNDONE },
	{ "entrypoint", KEY_COMMAND, .merge = MERGE_REPLACES },
	{ "env_file", KEY_ITEMS, env_file_keys, .before = shape_env_files,
	  .item = shape_env_file_item, .identity = path_identity },
	{ "environment", KEY_PAIRS },
	{ "expose", KEY_LIST, .after = check_expose, NOTHING },
	{ "extends", KEY_MAP, extends_keys, .before = shape_extends, NOTHING },
	{ "external_links", KEY_LIST, UNDONE },
	{ "extra_hosts", KEY_LIST, .before = shape_extra_hosts },
	{ "gpus", KEY_ANY, UNDONE },
	{ "group_add", KEY_LIST, UNDONE },
	{ "healthcheck", KEY_MAP, health_keys, UPDATES },
	{ "hostname", KEY_TEXT, .after = check_hostname },
	{ "image", KEY_TEXT },
	{ "init", KEY_BOOL },
	{ "ipc", KEY_TEXT, UNDONE },
	{ "isolation", KEY_TEXT, UNDONE },
	{ "label_file", KEY_TEXTS, UNDONE },
	{ "labels", KEY_PAIRS, UPDATES },
	{ "links", KEY_LIST, NOTHING },
	{ "logging", KEY_MAP, logging_keys, .merge = MERGE_SAME },
	{ "mac_address", KEY_TEXT, UNDONE },
	{ "mem_limit", KEY_SIZE, UPDATES },
	{ "mem_reservation", KEY_SIZE, UPDATES },
	{ "mem_swappiness", KEY_INT, .max = 100, UNDONE },
	{ "memswap_limit", KEY_SIZE, .min = -1, UPDATES },
	{ "models", KEY_ANY, UNDONE },
	{ "network_mode", KEY_TEXT, .after = check_network_mode },
	{ "networks", KEY_NAMES, attachment_keys },
	{ "oom_kill_disable", KEY_BOOL, UNDONE },
	{ "oom_score_adj", KEY_INT, .min = -1000, .max = 1000 },
	{ "pid", KEY_TEXT, UNDONE },
	{ "pids_limit", KEY_INT, .min = -1, UPDATES },
	{ "platform", KEY_TEXT },
	{ "ports", KEY_ITEMS, port_keys, .before = shape_ports, .after = check_ports,
	  .identity = port_identity, UPDATES },
	{ "post_start", KEY_ANY, UNDONE },
	{ "pre_start", KEY_ANY, UNDONE },
	{ "pre_stop", KEY_ANY, UNDONE },
	{ "privileged", KEY_BOOL },
	{ "profiles", KEY_LIST, NOTHING },
	{ "provider", KEY_ANY, UNDONE },
	{ "pull_policy", KEY_WORD, NOTHING,
	  WORDS("always", "never", "missing", "if_not_present", "build") },
	{ "pull_refresh_after", KEY_TEXT, UNDONE },
	{ "read_only", KEY_BOOL },
	{ "restart", KEY_TEXT, .before = shape_restart, UPDATES },
	{ "runtime", KEY_TEXT, UNDONE },
	{ "scale", KEY_INT, NOTHING },
	{ "secrets", KEY_ITEMS, grant_keys, .item = shape_grant_item, .after = check_secrets,
	  .identity = source_identity },
	{ "security_opt", KEY_LIST, .after = check_security },
	{ "shm_size", KEY_SIZE },
	{ "stdin_open", KEY_BOOL },
	{ "stop_grace_period", KEY_DURATION, UPDATES },
	{ "stop_signal", KEY_TEXT, .after = check_signal },
	{ "storage_opt", KEY_ANY, UNDONE },
	{ "sysctls", KEY_PAIRS, .after = check_no_nulls },
	{ "tmpfs", KEY_TEXTS, .after = check_tmpfs },
	{ "tty", KEY_BOOL },
	{ "ulimits", KEY_NAMED, ulimit_keys, .before = shape_ulimits },
	{ "use_api_socket", KEY_BOOL, UNDONE },
	{ "user", KEY_TEXT },
	{ "userns_mode", KEY_TEXT, UNDONE },
	{ "uts", KEY_TEXT, UNDONE },
	{ "volumes", KEY_ITEMS, mount_keys, .item = shape_volume_item, .after = check_volumes,
	  .identity = target_identity },
	{ "volumes_from", KEY_LIST, UNDONE },
	{ "working_dir", KEY_TEXT, .after = check_absolute },
	{ "x-allow", KEY_ITEMS, allow_keys, .after = check_allows, .identity = allow_identity,
	  UPDATES },
	{ "x-on-unhealthy", KEY_WORD, WORDS("none", "kill", "restart", "stop"), UPDATES },
	KEYS_END,
};

static const struct key pool_keys[] = {
	{ "subnet", KEY_TEXT, .after = check_subnet },
	{ "ip_range", KEY_TEXT, .after = check_subnet },
	{ "gateway", KEY_TEXT, .after = check_address },
	{ "aux_addresses", KEY_PAIRS },
	KEYS_END,
};

static const struct key ipam_keys[] = {
	{ "driver", KEY_TEXT },
	{ "config", KEY_ITEMS, pool_keys },
	{ "options", KEY_PAIRS },
	KEYS_END,
};

static const struct key network_keys[] = {
	{ "name", KEY_TEXT, .after = check_name_text },
	{ "driver", KEY_TEXT },
	{ "driver_opts", KEY_PAIRS },
	{ "ipam", KEY_MAP, ipam_keys },
	{ "external", KEY_BOOL, .before = shape_external },
	{ "internal", KEY_BOOL },
	{ "enable_ipv4", KEY_BOOL },
	{ "enable_ipv6", KEY_BOOL },
	{ "attachable", KEY_BOOL },
	{ "labels", KEY_PAIRS },
	{ "x-isolated", KEY_BOOL },
	KEYS_END,
};

static const struct key volume_keys[] = {
	{ "name", KEY_TEXT, .after = check_name_text },
	{ "driver", KEY_TEXT },
	{ "driver_opts", KEY_PAIRS },
	{ "external", KEY_BOOL, .before = shape_external },
	{ "labels", KEY_PAIRS },
	KEYS_END,
};

/* Secrets and configs. */
static const struct key file_keys[] = {
	{ "name", KEY_TEXT, .after = check_name_text },
	{ "content", KEY_TEXT },
	{ "environment", KEY_TEXT },
	{ "file", KEY_TEXT, .after = shape_file_path },
	{ "external", KEY_BOOL, .before = shape_external },
	{ "labels", KEY_PAIRS },
	{ "driver", KEY_TEXT, UNDONE },
	{ "driver_opts", KEY_PAIRS, UNDONE },
	{ "template_driver", KEY_TEXT, UNDONE },
	KEYS_END,
};

const struct key schema_project[] = {
	{ "version", KEY_ANY, NOTHING },
	{ "name", KEY_TEXT },
	{ "services", KEY_NAMED, schema_service },
	{ "networks", KEY_NAMED, network_keys },
	{ "volumes", KEY_NAMED, volume_keys },
	{ "configs", KEY_NAMED, file_keys },
	{ "secrets", KEY_NAMED, file_keys },
	{ "include", KEY_ANY, UNDONE },
	{ "models", KEY_ANY, UNDONE },
	KEYS_END,
};

const struct key schema_file = { "", KEY_MAP, schema_project };
