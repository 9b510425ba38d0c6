/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/fd.h"
#include "engine/dirs.h"

/* The networks that containers of this engine are in: net/network.h below <data>/networks. */
struct networks {
	struct dir dir; /* fd owned */
	char *path;     /* owned; what dir.path is */
};
#define NETWORKS_CLOSED      \
	{                    \
		.dir.fd = -1 \
	}
void networks_close(struct networks *networks);
#define auto_networks __attribute__((cleanup(networks_close)))

/* Opens (makes) the directory. */
int networks_open(const struct engine_dirs *dirs, struct networks *ret, struct error *err);

/* "host" and "none": no networks of ours, though they stand where one does. */
bool network_is_pseudo(const char *name);
