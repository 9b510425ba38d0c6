/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Writes a tar archive: ustar, with pax headers (POSIX.1-2001) for what does not fit in there: long
 * names, large numbers, extended attributes.
 */
struct tar_writer {
	int fd;           /* borrowed */
	const char *name; /* of the archive, for messages; borrowed */
	char *buffer;     /* owned */
	size_t len;
	uint64_t left; /* bytes that the member at hand still needs, padding not counted */
	size_t padding;
};

/* Begins an archive in @fd.  tar_writer_fini() frees; it writes nothing. */
void tar_writer_init(struct tar_writer *writer, int fd, const char *name);
void tar_writer_fini(struct tar_writer *writer);
#define auto_tar_writer __attribute__((cleanup(tar_writer_fini)))

struct tar_attribute {
	const char *name; /* "user.color" */
	const void *value;
	size_t len;
};

struct tar_member {
	const char *path; /* directories with a '/' at the end, as tar(1) has it */
	const char *link; /* of links; NULL */
	char type;        /* '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5', '6' FIFO */
	uint32_t mode, uid, gid;
	int64_t mtime;
	uint64_t size; /* bytes of data that follow by tar_write_data() */
	uint32_t major, minor;
	const struct tar_attribute *attributes;
	size_t n_attributes;
};

int tar_write_member(struct tar_writer *writer, const struct tar_member *member, struct error *err);

/* Of the member that was begun: as many bytes as it said, in pieces. */
int tar_write_data(struct tar_writer *writer, const void *data, size_t len, struct error *err);

/* The end mark, and everything out of the buffer. */
int tar_write_end(struct tar_writer *writer, struct error *err);
