/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image/digest.h"
#include "image/inflate.h"

/*
 * A layer's blob as a stream of verified tar bytes.  One thread reads, hashes and inflates, ahead by
 * a few buffers; the caller's hashes what was inflated and uses it.
 */
struct stream_blob {
	int fd; /* borrowed; read from @offset by pread(2) */
	uint64_t offset, size;
	char digest[DIGEST_TEXT];  /* "": not known beforehand */
	char diff_id[DIGEST_TEXT]; /* of the tar inside */
	int copy_fd;               /* borrowed: where the blob is written to as well; -1: nowhere */

	/*
	 * The file grows up to @size while it is read.  This is a pipe, borrowed: a byte comes when
	 * there may be more, its end after the last.  -1: it is there.
	 */
	int growth_fd;
};

struct stream;

/* Its thread is there then, and all memory; it begins to work with the first stream_fill(). */
struct stream *stream_start(const struct stream_blob *blob, struct error *err);

/* Stops the thread, wherever it is. */
void stream_free(struct stream *stream); /* NULL is fine */
void stream_freep(struct stream **stream);
#define auto_stream __attribute__((cleanup(stream_freep)))

/* The next bytes of the tar, as struct tar_source has it; @arg is the stream. */
int stream_fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err);

/*
 * -ECONNABORTED instead of -EINVAL: a file that was to grow has stopped to.
 *
 * Takes what is left, and says whether all digests and sizes are right.  To be called after a
 * failure of the reader, too, with its error in @failed (NULL: none): if the blob is not what its
 * descriptor says, then that is the reason to tell.
 */
int stream_finish(struct stream *stream, const struct error *failed, struct error *err);

/* After stream_finish(): what came. */
void stream_digest(const struct stream *stream, char ret[DIGEST_TEXT]);
enum inflate_kind stream_kind(const struct stream *stream);
