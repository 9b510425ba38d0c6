/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "engine/dirs.h"

/*
 * Containers and images as `docker inspect` shows them: the same keys in the same places for what
 * there is here, so that scripts find what they look for.
 */
struct bundle_mounts;
struct dir;
struct image;
struct list_entry;
struct strv;

/* A container's place in a network. */
struct inspect_endpoint {
	const char *network;
	const char *address, *gateway, *mac; /* "" if it has none of its own */
	unsigned int prefix;
};

struct inspect_input {
	const struct list_entry *entry;
	const struct image *image;          /* NULL: --rootfs, or it is gone */
	const struct bundle_mounts *mounts; /* that were asked for, by the user or the image */
	const struct inspect_endpoint *endpoints;
	size_t n_endpoints;
	const json_t *health; /* its state; NULL: it has no healthcheck; borrowed */
	const char *place;    /* the container's directory */
	const char *volumes;  /* directory of the named volumes */
	const char *layers;   /* directory of the images' layers */
	const char *hostname;
};

/* The object; owned by the caller.  Pure. */
json_t *inspect_container_json(const struct inspect_input *in);

/* What it was asked for: "Config" and "HostConfig".  Pure. */
json_t *inspect_config(const struct inspect_input *in);
json_t *inspect_host_config(const struct inspect_input *in);

/* A container, by name, id or a beginning of it; -ENOENT. */
int inspect_container(const struct engine_dirs *dirs, const char *text, json_t **ret,
		      struct error *err);

/* An image, by name, id or a beginning of it; -ENOENT. */
int inspect_image(const struct engine_dirs *dirs, const char *text, json_t **ret,
		  struct error *err);

/*
 * The object of an image with the document @config; @tags and @digests are "name:tag" and
 * "name@sha256:...".  Pure.
 */
json_t *inspect_image_json(const struct image *image, const json_t *config, const struct strv *tags,
			   const struct strv *digests);
