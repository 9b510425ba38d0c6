/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "runtime/spec.h"

/*
 * Runs the hooks of one point in order, each with exactly its args (args[0] is not the path) and
 * env, and @state_json on its standard input (runtime-spec config.md "POSIX-platform Hooks").
 * The first that fails, or runs longer than its timeout, is the error; its process group is killed.
 */
int hooks_run(const struct spec_hooks *hooks, const char *state_json, struct error *err);

/*
 * For the points poststart and poststop: a failure is a warning, and the next one runs all the same
 * (runtime.md "Lifecycle").
 */
void hooks_run_late(const struct spec_hooks *hooks, const char *state_json);

/* The array of config.json -> hooks, and back; a handler on struct spec_hooks. */
json_field_handler hooks_read;
json_t *hooks_to_json(const struct spec_hooks *hooks);

void hooks_fini(struct spec_hooks *hooks);
