/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "image/layer_internal.h"
#include "image/tar_tree.h"

/* 04000, 02000, 01000: open(2) and mkdir(2) with umask 0 set the other bits. */
#define SPECIAL_BITS 07000

/* ---- attributes ------------------------------------------------------------------------------ */

static int set_xattr(int fd, const char *name, const void *value, size_t len, struct error *err)
{
	if (fsetxattr(fd, name, value, len, 0) == 0)
		return 0;
	/* Not every file system has them, and few programs miss them. */
	if (errno == EOPNOTSUPP && str_starts(name, "user."))
		return 0;
	return err_sys(err, "set attribute '%s'", name);
}

static int set_xattrs(const struct tar_entry *entry, int fd, struct error *err)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tar_xattr *xattr = &entry->xattrs[i];
		int rc;

		if (!tar_has_attribute(xattr->name))
			continue;
		rc = set_xattr(fd, xattr->name, xattr->value, xattr->len, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- files and nodes ------------------------------------------------------------------------- */

/* What is made belongs to root already: the unpacker is root, and no directory hands down another
 * group until the end. */
static bool has_owner(const struct tar_entry *entry)
{
	return entry->uid != 0 || entry->gid != 0;
}

/* In this order: chown(2) and write(2) take away special bits and file capabilities. */
int layer_finish_file(const struct tar_entry *entry, int fd, struct error *err)
{
	const struct timespec times[2] = { entry->mtime, entry->mtime };
	int rc;

	if (has_owner(entry) && fchown(fd, entry->uid, entry->gid) < 0)
		return err_sys(err, "change its owner");
	if (entry->mode & SPECIAL_BITS && fchmod(fd, entry->mode) < 0)
		return err_sys(err, "change its mode");
	rc = set_xattrs(entry, fd, err);
	if (rc < 0)
		return rc;
	if (futimens(fd, times) < 0)
		return err_sys(err, "set its times");
	return 0;
}

int layer_finish_node(const struct tar_entry *entry, int parent, const char *name,
		      struct error *err)
{
	const struct timespec times[2] = { entry->mtime, entry->mtime };

	if (has_owner(entry) &&
	    fchownat(parent, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "change its owner");
	/* Follows symlinks, which have no mode; the others were made just now and are none. */
	if (entry->type != TAR_SYMLINK && entry->mode & SPECIAL_BITS &&
	    fchmodat(parent, name, entry->mode, 0) < 0)
		return err_sys(err, "change its mode");
	if (utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "set its times");
	return 0;
}

/* ---- directories ----------------------------------------------------------------------------- */

/* Behind the path: name, NUL, length, value of each attribute. */
static void add_xattrs(struct layer *layer, const struct tar_entry *entry,
		       struct layer_deferred *deferred)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tar_xattr *xattr = &entry->xattrs[i];

		if (!tar_has_attribute(xattr->name))
			continue;
		str_add_len(&layer->texts, xattr->name, strlen(xattr->name) + 1);
		str_add_len(&layer->texts, (const char *)&xattr->len, sizeof(xattr->len));
		str_add_len(&layer->texts, xattr->value, xattr->len);
		deferred->n_xattrs++;
	}
}

int layer_defer(struct layer *layer, const struct tar_entry *entry, bool existed, struct error *err)
{
	struct layer_deferred *deferred;

	if (layer->n_deferred == layer->deferred_room) {
		layer->deferred_room = layer->deferred_room ? layer->deferred_room * 2 : 256;
		layer->deferred =
			xrealloc(layer->deferred, layer->deferred_room, sizeof(*layer->deferred));
	}
	deferred = &layer->deferred[layer->n_deferred++];
	*deferred = (struct layer_deferred){
		.mtime = entry->mtime,
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.existed = existed,
		.text = layer->texts.len,
	};
	str_add_len(&layer->texts, layer->path, strlen(layer->path) + 1);
	add_xattrs(layer, entry, deferred);

	if (layer->texts.len + layer->n_deferred * sizeof(*deferred) > LAYER_MAX_DEFERRED)
		return err_set(err, E2BIG, "the names of directories have more than %u MiB",
			       LAYER_MAX_DEFERRED >> 20);
	return 0;
}

static int set_deferred_xattrs(const char *text, size_t n, int fd, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = text;
		size_t len;
		int rc;

		text += strlen(text) + 1;
		memcpy(&len, text, sizeof(len));
		text += sizeof(len);
		rc = set_xattr(fd, name, text, len, err);
		if (rc < 0)
			return rc;
		text += len;
	}
	return 0;
}

static int finish_dir(const struct layer *layer, const struct layer_deferred *deferred,
		      struct error *err)
{
	const char *path = layer->texts.text + deferred->text;
	const struct timespec times[2] = { deferred->mtime, deferred->mtime };
	auto_fd int fd = open_in_root_raw(layer->options.root.fd, *path ? path : ".",
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
	int rc;

	/* A later entry took its place. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return err_set(err, -fd, "open it again: %s", err_text(-fd));
	if ((deferred->existed || deferred->uid || deferred->gid) &&
	    fchown(fd, deferred->uid, deferred->gid) < 0)
		return err_sys(err, "change its owner");
	rc = set_deferred_xattrs(path + strlen(path) + 1, deferred->n_xattrs, fd, err);
	if (rc < 0)
		return rc;
	if (deferred->mode & SPECIAL_BITS && fchmod(fd, deferred->mode) < 0)
		return err_sys(err, "change its mode");
	if (futimens(fd, times) < 0)
		return err_sys(err, "set its times");
	return 0;
}

int layer_finish_dirs(struct layer *layer, struct error *err)
{
	for (size_t i = 0; i < layer->n_deferred; i++) {
		int rc = finish_dir(layer, &layer->deferred[i], err);

		if (rc < 0) {
			auto_free char *shown =
				tar_shown(layer->texts.text + layer->deferred[i].text);

			return err_wrap(err, "directory '%s'", shown);
		}
	}
	return 0;
}
