/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/fd.h"
#include "engine/dirs.h"
#include "engine/record.h"

/*
 * The root file system of a container, whether it runs or not, as others may read it: read-only, and
 * devices in it cannot be opened.
 */
struct root {
	const struct engine_dirs *dirs;
	struct record record;
	struct record_place place;
	bool is_running, is_paused; /* when it was looked for */
	int store_hold;             /* of the store: its image stays */
	struct dir dir;             /* the mount, in no namespace; fd owned */
};

void root_close(struct root *root);
#define auto_root __attribute__((cleanup(root_close)))

/*
 * Finds the container (by name, id or a beginning of it; -ENOENT) and fills all but @dir.  root_close()
 * after a failure, too.
 */
int root_find(const struct engine_dirs *dirs, const char *text, struct root *ret,
	      struct error *err);

/*
 * All that a process in it sees, without what is mounted in it.  The calling process, of one thread, is
 * in a mount namespace of its own from then on.  What a running container changes may or may not be
 * seen.
 */
int root_open_whole(struct root *root, struct error *err);

/* Only what it has changed of its image, as the upper directory of an overlay.  -EINVAL: no image. */
int root_open_changes(struct root *root, struct error *err);

/* Whether it is still there: else what was read may have lost its end.  -ENOENT. */
int root_check(const struct root *root, struct error *err);
