/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/controllers.h"
#include "cgroups/devices.h"

/* Below this a process cannot even exec; the kernel would take it and kill instead. */
#define MEMORY_MIN ((int64_t)512 << 10)

#define QUOTA_MIN_US  1000
#define PERIOD_MIN_US 1000
#define PERIOD_MAX_US 1000000

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MIN 10
#define WEIGHT_MAX 1000

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

static int check_range(const char *what, uint64_t value, uint64_t min, uint64_t max,
		       struct error *err)
{
	if (value >= min && value <= max)
		return 0;
	return err_set(err, EINVAL, "set %s %" PRIu64 ": use %" PRIu64 " to %" PRIu64, what, value,
		       min, max);
}

static int value_shares(const struct cgroup_resources *r, enum cgroup_version version, char **ret,
			struct error *err)
{
	uint64_t shares = r->cpu.shares;
	int rc;

	if (!r->cpu.has_shares || shares == 0)
		return 0;
	rc = check_range("cpu shares", shares, SHARES_MIN, SHARES_MAX, err);
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

	(void)version;
	return rc < 0 || !has_period(&r->cpu) ? rc : number(r->cpu.period, ret);
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
	{ "cpu period", CGROUP_CPU, BY_VERSION("cpu.cfs_period_us", "cpu.max"),
	  value_period, BY_VERSION(SET_CPU, SET_CPU) },
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

struct planner {
	const enum cgroup_version *versions;
	struct cgroup_writes *writes;
	struct error *err;
};

static struct cgroup_write *add(struct planner *p, enum cgroup_controller controller,
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

static int check_controller(const struct planner *p, enum cgroup_controller controller,
			    const char *what)
{
	if (p->versions[controller] != CGROUP_ABSENT)
		return 0;
	return err_set(p->err, ENODEV, "limit %s: this host has no '%s' cgroup controller", what,
		       cgroup_controller_name(controller));
}

static int plan_limit(struct planner *p, const struct limit *limit,
		      const struct cgroup_resources *r)
{
	enum cgroup_version version = p->versions[limit->controller];
	auto_free char *value = NULL;
	struct cgroup_write *write;
	int rc = limit->value(r, version, &value, p->err);

	if (rc <= 0)
		return rc;
	rc = check_controller(p, limit->controller, limit->name);
	if (rc < 0)
		return rc;
	if (!limit->files[version])
		return err_set(p->err, EOPNOTSUPP, "set %s: cgroup v2 has no such setting",
			       limit->name);

	write = add(p, limit->controller, limit->files[version], take_ptr(value));
	write->set = limit->sets[version];
	/* Without swap accounting nothing beyond memory is promised, and nothing is asked here. */
	if (limit->value == value_swap)
		write->is_optional = !r->memory.has_swap || r->memory.swap == -1 ||
				     r->memory.swap == r->memory.limit;
	return 0;
}

static int plan_table(struct planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		bool is_in_max =
			limits[i].value == value_period && p->versions[CGROUP_CPU] == CGROUP_V2;
		int rc;

		if (is_in_max)
			continue; /* part of cpu.max, with the quota */
		rc = plan_limit(p, &limits[i], r);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_device(const struct planner *p, int64_t major, int64_t minor)
{
	if (major >= 0 && major <= INT32_MAX && minor >= 0 && minor <= INT32_MAX)
		return 0;
	return err_set(p->err, EINVAL,
		       "limit io: device number %" PRId64 ":%" PRId64 " is out of range", major,
		       minor);
}

static uint64_t io_weight(uint16_t weight)
{
	return 1 + (uint64_t)(weight - WEIGHT_MIN) * 9999 / (WEIGHT_MAX - WEIGHT_MIN);
}

/* BFQ brings files of its own, in the old range; one of both is there, or none. */
static int plan_weight(struct planner *p, const char *device, uint16_t weight)
{
	bool is_v2 = p->versions[CGROUP_IO] == CGROUP_V2;
	struct cgroup_write *write;
	int rc = check_range("io weight", weight, WEIGHT_MIN, WEIGHT_MAX, p->err);

	if (rc == 0)
		rc = check_controller(p, CGROUP_IO, "io weight");
	if (rc < 0)
		return rc;
	write = add(p, CGROUP_IO,
		    is_v2     ? "io.weight"
		    : *device ? "blkio.weight_device"
			      : "blkio.weight",
		    xasprintf("%s%" PRIu64, device, is_v2 ? io_weight(weight) : weight));
	(void)snprintf(write->other_file, sizeof(write->other_file), "%s",
		       is_v2     ? "io.bfq.weight"
		       : *device ? "blkio.bfq.weight_device"
				 : "blkio.bfq.weight");
	write->other_value = xasprintf("%s%u", device, weight);
	return 0;
}

static int plan_weights(struct planner *p, const struct cgroup_io *io)
{
	int rc = 0;

	if (io->has_weight && io->weight != 0)
		rc = plan_weight(p, "", io->weight);
	for (size_t i = 0; rc == 0 && i < io->n_weight_devices; i++) {
		const struct cgroup_weight_device *d = &io->weight_devices[i];
		char device[64];

		if (d->weight == 0)
			continue;
		rc = check_device(p, d->major, d->minor);
		(void)snprintf(device, sizeof(device), "%" PRId64 ":%" PRId64 " ", d->major,
			       d->minor);
		if (rc == 0)
			rc = plan_weight(p, device, d->weight);
	}
	return rc;
}

static int plan_throttles(struct planner *p, const struct cgroup_io *io)
{
	const struct {
		const struct cgroup_throttle *items;
		size_t n;
		const char *v1, *v2;
	} kinds[] = {
		{ io->read_bps, io->n_read_bps, "blkio.throttle.read_bps_device", "rbps" },
		{ io->write_bps, io->n_write_bps, "blkio.throttle.write_bps_device", "wbps" },
		{ io->read_iops, io->n_read_iops, "blkio.throttle.read_iops_device", "riops" },
		{ io->write_iops, io->n_write_iops, "blkio.throttle.write_iops_device", "wiops" },
	};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < kinds[k].n; i++) {
			const struct cgroup_throttle *t = &kinds[k].items[i];
			char device[64], rate[24] = "max";
			int rc = check_device(p, t->major, t->minor);

			if (rc == 0)
				rc = check_controller(p, CGROUP_IO, "io rate");
			if (rc < 0)
				return rc;
			(void)snprintf(device, sizeof(device), "%" PRId64 ":%" PRId64, t->major,
				       t->minor);
			if (t->rate > 0 || p->versions[CGROUP_IO] == CGROUP_V1)
				(void)snprintf(rate, sizeof(rate), "%" PRIu64, t->rate);
			if (p->versions[CGROUP_IO] == CGROUP_V2)
				(void)add(p, CGROUP_IO, "io.max",
					  xasprintf("%s %s=%s", device, kinds[k].v2, rate));
			else
				(void)add(p, CGROUP_IO, kinds[k].v1,
					  xasprintf("%s %s", device, rate));
		}
	return 0;
}

/* It becomes part of a file name: "2MB", "1GB", "64KB". */
static bool is_page_size(const char *text)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;

	return digits > 0 && digits < 8 && text[digits] && strchr("KMG", text[digits]) &&
	       str_eq(text + digits + 1, "B");
}

static int plan_hugepages(struct planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < r->n_hugepages; i++) {
		const struct cgroup_hugepage *page = &r->hugepages[i];
		const char *suffix =
			p->versions[CGROUP_HUGETLB] == CGROUP_V2 ? "max" : "limit_in_bytes";
		char file[64];
		int rc = check_controller(p, CGROUP_HUGETLB, "huge pages");

		if (rc < 0)
			return rc;
		if (!is_page_size(page->page_size))
			return err_set(p->err, EINVAL,
				       "limit huge pages: '%s' is no page size (such as '2MB')",
				       page->page_size ? page->page_size : "");
		(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", page->page_size, suffix);
		(void)add(p, CGROUP_HUGETLB, file, xasprintf("%" PRIu64, page->limit));
		/* Reservations count apart since Linux 5.7 (hugetlb.rst). */
		(void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", page->page_size, suffix);
		add(p, CGROUP_HUGETLB, file, xasprintf("%" PRIu64, page->limit))->is_optional =
			true;
	}
	return 0;
}

static int plan_rdma(struct planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < r->n_rdma; i++) {
		const struct cgroup_rdma *rdma = &r->rdma[i];
		auto_str struct str value = { 0 };
		int rc = check_controller(p, CGROUP_RDMA, "rdma");

		if (rc < 0)
			return rc;
		if (!rdma->device || !*rdma->device || strpbrk(rdma->device, " \t\n/"))
			return err_set(p->err, EINVAL, "limit rdma: '%s' is no device name",
				       rdma->device ? rdma->device : "");
		str_add(&value, rdma->device);
		if (rdma->has_handles)
			str_addf(&value, " hca_handle=%" PRIu32, rdma->handles);
		if (rdma->has_objects)
			str_addf(&value, " hca_object=%" PRIu32, rdma->objects);
		(void)add(p, CGROUP_RDMA, "rdma.max", str_take(&value));
	}
	return 0;
}

static int plan_devices(struct planner *p, const struct cgroup_resources *r)
{
	auto_strv struct strv texts = { 0 };
	int rc;

	if (r->n_devices == 0)
		return 0;
	rc = check_controller(p, CGROUP_DEVICES, "devices");
	if (rc < 0 || p->versions[CGROUP_DEVICES] == CGROUP_V2)
		return rc < 0 ? rc : cgroup_devices_check(r->devices, r->n_devices, p->err);

	rc = cgroup_devices_texts(r->devices, r->n_devices, &texts, p->err);
	for (size_t i = 0; rc == 0 && i < texts.n; i++) {
		const char *text = texts.items[i];

		(void)add(p, CGROUP_DEVICES, *text == '+' ? "devices.allow" : "devices.deny",
			  xstrdup(str_starts(text + 1, "a ") ? "a" : text + 1));
	}
	return rc;
}

/* The core's own files act (kill, freeze, move processes) rather than limit. */
static bool is_unified_file(const char *file, size_t len)
{
	static const char *const core[] = { "cgroup.max.depth", "cgroup.max.descendants",
					    "cgroup.pressure" };

	if (len == 0 || len >= sizeof(((struct cgroup_write *)0)->file) || memchr(file, '/', len) ||
	    !memchr(file, '.', len) || *file == '.')
		return false;
	if (len < 7 || memcmp(file, "cgroup.", 7) != 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(core); i++)
		if (strlen(core[i]) == len && memcmp(core[i], file, len) == 0)
			return true;
	return false;
}

static int unified_controller(const struct planner *p, const char *file,
			      enum cgroup_controller *ret)
{
	auto_free char *name = xstrndup(file, strcspn(file, "."));
	unsigned int bit = cgroup_controllers_parse(name, " ");

