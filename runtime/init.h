/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/plan.h"
#include "runtime/process.h"
#include "runtime/rootfs.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"

struct cgroup;

/* All that the container's init needs; filled by the creator before clone3(2). */
struct init_job {
	const struct container_request *request;
	const struct plan *plan;
	const struct cgroup *cgroup;
	const struct seccomp_program *seccomp;
	const struct container_state *state; /* for the hooks that run inside */
	struct notify *notify;               /* connected to who decides about system calls */
	int sock;                            /* to the creator */
	int creator_sock;                    /* the creator's end: closed first */
	int state_dir;                       /* the creator's lock: closed first */
	int fifo;                            /* O_PATH of exec.fifo; -1: the gate is @sock */
	int joined[SPEC_NS_TYPES];           /* namespaces to join, -1: none */
	bool has_host_hooks;                 /* wait for them before the root is entered */

	/* Used while it runs. */
	struct rootfs rootfs;
	struct dir proc; /* a procfs of our own, mounted nowhere */
	int pty_master, pty_slave;
	int gate; /* the fifo, once it is open */
	struct process_job process;
};

/* Becomes the container's program; never returns. */
_Noreturn void init_run(struct init_job *job);
