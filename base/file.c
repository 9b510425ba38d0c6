/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

/* Reads until the end or @max; interface files say nothing of their size. */
static int read_whole(int fd, size_t max, char **ret, size_t *ret_len)
{
	auto_free char *text = NULL;
	size_t room = 4096;
	size_t len = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	if (st.st_size > 0)
		room = (size_t)st.st_size + 1;

	text = xmalloc(room + 1);
	for (;;) {
		ssize_t n = read(fd, text + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len == room) {
			room *= 2;
			text = xrealloc(text, room + 1, 1);
		}
	}
	text[len] = '\0';
	*ret = take_ptr(text);
	if (ret_len)
		*ret_len = len;
	return 0;
}

static int open_and_read(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	auto_fd int fd = -1;

	/* O_NONBLOCK: a FIFO in the place of a file must not hold us up; read_whole() refuses it. */
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	return read_whole(fd, max, ret, ret_len);
}

int file_read_at(const struct dir *dir, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct error *err)
{
	int rc = open_and_read(dir->fd, name, max, ret, ret_len);

	if (rc < 0)
		return err_set(err, -rc, "read '%s/%s': %s", dir->path, name, err_text(-rc));
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
	int rc = open_and_read(AT_FDCWD, path, max, ret, ret_len);

	if (rc < 0)
		return err_set(err, -rc, "read '%s': %s", path, err_text(-rc));
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Fills a new file @temp and moves it over @name. */
static int replace_by(const struct dir *dir, const char *name, const char *temp, const char *data,
		      size_t len, mode_t mode, enum file_sync sync)
{
	auto_fd int fd = -1;
	int rc;

	fd = openat(dir->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (rc < 0)
		return rc;
	if (sync == FILE_DURABLE && fsync(fd) < 0)
		return -errno;
	if (renameat(dir->fd, temp, dir->fd, name) < 0)
		return -errno;
	/* The new name is durable once the directory is. */
	if (sync == FILE_DURABLE && fsync(dir->fd) < 0)
		return -errno;
	return 0;
}

int file_replace_at(const struct dir *dir, const char *name, const char *data, size_t len,
		    mode_t mode, enum file_sync sync, struct error *err)
{
	static atomic_uint counter;
	char temp[NAME_MAX + 1];
	int rc;

	(void)snprintf(temp, sizeof(temp), FILE_TEMP_PREFIX "%d-%u", getpid(),
		       atomic_fetch_add(&counter, 1));
	rc = replace_by(dir, name, temp, data, len, mode, sync);
	if (rc == -EEXIST) {
		/* Left by a process of our number that died in here. */
		(void)unlinkat(dir->fd, temp, 0);
		rc = replace_by(dir, name, temp, data, len, mode, sync);
	}
	if (rc < 0) {
		(void)unlinkat(dir->fd, temp, 0);
		return err_set(err, -rc, "write '%s/%s': %s", dir->path, name, err_text(-rc));
	}
	return 0;
}

static int open_dir(int dir_fd, const char *path)
{
	return openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* mkdir -p and open; every directory that is made on the way is 0700. */
static int make_open(int dir_fd, const char *path, mode_t mode)
{
	auto_free char *parts = NULL;
	int fd = open_dir(dir_fd, path);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;

	parts = path_clean(path);
	for (char *slash = strchr(parts + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dir_fd, parts, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdirat(dir_fd, parts, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = open_dir(dir_fd, parts);
	return fd < 0 ? -errno : fd;
}

int dir_make_open(const char *path, mode_t mode, struct error *err)
{
	int fd = make_open(AT_FDCWD, path, mode);

	if (fd < 0)
		return err_set(err, -fd, "make directory '%s': %s", path, err_text(-fd));
	return fd;
}

int dir_make_open_at(const struct dir *dir, const char *name, mode_t mode, struct error *err)
{
	int fd = make_open(dir->fd, name, mode);

	if (fd < 0)
		return err_set(err, -fd, "make directory '%s/%s': %s", dir->path, name,
			       err_text(-fd));
	return fd;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int dir_names_at(const struct dir *dir, const char *name, struct strv *ret, struct error *err)
{
	auto_fd int fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t before = ret->n;

	if (!list)
		return err_sys(err, "list '%s/%s'", dir->path, name);
	(void)take_fd(&fd); /* closed with the list */
	errno = 0;
	while ((entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_add(ret, entry->d_name);
		errno = 0;
	}
	if (errno != 0) {
		int rc = err_sys(err, "list '%s/%s'", dir->path, name);

		(void)closedir(list);
		return rc;
	}
	(void)closedir(list);
	if (ret->n > before)
		qsort(ret->items + before, ret->n - before, sizeof(*ret->items), compare_names);
	return 0;
}

/*
 * A tree may be deeper than the number of files that a process can have open: what lies deeper than
 * this is first moved up, to the top of the tree.
 */
#define REMOVE_DEPTH 64

struct removal {
	dev_t device;
	int top;            /* the tree's own directory; -1 while that is looked at */
	unsigned int moved; /* how many directories were moved up to it */
};

static int remove_entries(struct removal *r, int fd, int depth);

static int move_up(struct removal *r, int dir_fd, const char *name)
{
	for (;;) {
		char moved[32];

		(void)snprintf(moved, sizeof(moved), ".removed-%u", r->moved++);
		if (renameat2(dir_fd, name, r->top, moved, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
}

/* Until nothing is moved up any more. */
static int remove_top(struct removal *r, int fd)
{
	unsigned int before;
	int rc;

	r->top = fd;
	do {
		before = r->moved;
		rc = remove_entries(r, fd, 1);
	} while (rc == 0 && r->moved != before);
	return rc;
}

/* Removes one entry: a directory with its content, anything else by its name alone. */
static int remove_entry(struct removal *r, int dir_fd, const char *name, int depth)
{
	auto_fd int fd = -1;
	struct stat st;
	int rc;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (depth == REMOVE_DEPTH)
		return move_up(r, dir_fd, name);

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != r->device)
		return -EXDEV;
	rc = depth == 0 ? remove_top(r, fd) : remove_entries(r, fd, depth + 1);
	if (rc < 0)
		return rc;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* Goes on after a failure, so that as little as possible stays; returns the first. */
static int remove_entries(struct removal *r, int fd, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int first = 0;

	if (!dir) {
		int rc = -errno;

		close_fd(&copy);
		return rc;
	}
	while ((entry = readdir(dir))) {
		int rc;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = remove_entry(r, fd, entry->d_name, depth);
		if (rc < 0 && first == 0)
			first = rc;
	}
	(void)closedir(dir);
	return first;
}

int tree_remove_at(const struct dir *dir, const char *name, struct error *err)
{
	struct removal removal = { .top = -1 };
	struct stat st;
	int rc = fstat(dir->fd, &st) < 0 ? -errno : 0;

	if (rc == 0) {
		removal.device = st.st_dev;
		rc = remove_entry(&removal, dir->fd, name, 0);
	}
	if (rc < 0)
		return err_set(err, -rc, "remove '%s/%s': %s", dir->path, name, err_text(-rc));
	return 0;
}
