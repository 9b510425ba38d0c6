/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroups/limits.h"
#include "tests/unit/test.h"

static void set_versions(enum cgroup_version versions[CGROUP_CONTROLLERS],
			 enum cgroup_version version)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		versions[i] = version;
}

/* The plan in words: "file=value", "(set)" in front of it, "?" behind an optional one. */
static char *plan_text(const struct cgroup_resources *r, const enum cgroup_version *versions)
{
	struct cgroup_writes writes = { 0 };
	struct error err = { 0 };
	struct str text = { 0 };
	int rc = cgroup_limits_plan(r, versions, &writes, &err);

	if (rc < 0) {
		ck_assert_int_eq(rc, -err.code);
		return xstrdup(err.msg);
	}
	for (size_t i = 0; i < writes.n; i++) {
		const struct cgroup_write *w = &writes.items[i];

		str_addf(&text, "%s%s=%s%s", text.len ? "; " : "", w->file, w->value,
			 w->is_optional ? "?" : "");
		if (w->other_value)
			str_addf(&text, " or %s=%s", w->other_file, w->other_value);
	}
	cgroup_writes_fini(&writes);
	return str_take(&text);
}

struct row {
	struct cgroup_resources resources;
	const char *v1, *v2; /* plan or error text; v2 NULL: the same */
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		static const enum cgroup_version both[] = { CGROUP_V1, CGROUP_V2 };

		for (size_t v = 0; v < ARRAY_LEN(both); v++) {
			enum cgroup_version versions[CGROUP_CONTROLLERS];
			const char *wanted = v && rows[i].v2 ? rows[i].v2 : rows[i].v1;
			auto_free char *text = NULL;

			set_versions(versions, both[v]);
			text = plan_text(&rows[i].resources, versions);
			ck_assert_msg(str_eq(text, wanted), "row %zu, v%zu: got '%s', wanted '%s'",
				      i, v + 1, text, wanted);
		}
	}
}

#define MIB ((int64_t)1 << 20)
#define MEMORY(...)                       \
	{                                 \
		.memory = { __VA_ARGS__ } \
	}
#define CPU(...)                       \
	{                              \
		.cpu = { __VA_ARGS__ } \
	}
#define LIMIT(bytes)   .has_limit = true, .limit = (bytes)
#define SWAP(bytes)    .has_swap = true, .swap = (bytes)
#define RESERVE(bytes) .has_reservation = true, .reservation = (bytes)
#define SHARES(n)      .has_shares = true, .shares = (n)
#define QUOTA(us)      .has_quota = true, .quota = (us)
#define PERIOD(us)     .has_period = true, .period = (us)

