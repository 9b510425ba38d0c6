/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Doors to the kernel: namespaces (namespaces(7), clone3(2), unshare(2), setns(2)). */

struct sys_clone {
	unsigned long namespaces; /* CLONE_NEW* for the child */
	int cgroup_fd;            /* start in this v2 cgroup; -1: in the caller's */
	int pid_ns;              /* start in this pid namespace; -1: in the caller's or a new one */
	const char *pid_ns_name; /* for people; only with @pid_ns */
	bool is_sibling;         /* a child of the caller's parent (CLONE_PARENT) */
};

/*
 * Starts the container's init: returns 0 in the child, its pid (with *ret_pidfd, owned) in the
 * parent, or a negative errno.  Recorded as `unshare ...` with the pid as the first word.  With
 * @clone->pid_ns the caller's own pid namespace is the same before and after.
 */
pid_t sys_clone(const struct sys_clone *clone, int *ret_pidfd, struct error *err);

int sys_unshare(unsigned long namespaces, struct error *err);

/* Joins the namespace @fd of the kind @type (CLONE_NEW*); @name is for people. */
int sys_setns(int fd, unsigned long type, const char *name, struct error *err);

/* Joins those @namespaces (CLONE_NEW*) of the process @pidfd, whose number is @pid, all at once. */
int sys_setns_process(int pidfd, pid_t pid, unsigned long namespaces, struct error *err);

/*
 * socket(2) in the network namespace @netns_fd (-1: in our own), where it then stays: we are back
 * when this returns.  @type: with SOCK_NONBLOCK and so on; SOCK_CLOEXEC is added.  Returns the fd.
 * Single-threaded callers only.
 */
int sys_socket_in(int netns_fd, int domain, int type, int protocol, struct error *err);

int sys_sethostname(const char *name, struct error *err);
int sys_setdomainname(const char *name, struct error *err);

/* ip link set lo up, in the caller's network namespace. */
int sys_loopback_up(struct error *err);

/* "--pid", "--mount" ...: unshare(1)'s options for CLONE_NEW* flags, as records show them. */
struct strv;
void sys_unshare_options(unsigned long namespaces, struct strv *out);
