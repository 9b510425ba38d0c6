/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys_mount.h"
#include "base/sys_ns.h"
#include "engine/list.h"
#include "image/store.h"

void root_close(struct root *root)
{
	close_fd(&root->dir.fd);
	close_fd(&root->store_hold);
	record_place_close(&root->place);
	record_fini(&root->record);
}

/* Neither it nor its image may be removed behind us without our seeing it. */
static int hold_store(struct root *root, struct error *err)
{
	auto_free char *path = path_join(root->dirs->data, "images");
	auto_fd int fd = store_open(path, err);
	const struct dir store = { .fd = fd, .path = path };

	if (fd < 0)
		return fd;
	root->store_hold = store_hold(&store, err);
	return MIN(root->store_hold, 0);
}

int root_find(const struct engine_dirs *dirs, const char *text, struct root *ret, struct error *err)
{
	auto_list_entry struct list_entry entry = { 0 };
	int rc;

	*ret = (struct root){
		.dirs = dirs,
		.place = RECORD_NO_PLACE,
		.store_hold = -1,
		.dir = { .fd = -1 },
	};
	rc = hold_store(ret, err);
	if (rc == 0)
		rc = list_find(dirs, text, &entry, err);
	if (rc < 0)
		return rc;
	ret->record = entry.record;
	entry.record = (struct record){ 0 };
	ret->is_paused = entry.status == LIST_PAUSED;
	ret->is_running = ret->is_paused || entry.status == LIST_RUNNING;
	return record_open(dirs, ret->record.name, &ret->place, err);
}

/* A mount of @path by itself. */
static int open_mount(struct root *root, int at, const char *path, struct error *err)
{
	auto_fd int fd = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct sys_bind bind = {
		.source = { .fd = fd, .path = path },
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC,
	};

	if (fd < 0)
		return err_sys(err, "open '%s' of container '%s'", path, root->record.name);
	root->dir = (struct dir){ .fd = sys_bind_open(&bind, err), .path = "/" };
	return MIN(root->dir.fd, 0);
}

/*
 * A namespace whose mounts nobody else sees; descriptors opened before are of the one that we left.
 */
static int enter_namespace(struct error *err)
{
	auto_fd int top = -1;
	int rc = sys_unshare(CLONE_NEWNS, err);
	struct dir root = { .path = "/" };

	if (rc < 0)
		return rc;
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return err_sys(err, "open '/'");
	root.fd = top;
	return sys_propagation_at(&root, MS_PRIVATE, true, err);
}

/* Its overlay once more, in a namespace of ours: what is mounted in the container is not there. */
static int mount_overlay(struct root *root, const struct strv *lower, struct error *err)
{
	auto_free char *path = path_join(root->place.path, "rootfs");
	const struct sys_overlay overlay = { .lower = lower };
	struct dir target = { .path = path };
	auto_fd int fd = -1;
	int rc = enter_namespace(err);

	if (rc < 0)
		return rc;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	target.fd = fd;
	rc = sys_overlay_at(&overlay, &target, err);
	return rc < 0 ? rc : open_mount(root, AT_FDCWD, path, err);
}

int root_open_whole(struct root *root, struct error *err)
{
	auto_strv struct strv lower = { 0 };

	if (!root->record.image_id)
		return open_mount(root, AT_FDCWD, root->record.image, err);
	/* There is nothing below. */
	if (root->record.layers.n == 0)
		return open_mount(root, root->place.dir.fd, "upper", err);
	for (size_t i = 0; i < root->record.layers.n; i++)
		strv_addf(&lower, "%s/images/layers/%s", root->dirs->data,
			  root->record.layers.items[i]);
	strv_addf(&lower, "%s/upper", root->place.path);
	return mount_overlay(root, &lower, err);
}

int root_open_changes(struct root *root, struct error *err)
{
	if (!root->record.image_id)
		return err_set(
			err, EINVAL,
			"container '%s' was not made from an image: export it, and import that",
			root->record.name);
	return open_mount(root, root->place.dir.fd, "upper", err);
}

int root_check(const struct root *root, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	int rc = record_open(root->dirs, root->record.name, &place, err);

	if (rc == 0)
		rc = record_read(&place, &record, err);
	if (rc == -ENOENT || (rc == 0 && !str_eq(record.id, root->record.id)))
		return err_set(err, ENOENT, "container '%s' was removed or renamed meanwhile",
			       root->record.name);
	return rc;
}
