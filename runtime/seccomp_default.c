/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "runtime/seccomp.h"

/*
 * What a container may ask of the kernel unless it is told otherwise: the rules that docker applies
 * (moby's default profile), resolved for the capabilities that the container has.  Everything that
 * is not named fails with EPERM; clone3 fails with ENOSYS, so that C libraries fall back to clone,
 * whose flags a filter can see.
 *
 * Left out, and so denied without the capability that would make them harmless: the module,
 * mount, namespace and keyring calls, bpf, perf_event_open, userfaultfd, io_uring, and sockets of the
 * families AF_ALG (the kernel's crypto) and AF_VSOCK (the hypervisor).  socketcall(2) of 32-bit
 * programs is no way around that: it makes no sockets at all, as its arguments cannot be seen.
 */
static const char *const always[] = {
	"_llseek",
	"_newselect",
	"accept",
	"accept4",
	"access",
	"adjtimex",
	"alarm",
	"bind",
	"brk",
	"cachestat",
	"capget",
	"capset",
	"chdir",
	"chmod",
	"chown",
	"chown32",
	"clock_adjtime",
	"clock_adjtime64",
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"close",
	"close_range",
	"connect",
	"copy_file_range",
	"creat",
	"dup",
	"dup2",
	"dup3",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_ctl_old",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"epoll_wait_old",
	"eventfd",
	"eventfd2",
	"execve",
	"execveat",
	"exit",
	"exit_group",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fadvise64_64",
	"fallocate",
	"fanotify_mark",
	"fchdir",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"fchown",
	"fchown32",
	"fchownat",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"fgetxattr",
	"flistxattr",
	"flock",
	"fork",
	"fremovexattr",
	"fsetxattr",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"futex",
	"futex_requeue",
	"futex_time64",
	"futex_wait",
	"futex_waitv",
	"futex_wake",
	"futimesat",
	"get_robust_list",
	"get_thread_area",
	"getcpu",
	"getcwd",
	"getdents",
	"getdents64",
	"getegid",
	"getegid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getgroups",
	"getgroups32",
	"getitimer",
	"getpeername",
	"getpgid",
	"getpgrp",
	"getpid",
	"getppid",
	"getpriority",
	"getrandom",
	"getresgid",
	"getresgid32",
	"getresuid",
	"getresuid32",
	"getrlimit",
	"getrusage",
	"getsid",
	"getsockname",
	"getsockopt",
	"gettid",
	"gettimeofday",
	"getuid",
	"getuid32",
	"getxattr",
	"getxattrat",
	"inotify_add_watch",
	"inotify_init",
	"inotify_init1",
	"inotify_rm_watch",
	"io_cancel",
	"io_destroy",
	"io_getevents",
	"io_pgetevents",
	"io_pgetevents_time64",
	"io_setup",
	"io_submit",
	"ioctl",
	"ioprio_get",
	"ioprio_set",
	"ipc",
	"kill",
	"landlock_add_rule",
	"landlock_create_ruleset",
	"landlock_restrict_self",
	"lchown",
	"lchown32",
	"lgetxattr",
	"link",
	"linkat",
	"listen",
	"listmount",
	"listxattr",
	"listxattrat",
	"llistxattr",
	"lremovexattr",
	"lseek",
	"lsetxattr",
	"lstat",
	"lstat64",
	"madvise",
	"map_shadow_stack",
	"membarrier",
	"memfd_create",
	"memfd_secret",
	"mincore",
	"mkdir",
	"mkdirat",
	"mknod",
	"mknodat",
	"mlock",
	"mlock2",
	"mlockall",
	"mmap",
	"mmap2",
	"mprotect",
	"mq_getsetattr",
	"mq_notify",
	"mq_open",
	"mq_timedreceive",
	"mq_timedreceive_time64",
	"mq_timedsend",
	"mq_timedsend_time64",
	"mq_unlink",
	"mremap",
	"mseal",
	"msgctl",
	"msgget",
	"msgrcv",
	"msgsnd",
	"msync",
	"munlock",
	"munlockall",
	"munmap",
	"name_to_handle_at",
	"nanosleep",
	"newfstatat",
	"open",
	"openat",
	"openat2",
	"pause",
	"pidfd_open",
	"pidfd_send_signal",
	"pipe",
	"pipe2",
	"pkey_alloc",
	"pkey_free",
	"pkey_mprotect",
	"poll",
	"ppoll",
	"ppoll_time64",
	"prctl",
	"pread64",
	"preadv",
	"preadv2",
	"prlimit64",
	"process_mrelease",
	"pselect6",
	"pselect6_time64",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"read",
	"readahead",
	"readlink",
	"readlinkat",
	"readv",
	"recv",
	"recvfrom",
	"recvmmsg",
	"recvmmsg_time64",
	"recvmsg",
	"remap_file_pages",
	"removexattr",
	"removexattrat",
	"rename",
	"renameat",
	"renameat2",
	"restart_syscall",
	"riscv_hwprobe",
	"rmdir",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigqueueinfo",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"rt_tgsigqueueinfo",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getaffinity",
	"sched_getattr",
	"sched_getparam",
	"sched_getscheduler",
	"sched_rr_get_interval",
	"sched_rr_get_interval_time64",
	"sched_setaffinity",
	"sched_setattr",
	"sched_setparam",
	"sched_setscheduler",
	"sched_yield",
	"seccomp",
	"select",
	"semctl",
	"semget",
	"semop",
	"semtimedop",
	"semtimedop_time64",
	"send",
	"sendfile",
	"sendfile64",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"set_robust_list",
	"set_thread_area",
	"set_tid_address",
	"setfsgid",
	"setfsgid32",
	"setfsuid",
	"setfsuid32",
	"setgid",
	"setgid32",
	"setgroups",
	"setgroups32",
	"setitimer",
	"setpgid",
	"setpriority",
	"setregid",
	"setregid32",
	"setresgid",
	"setresgid32",
	"setresuid",
	"setresuid32",
	"setreuid",
	"setreuid32",
	"setrlimit",
	"setsid",
	"setsockopt",
	"setuid",
	"setuid32",
	"setxattr",
	"setxattrat",
	"shmat",
	"shmctl",
	"shmdt",
	"shmget",
	"shutdown",
	"sigaltstack",
	"signalfd",
	"signalfd4",
	"sigprocmask",
	"sigreturn",
	"socketpair",
	"splice",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statmount",
	"statx",
	"symlink",
	"symlinkat",
	"sync",
	"sync_file_range",
	"syncfs",
	"sysinfo",
	"tee",
	"tgkill",
	"time",
	"timer_create",
	"timer_delete",
	"timer_getoverrun",
	"timer_gettime",
	"timer_gettime64",
	"timer_settime",
	"timer_settime64",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_gettime64",
	"timerfd_settime",
	"timerfd_settime64",
	"times",
	"tkill",
	"truncate",
	"truncate64",
	"ugetrlimit",
	"umask",
	"uname",
	"unlink",
	"unlinkat",
	"uretprobe",
	"utime",
	"utimensat",
	"utimensat_time64",
	"utimes",
	"vfork",
	"vmsplice",
	"wait4",
	"waitid",
	"waitpid",
	"write",
	"writev",
	NULL,
};

