/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"

/* Whole files and trees, below directory fds.  AT_FDCWD with path "" serves absolute names. */

/*
 * Reads a whole regular (or interface) file of at most @max bytes; more is -EFBIG.  A FIFO, socket
 * or device is refused without blocking.  *ret is NUL-terminated, the caller frees it; @ret_len may
 * be NULL.
 */
int file_read_at(const struct dir *dir, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct error *err);

/* The same for an absolute or cwd-relative path. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err);

enum file_sync {
	FILE_FAST,    /* old or new content after a crash of the process */
	FILE_DURABLE, /* and after a crash of the machine: fsync of file and directory */
};

/* Names of files that were being written when their writer was killed begin with it. */
#define FILE_TEMP_PREFIX ".tmp-"

/* Replaces @name as a whole: temporary file, (fsync,) rename(2), (fsync of the directory). */
int file_replace_at(const struct dir *dir, const char *name, const char *data, size_t len,
		    mode_t mode, enum file_sync sync, struct error *err);

/*
 * Makes the directory @path with missing parents (each 0700 unless @mode says otherwise for the
 * last) and opens it O_DIRECTORY | O_CLOEXEC.  Returns the fd (owned by the caller).  Only for
 * paths of our own: nothing below a rootfs.
 */
int dir_make_open(const char *path, mode_t mode, struct error *err);

/* The same below an open directory. */
int dir_make_open_at(const struct dir *dir, const char *name, mode_t mode, struct error *err);

/*
 * Adds the names in the directory @name below @dir to @ret, sorted, without "." and "..".  A symlink
 * in its place is refused.
 */
struct strv;
int dir_names_at(const struct dir *dir, const char *name, struct strv *ret, struct error *err);

/*
 * Removes @name and everything below it without following symlinks and without crossing into
 * another file system (a mount point there is -EXDEV).  A missing one is no error.
 */
int tree_remove_at(const struct dir *dir, const char *name, struct error *err);

/*
 * Bytes of all regular files in the directory @name and below it, each inode once.  Symlinks are not
 * followed; what goes away meanwhile does not count.
 */
int tree_size_at(const struct dir *dir, const char *name, uint64_t *ret, struct error *err);
