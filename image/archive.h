/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * The archive or directory that an image comes in, as a set of named files.  A tar is indexed once
 * and then read at any place; one that is compressed, or comes through a pipe, is unwrapped into a
 * file without a name first.
 */
struct archive;

/*
 * @input: a regular file, a pipe or the like, or a directory; borrowed as long as the archive lives.
 * @spool: an empty file, borrowed likewise, to unwrap into.
 *
 * Messages name files in the archive, and not the archive.
 */
struct archive *archive_open(int input, int spool, struct error *err);
void archive_free(struct archive *archive); /* NULL is fine */
void archive_freep(struct archive **archive);
#define auto_archive __attribute__((cleanup(archive_freep)))

bool archive_has(const struct archive *archive, const char *path);

/*
 * The tar that @input, a file or a pipe, has in it, plain or compressed, into the empty file @to.
 * -EINVAL "no tar is in it".
 */
int archive_unwrap(int input, int to, struct error *err);

/* Whether the tar in the file @fd can be read to its end, and has one. */
int archive_check_tar(int fd, struct error *err);

/* Where a file's content lies. */
struct archive_part {
	int fd; /* owned */
	uint64_t offset, size;
};

/* -ENOENT with @path in the text if there is no such file; symlinks inside are followed. */
int archive_find(const struct archive *archive, const char *path, struct archive_part *ret,
		 struct error *err);

/* A whole small file: NUL-terminated text of @ret_len bytes, owned by the caller. */
int archive_read(const struct archive *archive, const char *path, size_t max, char **ret,
		 size_t *ret_len, struct error *err);
