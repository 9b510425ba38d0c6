/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_sched.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/step.h"
#include "base/str.h"

#define CPUS_MAX 8192 /* as parse_cpu_list() */

int sys_io_priority(int class, int level, struct error *err)
{
	struct step step = step_begin();
	int value = IOPRIO_PRIO_VALUE(class, level);
	int rc = syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) < 0 ? -errno : 0;

	if (step_is_on()) {
		auto_strv struct strv argv = { 0 };

		strv_add(&argv, "ionice");
		strv_addf(&argv, "-c%d", class);
		strv_addf(&argv, "-n%d", level);
		step_end_argv(&step, rc, STEP_WRAP, strv_items(&argv), NULL);
	}
	if (rc < 0)
		return err_set(err, -rc, "set I/O priority %d of class %d: %s", level, class,
			       err_text(-rc));
	return 0;
}

/* chrt(1) and nice(1) together do the same. */
static void end_scheduler(const struct step *step, int rc, const struct sys_scheduler *s)
{
	static const char *const policies[] = {
		[SCHED_NORMAL] = "--other", [SCHED_FIFO] = "--fifo",
		[SCHED_RR] = "--rr",        [SCHED_BATCH] = "--batch",
		[SCHED_IDLE] = "--idle",    [SCHED_DEADLINE] = "--deadline",
	};
	auto_strv struct strv argv = { 0 };

	strv_add(&argv, "chrt");
	if (s->policy < ARRAY_LEN(policies) && policies[s->policy])
		strv_add(&argv, policies[s->policy]);
	strv_addf(&argv, "%u", s->priority);
	if (s->nice) {
		strv_add(&argv, "nice");
		strv_addf(&argv, "-n%d", s->nice);
	}
	step_end_argv(step, rc, STEP_WRAP, strv_items(&argv), NULL);
}

int sys_scheduler(const struct sys_scheduler *s, struct error *err)
{
	struct step step = step_begin();
	struct sched_attr attr = {
		.size = SCHED_ATTR_SIZE_VER0,
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};
	int rc = syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? -errno : 0;

	if (step_is_on())
		end_scheduler(&step, rc, s);
	if (rc < 0)
		return err_set(err, -rc, "set scheduler policy %u: %s", s->policy, err_text(-rc));
	return 0;
}

/* A list that has been checked, as a mask. */
static void read_list(const char *list, uint64_t mask[CPUS_MAX / 64])
{
	unsigned long first, last;
	int n = 0;

	for (const char *at = list; sscanf(at, "%lu%n", &first, &n) == 1; at += *at == ',') {
		at += n;
		last = first;
		if (*at == '-' && sscanf(at + 1, "%lu%n", &last, &n) == 1)
			at += 1 + n;
		for (; first <= last && first < CPUS_MAX; first++)
			mask[first / 64] |= UINT64_C(1) << first % 64;
	}
}

static void end_memory_policy(const struct step *step, int rc, int mode, const char *nodes)
{
	static const char *const options[] = {
		[MPOL_PREFERRED] = "--preferred",
		[MPOL_BIND] = "--membind",
		[MPOL_INTERLEAVE] = "--interleave",
		[MPOL_LOCAL] = "--localalloc",
		[MPOL_PREFERRED_MANY] = "--preferred-many",
		[MPOL_PREFERRED_MANY + 1] = "--weighted-interleave",
	};
	auto_strv struct strv argv = { 0 };

	strv_add(&argv, "numactl");
	if ((size_t)mode < ARRAY_LEN(options) && options[mode])
		strv_addf(&argv, "%s%s%s", options[mode], nodes ? "=" : "", nodes ? nodes : "");
	step_end_argv(step, rc, STEP_WRAP, strv_items(&argv), NULL);
}

int sys_memory_policy(int mode, uint32_t flags, const char *nodes, struct error *err)
{
	enum { NODES_MAX = 1024 }; /* more than any kernel has (CONFIG_NODES_SHIFT) */
	struct step step = step_begin();
	uint64_t mask[CPUS_MAX / 64] = { 0 };
	int rc;

	if (nodes)
		read_list(nodes, mask);
	for (size_t i = NODES_MAX / 64; i < ARRAY_LEN(mask); i++) {
		if (mask[i])
			return err_set(err, EINVAL, "set memory policy: nodes '%s': go up to %d",
				       nodes, NODES_MAX - 1);
	}
	rc = syscall(SYS_set_mempolicy, mode | (int)flags, nodes ? mask : NULL,
		     nodes ? NODES_MAX + 1 : 0) < 0
		     ? -errno
		     : 0;
	if (step_is_on())
		end_memory_policy(&step, rc, mode, nodes);
	if (rc < 0)
		return err_set(err, -rc, "set memory policy %d of nodes '%s': %s", mode,
			       nodes ? nodes : "", err_text(-rc));
	return 0;
}

int sys_affinity(const char *list, struct error *err)
{
	struct step step = step_begin();
	uint64_t mask[CPUS_MAX / 64] = { 0 };
	int rc;

	read_list(list, mask);
	rc = syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask) < 0 ? -errno : 0;
	if (step_is_on()) {
		auto_strv struct strv argv = { 0 };

		strv_add(&argv, "taskset");
		strv_add(&argv, "-c");
		strv_add(&argv, list);
		step_end_argv(&step, rc, STEP_WRAP, strv_items(&argv), NULL);
	}
	if (rc < 0)
		return err_set(err, -rc, "run on CPUs '%s': %s", list, err_text(-rc));
	return 0;
}
