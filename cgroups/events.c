/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/stats_parse.h"

static int add_kills(const struct dir *dir, const char *file, uint64_t *sum, struct error *err)
{
	auto_free char *text = NULL;
	uint64_t value;
	int rc = file_read_at(dir, file, CGROUP_FILE_MAX, &text, NULL, err);

	if (rc == -ENOENT)
		return 0; /* the controller is not enabled here: it kills nobody */
	if (rc < 0)
		return rc;
	if (cgroup_key_value(text, "oom_kill", &value))
		*sum += value;
	return 0;
}

static int add_kills_below(const struct dir *parent, const char *name, const struct dir *dir,
			   void *arg, struct error *err)
{
	struct error gone = { 0 };

	(void)parent;
	(void)name;
	(void)err;
	(void)add_kills(dir, "memory.oom_control", arg, &gone);
	return 0;
}

int cgroup_oom_kills(const struct cgroup *cgroup, uint64_t *ret, struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, CGROUP_MEMORY);
	uint64_t sum = 0;
	struct dir dir;
	int rc;

	if (!part) {
		*ret = 0;
		return 0;
	}
	dir = cgroup_part_dir(part);
	if (cgroup_part_version(cgroup, part) == CGROUP_V2) {
		rc = add_kills(&dir, "memory.events", &sum, err);
	} else {
		/* v1 counts each group for itself (memory_events are not passed up there). */
		rc = add_kills(&dir, "memory.oom_control", &sum, err);
		if (rc == 0)
			rc = cgroup_tree_each(&dir, add_kills_below, &sum, err);
	}
	if (rc < 0)
		return err_wrap(err, "count oom kills of cgroup '%s'", cgroup->path);
	*ret = sum;
	return 0;
}

static int watch_v2(const struct dir *dir, struct error *err)
{
	auto_fd int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	auto_fd int fd = openat(dir->fd, "memory.events", O_PATH | O_CLOEXEC | O_NOFOLLOW);
	char path[32];

	/* inotify takes a path only: that of the open file, which nobody can exchange. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (watch_fd < 0 || fd < 0 || inotify_add_watch(watch_fd, path, IN_MODIFY) < 0)
		return err_sys(err, "watch '%s/memory.events'", dir->path);
	return take_fd(&watch_fd);
}

/* cgroup-v1/memory.rst, 10. "OOM Control"; the registration outlives the control file's fd. */
static int watch_v1(const struct dir *dir, struct error *err)
{
	auto_fd int watch_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	auto_fd int fd = openat(dir->fd, "memory.oom_control", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[32];
	int rc;

	if (watch_fd < 0 || fd < 0)
		return err_sys(err, "watch '%s/memory.oom_control'", dir->path);
	(void)snprintf(text, sizeof(text), "%d %d", watch_fd, fd);
	rc = sys_write_at(dir, "cgroup.event_control", text, err);
	return rc < 0 ? rc : take_fd(&watch_fd);
}

int cgroup_oom_watch(const struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, CGROUP_MEMORY);
	struct dir dir;

	if (!part)
		return err_set(err, ENODEV, "watch cgroup '%s': it has no 'memory' controller",
			       cgroup->path);
	dir = cgroup_part_dir(part);
	return cgroup_part_version(cgroup, part) == CGROUP_V2 ? watch_v2(&dir, err)
							      : watch_v1(&dir, err);
}
