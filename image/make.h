/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>

#include <jansson.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/store_internal.h"

/*
 * A new image of one new layer, on top of those of another image or of nothing.  It is put together as
 * an image layout in <store>/tmp/make-*, and loaded like one that comes from elsewhere: by the confined
 * helper, and as a whole or not at all.  SIGINT, SIGTERM and SIGHUP are blocked from make_begin() to
 * make_end(): who writes the layer asks make_is_cancelled().
 */
struct make {
	const char *verb, *name; /* what it is for, and of what, for messages: "import", "x.tar" */

	/* Of make_begin(). */
	const struct dir *store;
	struct store_work work;
	sigset_t before;
	char path[64];  /* of @dir, below the store */
	struct dir dir; /* fd owned */
	int layer;      /* an empty file for the new layer's tar; fd owned */
};

int make_begin(struct make *make, const struct dir *store, struct error *err);

/* What is to be made of the layer. */
struct make_image {
	const char *reference; /* the name that it gets; NULL: none */
	const char *base;      /* id of the image below; NULL: none */
	json_t *config;        /* owned by the caller: without what is filled in here */
	const char *author, *comment, *created_by; /* NULL: nothing is said */
};

/*
 * Loads it; its id is in @ret_id.  Filled in: when it was made, by whom, the layers, one more line of
 * history.
 */
int make_finish(struct make *make, const struct make_image *image, char ret_id[DIGEST_TEXT],
		struct error *err);

/* Takes everything away that is not in its place.  @rc: what it came to, with its @err. */
void make_end(struct make *make, int rc, const struct error *err);

/* One of the signals has come: which, or 0. */
int make_signal(void);
bool make_is_cancelled(void);
