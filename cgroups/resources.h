/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * What a container may use, in the units and with the meaning of runtime-spec config-linux.md,
 * "Control groups" (linux.resources).  Plain data; a `has_` member says whether its twin was given.
 * -1 means "unlimited" where the specification says so.
 */

struct cgroup_memory {
	bool has_limit, has_reservation, has_swap, has_swappiness, has_oom_kill_disable;
	int64_t limit;         /* bytes; -1: unlimited */
	int64_t reservation;   /* bytes */
	int64_t swap;          /* bytes, memory and swap together (v1's meaning); -1: unlimited */
	bool is_swap_optional; /* a host that does not account swap does without that limit */
	uint64_t swappiness;   /* 0..100; v1 only */
	bool is_oom_kill_disabled;
	bool is_update_checked; /* checkBeforeUpdate */
};

struct cgroup_cpu {
	bool has_shares, has_quota, has_period, has_burst, has_idle, has_rt_runtime, has_rt_period;
	uint64_t shares; /* v1 scale 2..262144 */
	int64_t quota;   /* us in each period; -1: unlimited */
	uint64_t period; /* us */
	uint64_t burst;  /* us */
	int64_t idle;
	int64_t rt_runtime; /* us */
	uint64_t rt_period; /* us */
	char *cpus;         /* list, owned; NULL: not given */
	char *mems;         /* list, owned */
};

struct cgroup_throttle {
	int64_t major, minor;
	uint64_t rate;
};

struct cgroup_weight_device {
	int64_t major, minor;
	uint16_t weight; /* 0: not given */
};

struct cgroup_io {
	bool has_weight;
	uint16_t weight;                             /* 10..1000, the v1 scale */
	struct cgroup_weight_device *weight_devices; /* owned */
	size_t n_weight_devices;
	struct cgroup_throttle *read_bps, *write_bps, *read_iops, *write_iops; /* owned */
	size_t n_read_bps, n_write_bps, n_read_iops, n_write_iops;
};

struct cgroup_device_rule {
	bool is_allowed;
	char type;            /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: any */
	char access[4];       /* of "rwm" */
};

struct cgroup_hugepage {
	char *page_size; /* "2MB", owned */
	uint64_t limit;  /* bytes */
};

struct cgroup_rdma {
	char *device; /* owned */
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

struct cgroup_resources {
	struct cgroup_memory memory;
	struct cgroup_cpu cpu;
	struct cgroup_io io;
	bool has_pids;
	int64_t pids;                       /* <= 0 or -1: unlimited */
	struct cgroup_device_rule *devices; /* owned, in order */
	size_t n_devices;
	struct cgroup_hugepage *hugepages; /* owned */
	size_t n_hugepages;
	struct cgroup_rdma *rdma; /* owned */
	size_t n_rdma;
	struct strv unified; /* "file=value", cgroup v2 only */
};

void cgroup_resources_fini(struct cgroup_resources *r);