/* Since Linux 4.8 a tracer cannot lift the filter of what it traces (seccomp(2)). */
static const char *const tracing[] = { "process_vm_readv", "process_vm_writev", "ptrace", NULL };

#ifdef __x86_64__
static const char *const of_architecture[] = { "arch_prctl", "modify_ldt", NULL };
#else
static const char *const of_architecture[] = { NULL };
#endif

/* What a capability brings with it. */
static const struct {
	const char *capability;
	const char *names[32];
} by_capability[] = {
	{ "CAP_DAC_READ_SEARCH", { "open_by_handle_at" } },
	{ "CAP_SYS_ADMIN",
	  { "bpf",
	    "clone",
	    "clone3",
	    "fanotify_init",
	    "fsconfig",
	    "fsmount",
	    "fsopen",
	    "fspick",
	    "lookup_dcookie",
	    "lsm_get_self_attr",
	    "lsm_list_modules",
	    "lsm_set_self_attr",
	    "mount",
	    "mount_setattr",
	    "move_mount",
	    "open_tree",
	    "perf_event_open",
	    "quotactl",
	    "quotactl_fd",
	    "setdomainname",
	    "sethostname",
	    "setns",
	    "syslog",
	    "umount",
	    "umount2",
	    "unshare" } },
	{ "CAP_SYS_BOOT", { "reboot" } },
	{ "CAP_SYS_CHROOT", { "chroot" } },
	{ "CAP_SYS_MODULE", { "delete_module", "finit_module", "init_module" } },
	{ "CAP_SYS_PACCT", { "acct" } },
	{ "CAP_SYS_PTRACE", { "kcmp", "pidfd_getfd", "process_madvise" } },
	{ "CAP_SYS_RAWIO", { "ioperm", "iopl" } },
	{ "CAP_SYS_TIME", { "clock_settime", "clock_settime64", "settimeofday", "stime" } },
	{ "CAP_SYS_TTY_CONFIG", { "vhangup" } },
	{ "CAP_SYS_NICE",
	  { "get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node" } },
	{ "CAP_SYSLOG", { "syslog" } },
	{ "CAP_BPF", { "bpf" } },
	{ "CAP_PERFMON", { "perf_event_open" } },
};

