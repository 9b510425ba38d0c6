/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/diff.h"
#include "engine/dirs.h"
#include "engine/list.h"

/* What this machine has of a project, as diff.h wants to know it. */
struct world {
	struct list_entry *entries; /* all containers of the machine */
	size_t n_entries;
	struct existing *containers;  /* those of the project; texts are of @entries */
	const struct list_entry **of; /* by container: its entry */
	size_t n_containers;
	struct existing_thing *networks, *volumes; /* names are the project's */
	char **hashes;                             /* by network that is there */
	size_t n_networks, n_volumes;
	char **image_ids; /* by service */
	bool *has_check;  /* by service: it has a healthcheck, its own or the image's */
	size_t n_services;
};

void world_fini(struct world *world);
#define auto_world __attribute__((cleanup(world_fini)))

/* The containers of a project by their labels, the oldest first; what was half done is waited for. */
int world_look(const struct engine_dirs *dirs, const char *project, struct world *ret,
	       struct error *err);

/*
 * Adds what @project names: networks, volumes, and the images of the wanted services.  -ENOENT, with
 * the place, for one that should be there and is not.
 */
int world_look_for(const struct engine_dirs *dirs, const struct project *project,
		   const bool *wanted, struct world *world, struct error *err);

/* The same as diff.h wants it; borrowed. */
struct diff_input world_input(const struct world *world);

/*
 * Only one command at a time works on a project: waits for the others (and says so), and returns the
 * lock, the caller's to world_unlock().
 */
int world_lock(const struct engine_dirs *dirs, const char *project, struct error *err);
void world_unlock(const struct engine_dirs *dirs, const char *project, int lock);
