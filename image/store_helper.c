/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sys_exe.h"
#include "image/signals.h"

#define MAX_ARGS 19

/* A helper under way. */
struct running {
	pid_t pid;
	int pidfd;
	int report;  /* the errno of an execve(2) that failed comes here */
	int signals; /* signalfd */
};

char *store_helper_path(const char *name)
{
	auto_free char *own = sys_exe_path();
	auto_free char *path = NULL;

	if (own)
		path = xasprintf("%.*s%s", (int)(path_base(own) - own), own, name);
	if (path && access(path, X_OK) == 0)
		return take_ptr(path);
	return xasprintf(MINICTR_LIBEXECDIR "/%s", name);
}

static int keep_over_exec(int fd)
{
	return fcntl(fd, F_SETFD, 0);
}

/* Nothing else of ours is open in it. */
static int arrange_fds(const struct store_helper *h)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || (h->input != 0 && dup2(null, 0) < 0) || dup2(null, 1) < 0)
		return -1;
	if (cloexec_from(3) < 0 || keep_over_exec(h->store->fd) < 0 || keep_over_exec(h->lock) < 0)
		return -1;
	if (h->output >= 0 && keep_over_exec(h->output) < 0)
		return -1;
	return keep_over_exec(h->input) < 0 || keep_over_exec(h->result) < 0 ? -1 : 0;
}

/*
 * The helper between fork and exec.  It ends with us: the question for the parent covers the moment
 * before the prctl(2).
 */
static _Noreturn void become_helper(const struct store_helper *h, char *const argv[], pid_t parent,
				    int report)
{
	char *const envp[] = { (char[]){ "LC_ALL=C" }, NULL };
	sigset_t none;
	int code;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (arrange_fds(h) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) {
		if (getppid() != parent)
			_exit(127);
		(void)execve(argv[0], argv, envp);
	}
	code = errno;
	(void)!write(report, &code, sizeof(code));
	_exit(127);
}

static int start(const struct store_helper *h, char *const argv[], struct running *r,
		 struct error *err)
{
	pid_t parent = getpid();
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe for '%s'", argv[0]);
	r->report = report[0];
	r->pid = fork();
	if (r->pid == 0)
		become_helper(h, argv, parent, report[1]);
	close_fd(&report[1]);
	if (r->pid < 0)
		return err_sys(err, "fork for '%s'", argv[0]);
	r->pidfd = pidfd_open(r->pid, 0);
	return 0;
}

/* Until the helper has ended: hands signals on. */
static void attend(const struct running *r, int *ret_signal)
{
	struct pollfd fds[] = {
		{ .fd = r->pidfd, .events = POLLIN },
		{ .fd = r->signals, .events = POLLIN },
	};

	while (r->pidfd >= 0 && r->signals >= 0 && !(fds[0].revents & POLLIN)) {
		struct signalfd_siginfo info;

		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return;
		if (!(fds[1].revents & POLLIN) ||
		    read(r->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
			continue;
		(void)pidfd_send_signal(r->pidfd, *ret_signal ? SIGKILL : (int)info.ssi_signo, NULL,
					0);
		if (*ret_signal == 0)
			*ret_signal = (int)info.ssi_signo;
	}
}

static int finish(const struct running *r, const char *path, int *ret_status, struct error *err)
{
	int code = 0;

	while (waitpid(r->pid, ret_status, 0) < 0 && errno == EINTR)
		;
	if (read(r->report, &code, sizeof(code)) == (ssize_t)sizeof(code))
		return err_set(err, code, "run '%s': %s", path, err_text(code));
	return 0;
}

#define MAX_NUMBERS 4

static void make_arguments(const struct store_helper *h, char *path, char numbers[MAX_NUMBERS][16],
			   char *argv[MAX_ARGS])
{
	static char load[] = "load", unwrap[] = "unwrap", quiet[] = "--quiet", pull[] = "--pull";
	static char others[] = "--for-others", verb[] = "--verb", end[] = "--";
	static char names[MAX_NUMBERS][16] = { "--store-fd", "--input-fd", "--result-fd",
					       "--output-fd" };
	const int fds[MAX_NUMBERS] = { h->store->fd, h->input, h->result, h->output };
	size_t n = 0;

	argv[n++] = path;
	argv[n++] = h->output < 0 ? load : unwrap;
	for (size_t i = 0; i < MAX_NUMBERS && fds[i] >= 0; i++) {
		(void)snprintf(numbers[i], sizeof(numbers[i]), "%d", fds[i]);
		argv[n++] = names[i];
		argv[n++] = numbers[i];
	}
	if (h->is_quiet)
		argv[n++] = quiet;
	if (h->is_pull)
		argv[n++] = pull;
	if (h->is_for_others)
		argv[n++] = others;
	argv[n++] = verb;
	argv[n++] = (char *)(uintptr_t)h->verb;
	argv[n++] = end;
	argv[n++] = (char *)(uintptr_t)h->name; /* execve(2) changes none of them */
	argv[n] = NULL;
}

int store_helper_run(const struct store_helper *helper, int *ret_status, int *ret_signal,
		     struct error *err)
{
	struct running r = { .pidfd = -1, .report = -1 };
	auto_free char *path = store_helper_path("minictr-image");
	char *argv[MAX_ARGS];
	char numbers[MAX_NUMBERS][16];
	sigset_t set;
	int rc;

	make_arguments(helper, path, numbers, argv);
	signals_heeded(&set);
	r.signals = signalfd(-1, &set, SFD_CLOEXEC);
	*ret_signal = 0;

	rc = start(helper, argv, &r, err);
	if (rc == 0) {
		attend(&r, ret_signal);
		rc = finish(&r, path, ret_status, err);
	}
	close_fd(&r.signals);
	close_fd(&r.report);
	close_fd(&r.pidfd);
	return rc;
}
