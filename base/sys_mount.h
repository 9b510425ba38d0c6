/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/*
 * Doors to the kernel: mounts, by descriptors.  A target is an O_PATH descriptor with the name that
 * people see; no path below a root file system reaches the kernel as a string (mount_setattr(2),
 * fsopen(2), open_tree(2), move_mount(2)).
 */

struct sys_mount {
	const char *type;   /* "proc", "tmpfs" */
	const char *source; /* may be NULL: the type */
	const struct strv
		*data;        /* options of the file system, "size=64m" or "newinstance"; or NULL */
	uint64_t attrs;       /* MOUNT_ATTR_RDONLY, ... */
	bool is_fs_read_only; /* the superblock too */
};

/* A new file system that is mounted nowhere; the caller owns the fd.  No step of its own. */
int sys_mount_open(const struct sys_mount *mount, struct error *err);

/* A new file system on @target, one step: mount -t TYPE -o ... SOURCE TARGET. */
int sys_mount_at(const struct sys_mount *mount, const struct dir *target, struct error *err);

/* Attaches a detached mount (sys_mount_open, sys_bind_open) to @target; @argv-less part of a step. */
int sys_mount_move(int mount_fd, const struct dir *target, struct error *err);

struct sys_bind {
	struct dir source; /* what is bound; O_PATH is enough */
	bool is_recursive;
	uint64_t attr_set, attr_clr;          /* of the mount alone */
	uint64_t rec_attr_set, rec_attr_clr;  /* of the mounts below it as well */
	uint64_t propagation;                 /* MS_PRIVATE, ... or 0 */
	bool is_idmapped, is_idmap_recursive; /* its ids are mapped by this user namespace */
	int user_ns;                          /* borrowed; only with @is_idmapped */
};

/* mount --bind SOURCE TARGET, with attributes set before anybody can see it. */
int sys_bind_at(const struct sys_bind *bind, const struct dir *target, struct error *err);

/* The second half of it, for what sys_bind_open() gave, and its step. */
int sys_bind_attach(int tree_fd, const struct sys_bind *bind, const struct dir *target,
		    struct error *err);

/* A detached copy of the mount at @source (open_tree(2) with OPEN_TREE_CLONE); no step. */
int sys_bind_open(const struct sys_bind *bind, struct error *err);

/* mount --make-[r]private PATH: @target is a descriptor of the mount's root. */
int sys_propagation_at(const struct dir *target, uint64_t propagation, bool is_recursive,
		       struct error *err);

/* mount -o remount,bind,ro TARGET */
int sys_read_only_at(const struct dir *target, bool is_recursive, struct error *err);

/*
 * The overlay of @lower (lowest first) on @target.  Kernels before 6.5 take the layers in one text
 * of at most a page: relative names are used then, so the caller's layers share a parent directory.
 */
struct sys_overlay {
	const struct strv *lower;
	const char *upper, *work; /* NULL: read-only */
	uint64_t attrs;           /* MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC */
};
int sys_overlay_at(const struct sys_overlay *overlay, const struct dir *target, struct error *err);

/* umount [-l] PATH, which is ours and no symlink.  -EBUSY: something in it is in use. */
int sys_unmount(const char *path, bool is_lazy, struct error *err);

/* pivot_root . .; umount -l . ; cd /   with the working directory in the new root @root. */
int sys_pivot_root(const struct dir *root, struct error *err);

/* Without a mount of its own for the root (initramfs): move it to / and chroot. */
int sys_move_root(const struct dir *root, struct error *err);