	if (str_eq(name, "cgroup")) {
		*ret = CGROUP_FREEZER; /* where the core is */
	} else {
		if (bit == 0)
			return err_set(p->err, ENODEV,
				       "set '%s': the cgroup controller '%s' is not known", file,
				       name);
		*ret = (enum cgroup_controller)__builtin_ctz(bit);
	}
	if (p->versions[*ret] != CGROUP_V2)
		return err_set(p->err, ENODEV,
			       "set '%s': this host has no '%s' controller on cgroup v2", file,
			       name);
	return 0;
}

static int plan_unified(struct planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < r->unified.n; i++) {
		const char *item = r->unified.items[i];
		const char *value = strchr(item, '=');
		auto_free char *file = xstrndup(item, value ? (size_t)(value - item) : 0);
		auto_strv struct strv lines = { 0 };
		enum cgroup_controller controller = CGROUP_CONTROLLERS;
		int rc;

		if (!is_unified_file(file, strlen(file)))
			return err_set(p->err, EINVAL, "set '%s': it is no cgroup v2 limit file",
				       value ? file : item);
		rc = unified_controller(p, file, &controller);
		if (rc < 0)
			return rc;
		/* io.max and its like take one line, one device, in a write. */
		strv_split(&lines, value + 1, '\n');
		for (size_t l = 0; l < lines.n; l++)
			if (*lines.items[l] || lines.n == 1)
				(void)add(p, controller, file, xstrdup(lines.items[l]));
	}
	return 0;
}

