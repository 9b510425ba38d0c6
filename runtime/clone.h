/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/sys_ns.h"

struct cgroup;

/* How a container's init comes into being. */
struct clone_job {
	struct sys_clone clone;
	int user_ns; /* join this one first, which shall own the new ones; -1 */
	const char *user_ns_name;
	const struct cgroup *cgroup;
	int sock; /* init's end of the pair */
};

/*
 * Returns 0 in init, its pid (with *ret_pidfd, owned) in the creator, whose child it is, or a negative
 * errno.  @creator_sock is the creator's end of the pair.
 *
 * New namespaces belong to the user namespace of who makes them, and who has entered one cannot come
 * back.  So a user namespace is joined by a process in between, which makes init as its sibling
 * (CLONE_PARENT) and ends.  That process is in the container's cgroups already; init is born there.
 */
pid_t clone_init(const struct clone_job *job, int creator_sock, int *ret_pidfd, struct error *err);
