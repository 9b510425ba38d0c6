/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * Doors to the kernel: files and directories.  (Mounts: base/sys_mount.h, namespaces:
 * base/sys_ns.h, credentials: base/sys_cred.h.)
 *
 * Each performs one change, times it, records its equivalent command (base/step.h) and reports a
 * failure with the object's name.  Reads are not steps and need no door.  @dir->path with @file
 * makes the name that people see.
 */

/* Writes @value in one write(2) to the interface file @file (cgroup, procfs, sysfs). */
int sys_write_at(const struct dir *dir, const char *file, const char *value, struct error *err);

/* The same for @n values in turn, by one open(2): for files that take a rule at a time. */
int sys_write_each_at(const struct dir *dir, const char *file, const char *const values[], size_t n,
		      struct error *err);

/* Makes a directory; one that is there already is no error: returns 1 if made, 0 if it was there. */
int sys_mkdir_at(const struct dir *dir, const char *name, mode_t mode, struct error *err);

/* Removes an empty directory; a missing one is no error: returns 1 if removed, 0 if missing. */
int sys_rmdir_at(const struct dir *dir, const char *name, struct error *err);

/* A new file with the content @text; one that is there already is replaced. */
int sys_put_at(const struct dir *dir, const char *name, mode_t mode, const char *text,
	       struct error *err);

/* rm: a file that is there. */
int sys_unlink_at(const struct dir *dir, const char *name, struct error *err);

int sys_mknod_at(const struct dir *dir, const char *name, mode_t mode, dev_t dev,
		 struct error *err);
int sys_symlink_at(const struct dir *dir, const char *name, const char *target, struct error *err);
int sys_chown_at(const struct dir *dir, const char *name, uid_t uid, gid_t gid,
		 struct error *err); /* never follows a symlink */
