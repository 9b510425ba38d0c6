/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "engine/dirs.h"

struct record;

/*
 * What happens to containers: one line of JSON each, in the form of docker's API, appended by whoever
 * makes it happen to <state>/events/log.  When that is full it becomes log.1, whose content is lost
 * then.  They end with the boot.
 */
#define EVENTS_MAX (1U << 20) /* bytes of a file, which the last line may go beyond */

/*
 * Adds one that happened at @time_ns (0: now).  @attributes: names and values in turn, ended by NULL;
 * what the record tells (name, image, labels) is among them anyway.  An event that cannot be written
 * is lost, and no reason to fail.
 */
void event_add(const struct engine_dirs *dirs, const struct record *record, const char *action,
	       int64_t time_ns, const char *const *attributes);

struct events_query {
	int64_t since_ns, until_ns; /* since the epoch; 0: from now on; 0: for ever */
};

/* A negative errno ends the reading; @event is borrowed. */
typedef int event_handler(void *arg, const json_t *event, struct error *err);

/* Calls @handler for each event of that time, and waits for those that are still to come. */
int events_read(const struct engine_dirs *dirs, const struct events_query *query,
		event_handler *handler, void *arg, struct error *err);

/*
 * A descriptor (the caller's) that becomes readable when something happens to some container or one
 * of their probes finds something: the time to look again.  What it has is of no interest, but to be
 * drained before that.  -ENOSPC or -EMFILE if the kernel has none left.
 */
int events_watch(const struct engine_dirs *dirs, struct error *err);
void events_drain(int fd);
