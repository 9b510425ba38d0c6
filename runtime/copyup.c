/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/step.h"

#define DEPTH_MAX 64

static int copy_dir(int from, int to, int depth);

static int copy_meta(int to, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_file(int from, int to, const char *name)
{
	auto_fd int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	do {
		n = sendfile(out, in, NULL, 1 << 20);
	} while (n > 0);
	return n < 0 ? -errno : 0;
}

static int copy_link(int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_subdir(int from, int to, const char *name, int depth)
{
	auto_fd int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int out = -1;

	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return -errno;
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return out < 0 ? -errno : copy_dir(in, out, depth + 1);
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	int rc = 0;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		rc = copy_file(from, to, name);
	else if (S_ISLNK(st.st_mode))
		rc = copy_link(from, to, name);
	else if (S_ISDIR(st.st_mode))
		rc = copy_subdir(from, to, name, depth);
	else
		return 0; /* devices, FIFOs and sockets stay behind */
	return rc < 0 ? rc : copy_meta(to, name, &st);
}

static int copy_dir(int from, int to, int depth)
{
	int copy = fcntl(from, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int rc = depth > DEPTH_MAX ? -ELOOP : 0;

	if (!dir) {
		rc = -errno;
		close_fd(&copy);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = copy_entry(from, to, entry->d_name, depth);
	}
	(void)closedir(dir);
	return rc;
}

int copyup_mount(const struct sys_mount *mount, const struct dir *target, struct error *err)
{
	auto_fd int tmpfs = sys_mount_open(mount, err);
	auto_fd int from = -1;
	struct step step;
	struct stat st;
	int rc;

	if (tmpfs < 0)
		return tmpfs;
	from = openat(target->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = from < 0 || fstat(from, &st) < 0 ? -errno : copy_dir(from, tmpfs, 0);
	if (rc == 0)
		rc = copy_meta(tmpfs, ".", &st);
	if (rc < 0)
		return err_set(err, -rc, "copy '%s' into its tmpfs: %s", target->path,
			       err_text(-rc));

	step = step_begin();
	rc = sys_mount_move(tmpfs, target, err);
	step_end(&step, rc, "mount", "-t", "tmpfs", "tmpfs", target->path, NULL);
	return rc;
}

static int is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int n = 0;

	if (!dir) {
		close_fd(&copy);
		return -errno;
	}
	while (n < 3 && (entry = readdir(dir)))
		n++;
	(void)closedir(dir);
	return n < 3;
}

int copyup_volume(const struct dir *volume, const struct dir *target, struct error *err)
{
	struct step step;
	auto_fd int from = -1;
	auto_fd int to = -1;
	struct stat st;
	int rc = is_empty(volume->fd);

	if (rc == 0)
		return 0;
	step = step_begin();
	if (rc > 0) {
		from = openat(target->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		to = openat(volume->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = from < 0 || to < 0 || fstat(from, &st) < 0 ? -errno : copy_dir(from, to, 0);
	}
	if (rc == 0)
		rc = copy_meta(to, ".", &st);
	step_end(&step, rc, "cp", "-aT", target->path, volume->path, NULL);
	if (rc < 0)
		return err_set(err, -rc, "copy '%s' to '%s': %s", target->path, volume->path,
			       err_text(-rc));
	return 0;
}
