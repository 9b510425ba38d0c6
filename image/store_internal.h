/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/lock.h"
#include "image/manifest.h"
#include "image/store.h"

/* What the parts of the store share. */

#define STORE_INDEX  "index.json"
#define STORE_BLOBS  "blobs/sha256"
#define STORE_LAYERS "layers"
#define STORE_TMP    "tmp"

/* Blobs of pulls that have not come to their end, by their digest's digits. */
#define STORE_PARTIAL   "partial"
#define PARTIAL_MAX_AGE (24 * 60 * 60) /* seconds */

/* One image under one name: a descriptor of index.json. */
struct store_line {
	char *name; /* normalised, "name:tag" or "name@digest"; NULL: untagged */
	char *media_type;
	char digest[DIGEST_TEXT]; /* of the manifest */
	char source[DIGEST_TEXT]; /* of the index in a registry; "" */
	char id[DIGEST_TEXT];     /* of the config */
	uint64_t manifest_size;
	int64_t created;
	uint64_t size; /* bytes unpacked */
};

struct store_index {
	struct store_line *lines;
	size_t n;
};
void store_index_fini(struct store_index *index);
#define auto_store_index __attribute__((cleanup(store_index_fini)))

/* A missing index.json is an empty one. */
int store_index_read(const struct dir *store, struct store_index *ret, struct error *err);
int store_index_write(const struct dir *store, const struct store_index *index, struct error *err);

/*
 * Gives @line's manifest the name @name (NULL: makes sure that it has a line at all).  Another
 * image that had it stays without a name.  Copies.
 */
void store_index_add(struct store_index *index, const struct store_line *line, const char *name);
void store_index_drop(struct store_index *index, size_t at);

/* Takes a line's name away, and with it the line, if another one leads to that manifest. */
void store_index_unname(struct store_index *index, size_t at);

/*
 * The line that @reference means.  *ret_is_name: by a name, else by an id.  -ENOENT: "no such image:
 * 'x'"; -EINVAL: the beginning of several ids, or neither a name nor an id.
 */
int store_index_find(const struct store_index *index, const char *reference, size_t *ret,
		     bool *ret_is_name, struct error *err);

/* The verified content of a blob of at most @max bytes.  @size: as it must be, or -1. */
int store_blob_read(const struct dir *store, const char *digest, int64_t size, size_t max,
		    char **ret, size_t *ret_len, struct error *err);

/* Manifest (by digest, size, media type of @line) and config, both verified and matching. */
int store_line_read(const struct dir *store, const struct store_line *line,
		    struct image_manifest *ret_manifest, struct image_config *ret_config,
		    struct error *err);

/*
 * The tar in @input, a file or a pipe, plain or compressed, into the empty file @output: by the
 * confined helper, which has seen then that it is one to its end.  With signals_block().
 */
struct store_unwrap {
	struct dir root; /* an empty directory */
	int lock;        /* of the store */
	int input, output;
	const char *name, *verb; /* for messages, as struct store_helper has them */
};
int store_unwrap(const struct store_unwrap *unwrap, struct error *err);

/* Changing the store: the lock, and the entry in tmp that tells of it. */
struct store_work {
	int lock;
	char marker[48];
};
int store_work_begin(const struct dir *store, enum lock_mode mode, struct store_work *ret,
		     struct error *err);

/*
 * Lets go.  If all of it @is_done, its entry goes too; whatever is left in tmp is swept if nobody
 * else is at work.
 */
void store_work_end(const struct dir *store, struct store_work *work, bool is_done);

/*
 * Removes what index.json does not lead to, and all of tmp.  The exclusive lock is held.  An image
 * that cannot be read is an error, and nothing is removed: nobody knows what belongs to it.
 */
int store_sweep(const struct dir *store, struct error *err);

/*
 * Removes the layers that @index does not lead to, which is to be written and found no room.  Should
 * we die before it is, the image that was to be removed is there without its layers.
 */
int store_make_room(const struct dir *store, const struct store_index *index, struct error *err);
