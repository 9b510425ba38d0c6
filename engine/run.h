/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/bundle.h"
#include "engine/dirs.h"
#include "engine/record.h"
#include "image/image.h"
#include "net/endpoint.h"
#include "runtime/container.h"

struct run_options;

/* One container being made, running, and taken down again, by the process that is its parent. */
struct run {
	const struct engine_dirs *dirs;
	const struct run_options *options;
	struct record record; /* id and what record_begin() and record_claim() fill are there */
	struct record_place place;
	int stdio[3];           /* for the container, borrowed; or CONTAINER_STDIO_* */
	uint16_t columns, rows; /* of its terminal; 0: not known */

	struct container container; /* valid once run_start() has succeeded */

	/* Of run.c. */
	struct image image;
	int store_hold;
	bool has_leftovers; /* something could not be taken back: the record has to stay */
	char *rootfs, *hostname;
	struct strv layer_paths;
	char *upper, *work;
	struct bundle_files files;
	struct endpoint endpoint;
	int *port_fds; /* keep other programs off the published ports */
	size_t n_port_fds;
};

struct dir;

/* The container has a network of the engine: an endpoint in it. */
bool run_has_endpoint(const struct record *record);

/*
 * Makes and starts it: stages, see the head of run.c.  On failure nothing is left, and err->status
 * is what docker's users expect (127, 126).
 */
int run_start(struct run *run, struct error *err);

/* Ends one that was started, and takes all of it away. */
void run_abort(struct run *run);

/*
 * The container has ended with @exit_code and been waited for: releases all that it had, and its
 * directory too or what is known of its end in its record.  Goes on after a failure.
 */
int run_end(struct run *run, int exit_code, bool is_oom_killed, struct error *err);

void run_fini(struct run *run);
