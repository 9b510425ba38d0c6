/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Is a container that has ended started again, and when?  Docker's rules (moby restartmanager): the
 * first time after 100 ms, twice as long each time up to a minute, from the beginning once it has
 * run for 10 s.  Pure.
 */
enum restart_policy {
	RESTART_NO,
	RESTART_ALWAYS,
	RESTART_UNLESS_STOPPED,
	RESTART_ON_FAILURE,
};

struct restart_config {
	enum restart_policy policy;
	int max_retries; /* on-failure: 0: no limit */
};

/* "no" (and ""), "always", "unless-stopped", "on-failure", "on-failure:5".  -EINVAL. */
int restart_parse(const char *text, struct restart_config *ret, struct error *err);

/* The same text again, "on-failure:5"; @buf of RESTART_TEXT bytes. */
#define RESTART_TEXT 32
void restart_format(const struct restart_config *config, char *buf);

struct restart {
	struct restart_config config;
	int count;        /* restarts since somebody started it */
	int64_t pause_ns; /* the last one; 0: none yet */
};

/* Somebody starts it. */
void restart_begin(struct restart *restart);

/*
 * It has ended after @ran_ns with @exit_code; @is_stopped: because somebody wanted that (stop, kill,
 * rm).  True if it is to be started again in restart->pause_ns; that is counted.
 */
bool restart_ended(struct restart *restart, int exit_code, int64_t ran_ns, bool is_stopped);

/*
 * The machine has been started.  True if the container, last seen with @exit_code (or running:
 * @was_running), is to be started, too.
 */
bool restart_at_boot(const struct restart_config *config, bool was_running, int exit_code,
		     bool is_stopped);
