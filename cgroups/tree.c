/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"

/* Somebody may remove a parent between our look and our step: begin again, but not for ever. */
#define MAKE_TRIES 16

static int open_below(int fd, const char *path)
{
	/* Cleaned paths have no "..": with no links and no other mounts, this stays beneath. */
	return open_in_root_raw(fd, path, O_PATH | O_DIRECTORY, 0,
				RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
}

int cgroup_tree_open(const struct cgroup_hierarchy *h, const char *path)
{
	return open_below(h->fd, path);
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\n")] == '\0';
}

/*
 * A new v1 cpuset has no CPUs and no memory nodes, and a process can join only when it has both
 * (cgroup-v1/cpusets.rst, 2.): they come from the parent.
 */
static int fill_cpuset(const struct dir *parent, const struct dir *dir, struct error *err)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *have = NULL, *inherited = NULL;
		int rc = file_read_at(dir, files[i], CGROUP_FILE_MAX, &have, NULL, err);

		if (rc < 0)
			return rc;
		if (!is_blank(have))
			continue;
		rc = file_read_at(parent, files[i], CGROUP_FILE_MAX, &inherited, NULL, err);
		if (rc < 0)
			return rc;
		inherited[strcspn(inherited, "\n")] = '\0';
		rc = sys_write_at(dir, files[i], inherited, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

struct walk {
	const struct cgroup_hierarchy *h;
	char *directory; /* name of @fd */
	int fd;
	unsigned int depth; /* of @fd below the root */
	unsigned int made;  /* depth of the first directory that is new; 0: none is */
};

/* Goes down to @name in the walk's directory, making it if needed.  -EAGAIN: a parent vanished. */
static int walk_into(struct walk *w, const char *name, bool is_leaf, struct error *err)
{
	const struct dir parent = { .fd = w->fd, .path = w->directory };
	auto_fd int fd = is_leaf ? -ENOENT : open_below(w->fd, name);
	auto_free char *directory = path_join(w->directory, name);
	int rc = 0;

	if (fd == -ENOENT) {
		rc = sys_mkdir_at(&parent, name, 0755, err);
		if (rc == -ENOENT || rc == -ENODEV)
			return -EAGAIN;
		if (rc < 0)
			return rc;
		if (rc == 1 && w->made == 0)
			w->made = w->depth + 1;
		fd = open_below(w->fd, name);
		if (fd == -ENOENT)
			return -EAGAIN;
	}
	if (fd < 0)
		return err_set(err, -fd, "open cgroup '%s': %s", directory, err_text(-fd));
	if (w->h->version == CGROUP_V1 && w->h->controllers & CGROUP_BIT(CGROUP_CPUSET))
		rc = fill_cpuset(&parent, &(struct dir){ .fd = fd, .path = directory }, err);
	if (rc < 0)
		return rc;

	close_fd(&w->fd);
	w->fd = take_fd(&fd);
	w->depth++;
	free(w->directory);
	w->directory = take_ptr(directory);
	return 0;
}

static int walk_down(struct walk *w, const char *path, struct error *err)
{
	auto_free char *copy = xstrdup(path);
	char *save = NULL;
	char *name = strtok_r(copy, "/", &save);

	while (name) {
		char *next = strtok_r(NULL, "/", &save);
		int rc = walk_into(w, name, !next, err);

		if (rc < 0)
			return rc;
		name = next;
	}
	return 0;
}

int cgroup_tree_make(const struct cgroup_hierarchy *h, const char *path, unsigned int *ret_made,
		     struct error *err)
{
	*ret_made = 0;
	for (int i = 0; i < MAKE_TRIES; i++) {
		struct walk w = { .h = h, .fd = dup(h->fd), .directory = xstrdup(h->point) };
		int rc = w.fd < 0 ? err_sys(err, "open cgroup '%s'", h->point)
				  : walk_down(&w, path, err);

		free(w.directory);
		if (w.made > 0 && (*ret_made == 0 || w.made < *ret_made))
			*ret_made = w.made;
		if (rc == 0)
			return w.fd;
		close_fd(&w.fd);
		if (rc != -EAGAIN)
			return rc;
	}
	return err_set(err, EBUSY, "make cgroup '%s/%s': somebody keeps removing its parents",
		       h->point, path);
}

static unsigned int depth_of(const char *path)
{
	unsigned int depth = 1;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

void cgroup_tree_unmake(const struct cgroup_hierarchy *h, const char *path, unsigned int made)
{
	const struct dir root = { .fd = h->fd, .path = h->point };
	auto_free char *part = xstrdup(path);
	struct error err = { 0 };

	if (made == 0)
		return;
	for (unsigned int depth = depth_of(path); depth >= made; depth--) {
		char *slash = strrchr(part, '/');

		/* A parent that another container uses by now stays. */
		if (sys_rmdir_at(&root, part, &err) < 0) {
			log_debug("%s", err.msg);
			return;
		}
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* The names of the directories in @fd. */
static int list_groups(int fd, struct strv *ret)
{
	int list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	const struct dirent *entry;

	if (!dir) {
		int rc = -errno;

		close_fd(&list_fd);
		return rc;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && !str_eq(entry->d_name, ".") &&
		    !str_eq(entry->d_name, ".."))
			strv_add(ret, entry->d_name);
	(void)closedir(dir);
	return 0;
}

/*
 * A container with a writable cgroup can nest groups as deep as it likes.  So the walk does not
 * recurse and holds one fd, whatever the depth: it comes back up by "..", never above its start.
 */
struct level {
	struct strv names; /* the groups at this level */
	size_t next;       /* the first that has not been visited */
	size_t path_len;   /* of this level's directory */
};

struct tour {
	const struct dir *start;
	int fd; /* where it is; the start's own fd at level 0, which is borrowed */
	struct str path;
	struct level *levels;
	size_t n, room;
};

static void tour_enter(struct tour *t, int fd)
{
	struct level *level;

	if (t->n == t->room) {
		t->room = t->room ? t->room * 2 : 8;
		t->levels = xrealloc(t->levels, t->room, sizeof(*t->levels));
	}
	level = &t->levels[t->n++];
	*level = (struct level){ .path_len = t->path.len };
	(void)list_groups(fd, &level->names); /* none, if it has just been removed */
	t->fd = fd;
}

/* Goes down to the next group at this level that can be opened; false: all are done. */
static bool tour_down(struct tour *t)
{
	struct level *level = &t->levels[t->n - 1];

	while (level->next < level->names.n) {
		const char *name = level->names.items[level->next++];
		int fd = open_below(t->fd, name);

		if (fd < 0)
			continue;
		if (t->n > 1)
			(void)close(t->fd);
		str_addf(&t->path, "/%s", name);
		tour_enter(t, fd);
		return true;
	}
	return false;
}

/* Visits the group whose own groups are done, and goes back to its parent. */
static int tour_up(struct tour *t, cgroup_tree_visit *visit, void *arg, struct error *err)
{
	struct level *parent = &t->levels[t->n - 2];
	const char *name = parent->names.items[parent->next - 1];
	bool is_start = t->n == 2;
	int up = is_start ? t->start->fd : openat(t->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *parent_path = xstrndup(t->path.text, parent->path_len);
	const struct dir parent_dir = { .fd = up, .path = parent_path };
	const struct dir dir = { .fd = t->fd, .path = t->path.text };
	int rc = up < 0 ? -ESTALE : visit(&parent_dir, name, &dir, arg, err);

	(void)close(t->fd);
	strv_fini(&t->levels[--t->n].names);
	t->path.len = parent->path_len;
	t->path.text[t->path.len] = '\0';
	t->fd = up;
	return rc;
}

int cgroup_tree_each(const struct dir *dir, cgroup_tree_visit *visit, void *arg, struct error *err)
{
	struct tour tour = { .start = dir };
	int first = 0;

	str_add(&tour.path, dir->path);
	tour_enter(&tour, dir->fd);
	while (tour.fd >= 0) {
		int rc;

		if (tour_down(&tour))
			continue;
		if (tour.n == 1)
			break;
		rc = tour_up(&tour, visit, arg, err);
		if (rc < 0 && rc != -ESTALE && first == 0)
			first = rc;
	}
	while (tour.n > 0)
		strv_fini(&tour.levels[--tour.n].names);
	free(tour.levels);
	str_fini(&tour.path);
	return first;
}

static int remove_one(const struct dir *parent, const char *name, const struct dir *dir, void *arg,
		      struct error *err)
{
	int rc = sys_rmdir_at(parent, name, err);

	(void)dir;
	(void)arg;
	return rc < 0 ? rc : 0;
}

int cgroup_tree_remove(const struct cgroup_hierarchy *h, const char *path, struct error *err)
{
	const struct dir root = { .fd = h->fd, .path = h->point };
	auto_free char *name = path_join(h->point, path);
	auto_fd int fd = -1;
	int rc = sys_rmdir_at(&root, path, err);

	if (rc != -EBUSY && rc != -ENOTEMPTY)
		return rc < 0 ? rc : 0;

	/* Busy with processes, or with groups below that a container made. */
	fd = cgroup_tree_open(h, path);
	if (fd < 0)
		return fd == -ENOENT
			       ? 0
			       : err_set(err, -fd, "open cgroup '%s': %s", name, err_text(-fd));
	rc = cgroup_tree_each(&(struct dir){ .fd = fd, .path = name }, remove_one, NULL, err);
	if (rc < 0)
		return rc;
	rc = sys_rmdir_at(&root, path, err);
	return rc < 0 ? rc : 0;
}
