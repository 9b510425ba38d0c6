/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "base/sys_mount.h"

/*
 * Mounts a tmpfs on @target that begins with a copy of what @target held ("tmpcopyup", as runc and
 * crun have it): directories, regular files, symlinks, with owner, mode and times; at most 64 levels
 * deep.  The copy is made before the tmpfs becomes visible.
 */
int copyup_mount(const struct sys_mount *mount, const struct dir *target, struct error *err);

/*
 * Fills the directory @volume with such a copy of the directory @target, if @volume is empty.  One
 * of a container that was killed meanwhile is not, and stays as far as it came.
 */
int copyup_volume(const struct dir *volume, const struct dir *target, struct error *err);
