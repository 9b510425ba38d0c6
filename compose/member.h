/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/dirs.h"

/* What is done to one container of a project.  All of it waits: for workers. */
struct run_options;

/*
 * Makes it and starts it.  What a command that was killed left half made under that name is removed
 * first; @project tells that it is the project's own.  @options are taken over.  More than 0: a
 * signal has ended it.
 */
int member_run(const struct engine_dirs *dirs, struct run_options *options, const char *project,
	       struct error *err);

/* Starts one that has ended. */
/* The same, but does not start it. */
int member_make(const struct engine_dirs *dirs, struct run_options *options, const char *project,
		struct error *err);

/* Gives a running one the limits, the restart policy and the labels of @options. */
int member_update(const struct engine_dirs *dirs, const char *name,
		  const struct run_options *options, struct error *err);

int member_start(const struct engine_dirs *dirs, const char *name, struct error *err);

/* Asks it to end by @signal (0: its own), kills it after @patience_ns, and waits for the end. */
int member_stop(const struct engine_dirs *dirs, const char *name, int signal, int64_t patience_ns,
		struct error *err);

/* One that does not run is fine. */
int member_kill(const struct engine_dirs *dirs, const char *name, int signal, struct error *err);

/* Kills it, if it runs, and removes it.  One that is not there (any more) is fine. */
int member_remove(const struct engine_dirs *dirs, const char *name, struct error *err);

/* The names of a service's containers are added. */
struct strv;
int member_list(const struct engine_dirs *dirs, const char *project, const char *service,
		struct strv *names, struct error *err);

/* Waits until all containers of a service have ended.  0, or the exit status of one that failed. */
int member_wait_all(const struct engine_dirs *dirs, const char *project, const char *service,
		    struct error *err);
