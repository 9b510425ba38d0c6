/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"

/*
 * What a further process takes over from the container's configuration: its own process, what that
 * leaves out, and the filter, compiled.
 */
struct exec_spec {
	struct spec_process process;
	char *personality; /* NULL: none */
	struct spec_memory_policy memory_policy;
	struct seccomp_program seccomp;
	char *listener_path, *listener_metadata; /* of seccomp; may be NULL */
};

#define EXEC_SPEC_FILE "exec.cache" /* in a container's state directory */

/* Of a configuration in memory.  @cache: directory of compiled filters. */
int exec_spec_take(const struct spec *spec, const char *cache, struct exec_spec *ret,
		   struct error *err);

/*
 * Of the bundle's config.json.  To read the whole of that takes a tenth of the time that an exec does,
 * so what is needed of it is kept in @state, the state directory (its lock is not held), for the next
 * time; it counts as long as config.json is the same file, unchanged.
 */
int exec_spec_load(const struct dir *state, const char *bundle, const char *cache,
		   struct exec_spec *ret, struct error *err);

void exec_spec_fini(struct exec_spec *spec);
