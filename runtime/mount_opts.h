/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Mount options as texts -> what the mount API takes (runtime-spec config.md "Linux mount options",
 * mount_setattr(2)).
 */
struct mount_options {
	bool is_bind, is_recursive;          /* "bind", "rbind" */
	uint64_t attr_set, attr_clr;         /* MOUNT_ATTR_* of the mount itself */
	uint64_t rec_attr_set, rec_attr_clr; /* and of all below it: "rro", "rnosuid" */
	uint64_t propagation;                /* MS_SHARED, ...; 0: not given */
	bool is_propagation_recursive;
	bool is_tmpcopyup; /* copy what the tmpfs covers into it */
	bool is_idmapped, is_idmap_recursive;
	bool is_fs_read_only; /* "ro" also concerns a new file system itself */
	struct strv data;     /* the rest is for the file system: "size=64m" */
};

/* Later options win over earlier ones ("ro,rw" is rw).  Contradictions within kinds are refused. */
int mount_options_parse(const struct strv *options, struct mount_options *ret, struct error *err);
void mount_options_fini(struct mount_options *options);

/* All names of the table, for `features`; borrowed, NULL ends the list at @i beyond the last. */
const char *mount_option_name(size_t i);
