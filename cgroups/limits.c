/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cgroups/limits_internal.h"

/* Below this a process cannot even exec; the kernel would take it and kill instead. */
#define MEMORY_MIN ((int64_t)512 << 10)

#define QUOTA_MIN_US  1000
#define PERIOD_MIN_US 1000
#define PERIOD_MAX_US 1000000

#define SHARES_MIN 2
#define SHARES_MAX 262144
/* Writes that the kernel checks against each other; see struct cgroup_write. */
enum { SET_NONE, SET_MEMORY, SET_CPU, SET_RT, SET_WEIGHT };

/* ---- values: 1 and *ret (owned by the caller) if given, 0 if not, or a negative errno */

/* Zero is how engines say "leave it" in an update. */
static int number(uint64_t value, char **ret)
{
	*ret = xasprintf("%" PRIu64, value);
	return 1;
}

static int unlimited(enum cgroup_version version, char **ret)
{
	*ret = xstrdup(version == CGROUP_V2 ? "max" : "-1");
	return 1;
}

static int value_memory(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
			struct error *err)
{
	const struct cgroup_memory *m = &r->memory;

	if (!m->has_limit || m->limit == 0)
		return 0;
	if (m->limit == -1)
		return unlimited(version, ret);
	if (m->limit < MEMORY_MIN)
		return err_set(err, EINVAL,
			       "limit memory to %" PRId64 " bytes: the least is %" PRId64
			       " bytes (512 KiB)",
			       m->limit, MEMORY_MIN);
	return number((uint64_t)m->limit, ret);
}

static bool has_memory_limit(const struct cgroup_memory *m)
{
	return m->has_limit && m->limit > 0;
}

/* v1 limits memory and swap together, v2 swap alone. */
static int value_swap(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		      struct error *err)
{
	const struct cgroup_memory *m = &r->memory;
	bool has_swap = m->has_swap && m->swap != 0;

	if (!has_swap && m->has_limit && m->limit == -1)
		return unlimited(version, ret); /* v1 would refuse more memory than both together */
	if (!has_swap)
		return 0;
	if (m->swap == -1)
		return unlimited(version, ret);
	if (!has_memory_limit(m))
		return err_set(err, EINVAL,
			       "limit memory and swap to %" PRId64 " bytes: no memory limit is set",
			       m->swap);
	if (m->swap < m->limit)
		return err_set(err, EINVAL,
			       "limit memory and swap to %" PRId64
			       " bytes: the memory limit alone is %" PRId64 " bytes",
			       m->swap, m->limit);
	return number((uint64_t)(version == CGROUP_V2 ? m->swap - m->limit : m->swap), ret);
}

static int value_reservation(const struct cgroup_resources *r, enum cgroup_version version,
			     char **ret, struct error *err)
{
	const struct cgroup_memory *m = &r->memory;

	if (!m->has_reservation || m->reservation == 0)
		return 0;
	if (m->reservation == -1)
		return unlimited(version, ret);
	if (m->reservation < 0)
		return err_set(err, EINVAL, "reserve memory: %" PRId64 " bytes is out of range",
			       m->reservation);
	if (has_memory_limit(m) && m->reservation > m->limit)
		return err_set(err, EINVAL,
			       "reserve memory: %" PRId64
			       " bytes is more than the limit of %" PRId64 " bytes",
			       m->reservation, m->limit);
	return number((uint64_t)m->reservation, ret);
}

static int value_swappiness(const struct cgroup_resources *r, enum cgroup_version version,
			    char **ret, struct error *err)
{
	const struct cgroup_memory *m = &r->memory;

	(void)version;
	if (!m->has_swappiness)
		return 0;
	if (m->swappiness > 100)
		return err_set(err, EINVAL, "set swappiness %" PRIu64 ": use 0 to 100",
			       m->swappiness);
	return number(m->swappiness, ret);
}

static int value_oom_kill(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
			  struct error *err)
{
	const struct cgroup_memory *m = &r->memory;

