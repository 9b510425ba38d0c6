/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "image/tar.h"

#define TAR_BLOCK_SIZE 512U

/* POSIX.1-2001 "ustar Interchange Format"; GNU's and star's variants differ behind @devminor. */
struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8];
	char typeflag;
	char linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8];
	union {
		char prefix[155];
		struct {
			char atime[12], ctime[12], offset[12], longnames[4], unused;
			struct {
				char offset[12], len[12];
			} sparse[4];
			char is_extended, real_size[12];
		} gnu;
	};
	char rest[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_SIZE, "a tar header is one block");

/* Old GNU sparse files: more of the map, if the header's four places were not enough. */
struct tar_sparse_block {
	struct {
		char offset[12], len[12];
	} sparse[21];
	char is_extended, rest[7];
};
_Static_assert(sizeof(struct tar_sparse_block) == TAR_BLOCK_SIZE, "so is more of a sparse map");

struct tar_segment {
	uint64_t offset, len;
};

struct tar_map {
	struct tar_segment *segments; /* owned */
	size_t n, room;
};

/* What a pax header said.  Members not given are NULL or have no has_ flag. */
struct tar_pax {
	char *text; /* owned; the others point into it */
	const char *path, *link, *sparse_name;
	bool has_size, has_uid, has_gid, has_mtime, has_real_size;
	uint64_t size, uid, gid, real_size;
	struct timespec mtime;
	struct tar_xattr *xattrs; /* owned */
	size_t n_xattrs;
	int sparse_major, sparse_minor; /* 1, 0: the map stands before the data */
	bool is_sparse;
	bool has_offset; /* GNU.sparse.offset without its numbytes yet */
	uint64_t offset;
	struct tar_map map;
};

/* ---- tar_number.c ---------------------------------------------------------------------------- */

/* A number of a header's field: octal text, or base 256 with the top bit set.  False: none. */
bool tar_number(const char *field, size_t size, int64_t *ret);

/* Decimal digits up to @end and nothing else. */
bool tar_decimal(const char *text, const char *end, uint64_t *ret);

/* "1700000000.25", "-1.5" */
bool tar_time(const char *text, const char *end, struct timespec *ret);

/* Checks the sum over the header's bytes, which old archives made of signed ones. */
bool tar_checksum(const struct tar_header *header);

/* ---- tar_pax.c ------------------------------------------------------------------------------- */

/* Parses @len bytes of records; @text is taken over and gets a NUL behind it by the caller. */
int tar_pax_parse(struct tar_pax *pax, char *text, size_t len, struct error *err);
void tar_pax_clear(struct tar_pax *pax);

/* ---- tar_sparse.c ---------------------------------------------------------------------------- */

int tar_map_add(struct tar_map *map, uint64_t offset, uint64_t len, struct error *err);

/* Ascending, without overlap, inside of @size, and @stored bytes in all. */
int tar_map_check(const struct tar_map *map, uint64_t size, uint64_t stored, struct error *err);

/* "offset,len,offset,len" (pax 0.1) */
int tar_map_from_text(struct tar_map *map, const char *text, const char *end, struct error *err);

struct tar_map_reader { /* pax 1.0: the map as lines at the beginning of the data */
	uint64_t want;  /* numbers still to come; 0: the next line is their count */
	bool is_counted, has_offset;
	uint64_t offset;
	char digits[24];
	size_t n_digits;
};
/* Takes one block; *ret_done once the map is whole. */
int tar_map_take_block(struct tar_map *map, struct tar_map_reader *reader, const char *block,
		       bool *ret_done, struct error *err);
