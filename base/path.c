/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/step.h"
#include "base/str.h"

/*
 * openat2(2) with RESOLVE_IN_ROOT says EAGAIN when a rename or mount anywhere raced with a ".."
 * of the path.  An attacker may cause it on purpose: the number of tries is bounded.
 */
#define OPENAT2_TRIES 128

int open_in_root_raw(int root_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	for (int i = 0;; i++) {
		long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EINTR && (errno != EAGAIN || i >= OPENAT2_TRIES))
			return -errno;
	}
}

int open_in_root(const struct dir *root, const char *path, int flags, mode_t mode,
		 struct error *err)
{
	int fd = open_in_root_raw(root->fd, path, flags, mode, 0);

	if (fd < 0)
		return err_set(err, -fd, "open '%s' in '%s': %s", path, root->path, err_text(-fd));
	return fd;
}

/* mkdir or touch of what was missing, by the name that the host knows. */
static void record_made(const struct step *step, const char *command, const struct dir *root,
			const char *path)
{
	auto_free char *name = NULL;

	if (!step_is_on())
		return;
	name = path_join(root->path, path);
	step_end(step, 0, command, name, NULL);
}

#define LINKS_MAX 40

static ssize_t read_link_in(int root_fd, const char *parent, const char *name, char *buf,
			    size_t size)
{
	auto_fd int fd =
		open_in_root_raw(root_fd, *parent ? parent : ".", O_PATH | O_DIRECTORY, 0, 0);
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, name, buf, size - 1);

	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* "a/b" and "c" -> "a/b/c"; ".." goes up, and stays at the root. */
static void step_into(struct str *done, const char *name)
{
	if (strcmp(name, ".") == 0)
		return;
	if (strcmp(name, "..") != 0) {
		str_addf(done, "%s%s", done->len ? "/" : "", name);
		return;
	}
	while (done->len && done->text[--done->len] != '/')
		;
	if (done->text)
		done->text[done->len] = '\0';
}

/*
 * Where @path leads if what is missing of it is made, without symlinks: those that dangle are
 * followed as well, inside of the root, so that "/etc/resolv.conf -> /run/resolv.conf" can be
 * mounted on.  It is only a text, opened as any other below the root.  NULL: too many links.
 */
static char *settle(int root_fd, const char *path)
{
	auto_free char *left = xstrdup(path);
	auto_str struct str done = { 0 };
	char *at = left;
	int links = 0;

	while (*(at += strspn(at, "/"))) {
		size_t len = strcspn(at, "/");
		auto_free char *name = xstrndup(at, len);
		char target[PATH_MAX];

		at += len;
		if (read_link_in(root_fd, done.text ? done.text : "", name, target,
				 sizeof(target)) < 0) {
			step_into(&done, name);
			continue;
		}
		if (++links > LINKS_MAX)
			return NULL;
		if (target[0] == '/')
			str_clear(&done);
		at = xasprintf("%s/%s", target, at);
		free(left);
		left = at;
	}
	return str_take(&done);
}

/* Opens the directory @path, relative to the root; makes it if it is missing. */
static int open_or_make_dir(const struct dir *root, const char *path, mode_t mode)
{
	int flags = O_PATH | O_DIRECTORY;
	int fd = open_in_root_raw(root->fd, path, flags, 0, 0);
	const char *name = path_base(path);
	auto_free char *parent = NULL;
	auto_fd int parent_fd = -1;
	struct step step;
	int rc;

	if (fd != -ENOENT)
		return fd;

	parent = name == path ? xstrdup(".") : xstrndup(path, (size_t)(name - path));
	parent_fd = open_in_root_raw(root->fd, parent, flags, 0, 0);
	if (parent_fd < 0)
		return parent_fd;
	step = step_begin();
	rc = mkdirat(parent_fd, name, mode) < 0 ? -errno : 0;
	if (rc < 0 && rc != -EEXIST)
		return rc;
	if (rc == 0)
		record_made(&step, "mkdir", root, path);
	return open_in_root_raw(root->fd, path, flags, 0, 0);
}

