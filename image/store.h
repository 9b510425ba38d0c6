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
 *   <store>/blobs/sha256/<hex>          manifests, configs, and layers as they came, so that an
 *                                       image can be saved and pushed as what it was
 *   <store>/layers/<32 hex digits>/     each layer, unpacked once, named by its diff_id
 *   <store>/lock                        shared: loading and reading; exclusive: removing
 *   <store>/index.lock                  exclusive: changing index.json under the shared lock
 *   <store>/partial/<hex>               beginnings of blobs from pulls that did not come to their end
 *   <store>/tmp                         what is not finished; empty if nothing is under way
 *
 * Who changes the store has an entry in tmp while at it.  One that is left tells the next command
 * to remove whatever index.json does not lead to (image/store_gc.c).
 */

/*
 * Opens (and makes, 0700) the store at @path; returns its directory fd, owned by the caller.  What
 * a dead process left there is removed, unless others are at work.
 */
int store_open(const char *path, struct error *err);

/*
 * Keeps images and layers from being removed until the returned fd (owned by the caller) is closed:
 * from image_open() until a durable record says that a container uses them.
 */
int store_hold(const struct dir *store, struct error *err);

struct store_entry {
	char *name;  /* "docker.io/library/x:latest", "...x@sha256:..."; "" for an untagged image */
	char id[72]; /* of the config */
	char digest[72]; /* of the manifest */
	char source[72]; /* of the index that the name leads to in a registry; "": none is known */
	int64_t created; /* seconds since 1970; 0: not known */
	uint64_t size;   /* bytes unpacked */
};

/* Everything in the index; *ret is owned by the caller. */
int store_list(const struct dir *store, struct store_entry **ret, size_t *ret_n, struct error *err);
void store_entries_free(struct store_entry *entries, size_t n);

/* docker rmi: what happened, for printing; @what is a normalised name or a digest. */
enum store_change { STORE_UNTAGGED, STORE_DELETED };

struct strv;

struct store_removal {
	bool is_forced;  /* an id with several names loses all; one in use loses its names */
	bool keeps_used; /* with @is_forced: -EBUSY for one in use, which keeps its names */

	/*
	 * What uses the image with config @id and these directories below <store>/layers (lowest
	 * first), like "container 'web'", or NULL.  Called under the exclusive lock.
	 * NULL: no image is in use.
	 */
	const char *(*user)(void *arg, const char *id, const struct strv *layers);

	/* May be NULL. */
	void (*report)(void *arg, enum store_change change, const char *what);
	void *arg; /* of both */
};

/*
 * Removes a name, and with the last name of an image the image: its blobs and those layers that no
 * other image uses.  By an id (or the beginning of one) an image loses its only name.
 *
 * -ENOENT: no such image.  -EBUSY: a container uses it, or an id has several names, and
 * @removal->is_forced is not set.
 */
int store_remove(const struct dir *store, const char *reference,
		 const struct store_removal *removal, struct error *err);

/*
 * Gives the image @reference the further name @name (name[:tag]; a digest in it is refused).  An
 * image that had the name stays without one.  *ret_name, if not NULL: the name, normalised, owned by
 * the caller.
 */
int store_tag(const struct dir *store, const char *reference, const char *name, char **ret_name,
	      struct error *err);

/* What an image takes on the disk: layers, unpacked and as they came, manifest and config. */
struct store_usage {
	char id[72];
	uint64_t size;   /* bytes, of all that belongs to it */
	uint64_t shared; /* of these, what another image has, too */
};

/*
 * Each image once, in the order of the index; *ret_total: all images together, what they share
 * counted once.  *ret is owned by the caller.  Looks at every file: 10,000 take some 20 ms.
 */
int store_usage(const struct dir *store, struct store_usage **ret, size_t *ret_n,
		uint64_t *ret_total, struct error *err);

/* Bytes of a layer's files (a hard link is none); @diff_id is valid.  -ENOENT: not in the store. */
int store_layer_size(const struct dir *store, const char *diff_id, uint64_t *ret,
		     struct error *err);

/* Of an image that comes from a registry. */
struct store_pull {
	const char *name;   /* that it gets: "name:tag", or "name@digest" */
	bool is_for_others; /* it may be for another machine */
	char source[72];    /* returned: digest of what the registry has under that name */
	bool is_new;        /* returned: the name led to something else, or nowhere */
};

struct store_input {
	struct store_pull *pull; /* then @fd is a socket to minictr-registry; else NULL */
	const char *path;        /* a file or directory; NULL: @fd */
	const char *verb;        /* what it is for, and ... */
	const char *name;        /* ... what it is called in messages; NULL: "load", by its path */
	int fd;                  /* borrowed; with @path NULL */
	bool is_quiet;           /* no progress on stderr */
	bool is_for_others;      /* without @pull: images for other machines, too */
};

/*
 * Runs the confined helper (minictr-image load) on an OCI layout or a docker archive.  What it
 * loaded is added to @ret_names: normalised names, and for an image without one its id.
 */
int store_load(const char *store_path, const struct store_input *input, struct strv *ret_names,
	       struct error *err);
