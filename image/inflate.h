/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Inflates what may be compressed, as it streams by: gzip of any number of members, zstd of any
 * number of frames, or neither; found out by the first bytes.
 */
enum inflate_kind {
	INFLATE_NONE,
	INFLATE_GZIP,
	INFLATE_ZSTD,
	INFLATE_REFUSED, /* compressed in a way that images are not */
};

struct inflate_source {
	/* Reads at most @size bytes: their number, 0 at the end, or a negative errno with @err. */
	ssize_t (*read)(void *arg, void *to, size_t size, struct error *err);
	void *arg;
};

struct inflate;

/*
 * @limit: more bytes than that are refused, since they are a bomb.  INFLATE_BY_INPUT: what
 * inflate_limit() says of the bytes that have been read so far, for a source of unknown size.
 */
#define INFLATE_BY_INPUT 0
struct inflate *inflate_new(const struct inflate_source *source, uint64_t limit);
void inflate_free(struct inflate *in); /* NULL is fine */
void inflate_freep(struct inflate **in);
#define auto_inflate __attribute__((cleanup(inflate_freep)))

/* How much @size compressed bytes may become. */
uint64_t inflate_limit(uint64_t size);

/*
 * Fills @to: returns the number of bytes, which is less than @size only at the end, or a negative
 * errno: -EINVAL for damaged, cut or unknown data, -EFBIG beyond the limit.
 */
ssize_t inflate_read(struct inflate *in, void *to, size_t size, struct error *err);

/* What it turned out to be; known after the first inflate_read(). */
enum inflate_kind inflate_kind(const struct inflate *in);

/* What begins with these bytes; four are enough. */
enum inflate_kind inflate_kind_of(const uint8_t *magic, size_t len);
