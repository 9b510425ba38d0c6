/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits of control groups against the kernel that runs this, whichever versions it has: each is read
 * back, and those that can be exceeded are.  Prints test points.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cgroups/cgroup.h"
#include "cgroups/events.h"
#include "cgroups/resources.h"
#include "cgroups/stats.h"
#include "tests/integration/cgroup_probe.h"

static void test_limits(void)
{
	static char cpu0[] = "0";
	const struct cgroup_resources r = {
		.memory = { .has_limit = true,
			    .limit = 64 * MIB,
			    .has_swap = true,
			    .swap = 96 * MIB,
			    .has_reservation = true,
			    .reservation = 32 * MIB },
		.cpu = { .has_quota = true,
			 .quota = 50000,
			 .has_period = true,
			 .period = 100000,
			 .has_shares = true,
			 .shares = 512,
			 .has_burst = true,
			 .burst = 10000,
			 .cpus = cpu0,
			 .mems = cpu0 },
		.has_pids = true,
		.pids = 20,
	};
	static const struct expectation rows[] = {
		{ CGROUP_MEMORY, "memory.limit_in_bytes", "67108864", "memory.max", "67108864" },
		{ CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "100663296", "memory.swap.max",
		  "33554432" },
		{ CGROUP_MEMORY, "memory.soft_limit_in_bytes", "33554432", "memory.low",
		  "33554432" },
		{ CGROUP_CPU, "cpu.cfs_quota_us", "50000", "cpu.max", "50000 100000" },
		{ CGROUP_CPU, "cpu.cfs_period_us", "100000", NULL, NULL },
		{ CGROUP_CPU, "cpu.cfs_burst_us", "10000", "cpu.max.burst", "10000" },
		{ CGROUP_CPU, "cpu.shares", "512", "cpu.weight", "20" },
		{ CGROUP_CPUSET, "cpuset.cpus", "0", "cpuset.cpus", "0" },
		{ CGROUP_CPUSET, "cpuset.mems", "0", "cpuset.mems", "0" },
		{ CGROUP_PIDS, "pids.max", "20", "pids.max", "20" },
	};
	struct cgroup *cgroup = create("limits", &r);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(cgroup, &rows[i]);
	destroy(cgroup, "a group with all limits is destroyed");
}

static void test_update(void)
{
	const struct cgroup_resources first = {
		.memory = { .has_limit = true,
			    .limit = 32 * MIB,
			    .has_swap = true,
			    .swap = 32 * MIB },
		.cpu = { .has_quota = true, .quota = 10000, .has_period = true, .period = 10000 },
	};
	struct cgroup_resources r = {
		.memory = { .has_limit = true,
			    .limit = 64 * MIB,
			    .has_swap = true,
			    .swap = 64 * MIB },
		.cpu = { .has_period = true, .period = 20000 },
	};
	struct cgroup *cgroup = create("update", &first);
	struct error err = { 0 };

	/* v1 takes memory and "memory and swap" in one order only, which differs by direction. */
	(void)done(cgroup_update(cgroup, &r, &err), &err, "limits are raised");
	expect(cgroup, &(struct expectation){ CGROUP_MEMORY, "memory.limit_in_bytes", "67108864",
					      "memory.max", "67108864" });
	expect(cgroup, &(struct expectation){ CGROUP_MEMORY, "memory.memsw.limit_in_bytes",
					      "67108864", "memory.swap.max", "0" });
	expect(cgroup, &(struct expectation){ CGROUP_CPU, "cpu.cfs_period_us", "20000", "cpu.max",
					      "10000 20000" });
	(void)done(cgroup_update(cgroup, &first, &err), &err, "limits are lowered again");
	expect(cgroup, &(struct expectation){ CGROUP_MEMORY, "memory.memsw.limit_in_bytes",
					      "33554432", "memory.swap.max", "0" });
	expect(cgroup, &(struct expectation){ CGROUP_CPU, "cpu.cfs_quota_us", "10000", "cpu.max",
					      "10000 10000" });
	r = (struct cgroup_resources){ .memory = { .has_limit = true, .limit = -1 } };
	(void)done(cgroup_update(cgroup, &r, &err), &err, "the memory limit is taken away");
	expect(cgroup, &(struct expectation){ CGROUP_MEMORY, NULL, NULL, "memory.max", "max" });
	destroy(cgroup, "an updated group is destroyed");
}

