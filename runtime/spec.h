/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "cgroups/resources.h"

/*
 * config.json as data: what it says, nothing resolved (runtime-spec config.md, config-linux.md).
 * Everything is owned.  A bool has_x says that optional x was given where 0 means something.
 */

enum spec_namespace_type {
	SPEC_NS_PID,
	SPEC_NS_NETWORK,
	SPEC_NS_MOUNT,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_USER,
	SPEC_NS_CGROUP,
	SPEC_NS_TIME,
	SPEC_NS_TYPES,
};

struct spec_namespace {
	enum spec_namespace_type type;
	char *path; /* join this one; NULL: a new one */
};

struct spec_id_map {
	uint32_t container_id, host_id, size;
};

struct spec_mount {
	char *destination, *type, *source;
	struct strv options;
	struct spec_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	/* The engine's alone, not of config.json: */
	bool is_copied_up; /* if the directory @source is empty, it begins as what it covers */
	char *text;        /* a file with this content is bound, in place of @source */
};

struct spec_device {
	char *path, *type; /* "c", "b", "u", "p" */
	int64_t major, minor;
	bool has_mode, has_uid, has_gid;
	uint32_t mode, uid, gid;
};

struct spec_rlimit {
	char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft, hard;
};

struct spec_hook {
	char *path;
	struct strv args, env;
	int timeout; /* seconds; 0: none */
};

enum spec_hook_point {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_POINTS,
};

struct spec_hooks {
	struct spec_hook *items;
	size_t n;
};

struct spec_capabilities {
	bool is_given;
	struct strv bounding, effective, inheritable, permitted, ambient; /* "CAP_CHOWN" */
};

struct spec_process {
	bool terminal;
	uint16_t console_width, console_height; /* 0: not given */
	uint32_t uid, gid;
	bool has_umask;
	uint32_t umask;
	uint32_t *additional_gids;
	size_t n_additional_gids;
	/*
	 * process.user.username: our engine's "-u" text (name[:group], uid[:gid]), resolved in the
	 * container's own /etc/passwd and /etc/group by its init; NULL: the numbers count.
	 */
	char *username;
	struct strv args, env;
	char *cwd;
	struct spec_capabilities capabilities;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	char *apparmor_profile, *selinux_label;
	struct {
		bool is_given;
		char *class; /* "IOPRIO_CLASS_BE" */
		int priority;
	} io_priority;
	struct {
		bool is_given;
		char *policy;
		int32_t nice, priority;
		struct strv flags;
		uint64_t runtime, deadline, period;
	} scheduler;
	char *exec_cpu_initial, *exec_cpu_final; /* execCPUAffinity */
};

struct spec_time_offset {
	bool is_given;
	int64_t secs;
	uint32_t nanosecs;
};

/* An interface of the host that becomes the container's. */
struct spec_net_device {
	char *host_name;
	char *name; /* NULL: the same */
};

struct spec_memory_policy {
	bool is_given;
	int mode;       /* MPOL_* of linux/mempolicy.h */
	uint32_t flags; /* MPOL_F_* */
	char *nodes;    /* "0-1,3"; NULL: none */
};

/* linux.seccomp, config-linux.md "Seccomp". */
struct spec_seccomp_arg {
	uint32_t index;
	uint64_t value, value_two;
	char *op; /* "SCMP_CMP_EQ" */
};

struct spec_seccomp_rule {
	struct strv names;
	char *action; /* "SCMP_ACT_ALLOW" */
	bool has_errno;
	uint32_t errno_ret;
	struct spec_seccomp_arg *args;
	size_t n_args;
};

struct spec_seccomp {
	bool is_given;
	char *default_action;
	bool has_default_errno;
	uint32_t default_errno_ret;
	struct strv architectures; /* "SCMP_ARCH_X86_64" */
	struct strv flags;         /* "SECCOMP_FILTER_FLAG_LOG" */
	char *listener_path, *listener_metadata;
	struct spec_seccomp_rule *rules;
	size_t n_rules;
};

struct spec {
	char *oci_version;
	char *root_path;
	bool is_root_readonly;
	char *hostname, *domainname;
	struct spec_process process;
	bool has_process;
	struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_hooks hooks[HOOK_POINTS];
	struct strv annotations; /* "key=value" */

	/* linux */
	bool has_linux;
	struct spec_namespace *namespaces;
	size_t n_namespaces;
	struct spec_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	struct spec_device *devices;
	size_t n_devices;
	char *cgroups_path;
	struct cgroup_resources resources;
	char *rootfs_propagation;
	struct spec_seccomp seccomp;
	struct strv sysctl; /* "key=value" */
	struct strv masked_paths, readonly_paths;
	char *mount_label;
	char *personality_domain; /* "LINUX32"; NULL: none */
	struct spec_time_offset monotonic, boottime;
	struct spec_net_device *net_devices;
	size_t n_net_devices;
	struct spec_memory_policy memory_policy;
	bool has_intel_rdt; /* given: not supported */
};

/* Document -> spec; wrong types are refused with file, line and column; unknown keys ignored. */
int spec_read(const struct json_doc *doc, struct spec *ret, struct error *err);

/* Reads config.json below the bundle directory. */
int spec_load(int bundle_fd, struct spec *ret, struct error *err);

/* process.json of `exec --process`: the process object alone. */
int spec_process_read(const struct json_doc *doc, struct spec_process *ret, struct error *err);

/* linux.resources alone, for `update`. */
int spec_resources_read(const struct json_doc *doc, struct cgroup_resources *ret,
			struct error *err);

/* A seccomp profile file of its own: OCI form, or docker's form (archMap, includes, excludes),
 * resolved for @caps (names of the capabilities that the container will have). */
int spec_seccomp_read(const struct json_doc *doc, const struct strv *caps, struct spec_seccomp *ret,
		      struct error *err);

/* A deep copy. */
void spec_process_copy(const struct spec_process *from, struct spec_process *ret);

void spec_fini(struct spec *spec);
void spec_process_fini(struct spec_process *process);
void spec_seccomp_fini(struct spec_seccomp *seccomp);
#define auto_spec __attribute__((cleanup(spec_fini)))

/* `minictr spec`: the default config.json.  Owned by the caller. */
json_t *spec_default(bool is_rootless);

/* Its mounts alone: what every container has; added to those of @spec. */
void spec_add_default_mounts(struct spec *spec);

/* The capabilities that docker gives by default ("CAP_CHOWN", ...), the paths that it masks and
 * makes read-only, its mounts: what the engine's bundles are made of.  NULL-ended lists. */
extern const char *const spec_default_caps[];
extern const char *const spec_default_masked_paths[];
extern const char *const spec_default_readonly_paths[];
