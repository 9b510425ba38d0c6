/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "engine/dirs.h"
#include "net/ports.h"

/* Networks and volumes of a project on this machine, by their names there. */

/* 1: there is such a network, 0: there is none.  *ret_hash (owned by the caller): its label's. */
int things_find_network(const struct engine_dirs *dirs, const char *name, char **ret_hash,
			struct error *err);

struct network_wish {
	const char *name;
	bool is_internal, is_isolated;
	const char *subnet, *gateway; /* NULL: chosen */
	const char *project, *key, *hash;
};
int things_make_network(const struct engine_dirs *dirs, const struct network_wish *wish,
			struct error *err);

/* 1, 0 if there is none; -EBUSY names a container that is in it. */
int things_remove_network(const struct engine_dirs *dirs, const char *name, struct error *err);

/* Keeps one of the host's ports as the container's start would, adding to @held: net/endpoint.h. */
struct run_options;
int things_hold_port(const struct engine_dirs *dirs, const struct run_options *options,
		     size_t index, struct held_ports *held, struct error *err);

/* Removes a volume with all that is in it: 1, or 0 if there is none. */
int things_remove_volume(const struct engine_dirs *dirs, const char *name, struct error *err);