	(void)err;
	if (!m->has_oom_kill_disable || (version == CGROUP_V2 && !m->is_oom_kill_disabled))
		return 0;
	return number(m->is_oom_kill_disabled, ret);
}

static int value_shares(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
			struct error *err)
{
	uint64_t shares = r->cpu.shares;
	int rc;

	if (!r->cpu.has_shares || shares == 0)
		return 0;
	rc = limits_check_range("cpu shares", shares, SHARES_MIN, SHARES_MAX, err);
	if (rc < 0)
		return rc;
	return number(version == CGROUP_V2 ? 1 + (shares - 2) * 9999 / 262142 : shares, ret);
}

static bool has_period(const struct cgroup_cpu *cpu)
{
	return cpu->has_period && cpu->period != 0;
}

static int check_cpu(const struct cgroup_cpu *cpu, struct error *err)
{
	if (has_period(cpu) && (cpu->period < PERIOD_MIN_US || cpu->period > PERIOD_MAX_US))
		return err_set(err, EINVAL,
			       "limit cpu: a period of %" PRIu64 " us: use %d to %d us",
			       cpu->period, PERIOD_MIN_US, PERIOD_MAX_US);
	if (cpu->has_quota && cpu->quota != 0 && cpu->quota != -1 && cpu->quota < QUOTA_MIN_US)
		return err_set(err, EINVAL,
			       "limit cpu: a quota of %" PRId64 " us: the least is %d us",
			       cpu->quota, QUOTA_MIN_US);
	return 0;
}

static int value_period(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
			struct error *err)
{
	int rc = check_cpu(&r->cpu, err);

	if (rc < 0 || !has_period(&r->cpu) || version == CGROUP_V2)
		return rc; /* on v2 it goes into cpu.max with the quota */
	return number(r->cpu.period, ret);
}

static int value_quota(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		       struct error *err)
{
	const struct cgroup_cpu *cpu = &r->cpu;
	bool has_quota = cpu->has_quota && cpu->quota != 0;
	int rc = check_cpu(cpu, err);

	if (rc < 0)
		return rc;
	if (version == CGROUP_V1)
		return !has_quota         ? 0
		       : cpu->quota == -1 ? unlimited(version, ret)
					  : number((uint64_t)cpu->quota, ret);

	/* cpu.max: "QUOTA PERIOD"; without a period it stays as it is. */
	if (!has_quota && !has_period(cpu))
		return 0;
	if (!has_quota || cpu->quota == -1)
		(void)unlimited(version, ret);
	else
		(void)number((uint64_t)cpu->quota, ret);
	if (has_period(cpu)) {
		auto_free char *quota = *ret;

		*ret = xasprintf("%s %" PRIu64, quota, cpu->period);
	}
	return 1;
}

static int value_burst(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		       struct error *err)
{
	(void)version;
	(void)err;
	return r->cpu.has_burst ? number(r->cpu.burst, ret) : 0;
}

static int value_idle(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		      struct error *err)
{
	(void)version;
	if (!r->cpu.has_idle)
		return 0;
	if (r->cpu.idle != 0 && r->cpu.idle != 1)
		return err_set(err, EINVAL, "set cpu idle %" PRId64 ": use 0 or 1", r->cpu.idle);
	return number((uint64_t)r->cpu.idle, ret);
}

static int value_rt_period(const struct cgroup_resources *r, enum cgroup_version version,
			   char **ret, struct error *err)
{
	(void)version;
	(void)err;
	return r->cpu.has_rt_period && r->cpu.rt_period ? number(r->cpu.rt_period, ret) : 0;
}

static int value_rt_runtime(const struct cgroup_resources *r, enum cgroup_version version,
			    char **ret, struct error *err)
{
	(void)err;
	if (!r->cpu.has_rt_runtime || r->cpu.rt_runtime == 0)
		return 0;
	return r->cpu.rt_runtime < 0 ? unlimited(version, ret)
				     : number((uint64_t)r->cpu.rt_runtime, ret);
}

