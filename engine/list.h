/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/error.h"
#include "engine/dirs.h"
#include "engine/record.h"

/* What `ps` shows of a container. */
enum list_status { LIST_CREATED, LIST_RUNNING, LIST_PAUSED, LIST_RESTARTING, LIST_EXITED };
const char *list_status_name(enum list_status status); /* "running" */

struct list_entry {
	struct record record;
	enum list_status status;
	int64_t started_ns; /* CLOCK_REALTIME; 0: it does not run */
	pid_t pid;          /* of its init; 0: it does not run */
	json_t *health;     /* what its probes have found, see health_state.h; NULL; owned */
};

/*
 * One by name, id or a beginning of it.  -ENOENT "no such container: 'x'".  If its supervisor was
 * killed, that is repaired first.  list_entry_fini() frees what is in it.
 */
int list_find(const struct engine_dirs *dirs, const char *text, struct list_entry *ret,
	      struct error *err);
void list_entry_fini(struct list_entry *entry);
#define auto_list_entry __attribute__((cleanup(list_entry_fini)))

/* The same for who needs it to run: else -EINVAL "container 'x' is not running". */
int list_find_running(const struct engine_dirs *dirs, const char *text, struct list_entry *ret,
		      struct error *err);

/* All containers, the newest first; *ret is owned by the caller. */
int list_containers(const struct engine_dirs *dirs, struct list_entry **ret, size_t *ret_n,
		    struct error *err);
void list_free(struct list_entry *entries, size_t n);
