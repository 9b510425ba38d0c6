/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Doors to the kernel: what a process may do (credentials(7), capabilities(7), seccomp(2)).
 *
 * Records are prefixes of the command that is executed in the end (setpriv, prlimit), as a shell
 * cannot change its own ids and capabilities.
 */

/*
 * A limit of the process @pid (0: the caller).  A host may lack CAP_SYS_RESOURCE: a refusal to raise
 * a limit is none if the limit in force is the wanted one already.
 */
int sys_rlimit(pid_t pid, int resource, const char *name, uint64_t soft, uint64_t hard,
	       struct error *err);

/* /proc/PID/oom_score_adj, under the same rule; @proc_fd is a procfs of our own. */
int sys_oom_score_adj(int proc_fd, pid_t pid, int score, struct error *err);

/* Supplementary groups, then gid, then uid: all three ids of each kind. */
int sys_set_ids(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, struct error *err);

/* All ids become 0, of the user namespace that was just entered; groups stay as they are. */
int sys_become_root(struct error *err);

/* Sets of capabilities as bit masks, CAP_CHOWN being bit 0. */
struct sys_caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* Drops from the bounding set what is not in @caps->bounding; one that is missing is an error only
 * if @caps wants it effective or permitted. */
int sys_drop_bounding(const struct sys_caps *caps, struct error *err);

/* Keeps permitted capabilities over the change of ids (PR_SET_KEEPCAPS). */
int sys_keep_caps(bool is_kept, struct error *err);

/* permitted, effective, inheritable, then ambient. */
int sys_set_caps(const struct sys_caps *caps, struct error *err);

int sys_no_new_privs(struct error *err);

/*
 * The label that the next execve(2) gives, for AppArmor or SELinux; @proc_fd is a procfs of our own
 * (a file that an image put there must not get to know, nor swallow it).  -ENOTSUP if the kernel
 * has no such module.
 */
int sys_exec_label(int proc_fd, bool is_apparmor, const char *label, struct error *err);

/* A new session keyring of the container's own, so that it does not share the host's root's. */
int sys_session_keyring(const char *name, struct error *err);

struct sock_filter;
/*
 * Loads a filter; returns 0, or the notify fd if @flags has SECCOMP_FILTER_FLAG_NEW_LISTENER.
 * Recorded before it happens: afterwards write(2) may be forbidden.
 */
int sys_seccomp(const struct sock_filter *filter, unsigned short n, unsigned int flags,
		size_t n_syscalls, struct error *err);

/* execve(2); recorded before it happens.  Returns only on failure. */
int sys_exec(const char *path, char *const argv[], char *const envp[], struct error *err);
