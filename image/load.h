/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * Loads the images of an archive into a store: `minictr-image load`.  Blobs and layers get their
 * names in the store only once everything is there, verified and durable; who has called writes
 * index.json then.  After a failure, or a signal that ends it, nothing is left.
 */
struct load_options {
	int store_fd;     /* the store's directory, whose lock the caller holds */
	int input_fd;     /* archive: file, pipe or directory */
	int result_fd;    /* for the answer, one JSON document */
	const char *name; /* of the input, for messages */
	const char *verb; /* what it is done for, for messages: "load" */
	bool is_quiet;
	bool is_for_others; /* images that do not run on this machine, too */
	bool is_pull; /* @input_fd is a socket: minictr-registry is the reader at its other end */
};

/* Returns the exit status: 0, or 1 with {"error": "...", "code": errno} as the answer. */
int load_run(const struct load_options *options);
