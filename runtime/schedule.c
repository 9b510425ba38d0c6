/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/schedule.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>

#include "base/enum.h"
#include "base/parse.h"
#include "base/sys_sched.h"
#include "runtime/spec.h"

static const struct enum_name io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ NULL, 0 },
};

static const struct enum_name policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	{ NULL, 0 },
};

static const struct enum_name flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ NULL, 0 },
};

static int io_class(const struct spec_process *p, int *ret, struct error *err)
{
	if (!enum_from_name(io_classes, p->io_priority.class, ret))
		return err_set(err, EINVAL, "process.ioPriority: unknown class '%s'",
			       p->io_priority.class);
	if (p->io_priority.priority < 0 || p->io_priority.priority >= IOPRIO_NR_LEVELS)
		return err_set(err, EINVAL, "process.ioPriority: priority %d is none of 0 to %d",
			       p->io_priority.priority, IOPRIO_NR_LEVELS - 1);
	return 0;
}

static int scheduler(const struct spec_process *p, struct sys_scheduler *ret, struct error *err)
{
	int value;

	if (!enum_from_name(policies, p->scheduler.policy, &value))
		return err_set(err, EINVAL, "process.scheduler: unknown policy '%s'",
			       p->scheduler.policy);
	if (p->scheduler.priority < 0)
		return err_set(err, EINVAL, "process.scheduler: priority %d is negative",
			       p->scheduler.priority);
	*ret = (struct sys_scheduler){
		.policy = (uint32_t)value,
		.nice = p->scheduler.nice,
		.priority = (uint32_t)p->scheduler.priority,
		.runtime = p->scheduler.runtime,
		.deadline = p->scheduler.deadline,
		.period = p->scheduler.period,
	};
	for (size_t i = 0; i < p->scheduler.flags.n; i++) {
		const char *name = p->scheduler.flags.items[i];

		if (!enum_from_name(flags, name, &value))
			return err_set(err, EINVAL, "process.scheduler: unknown flag '%s'", name);
		ret->flags |= (uint64_t)value;
	}
	return 0;
}

static int cpus(const char *list, const char *name, struct error *err)
{
	if (!list || !*list || parse_cpu_list(list, err) == 0)
		return 0;
	return err_wrap(err, "process.execCPUAffinity.%s", name);
}

int schedule_check(const struct spec_process *p, struct error *err)
{
	struct sys_scheduler ignored;
	int rc = 0;
	int class;

	if (p->io_priority.is_given)
		rc = io_class(p, &class, err);
	if (rc == 0 && p->scheduler.is_given)
		rc = scheduler(p, &ignored, err);
	if (rc == 0)
		rc = cpus(p->exec_cpu_initial, "initial", err);
	if (rc == 0)
		rc = cpus(p->exec_cpu_final, "final", err);
	return rc;
}

int schedule_apply(const struct spec_process *p, struct error *err)
{
	struct sys_scheduler wanted;
	int rc = 0;
	int class;

	if (p->io_priority.is_given) {
		rc = io_class(p, &class, err);
		if (rc == 0)
			rc = sys_io_priority(class, p->io_priority.priority, err);
	}
	if (rc == 0 && p->scheduler.is_given) {
		rc = scheduler(p, &wanted, err);
		if (rc == 0)
			rc = sys_scheduler(&wanted, err);
	}
	return rc;
}
