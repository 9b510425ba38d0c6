/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Further processes in a running container.
 *
 *	struct exec_target *target;    a container, looked at once; any number of processes may follow
 *	exec_target_open(root, id, NULL, NULL, &target, err);
 *
 *	struct spec_process process = *exec_target_process(target);     a shallow copy, to change
 *	process.args = args;
 *	const struct exec_request request = {
 *		.process = &process,
 *		.stdio = { EXEC_NULL, EXEC_PIPE, EXEC_PIPE },
 *	};
 *	struct exec_process child;
 *	exec_start(target, &request, &child, err);     returns at once: child.sock can be polled
 *	exec_await(&child, -1, err);                   1: it runs
 *	...                                            child.pidfd, child.pipes[]; waitid(2)
 *	exec_process_fini(&child);
 *
 * Used by the OCI command line, once, and by a supervisor for its probes.
 */
struct cgroup;
struct cgroup_host;
struct spec;
struct spec_process;

struct exec_target;

/*
 * Reads the container's record and config, opens its init, cgroup and compiled filter.
 *
 * @spec:      what it was created from; borrowed for the call.  NULL: its bundle's config.json
 * @cache_dir: as in struct container_request
 *
 * -EINVAL "cannot exec in a stopped container".
 */
int exec_target_open(const char *root, const char *id, const struct spec *spec,
		     const char *cache_dir, struct exec_target **ret, struct error *err);
void exec_target_free(struct exec_target *target); /* NULL is fine */
void exec_target_freep(struct exec_target **target);
#define auto_exec_target __attribute__((cleanup(exec_target_freep)))

/* The container's own process, what others are like if nothing else is said.  Borrowed. */
const struct spec_process *exec_target_process(const struct exec_target *target);

/* Its group and the host's, borrowed. */
const struct cgroup *exec_target_cgroup(const struct exec_target *target);
const struct cgroup_host *exec_target_cgroup_host(const struct exec_target *target);

/* For stdio instead of a descriptor. */
enum exec_stdio {
	EXEC_INHERIT = -1, /* the caller's own */
	EXEC_PIPE = -2,    /* a new pipe; the caller's end does not block */
	EXEC_NULL = -3,    /* the container's /dev/null */
};

struct exec_request {
	const struct spec_process *process; /* borrowed until exec_start() has returned; without
					       capabilities or rlimits: the container's */
	int stdio[3]; /* borrowed, or enum exec_stdio; not looked at with process->terminal */
	int preserve_fds;
	bool ignores_pause;          /* in a paused container it waits until that is resumed */
	const struct cgroup *cgroup; /* to run in; NULL: the container's.  Borrowed */
};

struct exec_process {
	pid_t pid;
	int pidfd;    /* the caller's child: waitid(2) */
	int sock;     /* readable when exec_await() can get on; -1 once it is known to run */
	int pipes[3]; /* our ends of EXEC_PIPE, else -1 */
	bool has_terminal, has_announced;
};

/*
 * Makes the process, in the cgroup and namespaces of the container; returns without waiting for it.
 * Leaves the calling process undumpable (its copy is seen in the container's pid namespace).
 */
int exec_start(const struct exec_target *target, const struct exec_request *request,
	       struct exec_process *ret, struct error *err);

/*
 * With process->terminal, first: waits for the pty's master end, which the caller owns.  The program
 * runs only when exec_await() is called.
 */
int exec_terminal(struct exec_process *process, int *ret_pty, struct error *err);

/*
 * Waits up to @timeout_ms (-1: for ever) for execve(2): 1 if the program runs, 0 if the time is up,
 * else a negative errno with the reason, and the process is gone.
 */
int exec_await(struct exec_process *process, int timeout_ms, struct error *err);

/* Kills that one process and waits for its end. */
void exec_kill(struct exec_process *process);

void exec_process_fini(struct exec_process *process); /* closes; ends nothing */
