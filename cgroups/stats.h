/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

struct cgroup;

/* A reading of one group; UINT64_MAX where unlimited, 0 where the kernel does not say. */
struct cgroup_stats {
	uint64_t memory_current, memory_peak, memory_limit; /* bytes */
	uint64_t memory_file;                               /* bytes of page cache */
	uint64_t memory_inactive_file; /* of these: not used lately, the first to be dropped */
	uint64_t memory_swap;          /* bytes */
	uint64_t oom_kills;
	uint64_t cpu_usage_us, cpu_user_us, cpu_system_us;
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_us;
	uint64_t pids_current, pids_limit;
	uint64_t io_read_bytes, io_write_bytes;
};

int cgroup_stats_read(const struct cgroup *cgroup, struct cgroup_stats *ret, struct error *err);

/*
 * Everything that the kernel counts for the group, as the document of `runc events --stats`, member
 * "data": times in nanoseconds, sizes in bytes, members that are 0 left out where runc leaves them
 * out.  Owned by the caller.
 */
int cgroup_stats_document(const struct cgroup *cgroup, json_t **ret, struct error *err);
