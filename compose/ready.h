/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "compose/schedule.h"
#include "engine/list.h"

/*
 * Whether a container is ready, by what the engine tells of it; and what its probes have found, for
 * people.  Pure.
 */

enum ready_wish {
	READY_HEALTHY,            /* as depends_on has it */
	READY_HEALTHY_OR_RUNNING, /* what has no healthcheck runs, or has ended well: `up --wait` */
};

/*
 * FACT_UNKNOWN: not yet, which goes for one that its restart policy starts again, too.  FACT_FALSE:
 * it will not be, unless something is done about it; @why tells.
 */
enum fact ready_judge(const struct list_entry *container, enum ready_wish wish, struct error *why);

/* What it lacks, as FACT_UNKNOWN: "container 'a' is starting: connection refused".  Caller frees. */
char *ready_lack(const struct list_entry *container);

/* Adds a line and more for each of its last probes; nothing if there was none. */
void ready_render_probes(const struct list_entry *container, struct str *ret);
