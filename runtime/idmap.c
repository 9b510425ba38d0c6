/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/sys_ns.h"
#include "runtime/namespaces.h"
#include "runtime/plan.h"

static int write_map(const struct dir *proc, const char *file, const struct spec_id_map *maps,
		     size_t n, struct error *err)
{
	auto_str struct str text = { 0 };

	namespace_id_map(maps, n, &text);
	return sys_write_at(proc, file, text.text, err);
}

static int map_and_open(pid_t pid, const struct plan_mount *m, struct error *err)
{
	auto_free char *path = xasprintf("/proc/%d", pid);
	auto_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dir proc = { .fd = fd, .path = path };
	int user_ns;
	int rc;

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	rc = write_map(&proc, "uid_map", m->uid_maps, m->n_uid_maps, err);
	if (rc == 0)
		rc = write_map(&proc, "gid_map", m->gid_maps, m->n_gid_maps, err);
	if (rc < 0)
		return rc;
	user_ns = openat(fd, "ns/user", O_RDONLY | O_CLOEXEC);
	return user_ns < 0 ? err_sys(err, "open '%s/ns/user'", path) : user_ns;
}

/* A namespace begins with a process in it, which has nothing to do but to be there. */
int idmap_open(const struct plan_mount *mount, struct error *err)
{
	const struct sys_clone clone = {
		.namespaces = CLONE_NEWUSER,
		.cgroup_fd = -1,
		.pid_ns = -1,
	};
	auto_fd int pidfd = -1;
	struct error ignored;
	pid_t pid = sys_clone(&clone, &pidfd, err);
	int fd;

	if (pid < 0)
		return pid;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			(void)pause();
	}
	fd = map_and_open(pid, mount, err);
	(void)proc_signal(pidfd, SIGKILL, &ignored);
	while (waitid(P_PIDFD, (id_t)pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 && errno == EINTR)
		;
	return fd;
}
