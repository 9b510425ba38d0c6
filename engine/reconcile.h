/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/dirs.h"
#include "engine/record.h"

/*
 * What supervisors that were killed left is released from their records alone: processes, cgroup,
 * runtime state, directory, name.  All of it may be done again, and by several at the same time.
 */

/*
 * Waits until nobody supervises the container; then, if it did not come to its end under a
 * supervisor, releases what it had and removes it (or, if it is one to keep, notes that it was
 * killed).  One that is not there (any more) is fine.
 */
int reconcile_container(const struct engine_dirs *dirs, const char *id, struct error *err);

/*
 * If @name is that of a container whose supervisor was killed, releases it; otherwise nothing
 * happens.  Waits for nobody.
 */
int reconcile_name(const struct engine_dirs *dirs, const char *name, struct error *err);

/* The same for all that have no supervisor any more.  Goes on after a failure; returns the first. */
int reconcile_all(const struct engine_dirs *dirs, struct error *err);

/*
 * The container @text: a name, an id, or the beginning of one.
 *
 * 1: nobody supervises it; it is at its end, and locked as long as *ret_place is open.  What a killed
 *    supervisor left has been released then, which is said on stderr.
 * 0: it has a supervisor, which may have just begun or be about to end.
 * -ENOENT "no such container: 'x'".
 *
 * *ret and *ret_place are the caller's to free and close, also on failure.
 */
int container_enter(const struct engine_dirs *dirs, const char *text, struct record *ret,
		    struct record_place *ret_place, struct error *err);

/*
 * record_claim(), also if the name is held by what a killed supervisor left: that is released first.
 */
int container_claim(const struct engine_dirs *dirs, struct record *record, struct record_place *ret,
		    struct error *err);

/*
 * `rm`: by name, id or a beginning of it.  A running one is -EBUSY unless @force: then it is killed,
 * and whoever waits for it hears how it ended.  -ENOENT "no such container: x".
 */
int container_remove(const struct engine_dirs *dirs, const char *name, bool force,
		     struct error *err);
