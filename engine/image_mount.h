/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/dirs.h"
#include "image/digest.h"

struct image;
struct strv;

/*
 * Images whose files are mounted for people to look at, read-only, without devices and set-user-ID
 * bits:
 *
 *   <state>/images/lock            held by whoever changes one
 *   <state>/images/<digits>/root   the mount, by the 64 digits of the image's id
 *   <state>/images/<digits>/count  how often it has been asked for; it is missing: once
 *
 * That they are mounted is asked of the kernel: after a reboot, or a umount(8) by somebody else,
 * nothing is, whatever lies there.
 */

/*
 * Mounts it, or counts one more who wants it mounted.  *ret_path is owned by the caller.  @image: of
 * image_open(), while the store is held.
 */
int image_mount(const struct engine_dirs *dirs, const struct image *image, char **ret_path,
		struct error *err);

/*
 * Counts one less, and unmounts it for the last; @is_forced: at once, though it may be in use.
 * -EINVAL: it is not mounted; -EBUSY: a process is in it, and it stays.
 */
int image_unmount(const struct engine_dirs *dirs, const char *id, bool is_forced,
		  struct error *err);

/* Where the image with this id is mounted, owned by the caller; NULL: it is not. */
char *image_mount_path(const struct engine_dirs *dirs, const char *id);

/* Adds the ids of those that are mounted. */
int image_mounts(const struct engine_dirs *dirs, struct strv *ret_ids, struct error *err);

/* What uses the image: "container 'web'", "the mount '/run/...'"; NULL: nothing.  Caller frees. */
char *image_user(const struct engine_dirs *dirs, const char *id);
