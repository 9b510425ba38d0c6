/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/confine.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

#define OUTPUT 100000

/* Each test is a process of its own, but what is killed has to be a child. */
static int in_child(void (*run)(const struct dir *root), const struct dir *root)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		run(root);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* Ends the child with the line that failed: Check's own asserts would write to its parent's pipe. */
#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			(void)fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, \
				      strerror(errno));                                  \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

static int enter(enum confine_role role, const struct dir *root)
{
	struct error err = { 0 };
	int fd = confine_enter(role, root, OUTPUT, &err);

	if (fd < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		_exit(1);
	}
	return fd;
}

static int seal(enum confine_role role)
{
	struct error err = { 0 };

	return confine_seal(role, &err);
}

static void expect_success(void (*run)(const struct dir *root))
{
	struct temp temp;
	int fd;

	temp_make(&temp);
	fd = openat(temp.dir.fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	close_fd(&fd);
	ck_assert_int_eq(in_child(run, &temp.dir), 0);
	temp_remove(&temp);
}

/* ---- the view -------------------------------------------------------------------------------- */

/* Without memory from the heap: sanitizers want more for it than there is. */
static int count_entries(int fd)
{
	char entries[4096];
	ssize_t len = getdents64(fd, entries, sizeof(entries));
	int n = 0;

	for (ssize_t at = 0; at < len; n++) {
		const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

		at += entry->d_reclen;
	}
	return n;
}

static void look_around(const struct dir *root)
{
	struct stat own, top;
	int fd = enter(CONFINE_UNPACKER, root);
	int list = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* The directory is all there is; ".." of it is itself, by whatever way. */
	CHECK(count_entries(list) == 3);
	CHECK(access("/file", F_OK) == 0);
	CHECK(access("/proc", F_OK) < 0 && access("/etc", F_OK) < 0);
	CHECK(fstat(fd, &own) == 0);
	CHECK(stat("/../../..", &top) == 0);
	CHECK(own.st_ino == top.st_ino);
	CHECK(fstatat(fd, "../../../..", &top, 0) == 0);
	CHECK(own.st_ino == top.st_ino);
	CHECK(mkdirat(fd, "made", 0755) == 0);
	CHECK(rmdir("/made") == 0);
}

START_TEST(sees_one_directory)
{
	expect_success(look_around);
}
END_TEST

static void try_to_write(const struct dir *root)
{
	int fd = enter(CONFINE_READER, root);

	CHECK(mkdirat(fd, "made", 0755) < 0 && errno == EROFS);
	CHECK(openat(fd, "file", O_WRONLY) < 0 && errno == EROFS);
	CHECK(openat(fd, "file", O_RDONLY) >= 0);
}

START_TEST(readers_see_it_read_only)
{
	expect_success(try_to_write);
}
END_TEST

/* What was mounted in there is not mounted here. */
START_TEST(leaves_no_mount)
{
	struct temp temp;
	char before[100000] = "", after[100000] = "";
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	temp_make(&temp);
	ck_assert_int_gt(read(fd, before, sizeof(before) - 1), 0);
	close_fd(&fd);
	fd = openat(temp.dir.fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	close_fd(&fd);
	ck_assert_int_eq(in_child(look_around, &temp.dir), 0);
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, after, sizeof(after) - 1), 0);
	close_fd(&fd);
	ck_assert_str_eq(before, after);
	temp_remove(&temp);
}
END_TEST

/* ---- privileges ------------------------------------------------------------------------------ */

static uint64_t capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	CHECK(syscall(SYS_capget, &header, data) == 0);
	CHECK(data[0].effective == data[0].permitted && data[1].permitted == 0);
	CHECK(data[0].inheritable == 0 && data[1].inheritable == 0);
	return data[0].effective;
}

static void look_at_privileges(const struct dir *root)
{
	struct rlimit limit;
	uint64_t bounding = 0;

	(void)enter(CONFINE_UNPACKER, root);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		bounding |= (uint64_t)prctl(PR_CAPBSET_READ, cap, 0, 0, 0) << cap;
	CHECK(bounding == capabilities());
	CHECK(bounding == (1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER |
			   1ULL << CAP_FSETID | 1ULL << CAP_MKNOD | 1ULL << CAP_SETFCAP));
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max == OUTPUT);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 1024);
	CHECK(unshare(CLONE_NEWNS) < 0 && errno == EPERM);
	CHECK(mount("none", "/", "tmpfs", 0, NULL) < 0 && errno == EPERM);
	CHECK(setxattr("/file", "trusted.overlay.opaque", "y", 1, 0) < 0 && errno == EPERM);
}

START_TEST(unpackers_have_few_privileges)
{
	expect_success(look_at_privileges);
}
END_TEST

