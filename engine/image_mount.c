/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/image_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/sys_mount.h"
#include "engine/record.h"
#include "image/image.h"

#define ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define COUNT "count"

/* One image's place, while the lock is held. */
struct spot {
	char *above, *path, *root; /* owned: <state>/images, .../<digits>, .../root */
	const char *name;          /* <digits> */
	struct dir images, dir;    /* of the first two; fds owned */
	int lock;
};

static void spot_close(struct spot *spot)
{
	close_fd(&spot->dir.fd);
	close_fd(&spot->images.fd);
	close_fd(&spot->lock);
	free(spot->above);
	free(spot->path);
	free(spot->root);
}
#define auto_spot __attribute__((cleanup(spot_close)))

static char *root_of(const struct engine_dirs *dirs, const char *id)
{
	return xasprintf("%s/images/%s/root", dirs->state, digest_hex(id));
}

static bool is_mounted(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int spot_open(const struct engine_dirs *dirs, const char *id, struct spot *ret,
		     struct error *err)
{
	*ret = (struct spot){ .images.fd = -1, .dir.fd = -1, .lock = -1 };
	ret->name = digest_hex(id);
	ret->above = xasprintf("%s/images", dirs->state);
	ret->path = xasprintf("%s/%s", ret->above, ret->name);
	ret->root = root_of(dirs, id);
	ret->images.path = ret->above;
	ret->dir.path = ret->path;
	ret->images.fd = dir_make_open(ret->above, 0700, err);
	if (ret->images.fd < 0)
		return ret->images.fd;
	ret->lock = lock_acquire(&ret->images, "lock", LOCK_EXCLUSIVE, err);
	if (ret->lock < 0)
		return ret->lock;
	ret->dir.fd = dir_make_open_at(&ret->images, ret->name, 0700, err);
	return MIN(ret->dir.fd, 0);
}

/* Who died between the mount and its number has been told of none, or takes it for one. */
static uint64_t read_count(const struct spot *spot)
{
	auto_free char *text = NULL;
	struct error ignored = { 0 };
	uint64_t count = 1;

	if (!is_mounted(spot->root))
		return 0;
	if (file_read_at(&spot->dir, COUNT, 32, &text, NULL, &ignored) < 0 ||
	    parse_uint64(text, INT_MAX, &count, &ignored) < 0)
		return 1;
	return MAX(count, (uint64_t)1);
}

static int write_count(const struct spot *spot, uint64_t count, struct error *err)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)count);

	return file_replace_at(&spot->dir, COUNT, text, (size_t)len, 0600, FILE_FAST, err);
}

/* ---- mount ------------------------------------------------------------------------------------ */

static int bind_layer(const char *from, const struct dir *target, struct error *err)
{
	auto_fd int fd = open(from, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct sys_bind bind = {
		.source = { .fd = fd, .path = from },
		.attr_set = ATTRS,
		.propagation = MS_PRIVATE,
	};

	return fd < 0 ? err_sys(err, "open '%s'", from) : sys_bind_at(&bind, target, err);
}

/* An overlay without an upper directory takes two layers at least (overlayfs.rst). */
static int mount_layers(const struct engine_dirs *dirs, const struct image *image,
			const struct spot *spot, struct error *err)
{
	auto_fd int fd = dir_make_open_at(&spot->dir, "root", 0700, err);
	const struct dir target = { .fd = fd, .path = spot->root };
	auto_strv struct strv lower = { 0 };
	const struct sys_overlay overlay = { .lower = &lower, .attrs = ATTRS };

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < image->layers.n; i++)
		strv_addf(&lower, "%s/images/layers/%s", dirs->data, image->layers.items[i]);
	if (lower.n > 1)
		return sys_overlay_at(&overlay, &target, err);
	return bind_layer(lower.n ? lower.items[0] : spot->root, &target, err);
}

int image_mount(const struct engine_dirs *dirs, const struct image *image, char **ret_path,
		struct error *err)
{
	auto_spot struct spot spot;
	struct error ignored = { 0 };
	uint64_t count;
	int rc = spot_open(dirs, image->id, &spot, err);

	if (rc < 0)
		return rc;
	count = read_count(&spot);
	if (count == 0)
		rc = mount_layers(dirs, image, &spot, err);
	if (rc == 0)
		rc = write_count(&spot, count + 1, err);
	if (rc < 0 && count == 0) {
		if (is_mounted(spot.root))
			(void)sys_unmount(spot.root, true, &ignored);
		(void)tree_remove_at(&spot.images, spot.name, &ignored);
	}
	if (rc < 0)
		return rc;
	*ret_path = take_ptr(spot.root);
	return 0;
}

/* ---- unmount ---------------------------------------------------------------------------------- */

int image_unmount(const struct engine_dirs *dirs, const char *id, bool is_forced, struct error *err)
{
	auto_spot struct spot spot;
	struct error ignored = { 0 };
	uint64_t count;
	int rc = spot_open(dirs, id, &spot, err);

	if (rc < 0)
		return rc;
	count = read_count(&spot);
	if (count > 1 && !is_forced)
		return write_count(&spot, count - 1, err);
	if (count > 0)
		rc = sys_unmount(spot.root, is_forced, err);
	if (rc < 0)
		return rc;
	/* What is left of one that was lost goes, too. */
	rc = tree_remove_at(&spot.images, spot.name, count > 0 ? err : &ignored);
	return count > 0 ? rc : err_set(err, EINVAL, "it is not mounted");
}

/* ---- what there is ---------------------------------------------------------------------------- */

char *image_mount_path(const struct engine_dirs *dirs, const char *id)
{
	auto_free char *path = root_of(dirs, id);

	return is_mounted(path) ? take_ptr(path) : NULL;
}

int image_mounts(const struct engine_dirs *dirs, struct strv *ret_ids, struct error *err)
{
	auto_free char *path = xasprintf("%s/images", dirs->state);
	const struct dir here = { .fd = AT_FDCWD, .path = "" };
	auto_strv struct strv names = { 0 };
	int rc;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	rc = dir_names_at(&here, path, &names, err);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		auto_free char *id = xasprintf("sha256:%s", names.items[i]);
		auto_free char *root = digest_is_valid(id) ? image_mount_path(dirs, id) : NULL;

		if (root)
			strv_add(ret_ids, id);
	}
	return rc;
}

char *image_user(const struct engine_dirs *dirs, const char *id)
{
	auto_free char *name = record_image_user(dirs, id);
	auto_free char *path = name ? NULL : image_mount_path(dirs, id);

	if (name)
		return xasprintf("container '%s'", name);
	return path ? xasprintf("the mount '%s'", path) : NULL;
}
