/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"

const struct cgroup_part *cgroup_tracker(const struct cgroup *cgroup, enum cgroup_version *ret)
{
	/* The freezer's hierarchy is v2 where there is one; pids stands in on odd v1 hosts. */
	static const enum cgroup_controller order[] = { CGROUP_FREEZER, CGROUP_PIDS, CGROUP_MEMORY,
							CGROUP_DEVICES, CGROUP_CPU };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct cgroup_part *part = cgroup_part_of(cgroup, order[i]);

		if (part) {
			*ret = cgroup_part_version(cgroup, part);
			return part;
		}
	}
	return NULL;
}

/* ---- list */

static void add_pids(struct cgroup_pid_list *list, const char *text)
{
	char *end;

	for (;; text = end) {
		long pid = strtol(text, &end, 10);

		if (end == text)
			return;
		if (pid <= 0)
			continue; /* v2 shows those outside of our pid namespace as 0 */
		if (list->n == list->room) {
			list->room = list->room ? list->room * 2 : 32;
			list->items = xrealloc(list->items, list->room, sizeof(*list->items));
		}
		list->items[list->n++] = (pid_t)pid;
	}
}

static int add_group(const struct dir *parent, const char *name, const struct dir *dir, void *arg,
		     struct error *err)
{
	auto_free char *text = NULL;
	int rc = file_read_at(dir, "cgroup.procs", CGROUP_FILE_MAX, &text, NULL, err);

	(void)parent;
	(void)name;
	/* Just removed; or a threaded group, whose processes its domain lists (cgroup-v2.rst). */
	if (rc == -ENODEV || rc == -ENOENT || rc == -EOPNOTSUPP)
		return 0;
	if (rc == 0)
		add_pids(arg, text);
	return rc;
}

int cgroup_tree_pids(const struct dir *dir, struct cgroup_pid_list *list, struct error *err)
{
	int rc = add_group(NULL, NULL, dir, list, err);

	return rc < 0 ? rc : cgroup_tree_each(dir, add_group, list, err);
}

int cgroup_pids(const struct cgroup *cgroup, pid_t **ret, size_t *ret_n, struct error *err)
{
	struct cgroup_pid_list list = { 0 };
	enum cgroup_version version;
	const struct cgroup_part *part = cgroup_tracker(cgroup, &version);
	int rc = 0;

	if (part) {
		const struct dir dir = cgroup_part_dir(part);

		rc = cgroup_tree_pids(&dir, &list, err);
	}
	if (rc < 0) {
		free(list.items);
		return err_wrap(err, "list processes of cgroup '%s'", cgroup->path);
	}
	*ret = list.items;
	*ret_n = list.n;
	return 0;
}

/* ---- freeze */

static const struct cgroup_part *freezer(const struct cgroup *cgroup, enum cgroup_version *ret)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, CGROUP_FREEZER);

	if (part)
		*ret = cgroup_part_version(cgroup, part);
	return part;
}

/* Whether the kernel is through with it: v1 "FREEZING" and v2 "frozen 0" are on the way. */
static int read_frozen(const struct cgroup_part *part, enum cgroup_version version, bool *ret,
		       struct error *err)
{
	auto_free char *text = NULL;
	int rc = cgroup_read(part, version == CGROUP_V2 ? "cgroup.events" : "freezer.state", &text,
			     err);

	if (rc < 0)
		return rc;
	*ret = version == CGROUP_V2 ? strstr(text, "frozen 1") != NULL : str_starts(text, "FROZEN");
	return 0;
}

/* v2: who is killed while it is frozen can leave it "frozen 0" for good, with nobody in it. */
static bool is_deserted(const struct cgroup_part *part, enum cgroup_version version)
{
	auto_free char *text = NULL;
	struct error ignored;

	return version == CGROUP_V2 && cgroup_read(part, "cgroup.events", &text, &ignored) == 0 &&
	       strstr(text, "populated 0");
}

static int write_frozen(const struct cgroup_part *part, enum cgroup_version version, bool is_frozen,
			struct error *err)
{
	const struct dir dir = cgroup_part_dir(part);

	if (version == CGROUP_V2)
		return sys_write_at(&dir, "cgroup.freeze", is_frozen ? "1" : "0", err);
	return sys_write_at(&dir, "freezer.state", is_frozen ? "FROZEN" : "THAWED", err);
}

static int wait_frozen(const struct cgroup *cgroup, const struct cgroup_part *part,
		       enum cgroup_version version, int64_t timeout_us, struct error *err)
{
	struct cgroup_patience patience = { .total_us = timeout_us };
	bool is_frozen;

	for (;;) {
		int rc = read_frozen(part, version, &is_frozen, err);

		if (rc < 0 || is_frozen || is_deserted(part, version))
			return rc;
		if (!cgroup_wait_more(&patience))
			return err_set(err, ETIMEDOUT,
				       "freeze cgroup '%s': a process does not stop within %lld ms",
				       cgroup->path, (long long)timeout_us / 1000);
		/*
		 * A v1 task that forked at the wrong moment is looked at again only when the state
		 * is written once more (cgroup-v1/freezer-subsystem.rst).
		 */
		if (version == CGROUP_V1)
			(void)write_frozen(part, version, true, err);
	}
}

