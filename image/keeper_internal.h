/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/macros.h"
#include "image/limits.h"
#include "image/load_internal.h"
#include "image/manifest.h"

/* What the keeper's parts share: load.c, and load_pull.c for images that come from a registry. */

#define MAX_WORKERS 8
#define MAX_BLOBS   (2 * LOAD_MAX_IMAGES)
#define MAX_RESULT  (4U << 20)

struct layer_made {
	struct load_message message; /* as the reader asked, then as the unpacker answered */
	bool is_known;               /* it was in the store */
	bool is_kept;                /* its blob was not, and has been copied */
	bool is_pulled;              /* its blob is in <store>/partial */
};

struct worker {
	struct load_child child;
	struct layer_made layer;
};

/* A layer that the reader of a pull has asked for. */
struct wanted {
	struct load_message message;
	int file;               /* the blob, locked; -1: somebody else fetches it, for now */
	int growth[2];          /* the pipe; [1] is the reader's from when it has it */
	bool is_begun, is_over; /* an unpacker has it; it needs none (any more) */
};

struct keeper {
	const struct load_options *options;
	struct dir store, work;
	char work_name[64]; /* "tmp/load-4711-0" */
	dev_t device;
	int input, spool, signals;

	struct load_child reader, syncer;
	bool is_reader_waiting; /* for layers: it has sent all */
	struct worker workers[MAX_WORKERS];
	size_t n_workers, max_workers;

	struct layer_made *made; /* owned */
	size_t n_made, n_reported;
	char blobs[MAX_BLOBS][DIGEST_TEXT];
	size_t n_blobs;
	char *result; /* owned */

	struct wanted *wanted; /* owned */
	size_t n_wanted;
	struct error aborted; /* a blob did not come as a whole; code 0: none */
};

bool keeper_has_layer(const struct keeper *k, const char *diff_id);
bool keeper_has_blob(const struct keeper *k, const struct stream_blob *blob);

/*
 * Starts an unpacker for a layer in @fd, which is borrowed.  @growth: as struct stream_blob has it.
 * A blob that was pulled is where it is to be; others are copied.  There is a free worker.
 */
struct keeper_layer {
	const struct load_message *message;
	int fd, growth;
	bool is_pulled;
};
int keeper_start_worker(struct keeper *k, const struct keeper_layer *layer, struct error *err);

/* The reader is believed in nothing that becomes a name. */
int keeper_check_layer(const struct load_message *message, struct error *err);

/*
 * What came of a word to the reader.  That of a pull may have gone, and then has said why: that is
 * heard next, and the reason to tell.
 */
int keeper_told(const struct keeper *k, int rc, struct error *err);

/* Tells the reader of layers that are there, once it listens. */
int keeper_report(struct keeper *k, struct error *err);

/* ---- load_early.c ----------------------------------------------------------------------------- */

/* Starts a child that writes to the disk what there is, until it is killed. */
int early_start(struct keeper *k, struct error *err);

/* ---- load_pull.c ------------------------------------------------------------------------------ */

int pull_want(struct keeper *k, const struct load_message *message, struct error *err);

/* Does for the layers that are wanted what can be done now. */
int pull_go_on(struct keeper *k, struct error *err);

/* True: pull_go_on() is to be called again in a while. */
bool pull_is_waiting(const struct keeper *k);

/* The blob of a layer that has been unpacked, or that is bad. */
int pull_name_blob(struct keeper *k, const char *digest, struct error *err);
void pull_discard_blob(struct keeper *k, const char *digest);

/* The unpacker of that layer has ended: nobody needs the lock any more. */
void pull_layer_over(struct keeper *k, uint32_t number);
void pull_fini(struct keeper *k);