/* The number of a disk's device, or 0. */
static dev_t find_disk(void)
{
	for (unsigned int major = 1; major < 260; major++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:0/queue", major);
		if (major != 7 && access(path, F_OK) == 0)
			return makedev(major, 0);
	}
	return 0;
}

static void test_io(void)
{
	dev_t disk = find_disk();
	struct cgroup_throttle rate = { (int64_t)major(disk), (int64_t)minor(disk), 1 << 20 };
	const struct cgroup_resources r = { .io = { .read_bps = &rate, .n_read_bps = 1 } };
	const struct cgroup_resources weighed = { .io = { .has_weight = true, .weight = 500 } };
	auto_free char *v1 = xasprintf("%u:0 1048576", major(disk));
	auto_free char *v2 =
		xasprintf("%u:0 rbps=1048576 wbps=max riops=max wiops=max", major(disk));
	struct cgroup *cgroup;
	struct error err = { 0 };

	if (!disk) {
		skip("io.max", "there is no disk");
		return;
	}
	cgroup = create("io", &r);
	expect(cgroup, &(struct expectation){ CGROUP_IO, "blkio.throttle.read_bps_device", v1,
					      "io.max", v2 });
	if (cgroup_update(cgroup, &weighed, &err) < 0)
		point(strstr(err.msg, "this kernel has no such limit") != NULL,
		      "a kernel without io weights is named");
	else
		point(true, "an io weight is written");
	destroy(cgroup, "a group with io limits is destroyed");
}

static void test_hugepages(void)
{
	static char size[] = "2MB";
	struct cgroup_hugepage page = { size, 4 * MIB };
	const struct cgroup_resources r = { .hugepages = &page, .n_hugepages = 1 };
	struct cgroup *cgroup;

	if (cgroup_host_controller(host, CGROUP_HUGETLB) == CGROUP_ABSENT ||
	    access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) < 0) {
		skip("hugetlb.2MB.max", "no huge pages here");
		return;
	}
	cgroup = create("huge", &r);
	expect(cgroup, &(struct expectation){ CGROUP_HUGETLB, "hugetlb.2MB.limit_in_bytes",
					      "4194304", "hugetlb.2MB.max", "4194304" });
	destroy(cgroup, "a group with huge pages is destroyed");
}

static int open_devices(void *arg)
{
	int ok = open("/dev/null", O_RDWR | O_CLOEXEC);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int read_only = open("/dev/full", O_RDONLY | O_CLOEXEC);
	int written;

	(void)arg;
	if (ok < 0)
		return 1;
	if (zero >= 0 || errno == ENOENT)
		return 2;
	if (read_only < 0)
		return 3;
	written = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (written >= 0 || errno != EPERM)
		return 4;
	if (mknod("denied-node", S_IFCHR | 0600, makedev(1, 5)) == 0 || errno != EPERM)
		return 5;
	return 0;
}

static void test_devices(void)
{
	static struct cgroup_device_rule rules[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 1, 3, "rwm" },
		{ true, 'c', 1, 7, "r" },
	};
	static struct cgroup_device_rule all[] = { { true, 'a', -1, -1, "rwm" } };
	struct cgroup_resources r = { .devices = rules, .n_devices = ARRAY_LEN(rules) };
	struct cgroup *cgroup = create("devices", &r);
	int status = run_in(cgroup, open_devices, NULL);

	point(status == 0, "only the allowed devices can be used (%d)", status);
	destroy(cgroup, "a group with device rules is destroyed");

	r.devices = all;
	r.n_devices = 1;
	cgroup = create("devices", &r);
	status = run_in(cgroup, open_devices, NULL);
	point(status == 2, "with all allowed, the others can (%d)", status);
	destroy(cgroup, "and that one too");
}

static int eat_memory(void *arg)
{
	size_t size = (size_t)(128 * MIB);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	if (p == MAP_FAILED)
		return 1;
	memset(p, 1, size);
	return 0;
}