/* Makes the last part of @path in its parent; -EEXIST if there is something, a link to nothing say. */
static int make_last(const struct dir *root, const char *path, mode_t mode)
{
	const char *name = path_base(path);
	auto_free char *parent =
		name == path ? xstrdup(".") : xstrndup(path, (size_t)(name - path));
	auto_fd int fd = open_in_root_raw(root->fd, parent, O_PATH | O_DIRECTORY, 0, 0);
	struct step step = step_begin();

	if (fd < 0)
		return fd;
	if (mkdirat(fd, name, mode) < 0)
		return -errno;
	record_made(&step, "mkdir", root, path);
	return open_in_root_raw(root->fd, path, O_PATH | O_DIRECTORY, 0, 0);
}

int make_dirs_in_root(const struct dir *root, const char *path, mode_t mode, struct error *err)
{
	auto_free char *clean = path_clean(path);
	auto_free char *settled = NULL;
	char *rest = clean + (*clean == '/');
	int fd;

	if (!*rest)
		return open_in_root(root, ".", O_PATH | O_DIRECTORY, 0, err);

	/* The usual case: it is there. */
	fd = open_in_root_raw(root->fd, rest, O_PATH | O_DIRECTORY, 0, 0);
	/* And then that all but it itself is. */
	if (fd == -ENOENT)
		fd = make_last(root, rest, mode);
	if (fd >= 0)
		return fd;
	settled = settle(root->fd, rest);
	if (!settled)
		return err_set(err, ELOOP, "make directory '%s' in '%s': %s", rest, root->path,
			       err_text(ELOOP));

	rest = settled;
	for (char *slash = strchr(rest, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		fd = open_or_make_dir(root, rest, mode);
		if (fd < 0)
			return err_set(err, -fd, "make directory '%s' in '%s': %s", rest,
				       root->path, err_text(-fd));
		if (!slash)
			return fd;
		(void)close(fd);
		*slash = '/';
	}
}

int make_file_in_root(const struct dir *root, const char *path, mode_t mode, struct error *err)
{
	auto_free char *clean = path_clean(path);
	const char *rest = clean + (*clean == '/');
	auto_free char *settled = NULL;
	auto_free char *parent = NULL;
	const char *name;
	auto_fd int parent_fd = -1;
	int fd = open_in_root_raw(root->fd, *rest ? rest : ".", O_PATH, 0, 0);
	struct step step;
	int rc;

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT) {
		settled = settle(root->fd, rest);
		fd = settled ? fd : -ELOOP;
	}
	if (fd != -ENOENT)
		return err_set(err, -fd, "open '%s' in '%s': %s", rest, root->path, err_text(-fd));

	rest = settled;
	name = path_base(rest);
	parent = xstrndup(rest, (size_t)(name - rest));
	parent_fd = make_dirs_in_root(root, parent, 0755, err);
	if (parent_fd < 0)
		return parent_fd;
	step = step_begin();
	rc = mknodat(parent_fd, name, S_IFREG | mode, 0) < 0 ? -errno : 0;
	if (rc < 0 && rc != -EEXIST)
		return err_set(err, -rc, "make file '%s' in '%s': %s", rest, root->path,
			       err_text(-rc));
	if (rc == 0)
		record_made(&step, "touch", root, rest);
	return open_in_root(root, rest, O_PATH, 0, err);
}

char *path_clean(const char *path)
{
	bool is_absolute = path[0] == '/';
	auto_strv struct strv parts = { 0 };
	struct str out = { 0 };
	auto_strv struct strv fields = { 0 };

	strv_split(&fields, path, '/');
	for (size_t i = 0; i < fields.n; i++) {
		const char *part = fields.items[i];

		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") != 0) {
			strv_add(&parts, part);
		} else if (parts.n && strcmp(parts.items[parts.n - 1], "..") != 0) {
			free(parts.items[--parts.n]);
			parts.items[parts.n] = NULL;
		} else if (!is_absolute) {
			strv_add(&parts, part);
		}
	}

	for (size_t i = 0; i < parts.n; i++)
		str_addf(&out, "%s%s", i || is_absolute ? "/" : "", parts.items[i]);
	if (!parts.n)
		str_add(&out, is_absolute ? "/" : ".");
	return str_take(&out);
}

char *path_join(const char *base, const char *name)
{
	if (name[0] == '/' || !*base)
		return xstrdup(name);
	if (!*name)
		return xstrdup(base);
	return xasprintf("%s%s%s", base, str_ends(base, "/") ? "" : "/", name);
}

bool path_is_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strcmp(prefix, "/") == 0)
		return path[0] == '/';
	return strncmp(path, prefix, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
