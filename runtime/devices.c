/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/sys.h"
#include "base/sys_mount.h"

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
};

/* Where mknod(2) is not allowed, the host's device is bound on an empty file. */
static int bind_device(const struct rootfs *rootfs, const struct plan_device *device,
		       struct error *err)
{
	auto_fd int source = open(device->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	auto_fd int fd = -1;
	auto_free char *name = path_join(rootfs->root.path, device->path + 1);
	struct stat st;

	if (source < 0)
		return err_sys(err, "open device '%s'", device->path);
	if (fstat(source, &st) < 0 || (st.st_mode & S_IFMT) != (device->mode & S_IFMT) ||
	    st.st_rdev != device->dev)
		return err_set(err, ENODEV, "bind device '%s': the host's has another number",
			       device->path);
	fd = make_file_in_root(&rootfs->root, device->path, 0644, err);
	if (fd < 0)
		return fd;

	const struct sys_bind bind = { .source = { .fd = source, .path = device->path } };

	return sys_bind_at(&bind, &(struct dir){ .fd = fd, .path = name }, err);
}

/* The directory that was opened last: most devices are in /dev. */
struct place {
	char *path, *name; /* in the container, and as the host sees it */
	int fd;
};

static void place_fini(struct place *place)
{
	free(place->path);
	free(place->name);
	close_fd(&place->fd);
}

static int open_place(const struct rootfs *rootfs, const char *path, size_t len,
		      struct place *place, struct error *err)
{
	if (place->path && strncmp(place->path, path, len) == 0 && !place->path[len])
		return 0;
	place_fini(place);
	place->path = xstrndup(path, len);
	place->name = path_join(rootfs->root.path, place->path + (*path == '/'));
	place->fd = make_dirs_in_root(&rootfs->root, place->path, 0755, err);
	return place->fd < 0 ? place->fd : 0;
}

static int make_device(const struct rootfs *rootfs, const struct plan_device *device,
		       struct place *place, struct error *err)
{
	const char *name = path_base(device->path);
	struct dir dir;
	struct stat st;
	int rc;

	if (!*name)
		return err_set(err, EINVAL, "make device '%s': no name", device->path);
	rc = open_place(rootfs, device->path, (size_t)(name - device->path), place, err);
	if (rc < 0)
		return rc;
	dir = (struct dir){ .fd = place->fd, .path = place->name };

	/* What the image has at this name is taken if it is the very device, and never followed. */
	if (fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (st.st_mode == device->mode && st.st_rdev == device->dev)
			return sys_chown_at(&dir, name, device->uid, device->gid, err);
		if (unlinkat(dir.fd, name, 0) < 0)
			return err_sys(err, "replace '%s/%s'", dir.path, name);
	}
	rc = sys_mknod_at(&dir, name, device->mode, device->dev, err);
	if (rc == 0 && (device->uid || device->gid))
		rc = sys_chown_at(&dir, name, device->uid, device->gid, err);
	return rc;
}

static int make_links(const struct rootfs *rootfs, struct error *err)
{
	auto_free char *name = path_join(rootfs->root.path, "dev");
	auto_fd int fd = make_dirs_in_root(&rootfs->root, "/dev", 0755, err);

	if (fd < 0)
		return fd;

	const struct dir dev = { .fd = fd, .path = name };

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		struct stat st;
		int rc;

		/* Images have some of these; ptmx of a devtmpfs-like /dev is replaced by ours. */
		if (fstatat(fd, links[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (strcmp(links[i].name, "ptmx") != 0)
				continue;
			(void)unlinkat(fd, links[i].name, 0);
		}
		rc = sys_symlink_at(&dev, links[i].name, links[i].target, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int devices_make(const struct rootfs *rootfs, struct error *err)
{
	const struct plan *plan = rootfs->plan;
	struct stat st;
	struct place place = { .fd = -1 };
	bool must_bind = plan->has_user_namespace;
	int rc = 0;

	/* Whatever we made or replaced there would be the host's own. */
	if (plan->has_host_dev)
		return 0;
	if (fstatat(rootfs->root.fd, "dev", &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "fill '/dev': not a directory in the rootfs");
	for (size_t i = 0; rc == 0 && i < plan->n_devices; i++) {
		rc = must_bind ? bind_device(rootfs, &plan->devices[i], err)
			       : make_device(rootfs, &plan->devices[i], &place, err);
		if (rc == -EPERM && !must_bind) {
			must_bind = true;
			rc = bind_device(rootfs, &plan->devices[i], err);
		}
	}
	place_fini(&place);
	return rc < 0 ? rc : make_links(rootfs, err);
}

int devices_console(const struct rootfs *rootfs, int slave, struct error *err)
{
	auto_free char *name = path_join(rootfs->root.path, "dev/console");
	auto_fd int fd = make_file_in_root(&rootfs->root, "/dev/console", 0600, err);
	struct statfs fs;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC)
		return err_set(err, EPERM, "make '/dev/console': leads into /proc");

	const struct sys_bind bind = { .source = { .fd = slave, .path = "/dev/pts/0" } };

	return sys_bind_at(&bind, &(struct dir){ .fd = fd, .path = name }, err);
}
