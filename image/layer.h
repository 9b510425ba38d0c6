/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/tar.h"

/*
 * Unpacks one layer into a directory of its own, for use as a lower directory of overlayfs
 * (image-spec layer.md; Documentation/filesystems/overlayfs.rst).  Whiteouts become character
 * devices 0:0, opaque markers are handed to @mark_opaque.
 *
 * Nothing of the archive gets out of that directory: each parent is opened below its descriptor by
 * openat2(2) with RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS and RESOLVE_NO_XDEV, and each entry made by
 * its last name alone, which is never followed.  Names with ".." are refused.
 *
 * Within a layer the last entry of a name wins.  What a layer may not say is refused: devices 0:0
 * and attributes of overlayfs (these are left out), links to directories, a root that is none.
 */
struct layer_options {
	struct dir root; /* empty, on one file system, used by nobody else meanwhile */
	/*
	 * Makes the directory @fd hide what lower layers have in it.  That takes the attribute
	 * trusted.overlay.opaque, and a privilege that the unpacker need not have.
	 */
	int (*mark_opaque)(void *arg, int fd, struct error *err);
	void *arg;
};

struct layer_result {
	uint64_t n_entries; /* of the archive */
	uint64_t size;      /* bytes of all files, holes included */
};

/* Changes the umask to 0 while it runs.  After a failure the directory is in an undefined state. */
int layer_unpack(const struct layer_options *options, const struct tar_source *source,
		 struct layer_result *ret, struct error *err);
