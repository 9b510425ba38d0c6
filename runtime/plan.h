/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sys_cred.h"
#include "runtime/mount_opts.h"
#include "runtime/spec.h"

/*
 * What will be done for a spec: resolved, validated, in order, and without side effects so far.
 * Most of what can be wrong with a config.json is found by plan_make(), without privileges.
 */
struct plan_mount {
	const struct spec_mount *spec; /* borrowed from the plan's spec */
	struct mount_options options;
	char *destination; /* absolute and cleaned; owned */
	char *source;      /* absolute, below the bundle if it was relative; owned */
	bool is_cgroup;    /* type "cgroup": what the host has of it */
	bool is_text;      /* spec->text */
	/*
	 * options.is_idmapped: how; borrowed from the spec.  None: as the user namespace does that the
	 * container joins.
	 */
	const struct spec_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
};

struct plan_device {
	const char *path;
	mode_t mode; /* type and permissions */
	dev_t dev;
	uid_t uid;
	gid_t gid;
};

/* A key that is private to one of the container's namespaces, as a path below /proc/sys. */
struct plan_sysctl {
	char *path; /* owned */
	const char *value;
};

struct plan_rlimit {
	int resource;
	const char *name;
	uint64_t soft, hard;
};

struct plan {
	const struct spec *spec;   /* borrowed */
	char *rootfs;              /* absolute path on the host; owned */
	unsigned long clone_flags; /* CLONE_NEW* for clone3(2) */
	unsigned long late_flags;  /* CLONE_NEW* that init unshares itself: cgroup, time */
	bool has_new_user, has_new_network, has_new_pid;
	bool has_user_namespace;   /* new or joined */
	bool has_cgroup_namespace; /* new or joined */
	struct plan_mount *mounts; /* owned */
	size_t n_mounts;
	bool has_idmapped_mounts;
	bool has_host_dev;           /* /dev is bound from the host: nothing in it is ours */
	struct plan_device *devices; /* owned; the default ones and the requested ones */
	size_t n_devices;
	struct plan_sysctl *sysctls; /* owned */
	size_t n_sysctls;
	struct plan_rlimit *rlimits; /* owned */
	size_t n_rlimits;
	struct sys_caps caps;
	uint64_t root_propagation; /* MS_* for the container's root; 0: not given */
	bool is_root_propagation_recursive;
};

/*
 * Resolves @spec (borrowed by the plan) of the bundle at the absolute path @bundle.  -EINVAL names
 * the member of config.json and what is wrong with it.
 */
int plan_make(const struct spec *spec, const char *bundle, struct plan *ret, struct error *err);
void plan_fini(struct plan *plan);

/*
 * The same for a process alone, of a config.json or one to be executed later.  *ret_rlimits (owned
 * by the caller) has process->n_rlimits entries and borrows their names.
 */
int plan_one_process(const struct spec_process *process, struct sys_caps *ret_caps,
		     struct plan_rlimit **ret_rlimits, struct error *err);
#define auto_plan __attribute__((cleanup(plan_fini)))
