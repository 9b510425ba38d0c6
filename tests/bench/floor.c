/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor [-s FILTER] [-g GROUP] ROOTFS COMMAND...
 *
 * The least that a container costs: asks the kernel for what tests/bench/start asks of a container
 * engine (six namespaces, limits, the usual mounts, devices, masked and read-only paths, few
 * capabilities, a compiled seccomp filter) and does nothing else.  No parsing, no checks of what is
 * in ROOTFS, no state, no undo.  Only for measuring: it trusts everything.
 *
 * FILTER holds struct sock_filter as seccomp(2) takes them.  GROUP is the cgroup's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
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
	(void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

struct limit {
	const char *controller, *file, *value;
};

static const char *const hierarchies[] = {
	"memory", "cpu", "cpuacct", "pids", "devices", "freezer",
};

static const struct limit limits_v1[] = {
	{ "memory", "memory.limit_in_bytes", "67108864" },
	{ "cpu", "cpu.shares", "512" },
	{ "cpu", "cpu.cfs_period_us", "100000" },
	{ "cpu", "cpu.cfs_quota_us", "50000" },
	{ "pids", "pids.max", "100" },
	{ "devices", "devices.deny", "a" },
	{ "devices", "devices.allow", "c *:* m" },
	{ "devices", "devices.allow", "b *:* m" },
	{ "devices", "devices.allow", "c 1:3 rwm" },
	{ "devices", "devices.allow", "c 1:5 rwm" },
	{ "devices", "devices.allow", "c 1:7 rwm" },
	{ "devices", "devices.allow", "c 1:8 rwm" },
	{ "devices", "devices.allow", "c 1:9 rwm" },
	{ "devices", "devices.allow", "c 5:0 rwm" },
	{ "devices", "devices.allow", "c 5:2 rwm" },
	{ "devices", "devices.allow", "c 136:* rwm" },
};

static const struct limit limits_v2[] = {
	{ "", "memory.max", "67108864" },
	{ "", "cpu.weight", "20" },
	{ "", "cpu.max", "50000 100000" },
	{ "", "pids.max", "100" },
};

struct device {
	const char *name;
	int major, minor;
};

static const struct device devices[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const char *const links[][2] = {
	{ "pts/ptmx", "dev/ptmx" },          { "/proc/self/fd", "dev/fd" },
	{ "/proc/self/fd/0", "dev/stdin" },  { "/proc/self/fd/1", "dev/stdout" },
	{ "/proc/self/fd/2", "dev/stderr" }, { "/proc/kcore", "dev/core" },
};

static const char *const masked[] = {
	"proc/acpi",       "proc/asound",      "proc/kcore", "proc/keys",    "proc/latency_stats",
	"proc/timer_list", "proc/timer_stats", "proc/scsi",  "sys/firmware", "proc/sched_debug",
};

static const char *const read_only[] = {
	"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

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

static const char *group = "minictr-floor";
static bool is_unified;
static int tasks[COUNT(hierarchies)];

static void write_to(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		give_up(path);
	(void)close(fd);
}

static void group_path(char *path, size_t size, const char *controller, const char *file)
{
	(void)snprintf(path, size, "/sys/fs/cgroup/%s%s%s/%s", controller, controller[0] ? "/" : "",
		       group, file);
}

/* Returns the fd for CLONE_INTO_CGROUP, or -1 on v1, where the child writes to `tasks`. */
static int make_groups(void)
{
	char path[256];

	if (is_unified) {
		group_path(path, sizeof(path), "", "");
		MUST(mkdir(path, 0755));
		for (size_t i = 0; i < COUNT(limits_v2); i++) {
			group_path(path, sizeof(path), "", limits_v2[i].file);
			write_to(path, limits_v2[i].value);
		}
		group_path(path, sizeof(path), "", "");
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	for (size_t i = 0; i < COUNT(hierarchies); i++) {
		group_path(path, sizeof(path), hierarchies[i], "");
		MUST(mkdir(path, 0755));
		group_path(path, sizeof(path), hierarchies[i], "tasks");
		MUST(tasks[i] = open(path, O_WRONLY | O_CLOEXEC));
	}
	for (size_t i = 0; i < COUNT(limits_v1); i++) {
		group_path(path, sizeof(path), limits_v1[i].controller, limits_v1[i].file);
		write_to(path, limits_v1[i].value);
	}
	return -1;
}

static void remove_groups(void)
{
	char path[256];

	if (is_unified) {
		group_path(path, sizeof(path), "", "");
		MUST(rmdir(path));
		return;
	}
	for (size_t i = 0; i < COUNT(hierarchies); i++) {
		group_path(path, sizeof(path), hierarchies[i], "");
		MUST(rmdir(path));
	}
}

static void mount_cgroups(void)
{
	if (is_unified) {
		MUST(mount("cgroup2", "sys/fs/cgroup", "cgroup2",
			   MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL));
		return;
	}
	MUST(mount("tmpfs", "sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		   "mode=755"));
	for (size_t i = 0; i < COUNT(hierarchies); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s", hierarchies[i]);
		MUST(mkdir(path, 0755));
		MUST(mount("cgroup", path, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
			   hierarchies[i]));
	}
	MUST(mount(NULL, "sys/fs/cgroup", NULL,
		   MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755"));
}

static void make_devices(void)
{
	for (size_t i = 0; i < COUNT(devices); i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "dev/%s", devices[i].name);
		MUST(mknod(path, S_IFCHR | 0666,
			   makedev((unsigned int)devices[i].major,
				   (unsigned int)devices[i].minor)));
	}
	for (size_t i = 0; i < COUNT(links); i++)
		MUST(symlink(links[i][0], links[i][1]));
}

static void hide_paths(void)
{
	struct stat st;

	for (size_t i = 0; i < COUNT(masked); i++) {
		if (stat(masked[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			MUST(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "size=0,nr_inodes=1"));
		else
			MUST(mount("dev/null", masked[i], NULL, MS_BIND, NULL));
	}
	for (size_t i = 0; i < COUNT(read_only); i++) {
		if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) < 0)
			continue;
		MUST(mount(NULL, read_only[i], NULL,
			   MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			   NULL));
	}
}

static void make_root(const char *rootfs)
{
	const unsigned long strict = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	MUST(mount("proc", "proc", "proc", strict, NULL));
	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	MUST(mkdir("dev/pts", 0755));
	MUST(mkdir("dev/shm", 01777));
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620"));
	MUST(mount("shm", "dev/shm", "tmpfs", strict, "mode=1777,size=65536k"));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", strict, NULL));
	MUST(mount("sysfs", "sys", "sysfs", strict | MS_RDONLY, NULL));
	mount_cgroups();
	make_devices();
	hide_paths();
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd);
	MUST(ioctl(fd, SIOCSIFFLAGS, &request));
	(void)close(fd);
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

static void load_filter(struct sock_filter *filter, size_t n)
{
	struct sock_fprog program = { .len = (unsigned short)n, .filter = filter };

	if (n > 0)
		MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void be_init(const char *rootfs, char **argv, struct sock_filter *filter, size_t n)
{
	static char path[] = "PATH=/bin";
	static char *const env[] = { path, NULL };

	if (!is_unified)
		for (size_t i = 0; i < COUNT(tasks); i++)
			MUST(write(tasks[i], "0", 1));
	MUST(unshare(CLONE_NEWCGROUP));
	MUST(setsid());
	(void)umask(0);
	MUST(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "floor", 0, 0, 0));
	raise_loopback();
	MUST(sethostname("floor", 5));
	make_root(rootfs);
	MUST(syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */));
	drop_privileges();
	load_filter(filter, n);
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
	int pidfd = -1;
	long pid;

	if (argc > 2 && strcmp(argv[1], "-s") == 0) {
		n = read_filter(argv[2], filter, sizeof(filter));
		argv += 2;
		argc -= 2;
	}
	if (argc > 2 && strcmp(argv[1], "-g") == 0) {
		group = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 3) {
		(void)fprintf(stderr, "usage: floor [-s FILTER] [-g GROUP] ROOTFS COMMAND...\n");
		return 2;
	}
	is_unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;

	args.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
		     CLONE_PIDFD;
	args.pidfd = (uintptr_t)&pidfd;
	args.exit_signal = SIGCHLD;
	args.cgroup = (unsigned long long)make_groups();
	if (is_unified)
		args.flags |= CLONE_INTO_CGROUP;

	MUST(pid = syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0)
		be_init(argv[1], argv + 2, filter, n);
	MUST(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED));
	remove_groups();
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
