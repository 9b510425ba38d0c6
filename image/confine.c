/* SPDX-License-Identifier: Apache-2.0 */
#include "image/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/sys_cred.h"
#include "base/sys_mount.h"
#include "base/sys_ns.h"

#define BIT(cap) (1ULL << (cap))

/* What it takes to make any file with any owner and mode, and nothing about other processes. */
#define UNPACK_CAPS                                                                   \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | \
	 BIT(CAP_MKNOD) | BIT(CAP_SETFCAP))

static const struct role {
	uint64_t caps;
	bool is_read_only;
	rlim_t n_files;
	rlim_t data; /* bytes of private memory, thread stacks included */
} roles[] = {
	/* SYS_ADMIN: mounts, and trusted.overlay.opaque; SETPCAP: to lower the children's. */
	[CONFINE_KEEPER] = { .caps = UNPACK_CAPS | BIT(CAP_SYS_ADMIN) | BIT(CAP_SETPCAP) |
				     BIT(CAP_DAC_READ_SEARCH),
			     .n_files = 16384,
			     .data = 512U << 20 },
	[CONFINE_READER] = { .caps = BIT(CAP_DAC_READ_SEARCH),
			     .is_read_only = true,
			     .n_files = 2048,
			     .data = 192U << 20 },
	[CONFINE_UNPACKER] = { .caps = UNPACK_CAPS, .n_files = 1024, .data = 128U << 20 },
};

/* ---- mounts, capabilities, limits ------------------------------------------------------------ */

static int enter_root(const struct role *role, const struct dir *root, struct error *err)
{
	const struct sys_bind bind = {
		.source = *root,
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
			    (role->is_read_only ? MOUNT_ATTR_RDONLY : 0),
		.propagation = MS_PRIVATE,
	};
	/* Before unshare(2): a mount is only copied from the own namespace. */
	auto_fd int fd = sys_bind_open(&bind, err);
	int rc = fd < 0 ? fd : sys_unshare(CLONE_NEWNS, err);
	auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dir old_root = { .fd = top, .path = "/" };
	const struct dir new_root = { .fd = fd, .path = root->path };

	if (rc == 0 && top < 0)
		rc = err_sys(err, "open '/'");
	/* Where mounts are shared, ours must not show up in the namespace that we left. */
	if (rc == 0)
		rc = sys_propagation_at(&old_root, MS_PRIVATE, true, err);
	if (rc == 0)
		rc = sys_mount_move(fd, &old_root, err);
	if (rc == 0)
		rc = sys_pivot_root(&new_root, err);
	return rc < 0 ? rc : take_fd(&fd);
}

static int limit(int resource, const char *name, rlim_t wanted, struct error *err)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
		return err_sys(err, "read the limit %s", name);
	/* Never above what was allowed before: that would take CAP_SYS_RESOURCE. */
	wanted = MIN(wanted, now.rlim_max);
	return sys_rlimit(0, resource, name, wanted, wanted, err);
}

static int limit_all(const struct role *role, uint64_t output, struct error *err)
{
	int rc = limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", role->n_files, err);

	if (rc == 0)
		rc = limit(RLIMIT_DATA, "RLIMIT_DATA", role->data, err);
	if (rc == 0)
		rc = limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", output, err);
	if (rc == 0)
		rc = limit(RLIMIT_CORE, "RLIMIT_CORE", 0, err);
	/* A write beyond the limit fails then, with EFBIG. */
	(void)signal(SIGXFSZ, SIG_IGN);
	return rc;
}

