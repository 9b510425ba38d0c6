/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "image/digest.h"

/*
 * Names of images as docker's users write them: [host[:port]/]path[:tag][@digest], by the grammar
 * of the distribution project.  A name without a host is on docker.io, there without a folder in
 * "library"; without tag and digest the tag is "latest".
 */
#define REF_MAX_NAME 255 /* without tag and digest */
#define REF_MAX_TAG  128

struct image_ref {
	char *name;               /* owned: "docker.io/library/busybox" */
	char *tag;                /* owned: "latest"; NULL with a digest and no tag */
	char digest[DIGEST_TEXT]; /* of a manifest; "" if none was given */
};

void ref_fini(struct image_ref *ref);
#define auto_ref __attribute__((cleanup(ref_fini)))

/* -EINVAL with one line that has @text; *ret is set on success only. */
int ref_parse(const char *text, struct image_ref *ret, struct error *err);

/* The same for a name that an image is to get: a digest in it is refused. */
int ref_parse_name(const char *text, struct image_ref *ret, struct error *err);

/* "docker.io/library/busybox:latest", with "@sha256:..." if it has one.  Caller frees. */
char *ref_text(const struct image_ref *ref);

/* As people write it: without docker.io and library.  @text is one of ref_text(). Borrowed. */
const char *ref_familiar(const char *text);

/*
 * The digits of an id or of its beginning ("3fa9", "sha256:3fa9..."), borrowed from @text; NULL if
 * it cannot be one.  Such a text may still be a name.
 */
const char *ref_id_digits(const char *text);
