/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/tar_write.h"

/*
 * Writes a directory tree into an archive: parents first, names of a directory in their order, hard
 * links as such, sockets left out.
 *
 * Whoever owns the tree may change it meanwhile: no symlink is followed, what goes away is left out,
 * and a file has the size that its header says.  Opening a device could do something: the tree is
 * seen through a mount without devices.
 */
struct tar_tree {
	struct dir root; /* O_PATH is enough */

	/*
	 * It is the upper directory of an overlay, and becomes a layer of an image (image-spec
	 * layer.md): character devices 0:0 become whiteouts, directories that hide what is below
	 * them say so.  What a layer cannot say is -EINVAL: names like those of whiteouts, things
	 * that were only moved.
	 */
	bool is_layer;

	uint64_t max_size;          /* bytes of all files; 0: no limit */
	bool (*is_cancelled)(void); /* asked now and then; true: -EINTR.  May be NULL */
};

/* The tree, without the end mark.  Its root is "./". */
int tar_write_tree(struct tar_writer *writer, const struct tar_tree *tree, struct error *err);

/*
 * Whether an archive carries this extended attribute, in either direction.  trusted.* is for the
 * host's own use (overlayfs keeps its structure there, and in user.overlay.*), security.* but file
 * capabilities belongs to the host's security module, which labels files by its own policy.
 */
bool tar_has_attribute(const char *name);
