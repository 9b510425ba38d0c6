/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* Where a command writes an archive to: --output FILE, or standard output. */

/* -EINVAL that names @command, if @path is NULL and standard output a terminal. */
int archive_refuses_terminal(const char *command, const char *path, struct error *err);

/*
 * Calls @write with where it goes, and its name for messages.  A file is there as a whole or not at
 * all; what is no file, and standard output (@path NULL), is written as it comes.
 */
int archive_write(const char *path,
		  int (*write)(void *arg, int fd, const char *name, struct error *err), void *arg,
		  struct error *err);
