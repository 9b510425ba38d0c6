/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* What systemd calls a container's group: a scope, in a slice. */
struct systemd_scope {
	char *unit;  /* "minictr-box.scope", owned */
	char *slice; /* "system.slice", owned */
	char *path;  /* below systemd's own group, "system.slice/minictr-box.scope"; owned */
};
void systemd_scope_fini(struct systemd_scope *scope);

/*
 * Reads a cgroupsPath of the form "SLICE:PREFIX:NAME", as engines give it for systemd.  Without a
 * slice that is system.slice, without a prefix the unit is NAME.scope; "" or NULL is
 * "system.slice:minictr:@id".  Characters that a unit's name cannot have are escaped as
 * systemd-escape(1) does.  Pure.
 */
int systemd_scope_read(const char *cgroups_path, const char *id, struct systemd_scope *ret,
		       struct error *err);

/*
 * The directory of a slice: "a-b.slice" -> "a.slice/a-b.slice" (systemd.slice(5)), "-.slice" -> "".
 * The caller frees.  Pure.
 */
int systemd_slice_path(const char *slice, char **ret, struct error *err);