static void test_oom(void)
{
	const struct cgroup_resources r = {
		.memory = { .has_limit = true,
			    .limit = 16 * MIB,
			    .has_swap = true,
			    .swap = 16 * MIB },
	};
	struct cgroup *cgroup = create("oom", &r);
	struct error err = { 0 };
	struct cgroup_stats stats = { 0 };
	struct pollfd poll_fd = { .fd = cgroup_oom_watch(cgroup, &err), .events = POLLIN };
	uint64_t kills = 99;
	int status;

	(void)done(poll_fd.fd, &err, "memory events are watched");
	(void)done(cgroup_oom_kills(cgroup, &kills, &err), &err, "oom kills are counted");
	point(kills == 0, "there is none yet");
	point(poll(&poll_fd, 1, 0) == 0, "no event has come");

	status = run_in(cgroup, eat_memory, NULL);
	point(status == 128 + SIGKILL, "who takes too much memory is killed (%d)", status);
	point(poll(&poll_fd, 1, 2000) == 1, "the event comes");
	(void)cgroup_oom_kills(cgroup, &kills, &err);
	point(kills == 1, "one kill is counted");
	(void)done(cgroup_stats_read(cgroup, &stats, &err), &err, "statistics are read");
	point(stats.oom_kills == 1 && stats.memory_limit == 16 * (uint64_t)MIB,
	      "they have kill and limit");
	close_fd(&poll_fd.fd);
	destroy(cgroup, "the group is destroyed");
}

/* Tells through the pipe that it has its memory, and keeps it. */
static int hold_memory(void *arg)
{
	size_t size = (size_t)(16 * MIB);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	memset(p, 1, size);
	if (write(*(int *)arg, "x", 1) != 1)
		return 1;
	return sleep_long(NULL);
}

static void test_memory_in_use(void)
{
	const struct cgroup_resources first = {
		.memory = { .has_limit = true,
			    .limit = 64 * MIB,
			    .has_swap = true,
			    .swap = 64 * MIB },
	};
	struct cgroup_resources r = {
		.memory = { .has_limit = true,
			    .limit = 8 * MIB,
			    .has_swap = true,
			    .swap = 8 * MIB,
			    .is_update_checked = true },
	};
	struct cgroup *cgroup = create("use", &first);
	struct error err = { 0 };
	int fds[2];
	char c;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		exit(1);
	pid = start(cgroup, hold_memory, &fds[1]);
	close_fd(&fds[1]);
	point(read(fds[0], &c, 1) == 1, "a process has 16 MiB");
	refused(cgroup_update(cgroup, &r, &err), &err,
		"limit memory to 8388608: ", "a checked limit below the use is refused");
	r.memory.is_update_checked = false;
	if (cgroup_host_controller(host, CGROUP_MEMORY) == CGROUP_V1)
		refused(cgroup_update(cgroup, &r, &err), &err,
			"memory.limit_in_bytes': more than that is in use",
			"an unchecked one names the use");
	point(waitpid(pid, NULL, WNOHANG) == 0, "the process lives on");
	(void)cgroup_signal_all(cgroup, SIGKILL, &err);
	(void)reap(pid);
	close_fd(&fds[0]);
	destroy(cgroup, "its group is destroyed");
}

static void test_refusals(void)
{
	static char cpu[] = "8000";
	const struct cgroup_resources nothing = { 0 };
	const struct cgroup_resources bad_cpu = { .cpu = { .cpus = cpu } };
	struct cgroup *cgroup = create_plain("used"), *second = NULL;
	struct error err = { 0 };
	pid_t pid = start(cgroup, sleep_long, NULL);
	struct stat st;

	pause_ms(50);
	refused(cgroup_create(host, "minictr/used", &nothing, &second, &err), &err,
		"it has processes in it already", "a group in use is not taken over");
	refused(cgroup_create(host, "minictr/cpu", &bad_cpu, &second, &err), &err,
		"limit cgroup 'minictr/cpu': write '8000' to '",
		"a cpu that is not there is named");
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *dir = cgroup_directory(cgroup, (enum cgroup_controller)i);
		auto_free char *left = dir ? xasprintf("%.*scpu", (int)strlen(dir) - 4, dir) : NULL;

		if (left && stat(left, &st) == 0)
			point(false, "'%s' is left of the failure", left);
	}
	(void)cgroup_signal_all(cgroup, SIGKILL, &err);
	(void)reap(pid);
	destroy(cgroup, "the group is destroyed");
}

int main(void)
{
	int rc = setup_host();

	if (rc)
		return rc;
	test_limits();
	test_update();
	test_io();
	test_hugepages();
	test_devices();
	test_oom();
	test_memory_in_use();
	test_refusals();
	return finish();
}
