/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/forward.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"

static const int forwarded[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, SIGIO,
};

static sigset_t forwarded_set(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		(void)sigaddset(&set, forwarded[i]);
	return set;
}

int forward_block(struct error *err)
{
	sigset_t set = forwarded_set();

	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "block signals");
	return 0;
}

int forward_open(struct error *err)
{
	sigset_t set = forwarded_set();
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	return fd < 0 ? err_sys(err, "watch signals") : fd;
}

int forward_signals(int pidfd, struct error *err)
{
	auto_fd int fd = forward_open(err);
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};

	if (fd < 0)
		return fd;
	while (!fds[1].revents) {
		struct signalfd_siginfo info;
		struct error ignored;

		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for the container");
		while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			(void)proc_signal(pidfd, (int)info.ssi_signo, &ignored);
	}
	return 0;
}
