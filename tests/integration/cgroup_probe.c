/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drives cgroups/ against the kernel that runs it, whichever versions of control groups that has,
 * and prints test points (testanything.org).  Everything it makes is below /minictr.
 */

#include "tests/integration/cgroup_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "cgroups/events.h"
#include "cgroups/resources.h"
#include "cgroups/stats.h"

/* ---- reading back */

static char *read_file(const struct cgroup *cgroup, enum cgroup_controller controller,
		       const char *file)
{
	const char *directory = cgroup_directory(cgroup, controller);
	auto_free char *path = directory ? path_join(directory, file) : NULL;
	struct error err = { 0 };
	char *text = NULL;

	if (!path || file_read(path, 1 << 16, &text, NULL, &err) < 0)
		return xstrdup("(none)");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

struct expectation {
	enum cgroup_controller controller;
	const char *v1_file, *v1_value, *v2_file, *v2_value;
};

static void expect(const struct cgroup *cgroup, const struct expectation *e)
{
	bool is_v2 = cgroup_host_controller(host, e->controller) == CGROUP_V2;
	const char *file = is_v2 ? e->v2_file : e->v1_file;
	const char *value = is_v2 ? e->v2_value : e->v1_value;
	auto_free char *text = NULL;

	if (!file)
		return;
	text = read_file(cgroup, e->controller, file);
	point(str_eq(text, value), "%s is %s", file, value);
	if (!str_eq(text, value))
		printf("#   got: %s\n", text);
}

/* ---- the tests */

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

static int check_membership(void *arg)
{
	auto_free char *text = NULL;
	struct error err = { 0 };
	int seen = 0;

	if (file_read("/proc/self/cgroup", 1 << 16, &text, NULL, &err) < 0)
		return 90;
	for (const char *p = text; (p = strstr(p, arg)); p++)
		seen++;
	return seen;
}

static void test_membership(void)
{
	static char name[] = "/minictr/member\n";
	struct cgroup *cgroup = create_plain("member");
	struct error err = { 0 };
	int wanted = 0, seen = run_in(cgroup, check_membership, name);
	pid_t pid;
	pid_t *pids = NULL;
	size_t n = 0;

	/* one line of /proc/PID/cgroup for each directory */
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *dir = cgroup_directory(cgroup, (enum cgroup_controller)i);
		bool is_new = dir != NULL;

		for (size_t j = 0; is_new && j < i; j++)
			is_new = !str_eq(dir, cgroup_directory(cgroup, (enum cgroup_controller)j));
		wanted += is_new;
	}
	point(seen == wanted, "a process that joins is in all %d groups (%d)", wanted, seen);

	pid = fork();
	if (pid == 0)
		_exit(sleep_long(NULL));
	(void)done(cgroup_join_pid(cgroup, pid, &err), &err, "another process is moved in");
	(void)done(cgroup_pids(cgroup, &pids, &n, &err), &err, "the processes are listed");
	point(n == 1 && pids[0] == pid, "it is the one in the list");
	free(pids);
	(void)done(cgroup_signal_all(cgroup, SIGTERM, &err), &err, "all get a signal");
	point(reap(pid) == 128 + SIGTERM, "it ends by it");
	destroy(cgroup, "the group is destroyed");
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

static int fork_many(void *arg)
{
	int n = 0;

	(void)arg;
	for (; n < 50; n++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			_exit(sleep_long(NULL));
	}
	return errno == EAGAIN ? n : 200;
}

static void test_pids(void)
{
	const struct cgroup_resources r = { .has_pids = true, .pids = 6 };
	struct cgroup *cgroup = create("pids", &r);
	struct error err = { 0 };
	int n = run_in(cgroup, fork_many, NULL);

	point(n == 5, "a sixth process is refused beyond the first (%d)", n);
	(void)done(cgroup_signal_all(cgroup, SIGKILL, &err), &err, "orphans are killed");
	destroy(cgroup, "nothing of them is left");
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

static int count_up(void *arg)
{
	atomic_ulong *counter = arg;

	while (atomic_fetch_add(counter, 1) < ULONG_MAX)
		pause_ms(1);
	return 0;
}

static bool is_counting(const atomic_ulong *counter)
{
	unsigned long before = atomic_load(counter);

	pause_ms(100);
	return atomic_load(counter) != before;
}

static void test_freeze(void)
{
	atomic_ulong *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cgroup *cgroup = create_plain("freeze");
	pid_t pid = start(cgroup, count_up, counter);
	struct cgroup_stats stats = { 0 };
	struct error err = { 0 };
	bool is_frozen = false;

	point(is_counting(counter), "a process runs");
	(void)done(cgroup_freeze(cgroup, true, &err), &err, "it is frozen");
	(void)done(cgroup_is_frozen(cgroup, &is_frozen, &err), &err, "the state is read");
	point(is_frozen, "the state is frozen");
	point(!is_counting(counter), "it stands still");
	(void)done(cgroup_freeze(cgroup, false, &err), &err, "it is thawed");
	point(is_counting(counter), "it runs again");
	(void)cgroup_is_frozen(cgroup, &is_frozen, &err);
	point(!is_frozen, "the state is not frozen");
	(void)cgroup_stats_read(cgroup, &stats, &err);
	point(stats.cpu_usage_us > 0 && stats.pids_current == 1, "it used the cpu, and is one");

	(void)cgroup_freeze(cgroup, true, &err);
	(void)done(cgroup_signal_all(cgroup, SIGKILL, &err), &err, "it is killed while frozen");
	point(reap(pid) == 128 + SIGKILL, "it is dead");
	destroy(cgroup, "the group is destroyed");
	(void)munmap(counter, sizeof(*counter));
}

/* Forks for ever: each child forks and ends, so that no pid stays the same for long. */
static int fork_for_ever(void *arg)
{
	(void)arg;
	(void)signal(SIGCHLD, SIG_IGN);
	while (fork() <= 0)
		continue;
	return 0;
}

static void test_kill_while_forking(void)
{
	const struct cgroup_resources r = { .has_pids = true, .pids = 30 };
	struct error err = { 0 };

	for (int i = 0; i < 5; i++) {
		struct cgroup *cgroup = create("bomb", &r);
		pid_t *pids = NULL;
		size_t n = 1;

		for (int j = 0; j < 4; j++)
			(void)start(cgroup, fork_for_ever, NULL);
		pause_ms(30);
		(void)done(cgroup_signal_all(cgroup, SIGKILL, &err), &err, "fork bombs are killed");
		for (int j = 0; j < 4; j++)
			(void)waitpid(-1, NULL, 0);
		for (int j = 0; n > 0 && j < 200; j++) {
			(void)cgroup_pids(cgroup, &pids, &n, &err);
			free(pids);
			pause_ms(n ? 10 : 0);
		}
		point(n == 0, "none is left");
		destroy(cgroup, "and their group is destroyed");
	}
}

static int sleep_a_little(void *arg)
{
	(void)arg;
	pause_ms(300);
	return 0;
}

static void test_destroy_waits(void)
{
	struct cgroup *cgroup = create_plain("wait");
	pid_t pid = start(cgroup, sleep_a_little, NULL);
	double began;

	pause_ms(50);
	began = now_ms();
	destroy(cgroup, "destroying waits for a process that ends");
	point(now_ms() - began < 5000, "not longer than needed");
	(void)reap(pid);
}

static void write_text(const char *path, const char *text)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("# write '%s' to '%s': %s\n", text, path, err_text(errno));
}

static void test_nested(void)
{
	struct cgroup *cgroup = create_plain("nested");
	struct error err = { 0 };
	pid_t pid = fork();
	char text[16];

	if (pid == 0)
		_exit(sleep_long(NULL));
	(void)snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *dir = cgroup_directory(cgroup, (enum cgroup_controller)i);
		auto_free char *below = dir ? path_join(dir, "a") : NULL;
		auto_free char *deeper = dir ? path_join(dir, "a/b") : NULL;
		auto_free char *procs = dir ? path_join(dir, "a/b/cgroup.procs") : NULL;

		if (!dir)
			continue;
		(void)mkdir(below, 0755);
		(void)mkdir(deeper, 0755);
		write_text(procs, text);
	}
	(void)done(cgroup_signal_all(cgroup, SIGKILL, &err), &err,
		   "processes further down are killed");
	point(reap(pid) == 128 + SIGKILL, "it is dead");
	destroy(cgroup, "groups further down go too");
}

