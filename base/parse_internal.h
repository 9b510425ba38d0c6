/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/parse.h"

/* The three notations end in this; mount_draft_finish() makes the request of it. */
struct mount_draft {
	enum mount_kind kind;
	char *source; /* owned */
	char *target; /* owned */
	bool is_read_only;
	bool is_shallow;    /* bind without what is mounted below */
	bool is_shallow_ro; /* read-only itself, but not what is mounted below */
	bool is_not_copied;
	const char *propagation; /* NULL: rprivate */
	struct strv tmpfs;       /* options given */
	bool has_volume_option, has_bind_option, has_tmpfs_option;
};

void mount_draft_fini(struct mount_draft *draft);

#define auto_draft __attribute__((cleanup(mount_draft_fini)))

/* The propagation of that name ("rslave"), static, or NULL. */
const char *mount_propagation(const char *name);

/* Checks source and target, and makes the request with docker's defaults. */
int mount_draft_finish(struct mount_draft *draft, struct mount_request *ret, struct error *err);