/* Calls that are allowed for some values of their arguments; each line is one rule. */
static const struct {
	const char *name;
	const char *unless; /* not with this capability, which allows the call whole */
	struct spec_seccomp_arg arg;
	const char *op;
} by_argument[] = {
	{ "socket", NULL, { .index = 0, .value = 38 }, "SCMP_CMP_LT" }, /* below AF_ALG */
	{ "socket", NULL, { .index = 0, .value = 39 }, "SCMP_CMP_EQ" }, /* AF_NFC */
	{ "socket", NULL, { .index = 0, .value = 40 }, "SCMP_CMP_GT" }, /* above AF_VSOCK */
	/* PER_LINUX, PER_LINUX32, each with UNAME26 as well, and the question "which?" */
	{ "personality", NULL, { .value = 0x0 }, "SCMP_CMP_EQ" },
	{ "personality", NULL, { .value = 0x8 }, "SCMP_CMP_EQ" },
	{ "personality", NULL, { .value = 0x20000 }, "SCMP_CMP_EQ" },
	{ "personality", NULL, { .value = 0x20008 }, "SCMP_CMP_EQ" },
	{ "personality", NULL, { .value = 0xffffffff }, "SCMP_CMP_EQ" },
	/* No CLONE_NEW* flag (NEWTIME cannot be given to clone). */
	{ "clone", "CAP_SYS_ADMIN", { .value = 0x7e020000, .value_two = 0 }, "SCMP_CMP_MASKED_EQ" },
};

static struct spec_seccomp_rule *add_rule(struct spec_seccomp *s, const char *action)
{
	struct spec_seccomp_rule *rule;

	s->rules = xrealloc(s->rules, s->n_rules + 1, sizeof(*s->rules));
	rule = &s->rules[s->n_rules++];
	*rule = (struct spec_seccomp_rule){ .action = xstrdup(action) };
	return rule;
}

static void add_names(struct strv *names, const char *const *more)
{
	for (; *more; more++)
		strv_add(names, *more);
}

static void add_conditions(struct spec_seccomp *s, const struct strv *caps)
{
	for (size_t i = 0; i < ARRAY_LEN(by_argument); i++) {
		struct spec_seccomp_rule *rule;

		if (by_argument[i].unless && strv_has(caps, by_argument[i].unless))
			continue;
		rule = add_rule(s, "SCMP_ACT_ALLOW");
		strv_add(&rule->names, by_argument[i].name);
		rule->args = xcalloc(1, sizeof(*rule->args));
		rule->n_args = 1;
		rule->args[0] = by_argument[i].arg;
		rule->args[0].op = xstrdup(by_argument[i].op);
	}
}

void seccomp_default(const struct strv *caps, struct spec_seccomp *ret)
{
	struct spec_seccomp s = { .is_given = true };
	struct spec_seccomp_rule *rule;

	s.default_action = xstrdup("SCMP_ACT_ERRNO");
	s.has_default_errno = true;
	s.default_errno_ret = 1; /* EPERM */
#ifdef __x86_64__
	strv_add(&s.architectures, "SCMP_ARCH_X86_64");
	strv_add(&s.architectures, "SCMP_ARCH_X86");
	strv_add(&s.architectures, "SCMP_ARCH_X32");
#endif
	rule = add_rule(&s, "SCMP_ACT_ALLOW");
	add_names(&rule->names, always);
	add_names(&rule->names, tracing);
	add_names(&rule->names, of_architecture);
	for (size_t i = 0; i < ARRAY_LEN(by_capability); i++) {
		if (strv_has(caps, by_capability[i].capability))
			add_names(&rule->names, by_capability[i].names);
	}
	add_conditions(&s, caps);
	if (!strv_has(caps, "CAP_SYS_ADMIN")) {
		rule = add_rule(&s, "SCMP_ACT_ERRNO");
		strv_add(&rule->names, "clone3");
		rule->has_errno = true;
		rule->errno_ret = 38; /* ENOSYS */
	}
	*ret = s;
}
