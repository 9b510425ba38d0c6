/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "engine/dirs.h"

struct run_options;

/*
 * Makes a container that is not started: its name, its record, and what keeps its image.  All else is
 * made when it is started (verb_start()), as for one that has ended.  @options are taken over.  On
 * failure nothing is left.
 */
int container_make(const struct engine_dirs *dirs, struct run_options *options, char ret_id[65],
		   struct error *err);
