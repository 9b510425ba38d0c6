/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/* Images of the store as an archive that other engines load, layers as they came. */
enum save_format {
	SAVE_DOCKER, /* what docker save writes: an OCI layout with a manifest.json beside */
	SAVE_OCI,    /* an OCI layout (image-spec image-layout.md) */
};

struct save {
	const struct strv *references; /* names and ids; of a name only that one is saved */
	enum save_format format;
	int fd;           /* where the tar goes; -1: into @dir */
	struct dir dir;   /* an empty directory */
	const char *name; /* of either, for messages */
};

/*
 * Holds the store meanwhile.  -ENOENT: no such image; nothing has been written then.  A blob that is
 * damaged or missing is found when it is written.
 */
int store_save(const struct dir *store, const struct save *save, struct error *err);
