/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "image/layer_internal.h"

/*
 * Archives list a directory's files together: a few open directories save most look-ups.  An open
 * one stays right as long as nothing is removed or replaced, for only that gives a name a new
 * meaning; then all are closed.
 */

int layer_count_made(struct layer *layer, struct error *err)
{
	if (++layer->n_made > TAR_MAX_ENTRIES)
		return err_set(err, E2BIG, "more than %u files and directories", TAR_MAX_ENTRIES);
	return 0;
}

bool layer_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

void layer_dirs_forget(struct layer *layer)
{
	for (size_t i = 0; i < LAYER_CACHED_DIRS; i++) {
		struct layer_dir *dir = &layer->dirs[i];

		if (dir->path)
			close_fd(&dir->fd);
		free(take_ptr(dir->path));
	}
}

static struct layer_dir *find(struct layer *layer, const char *path, size_t len)
{
	for (size_t i = 0; i < LAYER_CACHED_DIRS; i++) {
		struct layer_dir *dir = &layer->dirs[i];

		if (dir->path && dir->len == len && memcmp(dir->path, path, len) == 0)
			return dir;
	}
	return NULL;
}

static int keep(struct layer *layer, const char *path, size_t len, int fd)
{
	struct layer_dir *oldest = &layer->dirs[0];

	for (size_t i = 0; i < LAYER_CACHED_DIRS && oldest->path; i++) {
		if (!layer->dirs[i].path || layer->dirs[i].used < oldest->used)
			oldest = &layer->dirs[i];
	}
	if (oldest->path)
		close_fd(&oldest->fd);
	free(oldest->path);
	*oldest = (struct layer_dir){
		.path = xstrndup(path, len), .len = len, .fd = fd, .used = ++layer->clock
	};
	return fd;
}

static int open_dir(const struct layer *layer, const char *path, size_t len, int flags)
{
	char name[TAR_MAX_PATH + 1];

	memcpy(name, path, len);
	name[len] = '\0';
	return open_in_root_raw(layer->options.root.fd, len ? name : ".", flags | O_DIRECTORY, 0,
				RESOLVE_NO_XDEV);
}

int layer_mark_opaque(struct layer *layer, int parent, const char *name, struct error *err)
{
	auto_fd int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open the directory");
	return layer->options.mark_opaque(layer->options.arg, fd, err);
}

/* tree_remove_at() names its object, of which the caller knows the whole path. */
int layer_clear(struct layer *layer, int parent, const char *name, struct error *err)
{
	const struct dir dir = { .fd = parent, .path = "." };

	layer->is_stale = true;
	return tree_remove_at(&dir, name, err);
}

static int try_make(struct layer *layer, int parent, const char *name, mode_t mode,
		    struct error *err)
{
	int rc;

	if (mkdirat(parent, name, mode) < 0)
		return err_sys(err, "make the directory");
	rc = layer_count_made(layer, err);
	return rc < 0 ? rc : 1;
}

int layer_dir_make(struct layer *layer, int parent, const char *name, mode_t mode,
		   struct error *err)
{
	struct stat st;
	int rc = try_make(layer, parent, name, mode, err);

	if (rc != -EEXIST)
		return rc;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "look for what is there");
	if (S_ISDIR(st.st_mode))
		return 0;

	rc = layer_clear(layer, parent, name, err);
	if (rc == 0)
		rc = try_make(layer, parent, name, mode, err);
	/* What the whiteout hid stays hidden. */
	if (rc > 0 && layer_is_whiteout(&st))
		rc = layer_mark_opaque(layer, parent, name, err);
	return rc < 0 ? rc : 1;
}

/* A parent that the archive did not list; only a whiteout gives way to it. */
static int make_implied(struct layer *layer, int parent, const char *path, size_t len,
			struct error *err)
{
	const char *slash = memrchr(path, '/', len);
	size_t from = slash ? (size_t)(slash - path) + 1 : 0;
	auto_free char *name = xstrndup(path + from, len - from);
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !layer_is_whiteout(&st)) {
		auto_free char *whole = xstrndup(path, len);
		auto_free char *shown = tar_shown(whole);

		return err_set(err, ENOTDIR, "its parent '%s' is no directory", shown);
	}
	return layer_dir_make(layer, parent, name, 0755, err);
}

static size_t parent_len(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);

	return slash ? (size_t)(slash - path) : 0;
}

/* Opens @path, of which something is missing, after making it: from the first part that exists. */
static int make_and_open(struct layer *layer, const char *path, size_t len, struct error *err)
{
	size_t have = len;
	auto_fd int fd = -ENOENT;

	while (have && (fd == -ENOENT || fd == -ENOTDIR)) {
		have = parent_len(path, have);
		fd = open_dir(layer, path, have, O_PATH);
	}
	while (fd >= 0 && have < len) {
		const char *slash = memchr(path + have + 1, '/', len - have - 1);
		int rc;

		have = slash ? (size_t)(slash - path) : len;
		rc = make_implied(layer, fd, path, have, err);
		if (rc < 0)
			return rc;
		close_fd(&fd);
		fd = open_dir(layer, path, have, O_PATH);
	}
	if (fd < 0)
		return err_set(err, -fd, "open its parent: %s", err_text(-fd));
	return take_fd(&fd);
}

int layer_dir_open(struct layer *layer, const char *path, size_t len, struct error *err)
{
	struct layer_dir *known = find(layer, path, len);
	int fd;

	if (known) {
		known->used = ++layer->clock;
		return known->fd;
	}
	fd = open_dir(layer, path, len, O_PATH);
	if (fd == -ENOENT || fd == -ENOTDIR)
		fd = make_and_open(layer, path, len, err);
	else if (fd < 0)
		return err_set(err, -fd, "open its parent: %s", err_text(-fd));
	return fd < 0 ? fd : keep(layer, path, len, fd);
}