/* What a hostile container with a writable cgroup may leave. */
static void test_deep(void)
{
	enum { DEPTH = 1500 };
	struct cgroup *cgroup = create_plain("deep");
	auto_fd int fd = open(cgroup_directory(cgroup, CGROUP_PIDS), O_PATH | O_CLOEXEC);
	struct rlimit old;
	int depth = 0;

	for (; depth < DEPTH && mkdirat(fd, "d", 0755) == 0; depth++) {
		int next = openat(fd, "d", O_PATH | O_CLOEXEC);

		close_fd(&fd);
		fd = next;
	}
	point(depth == DEPTH, "%d groups are nested", depth);
	close_fd(&fd);
	(void)getrlimit(RLIMIT_NOFILE, &old);
	(void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 40, old.rlim_max });
	destroy(cgroup, "they all go, with few files open");
	(void)setrlimit(RLIMIT_NOFILE, &old);
}

static int create_as_nobody(void *arg)
{
	const struct cgroup_resources nothing = { 0 };
	struct cgroup *cgroup = NULL;
	struct error err = { 0 };

	(void)arg;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	if (cgroup_create(host, "minictr/nobody", &nothing, &cgroup, &err) == 0)
		return 2;
	if (str_starts(err.msg,
		       "cgroups need root, or a subtree that is delegated: make directory"))
		return 0;
	printf("# %s\n", err.msg);
	(void)fflush(stdout);
	return 3;
}