static void look_at_reader(const struct dir *root)
{
	(void)enter(CONFINE_READER, root);
	CHECK(capabilities() == 1ULL << CAP_DAC_READ_SEARCH);
}

START_TEST(readers_have_one)
{
	expect_success(look_at_reader);
}
END_TEST

static void write_too_much(const struct dir *root)
{
	int dir = enter(CONFINE_UNPACKER, root);
	int fd = openat(dir, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	CHECK(seal(CONFINE_UNPACKER) == 0);
	CHECK(pwrite(fd, "x", 1, OUTPUT - 1) == 1);
	CHECK(pwrite(fd, "x", 1, OUTPUT) < 0 && errno == EFBIG);
	CHECK(ftruncate(fd, OUTPUT + 1) < 0 && errno == EFBIG);
}

START_TEST(files_have_a_limit)
{
	expect_success(write_too_much);
}
END_TEST

/* ---- system calls ---------------------------------------------------------------------------- */

static void make_files(const struct dir *root)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	int dir = enter(CONFINE_UNPACKER, root);
	int fd;

	CHECK(seal(CONFINE_UNPACKER) == 0);
	CHECK(mkdirat(dir, "d", 0755) == 0);
	CHECK(mknodat(dir, "d/null", S_IFCHR | 0666, 0x103) == 0);
	CHECK(symlinkat("x", dir, "s") == 0);
	CHECK(linkat(dir, "file", dir, "hard", 0) == 0);
	fd = openat(dir, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	CHECK(fchown(fd, 1000, 1000) == 0 && fchmod(fd, 04755) == 0);
	CHECK(fsetxattr(fd, "user.a", "b", 1, 0) == 0);
	CHECK(futimens(fd, times) == 0 && close(fd) == 0);
	CHECK(unlinkat(dir, "hard", 0) == 0);
}

START_TEST(unpackers_can_do_their_work)
{
	expect_success(make_files);
}
END_TEST

static void call_socket(void)
{
	(void)syscall(SYS_socket, 1, 1, 0);
}

static void call_execve(void)
{
	(void)syscall(SYS_execve, "/file", NULL, NULL);
}

static void call_fork(void)
{
	(void)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void call_mount(void)
{
	(void)syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

static void call_ptrace(void)
{
	(void)syscall(SYS_ptrace, 16, 1, NULL, NULL);
}

static void call_kill(void)
{
	(void)syscall(SYS_kill, 1, 0);
}

static void call_handle(void)
{
	(void)syscall(SYS_open_by_handle_at, 0, NULL, 0);
}

/* Allowed in other forms. */
static void call_tgkill(void)
{
	(void)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void call_mprotect(void)
{
	static char page[8192] __attribute__((aligned(4096)));

	(void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void call_mmap(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
}

static void call_setown(void)
{
	(void)fcntl(2, F_SETOWN, getppid());
}

static void (*forbidden)(void);
static enum confine_role role_under_test;

static void call_forbidden(const struct dir *root)
{
	(void)enter(role_under_test, root);
	CHECK(seal(role_under_test) == 0);
	forbidden();
}

static void call_abort(void)
{
	abort();
}

/* What ends badly by itself says so. */
START_TEST(abort_is_told)
{
	struct temp temp;
	int status;

	temp_make(&temp);
	forbidden = call_abort;
	role_under_test = CONFINE_UNPACKER;
	status = in_child(call_forbidden, &temp.dir);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	temp_remove(&temp);
}
END_TEST

START_TEST(other_calls_kill)
{
	static void (*const calls[])(void) = {
		call_socket, call_execve, call_fork,     call_mount, call_ptrace, call_kill,
		call_handle, call_tgkill, call_mprotect, call_mmap,  call_setown,
	};
	struct temp temp;

	temp_make(&temp);
	for (size_t i = 0; i < 2 * ARRAY_LEN(calls); i++) {
		int status;

		forbidden = calls[i / 2];
		role_under_test = i % 2 ? CONFINE_READER : CONFINE_UNPACKER;
		status = in_child(call_forbidden, &temp.dir);
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %zu: %d",
			      i / 2, status);
	}
	temp_remove(&temp);
}
END_TEST

static void make_a_node(void)
{
	(void)mknodat(AT_FDCWD, "node", S_IFIFO | 0600, 0);
}

/* What only unpackers do. */
START_TEST(readers_make_nothing)
{
	struct temp temp;
	int status;

	temp_make(&temp);
	forbidden = make_a_node;
	role_under_test = CONFINE_READER;
	status = in_child(call_forbidden, &temp.dir);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("image/confine", sees_one_directory, readers_see_it_read_only, leaves_no_mount,
	  unpackers_have_few_privileges, readers_have_one, files_have_a_limit,
	  unpackers_can_do_their_work, abort_is_told, other_calls_kill, readers_make_nothing)
