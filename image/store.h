/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * The content-addressed store, an OCI image layout on disk (image-spec image-layout.md):
 *
 *   <store>/oci-layout, index.json      what images there are; names in annotations
 *   <store>/blobs/sha256/<hex>          manifests, configs (compressed layers are not kept once
 *                                       unpacked unless asked for: see image/store.c)
 *   <store>/layers/<32 hex digits>/     each layer, unpacked once, named by its diff_id
 *   <store>/lock                        shared: reading and running; exclusive: removing
 *   <store>/tmp                         what is not finished; swept under the exclusive lock
 */

/* Opens (and makes, 0700) the store at @path; returns its directory fd, owned by the caller. */
int store_open(const char *path, struct error *err);

struct store_entry {
	char *name;      /* "docker.io/library/x:latest"; "" for an untagged image */
	char id[72];     /* of the config */
	char digest[72]; /* of the manifest */
	int64_t created; /* seconds since 1970; 0: not known */
	uint64_t size;   /* bytes unpacked */
};

/* Everything in the index; *ret is owned by the caller. */
int store_list(const struct dir *store, struct store_entry **ret, size_t *ret_n, struct error *err);
void store_entries_free(struct store_entry *entries, size_t n);

/* docker rmi: what happened, for printing. */
enum store_change { STORE_UNTAGGED, STORE_DELETED };
typedef void store_report(void *arg, enum store_change change, const char *what);

/*
 * Removes a name, and with the last name of an image the image: its blobs and those layers that no
 * other image uses.  @in_use (may be NULL) says whether a layer directory is used by a container:
 * then -EBUSY unless it only loses a name.
 */
int store_remove(const struct dir *store, const char *reference,
		 bool (*in_use)(void *arg, const char *layer), store_report *report, void *arg,
		 struct error *err);

struct strv;
/*
 * Runs the confined helper (minictr-image load) on a file or directory; names of the images that
 * it loaded are added to @ret_names.  Progress goes to stderr by the helper itself.
 */
int store_load(const char *store_path, const char *input_path, struct strv *ret_names,
	       struct error *err);
