/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/image.h"

/*
 * The documents of an image: index, manifest and config (image-spec image-index.md, manifest.md,
 * config.md; docker's own types of the same form), and docker's archives' manifest.json.  All of it
 * comes from strangers: each parser checks the limits here, and digests and names by their grammar.
 */
#define INDEX_MAX_SIZE    (4U << 20) /* bytes of JSON */
#define MANIFEST_MAX_SIZE (4U << 20)
#define CONFIG_MAX_SIZE   (8U << 20)
#define INDEX_MAX_DEPTH   4    /* indexes in indexes; index.json itself is the first */
#define INDEX_MAX_ENTRIES 4096 /* images in one index */
#define IMAGE_MAX_LAYERS  125  /* as docker has it */
#define BLOB_MAX_SIZE     (1ULL << 40)

/* What a descriptor points at, by its mediaType. */
enum media_kind {
	MEDIA_UNKNOWN, /* also none at all */
	MEDIA_INDEX,
	MEDIA_MANIFEST,
	MEDIA_CONFIG,
	MEDIA_LAYER_TAR,
	MEDIA_LAYER_GZIP,
	MEDIA_LAYER_ZSTD,
};
enum media_kind media_kind(const char *media_type);

/* The types that we write. */
#define MEDIA_TYPE_INDEX    "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_CONFIG   "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_LAYER    "application/vnd.oci.image.layer.v1.tar"

struct platform {
	char *architecture, *os, *variant; /* owned; NULL if not given */
};

struct descriptor {
	char *media_type; /* owned; NULL if not given */
	char *digest;     /* owned; valid by digest_is_valid() once parsed */
	uint64_t size;
	struct platform platform;
	struct strv annotations; /* "key=value" */
};

struct image_index {
	struct descriptor *entries;
	size_t n;
};
void image_index_fini(struct image_index *index);
#define auto_image_index __attribute__((cleanup(image_index_fini)))

struct image_manifest {
	char *media_type; /* what it says about itself; NULL if nothing */
	struct descriptor config;
	struct descriptor *layers; /* lowest first */
	size_t n_layers;
};
void image_manifest_fini(struct image_manifest *manifest);
#define auto_image_manifest __attribute__((cleanup(image_manifest_fini)))

struct image_config {
	struct platform platform;
	struct strv diff_ids; /* of the layers, lowest first; valid digests */
	int64_t created;      /* seconds since 1970; 0: not known */
	struct image image;   /* the part about running; no id, digest, name, layers, size */
};
void image_config_fini(struct image_config *config);
#define auto_image_config __attribute__((cleanup(image_config_fini)))

/*
 * @name: for messages ("index.json", "manifest sha256:12ab...")
 * @media_type: what the descriptor that led here says; NULL for index.json.  A document that says
 * something else about itself, or could be read as both index and manifest, is refused
 * (CVE-2021-41190).
 *
 * Return 0, or -EINVAL, -EFBIG with "<name>:<line>:<column>: <what>"; *ret is set on success only.
 */
int image_index_parse(const char *name, const char *media_type, const char *text, size_t len,
		      struct image_index *ret, struct error *err);
int image_manifest_parse(const char *name, const char *media_type, const char *text, size_t len,
			 struct image_manifest *ret, struct error *err);
int image_config_parse(const char *name, const char *text, size_t len, struct image_config *ret,
		       struct error *err);

/* A manifest and its config must have as many layers; -EINVAL with one line otherwise. */
int image_layers_match(const struct image_manifest *manifest, const struct image_config *config,
		       struct error *err);

/* True if an image of that platform runs here; what is not given is no hindrance. */
bool platform_runs_here(const struct platform *platform);

/* "linux/arm64/v8".  Caller frees. */
char *platform_text(const struct platform *platform);

/*
 * The entry of an image's index to take on this machine: the first that fits it best, manifests and
 * indexes only.  -ENOENT with a line that lists the platforms there are.
 */
int image_index_choose(const struct image_index *index, const struct descriptor **ret,
		       struct error *err);

/* The same for another platform: what of @wanted is NULL is not asked for. */
int image_index_choose_for(const struct image_index *index, const struct platform *wanted,
			   const struct descriptor **ret, struct error *err);

/* True if an image of that platform is what @wanted asks for; what it does not say is no hindrance. */
bool platform_is(const struct platform *platform, const struct platform *wanted);

/* -ENOENT with the platform in it unless a config's image runs here. */
int image_config_check_platform(const struct image_config *config, struct error *err);

/*
 * The name that an entry of index.json gives to its image, by io.containerd.image.name or
 * org.opencontainers.image.ref.name; borrowed, NULL if it has none.
 */
const char *descriptor_image_name(const struct descriptor *descriptor);

/* Where a layer lies below <store>/layers: 32 digits of its diff_id. */
#define LAYER_NAME (32 + 1)
void layer_name(const char *diff_id, char ret[LAYER_NAME]);

/* One image of a docker archive's manifest.json. */
struct archive_image {
	char *config;          /* path in the archive, owned */
	struct strv repo_tags; /* names; may be empty */
	struct strv layers;    /* paths in the archive, lowest first */
};
struct archive_index {
	struct archive_image *images;
	size_t n;
};
void archive_index_fini(struct archive_index *index);
#define auto_archive_index __attribute__((cleanup(archive_index_fini)))

int archive_index_parse(const char *name, const char *text, size_t len, struct archive_index *ret,
			struct error *err);

/*
 * The text of an OCI manifest, as it is written for an archive that has none.  @layers says type,
 * digest and size of each.  Caller frees.
 */
char *image_manifest_text(const struct descriptor *config, const struct descriptor *layers,
			  size_t n_layers);