static int list_value(const char *list, char **ret, struct error *err)
{
	int rc;

	if (!list || !*list)
		return 0;
	rc = parse_cpu_list(list, err);
	if (rc < 0)
		return rc;
	*ret = xstrdup(list);
	return 1;
}

static int value_cpus(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		      struct error *err)
{
	int rc = list_value(r->cpu.cpus, ret, err);

	(void)version;
	return rc < 0 ? err_wrap(err, "limit cpus") : rc;
}

static int value_mems(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		      struct error *err)
{
	int rc = list_value(r->cpu.mems, ret, err);

	(void)version;
	return rc < 0 ? err_wrap(err, "limit memory nodes") : rc;
}

static int value_pids(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		      struct error *err)
{
	(void)version;
	(void)err;
	if (!r->has_pids)
		return 0;
	if (r->pids > 0)
		return number((uint64_t)r->pids, ret);
	*ret = xstrdup("max");
	return 1;
}

/* ---- the table: order of rows is order of writes */

struct limit {
	const char *name; /* for people */
	enum cgroup_controller controller;
	const char *files[CGROUP_V2 + 1]; /* by version; NULL: there is no such thing */
	int (*value)(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
		     struct error *err);
	unsigned int sets[CGROUP_V2 + 1];
};

#define BY_VERSION(v1, v2)                             \
	{                                              \
		[CGROUP_V1] = (v1), [CGROUP_V2] = (v2) \
	}

/* clang-format off */
static const struct limit limits[] = {
	{ "memory", CGROUP_MEMORY, BY_VERSION("memory.limit_in_bytes", "memory.max"),
	  value_memory, BY_VERSION(SET_MEMORY, SET_NONE) },
	{ "memory and swap", CGROUP_MEMORY, BY_VERSION("memory.memsw.limit_in_bytes", "memory.swap.max"),
	  value_swap, BY_VERSION(SET_MEMORY, SET_NONE) },
	{ "memory reservation", CGROUP_MEMORY, BY_VERSION("memory.soft_limit_in_bytes", "memory.low"),
	  value_reservation, { 0 } },
	{ "swappiness", CGROUP_MEMORY, BY_VERSION("memory.swappiness", NULL),
	  value_swappiness, { 0 } },
	{ "oom killer off", CGROUP_MEMORY, BY_VERSION("memory.oom_control", NULL),
	  value_oom_kill, { 0 } },
	{ "cpu shares", CGROUP_CPU, BY_VERSION("cpu.shares", "cpu.weight"),
	  value_shares, BY_VERSION(SET_WEIGHT, SET_WEIGHT) },
	{ "cpu idle", CGROUP_CPU, BY_VERSION("cpu.idle", "cpu.idle"),
	  value_idle, BY_VERSION(SET_WEIGHT, SET_WEIGHT) },
	{ "cpu period", CGROUP_CPU, BY_VERSION("cpu.cfs_period_us", NULL),
	  value_period, BY_VERSION(SET_CPU, SET_NONE) },
	{ "cpu quota", CGROUP_CPU, BY_VERSION("cpu.cfs_quota_us", "cpu.max"),
	  value_quota, BY_VERSION(SET_CPU, SET_CPU) },
	{ "cpu burst", CGROUP_CPU, BY_VERSION("cpu.cfs_burst_us", "cpu.max.burst"),
	  value_burst, BY_VERSION(SET_CPU, SET_CPU) },
	{ "realtime period", CGROUP_CPU, BY_VERSION("cpu.rt_period_us", NULL),
	  value_rt_period, BY_VERSION(SET_RT, SET_NONE) },
	{ "realtime runtime", CGROUP_CPU, BY_VERSION("cpu.rt_runtime_us", NULL),
	  value_rt_runtime, BY_VERSION(SET_RT, SET_NONE) },
	{ "cpus", CGROUP_CPUSET, BY_VERSION("cpuset.cpus", "cpuset.cpus"),
	  value_cpus, { 0 } },
	{ "memory nodes", CGROUP_CPUSET, BY_VERSION("cpuset.mems", "cpuset.mems"),
	  value_mems, { 0 } },
	{ "pids", CGROUP_PIDS, BY_VERSION("pids.max", "pids.max"),
	  value_pids, { 0 } },
};
/* clang-format on */

