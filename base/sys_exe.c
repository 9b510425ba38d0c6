/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_exe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys_mount.h"

#ifndef MFD_EXEC
#	define MFD_EXEC 0x0010U /* Linux 6.3: else a host may forbid to execute it */
#endif

#define OURSELVES "/proc/self/exe"
#define ARGS_MAX  ((size_t)8 << 20)

/* What we were called before we were executed again; NULL: that has not happened. */
static char *first_path;

/* By a descriptor (execveat(2)) and with the mark: as it is done here. */
static bool is_second;

static bool is_protected(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statvfs fs;

	if (seals >= 0)
		return seals & F_SEAL_WRITE;
	return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY;
}

/* Anybody can set a variable: it counts if we are the same file by another mount, or in memory. */
static bool is_copy_of(int exe, const char *path)
{
	struct stat own, named;

	if (!is_protected(exe))
		return false;
	if (fcntl(exe, F_GET_SEALS) >= 0)
		return true;
	return fstat(exe, &own) == 0 && stat(path, &named) == 0 && own.st_dev == named.st_dev &&
	       own.st_ino == named.st_ino;
}

static bool is_executed_by_descriptor(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);

	return name && str_starts(name, "/dev/fd/");
}

void sys_exe_begin(void)
{
	auto_free char *mark = getenv(SYS_EXE_MARK) ? xstrdup(getenv(SYS_EXE_MARK)) : NULL;
	auto_fd int exe = -1;

	if (!mark)
		return;
	(void)unsetenv(SYS_EXE_MARK);
	is_second = is_executed_by_descriptor();
	exe = is_second ? open(OURSELVES, O_RDONLY | O_CLOEXEC) : -1;
	if (exe < 0 || !is_copy_of(exe, mark))
		return;
	first_path = take_ptr(mark);
	/* The kernel made a number of it. */
	(void)prctl(PR_SET_NAME, "minictr", 0, 0, 0);
}

char *sys_exe_path(void)
{
	char path[PATH_MAX];
	ssize_t n;

	if (first_path)
		return xstrdup(first_path);
	n = readlink(OURSELVES, path, sizeof(path));
	return n > 0 && (size_t)n < sizeof(path) ? xstrndup(path, (size_t)n) : NULL;
}

static int make_memory_file(void)
{
	int fd = memfd_create("minictr", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	return fd < 0 && errno == EINVAL ? memfd_create("minictr", MFD_CLOEXEC | MFD_ALLOW_SEALING)
					 : fd;
}

static int copy_to_memory(int from, struct error *err)
{
	auto_fd int fd = make_memory_file();
	struct stat st;

	if (fd < 0 || fstat(from, &st) < 0)
		return err_sys(err, "copy our program into memory");
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(fd, from, NULL, (size_t)left);

		if (n <= 0)
			return err_sys(err, "copy our program into memory");
		left -= n;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, "seal the copy of our program");
	return take_fd(&fd);
}

static int make_copy(int exe, struct error *err)
{
	const struct sys_bind bind = {
		.source = { .fd = exe, .path = OURSELVES },
		.attr_set = MOUNT_ATTR_RDONLY,
	};
	struct error ignored;
	int fd = sys_bind_open(&bind, &ignored);

	return fd >= 0 ? fd : copy_to_memory(exe, err);
}

/* Our arguments, as execve(2) got them. */
static int read_args(struct strv *ret, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc = file_read("/proc/self/cmdline", ARGS_MAX, &text, &len, err);

	for (size_t at = 0; rc == 0 && at < len; at += strlen(text + at) + 1)
		strv_add(ret, text + at);
	return rc;
}

int sys_exe_protect(struct error *err)
{
	auto_fd int exe = first_path ? -1 : open(OURSELVES, O_RDONLY | O_CLOEXEC);
	auto_strv struct strv args = { 0 };
	auto_free char *path = NULL;
	auto_fd int copy = -1;
	int rc;

	if (first_path)
		return 0;
	if (exe < 0)
		return err_sys(err, "open '%s'", OURSELVES);
	if (is_protected(exe))
		return 0;
	if (is_second)
		return err_set(err, EPERM,
			       "protect our program: a container could write to it, and a "
			       "read-only copy is not read-only");
	copy = make_copy(exe, err);
	if (copy < 0)
		return copy;
	rc = read_args(&args, err);
	if (rc < 0)
		return rc;
	path = sys_exe_path();
	(void)setenv(SYS_EXE_MARK, path ? path : OURSELVES, 1);
	(void)execveat(copy, "", args.items, environ, AT_EMPTY_PATH);
	return err_sys(err, "execute the copy of our program");
}
