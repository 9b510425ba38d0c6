/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "runtime/rootfs.h"

/*
 * /dev of the container, unless it is the host's: nodes (bound from the host where a user namespace
 * forbids mknod(2)), the links fd, stdin, stdout, stderr, core and ptmx.  Works below one
 * descriptor of /dev, which has to be a directory of the root.
 */
int devices_make(const struct rootfs *rootfs, struct error *err);

/* /dev/console: the pty @slave bound on an empty file. */
int devices_console(const struct rootfs *rootfs, int slave, struct error *err);