int confine_enter(enum confine_role name, const struct dir *root, uint64_t output,
		  struct error *err)
{
	const struct role *role = &roles[name];
	const struct sys_caps caps = { .bounding = role->caps,
				       .permitted = role->caps,
				       .effective = role->caps };
	auto_fd int fd = enter_root(role, root, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = sys_drop_bounding(&caps, err);
	if (rc == 0)
		rc = sys_set_caps(&caps, err);
	if (rc == 0)
		rc = sys_no_new_privs(err);
	if (rc == 0)
		rc = limit_all(role, output, err);
	return rc < 0 ? rc : take_fd(&fd);
}

/* ---- system calls ---------------------------------------------------------------------------- */

/*
 * A plain list: the kernel remembers for each call whether a filter allows it whatever its arguments
 * (kernel/seccomp.c, the action cache, since 5.11), so its order costs nothing, and it needs no
 * compiler.
 */
static const unsigned int common_calls[] = {
	SYS_read,
	SYS_pread64,
	SYS_readv,
	SYS_write,
	SYS_writev,
	SYS_close,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_lseek,
	SYS_openat,
	SYS_openat2,
	SYS_getdents64,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_clock_gettime,
	SYS_getpid,
	SYS_gettid,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_exit,
	SYS_exit_group,
	SYS_getrandom,
	SYS_pwrite64,
	SYS_ftruncate,
	SYS_restart_syscall,
	SYS_sigaltstack, /* sanitizers, when a process ends */
};

static const unsigned int reader_calls[] = { SYS_memfd_create };

static const unsigned int unpacker_calls[] = {
	SYS_mkdirat,   SYS_mknodat,  SYS_symlinkat, SYS_linkat,   SYS_unlinkat,
	SYS_fchown,    SYS_fchownat, SYS_fchmod,    SYS_fchmodat, SYS_utimensat,
	SYS_fsetxattr, SYS_umask,    SYS_renameat2,
};

/* Calls that may do harm, and are needed in a harmless form: bits of one argument. */
static const struct argument {
	unsigned int call, index;
	bool is_mask;       /* allowed if no bit of @value is set; else if equal to it */
	unsigned int value; /* OWN_PID: that */
} arguments[] = {
	/* Code is what was there from the beginning. */
	{ SYS_mmap, 2, true, PROT_EXEC },
	{ SYS_mprotect, 2, true, PROT_EXEC },
	/* Not F_SETOWN, by which root can signal anybody. */
	{ SYS_fcntl, 1, false, F_GETFL },
	{ SYS_fcntl, 1, false, F_SETFD },
	{ SYS_fcntl, 1, false, F_DUPFD_CLOEXEC },
#define OWN_PID 0
	{ SYS_tgkill, 0, false, OWN_PID }, /* abort(3) */
};

#if defined(__x86_64__)
#	define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#	define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#	define NATIVE_ARCH AUDIT_ARCH_RISCV64
#else
#	error "add this machine's AUDIT_ARCH"
#endif

#define MAX_CODE 192
_Static_assert(2 * (ARRAY_LEN(common_calls) + ARRAY_LEN(unpacker_calls)) +
			       5 * ARRAY_LEN(arguments) + 6 <=
		       MAX_CODE,
	       "the filter has room");

struct program {
	struct sock_filter code[MAX_CODE];
	unsigned short n;
	size_t n_calls;
};

static void emit(struct program *p, unsigned short op, unsigned int k, unsigned char if_true,
		 unsigned char if_false)
{
	p->code[p->n++] = (struct sock_filter){ .code = op, .jt = if_true, .jf = if_false, .k = k };
}

static void load_word(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (unsigned int)offset, 0, 0);
}

/* Two instructions a call, so that no jump is longer than a byte says. */
static void allow(struct program *p, const unsigned int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	}
	p->n_calls += n;
}

static void allow_by_argument(struct program *p, const struct argument *a)
{
	bool is_pid = a->call == SYS_tgkill && a->value == OWN_PID;
	unsigned int value = is_pid ? (unsigned int)getpid() : a->value;

	emit(p, BPF_JMP | BPF_JEQ | BPF_K, a->call, 0, 4);
	/* The lower half of an argument; these are ints, or small. */
	load_word(p, offsetof(struct seccomp_data, args) + a->index * sizeof(uint64_t));
	if (a->is_mask)
		emit(p, BPF_JMP | BPF_JSET | BPF_K, value, 1, 0);
	else
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	load_word(p, offsetof(struct seccomp_data, nr));
	p->n_calls++;
}

int confine_seal(enum confine_role role, struct error *err)
{
	struct program p = { .n = 0 };

	if (role == CONFINE_KEEPER)
		return 0;
	load_word(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	emit(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	/* x32's calls have a bit of their own in the number, so none of them is on the list. */
	load_word(&p, offsetof(struct seccomp_data, nr));
	allow(&p, common_calls, ARRAY_LEN(common_calls));
	if (role == CONFINE_READER)
		allow(&p, reader_calls, ARRAY_LEN(reader_calls));
	else
		allow(&p, unpacker_calls, ARRAY_LEN(unpacker_calls));
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		allow_by_argument(&p, &arguments[i]);
	emit(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	return sys_seccomp(p.code, p.n, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
			   p.n_calls, err);
}
