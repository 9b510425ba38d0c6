/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * A new pty in the devpts mounted at dev/pts below @root: the master in *ret_master, the slave in
 * *ret_slave, both owned by the caller.  The slave comes from the master itself (TIOCGPTPEER) and
 * never from a name that the container may have changed meanwhile.
 */
int terminal_open(const struct dir *root, uint16_t width, uint16_t height, int *ret_master,
		  int *ret_slave, struct error *err);

/* Makes @slave the controlling terminal and 0, 1, 2 of this process (a session leader). */
int terminal_adopt(int slave, struct error *err);

/* Sends a process's pidfd to the unix socket @path, for callers that do not trust numbers. */
int terminal_send_pidfd(const char *path, int pidfd, struct error *err);

/* Sends the master to the unix socket @path, as OCI engines expect it. */
int terminal_send(const char *path, int master, struct error *err);
