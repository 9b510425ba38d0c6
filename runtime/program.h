/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/str.h"

/*
 * Finds the program that execve(2) is going to run, in the process's own root and working
 * directory: by PATH of @env if @name has no '/'.  Its interpreter ("#!") or dynamic loader has to
 * exist too, which execve would tell only as "no such file or directory" of the program itself.
 *
 * Errors are worded as engines match them (exec: "x": executable file not found in $PATH) and carry
 * the exit status 127 or 126 in err->status.  *ret is owned by the caller.
 */
int program_find(const char *name, const struct strv *env, char **ret, struct error *err);
