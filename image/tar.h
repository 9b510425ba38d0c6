/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/*
 * Reads a tar archive while it streams by: ustar (POSIX.1-1988), pax (POSIX.1-2001), GNU long names
 * and links, base-256 numbers, and sparse files in GNU's four ways (old GNU, pax 0.0, 0.1, 1.0).
 * Nothing that the archive says is trusted: every number has a range, every text and count a limit
 * (image/limits.h).  What is no tar, or goes on behind its end, is an error, not an end.
 */
enum tar_type {
	TAR_FILE,
	TAR_HARDLINK,
	TAR_SYMLINK,
	TAR_CHAR,
	TAR_BLOCK,
	TAR_DIR,
	TAR_FIFO,
};

struct tar_xattr {
	const char *name; /* "security.capability" */
	const void *value;
	size_t len;
};

/* All that it points to belongs to the reader and lives until the next tar_next(). */
struct tar_entry {
	enum tar_type type;
	const char *path; /* as the archive has it; at least one byte, at most TAR_MAX_PATH */
	const char *link; /* of a hard link or symlink; "" otherwise */
	mode_t mode;      /* 07777 at most */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	uint64_t size; /* of a file once it is unpacked, holes included */
	bool is_sparse;
	unsigned int major, minor; /* of a device */
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
};

/* Where the bytes come from. */
struct tar_source {
	/* The next bytes, valid until the next call; *ret_len 0: that was all. */
	int (*fill)(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err);
	/* Passes over @n bytes, as far as there are so many; NULL: the source only streams. */
	int (*skip)(void *arg, uint64_t n, struct error *err);
	void *arg;
};

struct tar;

struct tar *tar_new(const struct tar_source *source);
void tar_free(struct tar *tar);
void tar_freep(struct tar **tar);
#define auto_tar __attribute__((cleanup(tar_freep)))

/*
 * The next entry: 1 and *ret, 0 at the end, or a negative errno.  Data of the last entry that was
 * not read is passed over.  At the end all of the source has been read.
 */
int tar_next(struct tar *tar, const struct tar_entry **ret, struct error *err);

/*
 * The next piece of a file's data and its place in the file: 1, or 0 after the last.  What lies
 * between the pieces, and behind them up to the entry's size, is a hole.
 */
int tar_data(struct tar *tar, const uint8_t **ret, size_t *ret_len, uint64_t *ret_offset,
	     struct error *err);

/*
 * After tar_next() gave 0: whether the archive has its end mark.  Without one it may have been cut
 * between two entries, which only the archive's digest can tell.
 */
bool tar_has_end_mark(const struct tar *tar);

/* Where the data of the last entry begins, in bytes from the beginning of the source. */
uint64_t tar_data_offset(const struct tar *tar);

/* Whether these bytes can be the beginning of a tar with something in it. */
bool tar_begins(const void *bytes, size_t len);

/* A name from an archive as a message may show it: escaped, and short enough.  Caller frees. */
char *tar_shown(const char *name);
