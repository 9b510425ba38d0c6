/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Where control groups live on this host, and one container's groups in them.
 *
 * A host has one cgroup2 mount, or v1 hierarchies, or both ("hybrid": v2 at
 * /sys/fs/cgroup/unified with few controllers).  Each controller is found where it lives; callers
 * do not know which.  Truth is /proc/self/mountinfo and the file system's magic, never the
 * existence of a directory: /sys/fs/cgroup may be a plain writable tmpfs.
 *
 * Source: cgroup-v2.rst; cgroup-v1/; runtime-spec config-linux.md "Control groups".
 */

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_PIDS,
	CGROUP_IO,      /* v1: blkio */
	CGROUP_DEVICES, /* v2: BPF, always there */
	CGROUP_FREEZER, /* v2: cgroup.freeze, always there */
	CGROUP_HUGETLB,
	CGROUP_RDMA,
	CGROUP_CPUACCT, /* v1 only; v2: part of the core */
	CGROUP_CONTROLLERS,
};

enum cgroup_version { CGROUP_ABSENT, CGROUP_V1, CGROUP_V2 };

struct cgroup_host; /* mounts and open root fds; opaque */

/* Looks at the host once (mountinfo, /proc/cgroups).  Caller frees. */
int cgroup_host_open(struct cgroup_host **ret, struct error *err);
/*
 * The same by what cgroup_mounts_text() has told before, without reading all mounts, of which there
 * may be thousands.  -ESTALE if something of it is no longer so.
 */
int cgroup_host_open_known(const char *mounts, struct cgroup_host **ret, struct error *err);

/* All its hierarchies, for that; NULL if they cannot be told.  Caller frees. */
char *cgroup_mounts_text(const struct cgroup_host *host);
void cgroup_host_free(struct cgroup_host *host); /* NULL is fine */
void cgroup_host_freep(struct cgroup_host **host);
#define auto_cgroup_host __attribute__((cleanup(cgroup_host_freep)))

/*
 * The hierarchy in which systemd follows its units where not all is v2 (v1's "name=systemd"), for
 * groups that are scopes of its: cgroup_open() and the like then have it, too.
 */
int cgroup_host_add_systemd(struct cgroup_host *host, struct error *err);

enum cgroup_version cgroup_host_controller(const struct cgroup_host *host,
					   enum cgroup_controller controller);
bool cgroup_host_is_unified(const struct cgroup_host *host); /* pure v2 */
const char *cgroup_controller_name(enum cgroup_controller controller);

/*
 * Checks and cleans a container's cgroup path: absolute (as OCI cgroupsPath) or relative to
 * "/minictr".  ".." and the hierarchy's root are refused.  *ret (owned by the caller) has no
 * leading '/'.  Pure.
 */
int cgroup_path_clean(const char *cgroups_path, char **ret, struct error *err);

struct cgroup_resources;
struct cgroup; /* one container's group in every hierarchy it needs; opaque */

/*
 * Makes the directories of @path (as cgroup_path_clean() gave it) in each hierarchy that the
 * container needs, enables controllers along the path (v2), writes the limits.  Needed are: on v1
 * devices, pids, memory, cpu, cpuacct, the freezer if there is no v2 beside, and whatever
 * @resources set; on v2 the one directory, which on hybrid hosts serves to kill and freeze.
 * A cgroup that exists with processes in it or below, and so ours too, is refused (-EBUSY); an
 * empty one is used as it is.
 * A limit whose controller the host lacks is -ENODEV naming the controller.
 * On failure nothing is left.  The caller frees (which does not destroy).
 */
int cgroup_create(const struct cgroup_host *host, const char *path,
		  const struct cgroup_resources *resources, struct cgroup **ret, struct error *err);

/*
 * The same refusal (-EBUSY) beforehand, for who writes down that all in @path is going to be his own,
 * to be ended should he die.
 */
int cgroup_check_unused(const struct cgroup_host *host, const char *path, struct error *err);

/*
 * The groups of @path (as for cgroup_create()) that exist, for kill, stats, destroy, after a crash
 * too.  That none does is no error: then there is nothing to kill or destroy.
 */
int cgroup_open(const struct cgroup_host *host, const char *path, struct cgroup **ret,
		struct error *err);
void cgroup_free(struct cgroup *cgroup);
void cgroup_freep(struct cgroup **cgroup);
#define auto_cgroup __attribute__((cleanup(cgroup_freep)))

