/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/clone.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/step.h"
#include "base/sys_cred.h"
#include "cgroups/cgroup.h"
#include "runtime/sync.h"

/* 0 in init, else the end of the process in between. */
static pid_t pass_on(const struct clone_job *job, struct error *err)
{
	const struct sys_clone clone = {
		.namespaces = job->clone.namespaces,
		.cgroup_fd = -1,
		.pid_ns = -1,
		.is_sibling = true,
	};
	auto_fd int pidfd = -1;
	pid_t pid;
	int rc;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	step_acting_as(STEP_INIT);
	rc = cgroup_join_self(job->cgroup, err);
	if (rc == 0)
		rc = sys_setns(job->user_ns, CLONE_NEWUSER, job->user_ns_name, err);
	if (rc == 0)
		rc = sys_become_root(err);
	/* A change of ids resets it to the value of fs.suid_dumpable. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (rc < 0)
		return rc;
	pid = sys_clone(&clone, &pidfd, err);
	if (pid > 0)
		rc = sync_send(job->sock, SYNC_CLONED, pidfd, err);
	return pid > 0 && rc < 0 ? rc : pid;
}

static void wait_for(int pidfd)
{
	while (waitid(P_PIDFD, (id_t)pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 && errno == EINTR)
		;
}

pid_t clone_init(const struct clone_job *job, int creator_sock, int *ret_pidfd, struct error *err)
{
	struct sys_clone between = {
		.cgroup_fd = job->clone.cgroup_fd,
		.pid_ns = job->clone.pid_ns,
		.pid_ns_name = job->clone.pid_ns_name,
	};
	auto_fd int between_fd = -1;
	auto_fd int pidfd = -1;
	pid_t pid;
	int rc;

	if (job->user_ns < 0)
		return sys_clone(&job->clone, ret_pidfd, err);
	pid = sys_clone(&between, &between_fd, err);
	if (pid == 0) {
		pid = pass_on(job, err);
		if (pid == 0)
			return 0;
		if (pid < 0)
			sync_send_error(job->sock, err);
		_exit(0);
	}
	if (pid < 0)
		return pid;
	rc = sync_expect(creator_sock, SYNC_CLONED, &pidfd, err);
	/* It has our lock as well: nobody may find that held when we have let go. */
	wait_for(between_fd);
	if (rc < 0)
		return rc;
	pid = proc_pid_of(pidfd, err);
	if (pid > 0)
		*ret_pidfd = take_fd(&pidfd);
	return pid;
}
