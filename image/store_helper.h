/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/fd.h"

/* Runs minictr-image; all fds are borrowed, and the helper has them open as well. */
struct store_helper {
	const struct dir *store; /* with @output: an empty directory, for its root */
	int lock;                /* of the store: not let go of before the helper has ended */
	int input;               /* file, pipe or directory */
	int result;              /* for its answer */
	int output;              /* a file: `unwrap` into it; -1: `load` */
	const char *name;        /* of the input, for messages */
	const char *verb;        /* and what is done with it */
	bool is_quiet;
	bool is_for_others; /* images for other machines are loaded, too */
	bool is_pull;       /* @input is a socket to minictr-registry */
};

/* A program of ours: beside this one (a build directory), else where it is installed.  Caller frees. */
char *store_helper_path(const char *name);

/*
 * Waits for the helper's end: its wait status in *ret_status.  Signals, blocked by
 * signals_block(), are handed on to the helper, which cleans up and says so in its answer;
 * *ret_signal is the first of them, else 0.  A second one kills it.
 */
int store_helper_run(const struct store_helper *helper, int *ret_status, int *ret_signal,
		     struct error *err);
