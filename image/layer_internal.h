/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/str.h"
#include "image/layer.h"
#include "image/limits.h"

#define LAYER_CACHED_DIRS 32

/* A directory that was opened lately; @path is cleaned, "" for the root. */
struct layer_dir {
	char *path; /* owned; NULL: a free place */
	size_t len;
	int fd;        /* O_PATH */
	uint64_t used; /* when */
};

/*
 * What has to be done to a directory after everything else: children change its times, and would
 * inherit its group (S_ISGID, or file systems mounted with grpid) and its default ACL.
 */
struct layer_deferred {
	struct timespec mtime;
	size_t text; /* offset of its path, and behind it of its attributes */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	bool existed; /* so its owner is not known */
	uint16_t n_xattrs;
};

struct layer {
	struct layer_options options;
	struct tar *tar;
	struct layer_result result;
	uint64_t n_made; /* inodes, against TAR_MAX_ENTRIES */
	uint64_t sparse; /* bytes, against LAYER_MAX_SPARSE */

	struct layer_dir dirs[LAYER_CACHED_DIRS];
	uint64_t clock;
	bool is_stale; /* something was removed: forget @dirs before the next entry */

	struct layer_deferred *deferred; /* owned */
	size_t n_deferred, deferred_room;
	struct str texts;
	char path[TAR_MAX_PATH + 1]; /* of the entry at hand, cleaned */
};

/* ---- layer_dirs.c: finding and making directories -------------------------------------------- */

/*
 * The directory @path of @len bytes, cleaned, with missing parents made: an fd that belongs to the
 * cache and lives until the next entry.
 */
int layer_dir_open(struct layer *layer, const char *path, size_t len, struct error *err);

/* Closes all open directories. */
void layer_dirs_forget(struct layer *layer);

/*
 * Makes @name a directory, in the place of whatever else was there: 1 if made, 0 if there was one.
 */
int layer_dir_make(struct layer *layer, int parent, const char *name, mode_t mode,
		   struct error *err);

/* Removes what stands in the way of a new @name, if anything. */
int layer_clear(struct layer *layer, int parent, const char *name, struct error *err);

bool layer_is_whiteout(const struct stat *st);

/* Hands a directory to the options' mark_opaque(). */
int layer_mark_opaque(struct layer *layer, int parent, const char *name, struct error *err);

int layer_count_made(struct layer *layer, struct error *err);

/* ---- layer_meta.c: owners, modes, times, attributes ------------------------------------------ */

/* Of a file whose data is written; @fd is open for writing. */
int layer_finish_file(const struct tar_entry *entry, int fd, struct error *err);

/* Of a symlink, device or FIFO. */
int layer_finish_node(const struct tar_entry *entry, int parent, const char *name,
		      struct error *err);

/* Of a directory, at the end of all. */
int layer_defer(struct layer *layer, const struct tar_entry *entry, bool existed,
		struct error *err);
int layer_finish_dirs(struct layer *layer, struct error *err);