int cgroup_limits_plan(const struct cgroup_resources *resources,
		       const enum cgroup_version versions[CGROUP_CONTROLLERS],
		       struct cgroup_writes *ret, struct error *err)
{
	struct cgroup_writes writes = { 0 };
	struct planner p = { .versions = versions, .writes = &writes, .err = err };
	int rc = plan_table(&p, resources);

	if (rc == 0)
		rc = plan_weights(&p, &resources->io);
	if (rc == 0)
		rc = plan_throttles(&p, &resources->io);
	if (rc == 0)
		rc = plan_hugepages(&p, resources);
	if (rc == 0)
		rc = plan_rdma(&p, resources);
	if (rc == 0)
		rc = plan_devices(&p, resources);
	if (rc == 0)
		rc = plan_unified(&p, resources);
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

/* ---- doing it */

static int apply_one(const struct cgroup *cgroup, const struct cgroup_write *write,
		     struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, write->controller);
	struct dir dir;
	int rc;

	if (!part)
		return err_set(err, ENODEV, "write '%s': the cgroup has no '%s' controller",
			       write->file, cgroup_controller_name(write->controller));
	dir = cgroup_part_dir(part);
	rc = sys_write_at(&dir, write->file, write->value, err);
	if (rc == -ENOENT && write->other_value)
		rc = sys_write_at(&dir, write->other_file, write->other_value, err);
	if (rc == -ENOENT && write->is_optional) {
		log_debug("left out: %s", err->msg);
		return 0;
	}
	if (rc == -ENOENT)
		return err_set(err, ENODEV, "write '%s' to '%s/%s': this kernel has no such limit",
			       write->value, dir.path, write->file);
	return rc;
}

