/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What images are made of, drawn as podman does. */
struct layer_image {
	char *names;        /* owned: "[a:1 b:2]", for the terminal */
	struct strv layers; /* diff_ids, lowest first */
};

struct layer_tree {
	const struct layer_image *images; /* each once */
	size_t n;
	uint64_t (*size)(void *arg, const char *diff_id);
	void *arg;
};

void layer_images_free(struct layer_image *images, size_t n);

/* Adds the layers of image @at, the lowest first.  Pure but for size(). */
void layer_tree_of(const struct layer_tree *tree, size_t at, struct str *ret);

/*
 * Adds its topmost layer, and below it those of images that have all of its layers and more on top.
 * Layers that follow one another are on one level, those of several images under their parent.
 */
void layer_tree_above(const struct layer_tree *tree, size_t at, struct str *ret);
