/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/*
 * What an image says about running it (image-spec config.md), for whoever makes a container of it.
 * Filled by image_open() from the store; all members are owned.
 */
struct image_healthcheck {
	struct strv test; /* empty: not given */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	int retries;
};

struct image {
	char id[72];     /* "sha256:<hex>" of the config */
	char digest[72]; /* of the manifest */
	char *name;      /* the reference it was found by, normalised; NULL if by id */
	char *architecture, *os;
	struct strv env, entrypoint, cmd;
	char *user, *working_dir, *stop_signal;
	struct strv volumes;       /* paths */
	struct strv exposed_ports; /* "80/tcp" */
	struct strv labels;        /* "key=value" */
	struct image_healthcheck healthcheck;
	struct strv layers; /* directory names below <store>/layers, lowest first */
	uint64_t size;      /* bytes unpacked, if known */
};

void image_fini(struct image *image);
#define auto_image __attribute__((cleanup(image_fini)))

/*
 * Finds @reference (name[:tag][@digest], an id or a prefix of one) in the store and reads manifest
 * and config, whose digests are verified.  -ENOENT: no such image; err->status stays 0.
 * @store: the directory ".../images".
 */
int image_open(const struct dir *store, const char *reference, struct image *ret,
	       struct error *err);

/* The image's config as a document of its own, verified. */
struct json_doc;
int image_read_config(const struct dir *store, const struct image *image, struct json_doc *ret,
		      struct error *err);
