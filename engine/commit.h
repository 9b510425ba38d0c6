/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "engine/dirs.h"
#include "image/digest.h"

struct image;
struct record;
struct strv;

/* An image of what a container has become: its own image, and one more layer. */
struct commit {
	const char *reference;        /* the name that it gets; NULL: none */
	const char *author, *message; /* NULL */
	const struct strv *changes;   /* image/config_change.h */
	bool is_pausing;              /* a running container is paused while it is read */
};

/*
 * @text: a name, id or the beginning of one; -ENOENT.  -EINVAL for a container that was not made from
 * an image.  What is mounted in it, volumes among that, is left out.  After a failure, or a signal that
 * ends it, nothing is left, and the container goes on.
 */
int commit_container(const struct engine_dirs *dirs, const char *text, const struct commit *commit,
		     char ret_id[DIGEST_TEXT], struct error *err);

/*
 * What an image is to say about running it so that it runs as the container does: the member "config"
 * of its config.  Caller owns it.  Pure.
 */
json_t *commit_config(const struct record *record, const struct image *image);