static void test_not_root(void)
{
	struct cgroup *cgroup = create_plain("user");
	int status = run_in(cgroup, create_as_nobody, NULL);

	point(status == 0, "without root the error says so (%d)", status);
	destroy(cgroup, "the group is destroyed");
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

/* cgroup-v2.rst, "No Internal Process Constraint" */
static void test_internal_processes(void)
{
	const struct cgroup_resources r = { .has_pids = true, .pids = 5 };
	const struct cgroup_resources nothing = { 0 };
	struct cgroup *parent, *below = NULL;
	char path[256];
	struct error err = { 0 };
	pid_t pid;

	if (!cgroup_host_is_unified(host)) {
		skip("a parent with processes of its own is named", "limits live on v1 here");
		return;
	}
	parent = create_plain("parent");
	pid = start(parent, sleep_long, NULL);
	refused(cgroup_create(host, "minictr/parent/below", &r, &below, &err), &err,
		"minictr/parent': it has processes of its own",
		"a parent with processes of its own is named");
	if (done(cgroup_create(host, "minictr/parent/below", &nothing, &below, &err), &err,
		 "without limits it is no matter"))
		destroy(below, "and that group is destroyed");

	(void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control",
		       cgroup_directory(parent, CGROUP_FREEZER));
	write_text(path, "+pids");
	refused(cgroup_create(host, "minictr/parent/below", &nothing, &below, &err), &err,
		"a parent has controllers enabled and processes of its own",
		"a parent that turned threaded is named");
	(void)cgroup_signal_all(parent, SIGKILL, &err);
	(void)reap(pid);
	destroy(parent, "the parent is destroyed");
}

/* Groups with a common parent that comes and goes under their feet. */
static int create_and_destroy(void *arg)
{
	const struct cgroup_resources r = { .has_pids = true, .pids = 5 };
	auto_free char *path = xasprintf("minictr/shared/%d", *(int *)arg);
	struct error err = { 0 };

	for (int i = 0; i < 30; i++) {
		struct cgroup *cgroup = NULL, *shared = NULL;

		if (cgroup_create(host, path, &r, &cgroup, &err) < 0 ||
		    cgroup_destroy(cgroup, &err) < 0) {
			printf("# %s\n", err.msg);
			(void)fflush(stdout);
			return 1;
		}
		cgroup_free(cgroup);
		/* as a failing creation would: rmdir of the parent, if it is empty */
		if (cgroup_open(host, "minictr/shared", &shared, &err) == 0)
			for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
				const char *dir =
					cgroup_directory(shared, (enum cgroup_controller)c);

				if (dir)
					(void)rmdir(dir);
			}
		cgroup_free(shared);
	}
	return 0;
}

static void test_races(void)
{
	struct cgroup *shared = NULL;
	struct error err = { 0 };
	int numbers[4], failed = 0;
	pid_t pids[ARRAY_LEN(numbers)];

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		numbers[i] = (int)i;
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(create_and_destroy(&numbers[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		failed += reap(pids[i]) != 0;
	point(failed == 0, "groups are made while their parent is being removed");
	if (cgroup_open(host, "minictr/shared", &shared, &err) == 0)
		destroy(shared, "the parent is destroyed");
}

static void test_time(void)
{
	const struct cgroup_resources r = {
		.memory = { .has_limit = true, .limit = 64 * MIB },
		.cpu = { .has_quota = true, .quota = 50000, .has_period = true, .period = 100000 },
		.has_pids = true,
		.pids = 20,
	};
	double create_ms = 0, destroy_ms = 0;
	struct error err = { 0 };
	enum { N = 20 };

	for (int i = 0; i < N; i++) {
		double began = now_ms(), made;
		struct cgroup *cgroup = create("time", &r);

		made = now_ms();
		(void)cgroup_destroy(cgroup, &err);
		create_ms += made - began;
		destroy_ms += now_ms() - made;
		cgroup_free(cgroup);
	}
	printf("# create with limits %.3f ms, destroy %.3f ms\n", create_ms / N, destroy_ms / N);
}

int main(void)
{
	struct error err = { 0 };

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 77;
	}
	if (cgroup_host_open(&host, &err) < 0) {
		printf("1..0 # SKIP %s\n", err.msg);
		return 77;
	}
	test_limits();
	test_update();
	test_io();
	test_hugepages();
	test_membership();
	test_devices();
	test_pids();
	test_oom();
	test_memory_in_use();
	test_freeze();
	test_kill_while_forking();
	test_destroy_waits();
	test_nested();
	test_deep();
	test_not_root();
	test_refusals();
	test_internal_processes();
	test_races();
	test_time();
	cgroup_host_free(host);
	printf("1..%d\n", points);
	return failures ? 1 : 0;
}
