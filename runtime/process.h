/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "base/sys_cred.h"

struct plan_rlimit;
struct seccomp_program;
struct spec_memory_policy;
struct spec_process;

/*
 * A process of a container on its way to execve(2), its init or one that is executed later: it is in
 * its namespaces and cgroup already, with the container's root as its own and all privileges.
 *
 * - Without no_new_privs the filter needs CAP_SYS_ADMIN, so it is loaded before capabilities go
 *   (seccomp(2)); with it, it is loaded as late as possible.
 * - Bounding set, ids (keeping capabilities), then the other sets, ambient last (capabilities(7)).
 * - The program is looked up as the user that it will run as, and before the filter that is loaded
 *   last: a failure after that may be unable to tell.
 */
struct process_job {
	const struct spec_process *spec; /* all of these are borrowed */
	const struct sys_caps *caps;
	const struct plan_rlimit *rlimits;
	size_t n_rlimits;
	const struct seccomp_program *seccomp;
	struct notify *notify;   /* told of the filter, if it asks somebody */
	const char *personality; /* "LINUX32"; NULL: as it is */
	const struct spec_memory_policy *memory_policy;
	const char *keyring;        /* name of the session keyring; NULL: the caller's stays */
	int proc_fd;                /* a procfs of our own; only if process_needs_proc() */
	int stdio[3];               /* or CONTAINER_STDIO_*; unused with a terminal */
	int pty_slave;              /* becomes terminal and stdio; -1: none */
	bool is_limited_by_creator; /* process_limit() is not for the process itself */

	/* What process_prepare() finds; owned. */
	char *program;
	struct strv env;
};

/* True if it writes to files of procfs. */
bool process_needs_proc(const struct spec_process *spec);

/*
 * rlimits and the OOM score of the process @pid (0: the caller).  Inside a user namespace nobody may
 * raise a hard limit or lower the score: there it is the creator who has to do it.  Of @job only
 * @spec, the rlimits and @proc_fd are needed.
 */
int process_limit(const struct process_job *job, pid_t pid, struct error *err);

/* All that can fail, up to and with the lookup of the program (err->status is 126 or 127 then). */
int process_prepare(struct process_job *job, struct error *err);

/* The last moment; returns only on failure.  Descriptors below 3 + @preserve_fds stay open. */
int process_exec(const struct process_job *job, int preserve_fds, struct error *err);
