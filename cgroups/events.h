/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cgroup;

/* Processes that the kernel killed for lack of memory in this group or below, so far. */
int cgroup_oom_kills(const struct cgroup *cgroup, uint64_t *ret, struct error *err);

/*
 * An fd that becomes readable when memory events happen (v2: inotify on memory.events; v1: eventfd
 * by cgroup.event_control on memory.oom_control); owned by the caller.  Read it empty, then ask
 * cgroup_oom_kills().
 */
int cgroup_oom_watch(const struct cgroup *cgroup, struct error *err);
