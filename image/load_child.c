/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "image/load_internal.h"

static bool is_kept(int fd, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] == fd)
			return true;
	}
	return false;
}

/* What the keeper has open leads out of the directory that the child is shut in. */
static int close_others(const int *fds, size_t n)
{
	int highest = 2;

	for (size_t i = 0; i < n; i++)
		highest = MAX(highest, fds[i]);
	for (int fd = 3; fd < highest; fd++) {
		if (!is_kept(fd, fds, n))
			(void)close(fd);
	}
	return close_range((unsigned int)highest + 1, UINT_MAX, 0);
}

static _Noreturn void live(const int *fds, size_t n, pid_t parent,
			   int (*run)(void *arg, int sock, struct error *err), void *arg, int sock)
{
	struct error err = { 0 };
	sigset_t none;
	int rc;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || close_others(fds, n) < 0)
		_exit(1);
	rc = run(arg, sock, &err);
	if (rc < 0)
		load_send_failure(sock, &err);
	_exit(rc < 0);
}

#define KEPT_MAX 8

int load_child_start(struct load_child *child, const int *fds, size_t n_fds,
		     int (*run)(void *arg, int sock, struct error *err), void *arg,
		     struct error *err)
{
	int kept[KEPT_MAX] = { 0 };
	pid_t parent = getpid();
	int pair[2];
	pid_t pid;
	int rc = sock_pair(pair, err);

	if (rc < 0)
		return rc;
	memcpy(kept, fds, n_fds * sizeof(*fds));
	kept[n_fds] = pair[1];
	pid = fork();
	if (pid == 0)
		live(kept, n_fds + 1, parent, run, arg, pair[1]);
	if (pid < 0)
		rc = err_sys(err, "fork");
	close_fd(&pair[1]);
	if (rc < 0) {
		close_fd(&pair[0]);
		return rc;
	}
	*child = (struct load_child){ .pid = pid, .sock = pair[0] };
	return 0;
}

static int reap(struct load_child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
	close_fd(&child->sock);
	return status;
}

static bool let_go(struct load_child *child)
{
	if (child->pid != LOAD_FOREIGN)
		return false;
	child->pid = 0;
	close_fd(&child->sock);
	return true;
}

void load_child_kill(struct load_child *child)
{
	if (let_go(child) || child->pid <= 0)
		return;
	(void)kill(child->pid, SIGKILL);
	(void)reap(child);
}

int load_child_wait(struct load_child *child, const char *who, struct error *err)
{
	int status;

	if (let_go(child))
		return 0;
	/* It has nothing more to say; one that does not end by itself is not waited for. */
	(void)kill(child->pid, SIGKILL);
	status = reap(child);

	if (WIFSIGNALED(status))
		return err_set(err, EIO, "the %s was killed by signal %d (%s)", who,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return err_set(err, EIO, "the %s ended with status %d", who, WEXITSTATUS(status));
	return 0;
}