static int freeze(const struct cgroup *cgroup, int64_t timeout_us, struct error *err)
{
	enum cgroup_version version = CGROUP_ABSENT;
	const struct cgroup_part *part = freezer(cgroup, &version);
	struct error ignored = { 0 };
	int rc;

	if (!part)
		return err_set(err, ENODEV, "freeze cgroup '%s': it has no freezer", cgroup->path);
	rc = write_frozen(part, version, true, err);
	if (rc == 0)
		rc = wait_frozen(cgroup, part, version, timeout_us, err);
	if (rc < 0)
		(void)write_frozen(part, version, false, &ignored);
	return rc;
}

static int thaw(const struct cgroup *cgroup, struct error *err)
{
	enum cgroup_version version = CGROUP_ABSENT;
	const struct cgroup_part *part = freezer(cgroup, &version);

	return part ? write_frozen(part, version, false, err) : 0;
}

int cgroup_freeze(const struct cgroup *cgroup, bool is_frozen, struct error *err)
{
	return is_frozen ? freeze(cgroup, CGROUP_PATIENCE_US, err) : thaw(cgroup, err);
}

int cgroup_is_frozen(const struct cgroup *cgroup, bool *ret, struct error *err)
{
	enum cgroup_version version = CGROUP_ABSENT;
	const struct cgroup_part *part = freezer(cgroup, &version);

	if (!part) {
		*ret = false;
		return 0;
	}
	return read_frozen(part, version, ret, err);
}

/* ---- signal */

static int signal_pid(pid_t pid, int signal, struct error *err)
{
	auto_fd int fd = pidfd_open(pid, 0);

	if (fd < 0 || pidfd_send_signal(fd, signal, NULL, 0) < 0) {
		if (errno == ESRCH || errno == EINVAL)
			return 0; /* ended, or a thread that is no process any more */
		return err_sys(err, "signal process %d", pid);
	}
	return 0;
}

static int signal_each(const struct cgroup *cgroup, int signal, size_t *ret_n, struct error *err)
{
	auto_free pid_t *pids = NULL;
	int rc = cgroup_pids(cgroup, &pids, ret_n, err);

	for (size_t i = 0; rc == 0 && i < *ret_n; i++)
		rc = signal_pid(pids[i], signal, err);
	return rc;
}

/*
 * A list of processes that fork and end all the time is never whole: who is found has been collected
 * when its number is asked for, and whom it has forked was not there yet when the last one was
 * found.  So an empty list means little.
 *
 * While it is frozen nothing forks, so one round reaches all, and a list is whole.  Frozen v1
 * processes ignore even SIGKILL: it works when they thaw.
 */
static int kill_frozen(const struct cgroup *cgroup, bool *ret_is_frozen, size_t *ret_n,
		       struct error *err)
{
	enum { FREEZE_US = 200000 };
	struct error ignored = { 0 };
	int rc;

	/* A group that cannot be frozen is killed all the same, in more rounds. */
	*ret_is_frozen = freeze(cgroup, FREEZE_US, &ignored) == 0;
	rc = signal_each(cgroup, SIGKILL, ret_n, err);
	if (*ret_is_frozen)
		(void)thaw(cgroup, &ignored);
	return rc;
}

static int kill_rounds(const struct cgroup *cgroup, struct error *err)
{
	enum { ENOUGH = 5 }; /* lists in a row that were empty, if it cannot be frozen */
	struct cgroup_patience patience = { .total_us = CGROUP_PATIENCE_US };
	int n_empty = 0;

	for (;;) {
		bool is_frozen = false;
		size_t n = 0;
		int rc = kill_frozen(cgroup, &is_frozen, &n, err);

		n_empty = n ? 0 : n_empty + 1;
		if (rc < 0 || (n == 0 && (is_frozen || n_empty == ENOUGH)))
			return rc;
		if (!cgroup_wait_more(&patience))
			return err_set(err, ETIMEDOUT,
				       "kill cgroup '%s': %zu processes are still there after %d s",
				       cgroup->path, n, CGROUP_PATIENCE_US / 1000000);
	}
}

/*
 * The kernel (6.18) looks for a process, and only then signals it: what that one forks in between,
 * as the last one that is looked at, is missed.  So whoever is left a moment later is killed again.
 * Since Linux 5.14; 0: there is no such file.
 */
static int kill_at_once(const struct cgroup *cgroup, const struct cgroup_part *part,
			struct error *err)
{
	enum { PATIENCE_US = 500000 };
	struct cgroup_patience patience = { .total_us = PATIENCE_US };
	const struct dir dir = cgroup_part_dir(part);

	for (;;) {
		auto_free char *events = NULL;
		int rc = sys_write_at(&dir, "cgroup.kill", "1", err);

		if (rc == -ENOENT || rc == -EOPNOTSUPP)
			return 0;
		if (rc == 0)
			rc = cgroup_read(part, "cgroup.events", &events, err);
		/* -ENODEV: the group has just been removed. */
		if (rc < 0)
			return rc == -ENODEV ? 1 : err_wrap(err, "kill cgroup '%s'", cgroup->path);
		/* Who has not ended by then is busy in the kernel, and forks no more. */
		if (!strstr(events, "populated 1") || !cgroup_wait_more(&patience))
			return 1;
	}
}

int cgroup_signal_all(const struct cgroup *cgroup, int signal, struct error *err)
{
	enum cgroup_version version = CGROUP_ABSENT;
	const struct cgroup_part *part = cgroup_tracker(cgroup, &version);
	size_t n = 0;

	if (!part)
		return 0;
	if (signal != SIGKILL)
		return signal_each(cgroup, signal, &n, err);
	if (version == CGROUP_V2) {
		int rc = kill_at_once(cgroup, part, err);

		if (rc != 0)
			return MIN(rc, 0);
	}
	return kill_rounds(cgroup, err);
}