/*
 * A group of its own below @parent for some of its processes, so that they can be ended together
 * with all that they started: cgroup_signal_all(), cgroup_pids() and cgroup_destroy() see these
 * alone.  Only the hierarchy that serves for that gets a directory; limits and statistics are the
 * parent's.  -EEXIST if there is one of that name.  To be freed and destroyed as any other.
 */
int cgroup_create_below(const struct cgroup *parent, const char *name, struct cgroup **ret,
			struct error *err);

/*
 * The v2 directory for clone3(CLONE_INTO_CGROUP), borrowed; -1 if v2 has no group of ours.
 *
 * Who puts a process in by clone3 (v2) and cgroup_join_self() (v1) has to do both.  A cgroup
 * namespace is made afterwards, by unshare(CLONE_NEWCGROUP): its root is where the process is at
 * that moment, and with clone3(CLONE_NEWCGROUP) that is still the parent's cgroup.
 */
int cgroup_v2_fd(const struct cgroup *cgroup);

/*
 * Called by the container's init itself (single-threaded) right after clone3: joins the v1 groups
 * by writing "0" to their `tasks`, which avoids the threadgroup lock that `cgroup.procs` waits for
 * (0.08 ms instead of up to 16 ms).  Nothing to do on pure v2.
 */
int cgroup_join_self(const struct cgroup *cgroup, struct error *err);

/* Moves another process in, everywhere (v2: cgroup.procs). */
int cgroup_join_pid(const struct cgroup *cgroup, pid_t pid, struct error *err);

/*
 * Writes changed limits to a live group; what is absent or 0 stays.  Device rules are left alone,
 * as runc does: Kubernetes sends a "deny all" with each update.  A controller that the group did
 * without until now gets its directory, and the processes are moved in.
 */
int cgroup_update(struct cgroup *cgroup, const struct cgroup_resources *resources,
		  struct error *err);

/* The v2 group that the process @pid is in, for clone3(CLONE_INTO_CGROUP); the caller owns the fd. */
int cgroup_v2_open_of(const struct cgroup_host *host, pid_t pid, struct error *err);

int cgroup_freeze(const struct cgroup *cgroup, bool is_frozen, struct error *err);
int cgroup_is_frozen(const struct cgroup *cgroup, bool *ret, struct error *err);

/* All processes in the group and below it. */
int cgroup_pids(const struct cgroup *cgroup, pid_t **ret, size_t *ret_n, struct error *err);

/*
 * Signals every process in the group and below.  SIGKILL uses cgroup.kill where it exists, and
 * again for half a second while somebody is left; else it freezes, signals through pidfds, thaws,
 * until the group is empty.
 */
int cgroup_signal_all(const struct cgroup *cgroup, int signal, struct error *err);

/*
 * Removes the directories in every hierarchy, those below too; waits (bounded, 10 s) while the
 * kernel says EBUSY for dying processes.  Missing ones are fine.  Goes on after a failure and
 * returns the first.  Of a scope (cgroups/scope.h) systemd ends its unit first.
 */
int cgroup_destroy(const struct cgroup *cgroup, struct error *err);

/* One try at that, without waiting: -EBUSY while there are processes in it. */
int cgroup_remove(const struct cgroup *cgroup, struct error *err);

/* Its path in each hierarchy, without a leading '/'.  Borrowed. */
const char *cgroup_path(const struct cgroup *cgroup);

/* True if it has a directory in each hierarchy in which @other has one. */
bool cgroup_is_whole(const struct cgroup *cgroup, const struct cgroup *other);

/* "memory:/sys/fs/cgroup/memory/minictr/x" ...: directory of each controller, for state files
 * and people.  A NULL result means the controller has none.  Borrowed. */
const char *cgroup_directory(const struct cgroup *cgroup, enum cgroup_controller controller);

/* True if the host has v2 alone: a container's /sys/fs/cgroup is one mount of it. */
bool cgroup_is_unified(const struct cgroup *cgroup);

/*
 * The mount options of the v1 hierarchy that @controller lives in, "cpu,cpuacct": what a mount of
 * type "cgroup" names it by.  NULL if the group has no directory there or it is not v1; the caller
 * frees.
 */
char *cgroup_v1_options(const struct cgroup *cgroup, enum cgroup_controller controller);
