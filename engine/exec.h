/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "engine/dirs.h"

struct spec_process;

/* What `minictr exec` asks for.  All members are owned. */
struct engine_exec {
	struct strv args;
	struct strv env; /* NAME=VALUE, on top of the container's */
	char *user;      /* NULL: the container's */
	char *workdir;   /* NULL: the container's */
	bool is_detached, is_interactive, has_tty, is_privileged;
};

void engine_exec_fini(struct engine_exec *exec);

/*
 * Runs a command in the running container @text (name, id or a beginning of it), at our standard
 * streams.  Returns its exit status, with is_detached 0 once it runs, or a negative errno with
 * err->status 126 or 127 if it could not be executed.  The calling process has protected its program
 * (base/sys_exe.h).
 */
int engine_exec(const struct engine_dirs *dirs, const char *text, const struct engine_exec *exec,
		struct error *err);

/*
 * The container's process @base as @exec wants it, a copy for the caller to free; @all_caps is what
 * --privileged gives.  -EINVAL.  Pure.
 */
int engine_exec_process(const struct engine_exec *exec, const struct spec_process *base,
			const struct strv *all_caps, struct spec_process *ret, struct error *err);
