/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/* What the commands about images share. */

#define IMAGE_STORE MINICTR_DATA_ROOT "/images"

/* Options of commands that make an image; @struct_ has `changes`, a struct strv, and `message`. */
#define IMAGE_MAKE_OPTS(struct_)                                                               \
	{ .name = "change",                                                                    \
	  .letter = 'c',                                                                       \
	  .kind = OPT_LIST,                                                                    \
	  .offset = OPT_FIELD(struct_, changes),                                               \
	  .arg = "LINE",                                                                       \
	  .help = "Change how the image is run, like 'CMD [\"sh\"]' or 'ENV A=b'; any number " \
		  "of times" },                                                                \
	{                                                                                      \
		.name = "message", .letter = 'm', .kind = OPT_STRING,                          \
		.offset = OPT_FIELD(struct_, message), .arg = "TEXT",                          \
		.help = "What `history` shows as comment"                                      \
	}

/* The 12 digits of an id that people see.  Caller frees. */
char *image_short_id(const char *id);

/* The image has all of @labels ("key" or "key=value"), and none of @unlabels, which may be NULL. */
bool image_is_labelled(const struct dir *store, const char *id, const struct strv *labels,
		       const struct strv *unlabels);

struct prune {
	bool has_all;         /* those with names, too */
	int64_t until_ns;     /* only made before; 0: whenever */
	struct strv labels;   /* "key" or "key=value": only those that have all of them */
	struct strv unlabels; /* and none of these */
};
void prune_fini(struct prune *prune);

/* One --filter: until=, label=, label!=. */
int prune_parse(const char *text, void *prune, struct error *err);

/* Removes images that no container uses, says which, and adds what that freed to *freed. */
int prune_images(const struct prune *prune, uint64_t *freed, struct error *err);

/* The last line of a prune. */
int prune_tell(uint64_t freed, struct error *err);