START_TEST(limits_memory)
{
	static const struct row rows[] = {
		{ MEMORY(0), "" },
		{ MEMORY(LIMIT(64 * MIB)), "memory.limit_in_bytes=67108864",
		  "memory.max=67108864" },
		{ MEMORY(LIMIT(512 << 10)), "memory.limit_in_bytes=524288", "memory.max=524288" },
		{ MEMORY(LIMIT(0), SWAP(0), RESERVE(0)), "" },
		{ MEMORY(LIMIT(64 * MIB), SWAP(64 * MIB)),
		  "memory.limit_in_bytes=67108864; memory.memsw.limit_in_bytes=67108864?",
		  "memory.max=67108864; memory.swap.max=0?" },
		{ MEMORY(LIMIT(64 * MIB), SWAP(96 * MIB), RESERVE(32 * MIB)),
		  "memory.limit_in_bytes=67108864; memory.memsw.limit_in_bytes=100663296; "
		  "memory.soft_limit_in_bytes=33554432",
		  "memory.max=67108864; memory.swap.max=33554432; memory.low=33554432" },
		{ MEMORY(LIMIT(64 * MIB), SWAP(-1)),
		  "memory.limit_in_bytes=67108864; memory.memsw.limit_in_bytes=-1?",
		  "memory.max=67108864; memory.swap.max=max?" },
		{ MEMORY(LIMIT(-1)), "memory.limit_in_bytes=-1; memory.memsw.limit_in_bytes=-1?",
		  "memory.max=max; memory.swap.max=max?" },
		{ MEMORY(SWAP(-1)), "memory.memsw.limit_in_bytes=-1?", "memory.swap.max=max?" },
		{ MEMORY(RESERVE(-1)), "memory.soft_limit_in_bytes=-1", "memory.low=max" },
		{ MEMORY(.has_swappiness = true, .swappiness = 60), "memory.swappiness=60",
		  "set swappiness: cgroup v2 has no such setting" },
		{ MEMORY(.has_oom_kill_disable = true, .is_oom_kill_disabled = true),
		  "memory.oom_control=1", "set oom killer off: cgroup v2 has no such setting" },
		{ MEMORY(.has_oom_kill_disable = true), "memory.oom_control=0", "" },
		{ MEMORY(LIMIT(1)),
		  "limit memory to 1 bytes: the least is 524288 bytes (512 KiB)" },
		{ MEMORY(LIMIT((512 << 10) - 1)),
		  "limit memory to 524287 bytes: the least is 524288 bytes (512 KiB)" },
		{ MEMORY(LIMIT(-2)),
		  "limit memory to -2 bytes: the least is 524288 bytes (512 KiB)" },
		{ MEMORY(LIMIT(2 * MIB), SWAP(MIB)),
		  "limit memory and swap to 1048576 bytes: the memory limit alone is 2097152 bytes" },
		{ MEMORY(SWAP(MIB)),
		  "limit memory and swap to 1048576 bytes: no memory limit is set" },
		{ MEMORY(LIMIT(-1), SWAP(MIB)),
		  "limit memory and swap to 1048576 bytes: no memory limit is set" },
		{ MEMORY(LIMIT(MIB), RESERVE(2 * MIB)),
		  "reserve memory: 2097152 bytes is more than the limit of 1048576 bytes" },
		{ MEMORY(RESERVE(-5)), "reserve memory: -5 bytes is out of range" },
		{ MEMORY(.has_swappiness = true, .swappiness = 101),
		  "set swappiness 101: use 0 to 100" },
	};

	check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(limits_cpu)
{
	static char all[] = "0-3,7", one[] = "0", bad[] = "0-", high[] = "9999";
	static const struct row rows[] = {
		{ CPU(QUOTA(50000), PERIOD(100000)),
		  "cpu.cfs_period_us=100000; cpu.cfs_quota_us=50000", "cpu.max=50000 100000" },
		{ CPU(QUOTA(50000)), "cpu.cfs_quota_us=50000", "cpu.max=50000" },
		{ CPU(PERIOD(20000)), "cpu.cfs_period_us=20000", "cpu.max=max 20000" },
		{ CPU(QUOTA(-1), PERIOD(20000)), "cpu.cfs_period_us=20000; cpu.cfs_quota_us=-1",
		  "cpu.max=max 20000" },
		{ CPU(QUOTA(0), PERIOD(0), SHARES(0)), "" },
		{ CPU(QUOTA(1000), PERIOD(1000), .has_burst = true, .burst = 500),
		  "cpu.cfs_period_us=1000; cpu.cfs_quota_us=1000; cpu.cfs_burst_us=500",
		  "cpu.max=1000 1000; cpu.max.burst=500" },
		{ CPU(SHARES(2)), "cpu.shares=2", "cpu.weight=1" },
		{ CPU(SHARES(1024)), "cpu.shares=1024", "cpu.weight=39" },
		{ CPU(SHARES(262144)), "cpu.shares=262144", "cpu.weight=10000" },
		{ CPU(SHARES(512), .has_idle = true, .idle = 1), "cpu.shares=512; cpu.idle=1",
		  "cpu.weight=20; cpu.idle=1" },
		{ CPU(.cpus = all, .mems = one), "cpuset.cpus=0-3,7; cpuset.mems=0" },
		{ CPU(.has_rt_runtime = true, .rt_runtime = 900, .has_rt_period = true,
		      .rt_period = 1000),
		  "cpu.rt_period_us=1000; cpu.rt_runtime_us=900",
		  "set realtime period: cgroup v2 has no such setting" },
		{ CPU(.has_rt_runtime = true, .has_rt_period = true), "" },
		{ CPU(QUOTA(999)), "limit cpu: a quota of 999 us: the least is 1000 us" },
		{ CPU(QUOTA(-2)), "limit cpu: a quota of -2 us: the least is 1000 us" },
		{ CPU(PERIOD(999)), "limit cpu: a period of 999 us: use 1000 to 1000000 us" },
		{ CPU(PERIOD(1000001)),
		  "limit cpu: a period of 1000001 us: use 1000 to 1000000 us" },
		{ CPU(SHARES(1)), "set cpu shares 1: use 2 to 262144" },
		{ CPU(SHARES(262145)), "set cpu shares 262145: use 2 to 262144" },
		{ CPU(.has_idle = true, .idle = 2), "set cpu idle 2: use 0 or 1" },
		{ CPU(.cpus = bad), "limit cpus: parse list '0-': not a list like 0-3,7" },
		{ CPU(.mems = high),
		  "limit memory nodes: parse list '9999': numbers go up to 8191" },
	};

	check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(limits_pids)
{
	static const struct row rows[] = {
		{ { .has_pids = true, .pids = 100 }, "pids.max=100" },
		{ { .has_pids = true, .pids = 1 }, "pids.max=1" },
		{ { .has_pids = true, .pids = -1 }, "pids.max=max" },
		{ { .has_pids = true, .pids = 0 }, "pids.max=max" },
	};

	check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(limits_io)
{
	static struct cgroup_weight_device weight = { 8, 16, 500 }, none = { 8, 16, 0 };
	static struct cgroup_weight_device negative = { -1, 0, 500 };
	static struct cgroup_throttle slow = { 8, 0, 1048576 }, free_again = { 8, 0, 0 };
	static const struct row rows[] = {
		{ { .io = { .has_weight = true } }, "" },
		{ { .io = { .has_weight = true, .weight = 10 } },
		  "blkio.weight=10 or blkio.bfq.weight=10",
		  "io.weight=1 or io.bfq.weight=10" },
		{ { .io = { .has_weight = true, .weight = 1000 } },
		  "blkio.weight=1000 or blkio.bfq.weight=1000",
		  "io.weight=10000 or io.bfq.weight=1000" },
		{ { .io = { .weight_devices = &weight, .n_weight_devices = 1 } },
		  "blkio.weight_device=8:16 500 or blkio.bfq.weight_device=8:16 500",
		  "io.weight=8:16 4950 or io.bfq.weight=8:16 500" },
		{ { .io = { .weight_devices = &none, .n_weight_devices = 1 } }, "" },
		{ { .io = { .read_bps = &slow,
			    .n_read_bps = 1,
			    .write_iops = &slow,
			    .n_write_iops = 1 } },
		  "blkio.throttle.read_bps_device=8:0 1048576; "
		  "blkio.throttle.write_iops_device=8:0 1048576",
		  "io.max=8:0 rbps=1048576; io.max=8:0 wiops=1048576" },
		{ { .io = { .write_bps = &free_again,
			    .n_write_bps = 1,
			    .read_iops = &slow,
			    .n_read_iops = 1 } },
		  "blkio.throttle.write_bps_device=8:0 0; "
		  "blkio.throttle.read_iops_device=8:0 1048576",
		  "io.max=8:0 wbps=max; io.max=8:0 riops=1048576" },
		{ { .io = { .has_weight = true, .weight = 9 } },
		  "set io weight 9: use 10 to 1000" },
		{ { .io = { .weight_devices = &negative, .n_weight_devices = 1 } },
		  "limit io: device number -1:0 is out of range" },
	};

	check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(limits_hugepages_and_rdma)
{
	static char size[] = "2MB", path[] = "../2MB", unit[] = "2TB", device[] = "mlx5_0",
		    spaced[] = "a b";
	static struct cgroup_hugepage page = { size, 4194304 }, bad = { path, 0 },
				      huge = { unit, 0 };
	static struct cgroup_rdma rdma = { device, true, true, 3, 10000 },
				  bad_rdma = { spaced, true, false, 1, 0 };
	static const struct row rows[] = {
		{ { .hugepages = &page, .n_hugepages = 1 },
		  "hugetlb.2MB.limit_in_bytes=4194304; hugetlb.2MB.rsvd.limit_in_bytes=4194304?",
		  "hugetlb.2MB.max=4194304; hugetlb.2MB.rsvd.max=4194304?" },
		{ { .hugepages = &bad, .n_hugepages = 1 },
		  "limit huge pages: '../2MB' is no page size (such as '2MB')" },
		{ { .hugepages = &huge, .n_hugepages = 1 },
		  "limit huge pages: '2TB' is no page size (such as '2MB')" },
		{ { .rdma = &rdma, .n_rdma = 1 }, "rdma.max=mlx5_0 hca_handle=3 hca_object=10000" },
		{ { .rdma = &bad_rdma, .n_rdma = 1 }, "limit rdma: 'a b' is no device name" },
	};

	check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(writes_v1_device_rules)
{
	static struct cgroup_device_rule rules[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 1, 3, "rwm" },
		{ true, 'b', 8, -1, "r" },
	};
	static struct cgroup_device_rule unknown = { true, 'x', -1, -1, "rwm" };
	static const struct row rows[] = {
		{ { .devices = rules, .n_devices = 3 },
		  "devices.deny=a; devices.allow=c 1:3 rwm; devices.allow=b 8:* r",
		  "" },
		{ { .devices = &unknown, .n_devices = 1 },
		  "limit devices: rule 1: unknown type 'x': use a, b or c" },
	};

	check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(plans_unified_files)
{
	static const struct {
		const char *item, *wanted;
	} rows[] = {
		{ "memory.high=1048576", "memory.high=1048576" },
		{ "cgroup.max.depth=3", "cgroup.max.depth=3" },
		{ "cpu.pressure=some 150000 1000000", "cpu.pressure=some 150000 1000000" },
		{ "io.max=8:0 rbps=1\n8:16 wbps=2\n", "io.max=8:0 rbps=1; io.max=8:16 wbps=2" },
		{ "memory.high=", "memory.high=" },
		{ "memory.high", "set 'memory.high': it is no cgroup v2 limit file" },
		{ "cgroup.procs=1", "set 'cgroup.procs': it is no cgroup v2 limit file" },
		{ "cgroup.kill=1", "set 'cgroup.kill': it is no cgroup v2 limit file" },
		{ "../memory.max=1", "set '../memory.max': it is no cgroup v2 limit file" },
		{ "a/b.c=1", "set 'a/b.c': it is no cgroup v2 limit file" },
		{ ".hidden=1", "set '.hidden': it is no cgroup v2 limit file" },
		{ "=1", "set '': it is no cgroup v2 limit file" },
		{ "tasks=1", "set 'tasks': it is no cgroup v2 limit file" },
		{ "misc.max=1", "set 'misc.max': the cgroup controller 'misc' is not known" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cgroup_resources r = { 0 };
		enum cgroup_version versions[CGROUP_CONTROLLERS];
		auto_free char *text = NULL;

		set_versions(versions, CGROUP_V2);
		strv_add(&r.unified, rows[i].item);
		text = plan_text(&r, versions);
		ck_assert_str_eq(text, rows[i].wanted);
		cgroup_resources_fini(&r);
	}
}
END_TEST

START_TEST(names_the_controller_that_is_missing)
{
	static char cpus[] = "0", size[] = "2MB", device[] = "x";
	static struct cgroup_hugepage page = { size, 0 };
	static struct cgroup_rdma rdma = { device, true, false, 1, 0 };
	static struct cgroup_throttle slow = { 8, 0, 1 };
	static struct cgroup_device_rule rule = { false, 'a', -1, -1, "rwm" };
	static const struct {
		struct cgroup_resources resources;
		const char *error;
	} rows[] = {
		{ MEMORY(LIMIT(MIB)), "limit memory: this host has no 'memory' cgroup controller" },
		{ CPU(SHARES(100)), "limit cpu shares: this host has no 'cpu' cgroup controller" },
		{ CPU(.cpus = cpus), "limit cpus: this host has no 'cpuset' cgroup controller" },
		{ { .has_pids = true, .pids = 5 },
		  "limit pids: this host has no 'pids' cgroup controller" },
		{ { .io = { .has_weight = true, .weight = 100 } },
		  "limit io weight: this host has no 'io' cgroup controller" },
		{ { .io = { .read_bps = &slow, .n_read_bps = 1 } },
		  "limit io rate: this host has no 'io' cgroup controller" },
		{ { .hugepages = &page, .n_hugepages = 1 },
		  "limit huge pages: this host has no 'hugetlb' cgroup controller" },
		{ { .rdma = &rdma, .n_rdma = 1 },
		  "limit rdma: this host has no 'rdma' cgroup controller" },
		{ { .devices = &rule, .n_devices = 1 },
		  "limit devices: this host has no 'devices' cgroup controller" },
		/* what cannot be right is said first */
		{ MEMORY(LIMIT(1)),
		  "limit memory to 1 bytes: the least is 524288 bytes (512 KiB)" },
	};
	enum cgroup_version versions[CGROUP_CONTROLLERS];

	set_versions(versions, CGROUP_ABSENT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = plan_text(&rows[i].resources, versions);

		ck_assert_str_eq(text, rows[i].error);
	}
}
END_TEST

START_TEST(mixes_versions_on_a_hybrid_host)
{
	static char size[] = "2MB";
	static struct cgroup_hugepage page = { size, 0 };
	struct cgroup_resources r = {
		.has_pids = true, .pids = 7, .hugepages = &page, .n_hugepages = 1
	};
	enum cgroup_version versions[CGROUP_CONTROLLERS];
	auto_free char *text = NULL, *refused = NULL;

	set_versions(versions, CGROUP_V1);
	versions[CGROUP_HUGETLB] = CGROUP_V2;
	text = plan_text(&r, versions);
	ck_assert_str_eq(text, "pids.max=7; hugetlb.2MB.max=0; hugetlb.2MB.rsvd.max=0?");

	strv_add(&r.unified, "memory.high=1");
	refused = plan_text(&r, versions);
	ck_assert_str_eq(refused,
			 "set 'memory.high': this host has no 'memory' controller on cgroup v2");
	strv_fini(&r.unified);
}
END_TEST

START_TEST(marks_writes_that_depend_on_each_other)
{
	const struct cgroup_resources r = {
		.memory = { LIMIT(MIB), SWAP(2 * MIB) },
		.cpu = { QUOTA(1000), PERIOD(1000), SHARES(5) },
		.has_pids = true,
		.pids = 1,
	};
	enum cgroup_version versions[CGROUP_CONTROLLERS];
	struct cgroup_writes w = { 0 };
	struct error err = { 0 };

	set_versions(versions, CGROUP_V1);
	ck_assert_int_eq(cgroup_limits_plan(&r, versions, &w, &err), 0);
	ck_assert_uint_eq(w.n, 6);
	ck_assert_uint_ne(w.items[0].set, 0);
	ck_assert_uint_eq(w.items[0].set, w.items[1].set); /* memory, memory and swap */
	ck_assert_uint_ne(w.items[1].set, w.items[2].set); /* shares */
	ck_assert_uint_eq(w.items[3].set, w.items[4].set); /* period, quota */
	ck_assert_uint_ne(w.items[3].set, w.items[2].set);
	ck_assert_uint_eq(w.items[5].set, 0); /* pids */
	cgroup_writes_fini(&w);
}
END_TEST

TEST_MAIN("cgroups/limits", limits_memory, limits_cpu, limits_pids, limits_io,
	  limits_hugepages_and_rdma, writes_v1_device_rules, plans_unified_files,
	  names_the_controller_that_is_missing, mixes_versions_on_a_hybrid_host,
	  marks_writes_that_depend_on_each_other)