/* ---- the plan */

int limits_check_range(const char *what, uint64_t value, uint64_t min, uint64_t max,
		       struct error *err)
{
	if (value >= min && value <= max)
		return 0;
	return err_set(err, EINVAL, "set %s %" PRIu64 ": use %" PRIu64 " to %" PRIu64, what, value,
		       min, max);
}

struct cgroup_write *limits_add(struct limits_planner *p, enum cgroup_controller controller,
				const char *file, char *value)
{
	struct cgroup_writes *w = p->writes;
	struct cgroup_write *item;

	w->items = xrealloc(w->items, w->n + 1, sizeof(*w->items));
	item = &w->items[w->n++];
	*item = (struct cgroup_write){ .controller = controller, .value = value };
	(void)snprintf(item->file, sizeof(item->file), "%s", file);
	return item;
}

int limits_check_controller(const struct limits_planner *p, enum cgroup_controller controller,
			    const char *what)
{
	if (p->versions[controller] != CGROUP_ABSENT)
		return 0;
	return err_set(p->err, ENODEV, "limit %s: this host has no '%s' cgroup controller", what,
		       cgroup_controller_name(controller));
}

static int plan_limit(struct limits_planner *p, const struct limit *limit,
		      const struct cgroup_resources *r)
{
	enum cgroup_version version = p->versions[limit->controller];
	auto_free char *value = NULL;
	struct cgroup_write *write;
	int rc = limit->value(r, version, &value, p->err);

	if (rc <= 0)
		return rc;
	rc = limits_check_controller(p, limit->controller, limit->name);
	if (rc < 0)
		return rc;
	if (!limit->files[version])
		return err_set(p->err, EOPNOTSUPP, "set %s: cgroup v2 has no such setting",
			       limit->name);

	write = limits_add(p, limit->controller, limit->files[version], take_ptr(value));
	write->set = limit->sets[version];
	/* Without swap accounting nothing beyond memory is promised, and nothing is asked here. */
	if (limit->value == value_swap)
		write->is_optional = !r->memory.has_swap || r->memory.swap == -1 ||
				     r->memory.swap == r->memory.limit ||
				     r->memory.is_swap_optional;
	return 0;
}

static int plan_table(struct limits_planner *p, const struct cgroup_resources *r)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(limits); i++)
		rc = plan_limit(p, &limits[i], r);
	return rc;
}

int cgroup_limits_plan(const struct cgroup_resources *resources,
		       const enum cgroup_version versions[CGROUP_CONTROLLERS],
		       struct cgroup_writes *ret, struct error *err)
{
	struct cgroup_writes writes = { 0 };
	struct limits_planner p = { .versions = versions, .writes = &writes, .err = err };
	int rc = plan_table(&p, resources);

	if (rc == 0)
		rc = limits_plan_weights(&p, &resources->io);
	if (rc == 0)
		rc = limits_plan_throttles(&p, &resources->io);
	if (rc == 0)
		rc = limits_plan_hugepages(&p, resources);
	if (rc == 0)
		rc = limits_plan_rdma(&p, resources);
	if (rc == 0)
		rc = limits_plan_devices(&p, resources);
	if (rc == 0)
		rc = limits_plan_unified(&p, resources);
	if (rc < 0) {
		cgroup_writes_fini(&writes);
		return rc;
	}
	*ret = writes;
	return 0;
}

void cgroup_writes_fini(struct cgroup_writes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->items[i].value);
		free(w->items[i].other_value);
	}
	free(w->items);
	*w = (struct cgroup_writes){ 0 };
}
