/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Doors to the kernel: when the caller gets the processor and the disk (sched(7), ioprio_set(2)). */

/* @class: IOPRIO_CLASS_* of linux/ioprio.h; @level: 0 to 7, 0 being the highest. */
int sys_io_priority(int class, int level, struct error *err);

struct sys_scheduler {
	uint32_t policy; /* SCHED_*, linux/sched.h */
	uint64_t flags;  /* SCHED_FLAG_* */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns, SCHED_DEADLINE */
};
int sys_scheduler(const struct sys_scheduler *scheduler, struct error *err);

/*
 * numactl: where the caller's memory comes from.  @mode and @flags: MPOL_*, linux/mempolicy.h; @nodes:
 * a list that parse_cpu_list() has passed, or NULL.
 */
int sys_memory_policy(int mode, uint32_t flags, const char *nodes, struct error *err);

/* taskset: the CPUs that the caller may run on, a list that parse_cpu_list() has passed. */
int sys_affinity(const char *list, struct error *err);
