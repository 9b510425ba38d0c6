/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fd.h"
#include "cgroups/cgroup.h"
#include "cgroups/limits.h"

/* Inside of cgroups/ only (and its unit tests). */

#define CGROUP_BIT(controller) (1U << (controller))

/* More v1 hierarchies with controllers than controllers there cannot be; v2's, and systemd's. */
#define CGROUP_HIERARCHIES (CGROUP_CONTROLLERS + 2)

/* Interface files are small; memory.stat and cgroup.procs of a big group are the long ones. */
#define CGROUP_FILE_MAX ((size_t)4 << 20)

struct cgroup_hierarchy {
	enum cgroup_version version;
	unsigned int controllers; /* CGROUP_BIT()s that live here */
	int fd;                   /* its root directory, O_PATH, owned */
	char *point;              /* where it is mounted, owned */
};

struct cgroup_host {
	unsigned int references; /* one of the opener, one of each struct cgroup */
	struct cgroup_hierarchy items[CGROUP_HIERARCHIES];
	size_t n;
	int of[CGROUP_CONTROLLERS]; /* index of a controller's hierarchy, -1: absent */
	int v2;                     /* index of the cgroup2 hierarchy, -1: none */
};

/* A group's directory in one hierarchy. */
struct cgroup_part {
	int fd;            /* O_PATH, owned; -1: not there */
	char *directory;   /* "/sys/fs/cgroup/memory/minictr/x", owned; NULL: not there */
	unsigned int made; /* as cgroup_tree_make() gave it */
};

struct cgroup {
	struct cgroup_host *host;                     /* a reference */
	char *path;                                   /* owned, no leading '/' */
	struct cgroup_part parts[CGROUP_HIERARCHIES]; /* by index of the hierarchy */

	/* Of a scope of systemd's: */
	char *unit;         /* its name, owned; else NULL */
	pid_t holder;       /* our child that keeps it alive until the container is in it; else 0 */
	int64_t pids_later; /* a limit that the holder would be in the way of; else 0 */
};

/* ---- cgroup.c */

struct cgroup *cgroup_new(const struct cgroup_host *host, const char *path);
int cgroup_plan(const struct cgroup_host *host, const struct cgroup_resources *resources,
		struct cgroup_writes *ret, struct error *err);

/* Makes what is missing of its directories and writes the limits; on failure nothing new is left. */
int cgroup_fill(struct cgroup *cgroup, const struct cgroup_resources *resources,
		const struct cgroup_writes *writes, struct error *err);

/* ---- scope.c */

/* Tells systemd what is going to be written, if the group is a scope of its. */
int cgroup_scope_update(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			struct error *err);

/* ---- controllers.c */

/*
 * cgroup_host_open() on a given mountinfo text.  With @is_checked each mount point is opened and
 * must be the file system that mountinfo says it is; unit tests switch that off to let temporary
 * directories stand in.
 */
int cgroup_host_open_text(const char *mountinfo, bool is_checked, struct cgroup_host **ret,
			  struct error *err);
void cgroup_host_add_systemd_text(struct cgroup_host *host, const char *mountinfo, bool is_checked);
struct cgroup_host *cgroup_host_ref(struct cgroup_host *host);

/* ---- tree.c: directories of one hierarchy */

/* Opens the directory @path below the hierarchy's root; a negative errno without text. */
int cgroup_tree_open(const struct cgroup_hierarchy *h, const char *path);

/*
 * Makes what is missing of @path and opens it (an O_PATH fd, owned by the caller).  *ret_made: the
 * depth of the first directory that is new, 0 if none is; valid after a failure too, when
 * cgroup_tree_unmake() takes them away again.
 */
int cgroup_tree_make(const struct cgroup_hierarchy *h, const char *path, unsigned int *ret_made,
		     struct error *err);
void cgroup_tree_unmake(const struct cgroup_hierarchy *h, const char *path, unsigned int made);

/*
 * Visits every group below @dir, each after those below itself; goes on after a failure and returns
 * the first.  If groups vanish meanwhile it may miss some: who needs all comes again.
 */
typedef int cgroup_tree_visit(const struct dir *parent, const char *name, const struct dir *dir,
			      void *arg, struct error *err);
int cgroup_tree_each(const struct dir *dir, cgroup_tree_visit *visit, void *arg, struct error *err);

/*
 * Tries once to remove @path and everything below it.  Returns 0 when it is gone, -EBUSY while
 * processes hold it, or another negative errno.
 */
int cgroup_tree_remove(const struct cgroup_hierarchy *h, const char *path, struct error *err);

/* ---- processes.c */

/* Adds the processes of the directory @fd and below it to *pids (heap, grown). */
struct cgroup_pid_list {
	pid_t *items; /* owned */
	size_t n, room;
};
int cgroup_tree_pids(const struct dir *dir, struct cgroup_pid_list *list, struct error *err);

/* ---- limits_apply.c */
int cgroup_writes_apply(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			struct error *err);

/* ---- shared */

/* The part in which @controller lives, or NULL if the group has none. */
const struct cgroup_part *cgroup_part_of(const struct cgroup *cgroup,
					 enum cgroup_controller controller);
/* The part whose processes stand for the whole group (kill, freeze, list), or NULL. */
const struct cgroup_part *cgroup_tracker(const struct cgroup *cgroup, enum cgroup_version *ret);
enum cgroup_version cgroup_part_version(const struct cgroup *cgroup,
					const struct cgroup_part *part);
struct dir cgroup_part_dir(const struct cgroup_part *part);

/* Reads an interface file; *ret is owned by the caller. */
int cgroup_read(const struct cgroup_part *part, const char *file, char **ret, struct error *err);

/* Waits between tries: 1 ms, doubled up to 100 ms, @total_us in all. */
#define CGROUP_PATIENCE_US 10000000
struct cgroup_patience {
	int64_t total_us;
	int64_t waited_us;
	int64_t next_us;
};
bool cgroup_wait_more(struct cgroup_patience *p);
