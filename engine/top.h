/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/dirs.h"

/* The processes of a container, as the host sees them. */
struct list_entry;

struct top_process {
	pid_t pid, parent;
	uid_t uid;           /* effective */
	uint64_t cpu_ns;     /* spent so far */
	uint64_t started_ns; /* since boot */
	int terminal;        /* number of the pty, -1: none, -2: another terminal */
	char *command;       /* words with blanks between them, or "[name]" */
};

void top_process_fini(struct top_process *process);

/* The ids of all its processes, in no order; *ret is the caller's. */
int top_pids(const struct engine_dirs *dirs, const struct list_entry *entry, pid_t **ret,
	     size_t *ret_n, struct error *err);

/* One of them: false if it has ended. */
bool top_read(pid_t pid, struct top_process *ret);

/*
 * What /proc/PID/stat, status and cmdline (with its length) say.  A process can name itself and
 * its words as it likes.  False if they are not understood.  Pure.
 */
bool top_parse(const char *stat, const char *status, const char *cmdline, size_t len,
	       struct top_process *ret);
