/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Content is named by its SHA-256: "sha256:" and 64 hexadecimal digits in lower case (image-spec
 * descriptor.md "Digests").  What is used as a file name is checked by this grammar before.
 */
#define DIGEST_PREFIX "sha256:"
#define DIGEST_HEX    64
#define DIGEST_TEXT   (sizeof(DIGEST_PREFIX) + DIGEST_HEX) /* with the NUL */

bool digest_is_valid(const char *text);

/* -EINVAL with one line if @text is no digest; @what names whose: "layer 2". */
int digest_check(const char *text, const char *what, struct error *err);

/* The digits of a valid digest, borrowed from it: a blob's name below blobs/sha256. */
const char *digest_hex(const char *digest);

/* Hashing as the bytes come; @size counts them. */
struct digest {
	struct sha256_ctx sha256;
	uint64_t size;
};

void digest_init(struct digest *d);
void digest_update(struct digest *d, const void *data, size_t len);

/* Writes the digest of everything so far, and starts again. */
void digest_final(struct digest *d, char ret[DIGEST_TEXT]);

void digest_of(const void *data, size_t len, char ret[DIGEST_TEXT]);

/*
 * Ends @d and compares: -EINVAL unless as many bytes came as @size says, and their digest is
 * @wanted.  The text has both values, and no name: the caller puts the object's in front.
 */
int digest_verify(struct digest *d, const char *wanted, uint64_t size, struct error *err);
