/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include <jansson.h>

#include "base/error.h"
#include "engine/dirs.h"
#include "engine/health.h"

/*
 * What a container's probes have found, as its supervisor tells others: <state>/health/<id>, in the
 * form in which `inspect` shows it.  It stays when the container has ended, until it is started
 * again or removed; and ends with the boot.
 */
int health_state_write(const struct engine_dirs *dirs, const char *id, const struct health *health,
		       struct error *err);

/* NULL: there is none.  Owned by the caller. */
json_t *health_state_read(const struct engine_dirs *dirs, const char *id);

void health_state_remove(const struct engine_dirs *dirs, const char *id);

/* Removes what the process @writer, killed while it wrote a state, has left of that. */
void health_state_sweep(const struct engine_dirs *dirs, pid_t writer);

/* Of what has been read: HEALTH_NONE for NULL. */
enum health_state health_state_of(const json_t *state);

/* What the last probe said, its first line: why a container is not well.  Caller frees. */
char *health_state_reason(const json_t *state);
