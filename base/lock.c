/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

static int acquire(const struct dir *dir, const char *name, int operation, struct error *err)
{
	auto_fd int fd = -1;

	fd = openat(dir->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "open lock '%s/%s'", dir->path, name);

	while (flock(fd, operation) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock '%s/%s'", dir->path, name);
	}
	return take_fd(&fd);
}

int lock_fd(int fd, enum lock_mode mode, const char *name, struct error *err)
{
	while (flock(fd, mode == LOCK_SHARED ? LOCK_SH : LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock '%s'", name);
	}
	return 0;
}

int lock_fd_try(int fd, enum lock_mode mode, const char *name, struct error *err)
{
	if (flock(fd, (mode == LOCK_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 1;
	return errno == EWOULDBLOCK ? 0 : err_sys(err, "lock '%s'", name);
}

void lock_fd_release(int fd)
{
	(void)flock(fd, LOCK_UN);
}

int lock_acquire(const struct dir *dir, const char *name, enum lock_mode mode, struct error *err)
{
	return acquire(dir, name, mode == LOCK_SHARED ? LOCK_SH : LOCK_EX, err);
}

int lock_try(const struct dir *dir, const char *name, enum lock_mode mode, struct error *err)
{
	return acquire(dir, name, (mode == LOCK_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB, err);
}
