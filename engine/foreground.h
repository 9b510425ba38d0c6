/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "engine/dirs.h"

struct record;
struct record_place;
struct run_options;

/*
 * `minictr run`: forks the container's supervisor, feeds the container's standard input, passes
 * signals on, and waits for the end (with is_detached only for the start).  @options are taken over.
 *
 * Returns the exit status, or a negative errno with @err (err->status 126 or 127 if the command
 * could not be executed).  @ret_id is the container's id once it runs; @ret_remark (may be left
 * empty) says what a user should know about its end.
 */
int foreground_run(const struct engine_dirs *dirs, struct run_options *options, char ret_id[65],
		   struct str *ret_remark, struct error *err);

struct foreground_streams {
	bool has_output; /* take what it writes, until its end */
	bool has_input;  /* and pass standard input on, if the container was made with -i */
};

/*
 * `minictr start`: the same for one that has ended, as container_enter() found it; @record and @place
 * are taken over.
 */
int foreground_start(const struct engine_dirs *dirs, struct record *record,
		     struct record_place *place, const struct foreground_streams *streams,
		     struct str *ret_remark, struct error *err);