/* Returns how many of the @n side by side are done, or the last refusal. */
static int apply_set(const struct cgroup *cgroup, const struct cgroup_write *writes, size_t n,
		     struct error *err)
{
	bool is_done[8] = { false };
	size_t left = MIN(n, ARRAY_LEN(is_done));

	while (left > 0) {
		size_t before = left;
		int refusal = 0;

		for (size_t i = 0; i < MIN(n, ARRAY_LEN(is_done)); i++) {
			int rc = is_done[i] ? -EALREADY : apply_one(cgroup, &writes[i], err);

			if (rc == 0) {
				is_done[i] = true;
				left--;
			} else if (rc == -EINVAL || rc == -EBUSY) {
				refusal = rc;
			} else if (rc != -EALREADY) {
				return rc;
			}
		}
		if (left == before)
			return refusal;
	}
	return 0;
}

int cgroup_writes_apply(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			struct error *err)
{
	for (size_t i = 0, n; i < writes->n; i += n) {
		const struct cgroup_write *first = &writes->items[i];
		int rc;

		for (n = 1; first->set && i + n < writes->n && first[n].set == first->set; n++)
			continue;
		rc = n == 1 ? apply_one(cgroup, first, err) : apply_set(cgroup, first, n, err);
		if (rc < 0)
			return err_wrap(err, "limit cgroup '%s'", cgroup->path);
	}
	return 0;
}
