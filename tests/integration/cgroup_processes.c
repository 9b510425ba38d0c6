/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Processes in control groups against the kernel that runs this, whichever versions it has: joining,
 * freezing, killing, destroying, and what can happen at the same time.  Prints test points.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "cgroups/resources.h"
#include "cgroups/stats.h"
#include "tests/integration/cgroup_probe.h"

/* Kubernetes pins the CPUs of running containers: a group may need a controller late. */
static void test_late_controllers(void)
{
	static char cpu0[] = "0";
	const struct cgroup_resources r = { .cpu = { .cpus = cpu0 }, .has_pids = true, .pids = 50 };
	struct cgroup *cgroup = create_plain("late"), *again = NULL;
	pid_t pid = start(cgroup, sleep_long, NULL);
	auto_free char *path = xasprintf("/proc/%d/cgroup", pid), *text = NULL;
	struct error err = { 0 };

	pause_ms(50);
	(void)done(cgroup_update(cgroup, &r, &err), &err, "a cpuset is set on a running group");
	expect(cgroup,
	       &(struct expectation){ CGROUP_CPUSET, "cpuset.cpus", "0", "cpuset.cpus", "0" });
	expect(cgroup, &(struct expectation){ CGROUP_CPUSET, "cpuset.mems", "0", NULL, NULL });
	(void)file_read(path, 1 << 16, &text, NULL, &err);
	point(text && (strstr(text, "cpuset:/minictr/late\n") ||
		       strstr(text, "0::/minictr/late\n")),
	      "its process is in");
	(void)cgroup_signal_all(cgroup, SIGKILL, &err);
	(void)reap(pid);
	/* as another process would, which knows the path only */
	(void)done(cgroup_open(host, "minictr/late", &again, &err), &err,
		   "the group is found again");
	cgroup_free(cgroup);
	destroy(again, "it is destroyed as a whole");
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
	int rc = setup_host();

	if (rc)
		return rc;
	test_late_controllers();
	test_membership();
	test_pids();
	test_freeze();
	test_kill_while_forking();
	test_destroy_waits();
	test_nested();
	test_deep();
	test_not_root();
	test_internal_processes();
	test_races();
	test_time();
	return finish();
}
