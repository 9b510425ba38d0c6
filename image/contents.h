/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "image/archive.h"
#include "image/digest.h"
#include "image/inflate.h"

/*
 * What images an archive holds, from its documents: an OCI image layout (image-spec
 * image-layout.md), or what `docker save` writes.  Documents are verified here; layers are only
 * located, and verified by whoever unpacks them.
 */
struct contents_layer {
	struct archive_part part;
	char digest[DIGEST_TEXT];  /* of the blob; "" in docker's archives, which do not say */
	char diff_id[DIGEST_TEXT]; /* of the tar in it */
	/* set once it has been unpacked, as is the digest if it was not known */
	uint64_t unpacked; /* bytes of its files */
	enum inflate_kind packing;
};

struct contents_blob {
	char *text; /* owned */
	size_t len;
	char digest[DIGEST_TEXT];
};

struct contents_image {
	struct strv names;             /* as they stand in the archive; may be empty */
	struct contents_blob manifest; /* docker's archives have none: contents_make_manifests() */
	struct contents_blob config;
	size_t *layers; /* owned: indexes into the contents' layers, lowest first */
	size_t n_layers;
};

struct contents {
	struct contents_image *images;
	size_t n_images;
	struct contents_layer *layers; /* each once, for all images together */
	size_t n_layers;
	size_t text;        /* bytes of all documents */
	bool is_for_others; /* given: images of other platforms are taken, too */
};

void contents_fini(struct contents *contents);
#define auto_contents __attribute__((cleanup(contents_fini)))

/*
 * Of each image the one for this machine's platform.  @ret is empty but for what is given; after a
 * failure it may be half filled.
 */
int contents_read(const struct archive *archive, struct contents *ret, struct error *err);

/* Writes the manifests that are missing, once all layers' digests are known. */
void contents_make_manifests(struct contents *contents);

/* {"images": [{"names": [...], "manifest": "sha256:...", "size": N}]}; caller frees. */
char *contents_result(const struct contents *contents);
