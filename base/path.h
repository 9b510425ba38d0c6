/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * Opens @path as a process with its root at @root_fd would, in one openat2(2) with RESOLVE_IN_ROOT
 * and RESOLVE_NO_MAGICLINKS: ".." and symlinks stay inside.  O_CLOEXEC is added.  EAGAIN (a rename
 * or mount raced) is retried, with a bound.  Returns the fd or a negative errno with @err.
 */
int open_in_root(const struct dir *root, const char *path, int flags, mode_t mode,
		 struct error *err);

/* As open_in_root(), with further RESOLVE_* flags, returning only -errno (no text). */
int open_in_root_raw(int root_fd, const char *path, int flags, mode_t mode, uint64_t resolve);

/*
 * Makes the directory @path inside @root with its missing parents (mode @mode), each resolved as by
 * open_in_root(), and returns an O_PATH | O_DIRECTORY fd of it.  A part that exists and is no
 * directory is -ENOTDIR.  Symlinks that dangle are followed, and what they lead to is made.
 */
int make_dirs_in_root(const struct dir *root, const char *path, mode_t mode, struct error *err);

/* Makes @path inside @root as an empty regular file if nothing is there; returns an O_PATH fd. */
int make_file_in_root(const struct dir *root, const char *path, mode_t mode, struct error *err);

/* Lexically cleaned: no "//", ".", "..", no trailing '/'; ".." above the root stays at the root.
 * An absolute path stays absolute; a relative one stays relative ("." if empty).  Caller frees. */
char *path_clean(const char *path);

/* @base and @name with one '/' between; an absolute @name wins.  Caller frees. */
char *path_join(const char *base, const char *name);

/* True if @path is @prefix or below it; both cleaned. */
bool path_is_below(const char *path, const char *prefix);

/* The part after the last '/', borrowed from @path. */
const char *path_base(const char *path);
