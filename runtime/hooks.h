/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "runtime/spec.h"

/*
 * Runs the hooks of one point in order, each with exactly its args (args[0] is not the path) and
 * env, and @state_json on its standard input (runtime-spec config.md "POSIX-platform Hooks").
 * The first that fails, or runs longer than its timeout, is the error; its process group is killed.
 */
int hooks_run(const struct spec_hooks *hooks, const char *state_json, struct error *err);
