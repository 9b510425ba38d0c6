/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_exec [-s FILTER] PID GROUP COMMAND...
 *
 * The least that a further process in a container costs: joins the namespaces of the process PID
 * and the cgroup GROUP, drops privileges, loads a compiled seccomp filter, executes COMMAND, waits.
 * Nothing is read or checked.  Only for measuring.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MUST(call)                      \
	do {                            \
		if ((call) < 0)         \
			give_up(#call); \
	} while (0)

static void give_up(const char *what)
{
	(void)fprintf(stderr, "floor_exec: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static const char *const hierarchies[] = { "memory", "cpu", "cpuacct", "pids", "devices" };

static const int capabilities[] = {
	CAP_AUDIT_WRITE,
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_KILL,
	CAP_MKNOD,
	CAP_NET_RAW,
	CAP_SETFCAP,
	CAP_SETGID,
	CAP_NET_BIND_SERVICE,
	CAP_SETPCAP,
	CAP_SETUID,
	CAP_SYS_CHROOT,
};

static bool is_unified;
static int tasks[COUNT(hierarchies)];

/* Returns the fd for CLONE_INTO_CGROUP, or -1; the child writes to the v1 groups' `tasks`. */
static int open_groups(const char *group)
{
	char path[256];

	if (is_unified) {
		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", group);
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	for (size_t i = 0; i < COUNT(hierarchies); i++) {
		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s/tasks", hierarchies[i],
			       group);
		MUST(tasks[i] = open(path, O_WRONLY | O_CLOEXEC));
	}
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/unified/%s", group);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void drop_privileges(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	struct rlimit files = { .rlim_cur = 1024, .rlim_max = 1024 };
	unsigned long kept = 0;

	for (size_t i = 0; i < COUNT(capabilities); i++)
		kept |= 1UL << capabilities[i];
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		if (!(kept & (1UL << i)))
			MUST(prctl(PR_CAPBSET_DROP, i, 0, 0, 0));
	data[0].permitted = data[0].effective = (unsigned int)kept;
	data[1].permitted = data[1].effective = (unsigned int)(kept >> 32);

	MUST(setrlimit(RLIMIT_NOFILE, &files));
	MUST(setgroups(0, NULL));
	MUST(syscall(SYS_capset, &header, data));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void become(int init, char **argv, struct sock_filter *filter, size_t n)
{
	static char path[] = "PATH=/bin";
	static char *const env[] = { path, NULL };
	struct sock_fprog program = { .len = (unsigned short)n, .filter = filter };

	if (!is_unified)
		for (size_t i = 0; i < COUNT(tasks); i++)
			MUST(write(tasks[i], "0", 1));
	MUST(setns(init,
		   CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
	MUST(setsid());
	MUST(syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */));
	drop_privileges();
	if (n > 0)
		MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	(void)execve(argv[0], argv, env);
	give_up(argv[0]);
}

static size_t read_filter(const char *path, struct sock_filter *filter, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	MUST(fd);
	MUST(n = read(fd, filter, room));
	(void)close(fd);
	return (size_t)n / sizeof(*filter);
}

int main(int argc, char **argv)
{
	static struct sock_filter filter[BPF_MAXINSNS];
	struct clone_args args = { 0 };
	siginfo_t info = { 0 };
	size_t n = 0;
	int init, group, pidfd = -1;
	long pid;

	if (argc > 2 && strcmp(argv[1], "-s") == 0) {
		n = read_filter(argv[2], filter, sizeof(filter));
		argv += 2;
		argc -= 2;
	}
	if (argc < 4) {
		(void)fprintf(stderr, "usage: floor_exec [-s FILTER] PID GROUP COMMAND...\n");
		return 2;
	}
	is_unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;

	MUST(init = pidfd_open(atoi(argv[1]), 0));
	group = open_groups(argv[2]);
	args.flags = CLONE_PIDFD;
	args.pidfd = (uintptr_t)&pidfd;
	args.exit_signal = SIGCHLD;
	if (group >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned long long)group;
	}
	MUST(setns(init, CLONE_NEWPID));
	MUST(pid = syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0)
		become(init, argv + 3, filter, n);
	MUST(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED));
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
