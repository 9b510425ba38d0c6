/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "cli/forward.h"

enum { FD_INPUT, FD_MASTER, FD_SIGNALS, FD_PROCESS, FDS };

static void copy_size(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

/* What was typed and has not gone to the program yet: it may not read, and write meanwhile. */
struct typed {
	char buf[4096];
	size_t at, len;
};

/* False at the end of our input. */
static bool read_input(struct typed *typed)
{
	ssize_t n = read(STDIN_FILENO, typed->buf, sizeof(typed->buf));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	typed->at = 0;
	typed->len = (size_t)n;
	return n > 0;
}

static void write_input(struct typed *typed, int master)
{
	ssize_t n = write(master, typed->buf + typed->at, typed->len - typed->at);

	if (n > 0)
		typed->at += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		typed->at = typed->len;
}

static bool write_output(const char *data, size_t len)
{
	while (len) {
		struct pollfd room = { .fd = STDOUT_FILENO, .events = POLLOUT };
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EAGAIN)
			(void)poll(&room, 1, -1);
		else if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* False at its end (EIO: nobody has the terminal's other end open). */
static bool copy_output(int master)
{
	char buf[16384];
	ssize_t n = read(master, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	return n > 0 && write_output(buf, (size_t)n);
}

static void take_signals(int signals, int master, int pidfd)
{
	struct signalfd_siginfo info;
	struct error ignored;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			copy_size(master);
		else
			(void)proc_signal(pidfd, (int)info.ssi_signo, &ignored);
	}
}

static int relay(int master, int signals, int pidfd, struct error *err)
{
	struct typed typed = { .len = 0 };
	bool has_input = true, has_output = true, has_ended = false;

	for (;;) {
		bool is_full = typed.at < typed.len;
		struct pollfd fds[FDS] = {
			[FD_INPUT] = { .fd = has_input && !has_ended && !is_full ? STDIN_FILENO
										 : -1,
				       .events = POLLIN },
			[FD_MASTER] = { .fd = has_output ? master : -1,
					.events = POLLIN | (is_full && !has_ended ? POLLOUT : 0) },
			[FD_SIGNALS] = { .fd = has_ended ? -1 : signals, .events = POLLIN },
			[FD_PROCESS] = { .fd = has_ended ? -1 : pidfd, .events = POLLIN },
		};
		/* After its end, as long as there is something to read at once. */
		int n = poll(fds, FDS, has_ended ? 0 : -1);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "relay a terminal");
		if (n == 0)
			return 0;
		if (n < 0)
			continue;
		if (fds[FD_SIGNALS].revents)
			take_signals(signals, master, pidfd);
		if (fds[FD_INPUT].revents)
			has_input = read_input(&typed);
		if (fds[FD_MASTER].revents & POLLOUT)
			write_input(&typed, master);
		if (fds[FD_MASTER].revents & ~POLLOUT)
			has_output = copy_output(master);
		if (fds[FD_PROCESS].revents)
			has_ended = true;
	}
}

int relay_terminal(int master, int pidfd, struct error *err)
{
	auto_fd int signals = forward_open(err);
	struct termios before, raw;
	bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	int rc;

	if (signals < 0)
		return signals;
	if (is_terminal) {
		copy_size(master);
		raw = before;
		cfmakeraw(&raw);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	rc = relay(master, signals, pidfd, err);
	if (is_terminal)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	return rc;
}
