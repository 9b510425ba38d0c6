/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/spec.h"

/*
 * <root>/<id>/state.json: what may exist of a container, and how to find it again.
 *
 * The first version is written before the first side effect, with the cgroup's path and without a
 * pid; the second, a line behind it, when init waits at its gate.  The last line that is whole counts.
 * It lives in a directory of run-time state: all that it names ends with the boot, which is why its
 * boot id is kept and why nothing is synced.
 */
struct state_record {
	struct container_state state; /* status: as written, see state_status() */
	char boot_id[37];
	bool is_created;                       /* the second version */
	struct spec_hooks poststart, poststop; /* as they were when the container was made; owned */
};

void state_record_fini(struct state_record *record);

/* Opens <root>/<id>; -ENOENT "container does not exist". */
int state_open_dir(const char *root, const char *id, struct error *err);

/*
 * The same for who is going to change the container: waits until nobody else does (flock(2) on the
 * directory, let go by closing it).  One that was deleted meanwhile does not exist.
 */
int state_lock_dir(const char *root, const char *id, struct error *err);

/* Makes and locks <root>/<id>, and what is missing of @root; -EEXIST. */
int state_make_dir(const char *root, const char *id, struct error *err);

/* Removes <root>/<id>, which the caller has locked. */
int state_remove_dir(const char *root, const char *id, struct error *err);

/*
 * Keeps @data beside state.json, to be had sooner the next time; if that cannot be it is not.  The
 * directory is not locked by the caller.
 */
void state_keep(const struct dir *dir, const char *name, const struct str *data);

int state_write(const struct dir *dir, const struct state_record *record, struct error *err);

/* -ENOENT if there is none, or none yet. */
int state_read(const struct dir *dir, struct state_record *ret, struct error *err);

/*
 * The status as it is now: by pid and start time, the start gate (exec.fifo), the freezer.
 * *ret_pidfd (may be NULL): a pidfd of a living init, owned by the caller, else -1.
 */
enum container_status state_status(const struct dir *dir, const struct state_record *record,
				   int *ret_pidfd);

/* The same without a look at the freezer: a paused one is CONTAINER_RUNNING. */
enum container_status state_phase(const struct dir *dir, const struct state_record *record,
				  int *ret_pidfd);

/* The OCI state document (runtime.md "State"), indented as runc prints it; caller frees. */
char *state_json(const struct container_state *state, size_t indent);

#define STATE_FILE "state.json"
#define STATE_FIFO "exec.fifo"
