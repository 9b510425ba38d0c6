/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/macros.h"
#include "base/proc.h"
#include "engine/console.h"
#include "engine/pump.h"

/*
 * Output is carried by pumps.  Input is not: our standard input is shared with others, who would not
 * like it not to block, so it is read only when there is something.  What epoll(7) does not take, as
 * files and /dev/null, always has something, and is read whenever the process takes more.
 */
struct streams {
	const struct session *session;
	struct loop *loop;
	struct pump pumps[2];
	size_t n_pumps;
	int input; /* where what is read goes: a pipe or the terminal; -1: nowhere (any more) */
	bool is_file, is_writing;
	char buffer[4096];
	size_t begin, end;
	struct console console;
	bool has_ended;
	int exit_code;
	struct error failure;
};

static const int passed_on[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGIO, SIGWINCH, 0,
};

int session_block_signals(struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; passed_on[i]; i++)
		(void)sigaddset(&set, passed_on[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "block signals");
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void stop_if_done(struct streams *s)
{
	for (size_t i = 0; i < s->n_pumps; i++) {
		if (!s->pumps[i].has_ended)
			return;
	}
	if (s->has_ended)
		loop_stop(s->loop, 0);
}

static void on_pump_end(void *arg)
{
	stop_if_done(arg);
}

static void on_process_end(void *arg, uint32_t events)
{
	struct streams *s = arg;
	siginfo_t info = { 0 };

	(void)events;
	if (waitid(P_PIDFD, (id_t)s->session->pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return;
	loop_remove(s->loop, s->session->pidfd);
	s->has_ended = true;
	s->exit_code = proc_exit_code(info.si_code, info.si_status);
	/* Others whom it started may write on: nobody waits for them. */
	for (size_t i = 0; i < s->n_pumps; i++)
		pump_drain(&s->pumps[i]);
	stop_if_done(s);
}

/* ---- input ------------------------------------------------------------------------------------ */

static void on_readable(void *arg, uint32_t events);
static void on_writable(void *arg, uint32_t events);

static void end_input(struct streams *s)
{
	if (s->is_writing)
		loop_remove(s->loop, s->input);
	else
		loop_remove(s->loop, STDIN_FILENO);
	/* A pipe ends for its reader; a terminal does not end before its process. */
	close_fd(&s->input);
}

/* Waits for what is next: something to read, or room to write. */
static void switch_to(struct streams *s, bool is_writing)
{
	struct error ignored;
	int rc;

	if (s->is_writing == is_writing)
		return;
	loop_remove(s->loop, is_writing ? STDIN_FILENO : s->input);
	s->is_writing = is_writing;
	rc = is_writing ? loop_add(s->loop, s->input, EPOLLOUT, on_writable, s, &ignored)
			: loop_add(s->loop, STDIN_FILENO, EPOLLIN, on_readable, s, &ignored);
	if (rc < 0)
		close_fd(&s->input);
}

static bool read_some(struct streams *s)
{
	ssize_t n = read(STDIN_FILENO, s->buffer, sizeof(s->buffer));

	s->begin = 0;
	s->end = n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		end_input(s);
		return false;
	}
	return s->end > 0;
}

static void write_some(struct streams *s)
{
	ssize_t n = write(s->input, s->buffer + s->begin, s->end - s->begin);

	if (n > 0)
		s->begin += (size_t)n;
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		end_input(s);
	else
		switch_to(s, true);
	if (s->input >= 0)
		switch_to(s, s->is_file || s->begin < s->end);
}

static void on_readable(void *arg, uint32_t events)
{
	(void)events;
	if (read_some(arg))
		write_some(arg);
}

static void on_writable(void *arg, uint32_t events)
{
	struct streams *s = arg;

	(void)events;
	if (s->begin < s->end || read_some(s))
		write_some(s);
}

static int connect_input(struct streams *s, int to, struct error *err)
{
	int rc;

	if (!s->session->has_input || to < 0)
		return 0;
	s->input = to;
	rc = loop_add(s->loop, STDIN_FILENO, EPOLLIN, on_readable, s, err);
	if (rc != -EPERM)
		return rc;
	s->is_file = s->is_writing = true;
	return loop_add(s->loop, to, EPOLLOUT, on_writable, s, err);
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void on_signal(void *arg, int signal)
{
	struct streams *s = arg;
	struct error ignored;

	if (signal == SIGWINCH && s->session->terminal >= 0)
		console_copy_size(STDIN_FILENO, s->session->terminal);
	else if (!s->has_ended)
		(void)proc_signal(s->session->pidfd, signal, &ignored);
}

static int carry(struct streams *s, int from, int to, struct error *err)
{
	int rc;

	if (from < 0)
		return 0;
	rc = pump_start(&s->pumps[s->n_pumps], s->loop, from, to, on_pump_end, s, err);
	s->n_pumps += rc == 0;
	return rc;
}

/* A descriptor of its own for each watch of a loop. */
static int connect_terminal(struct streams *s, struct error *err)
{
	int terminal = s->session->terminal;
	int output = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
	int input = s->session->has_input ? fcntl(terminal, F_DUPFD_CLOEXEC, 3) : -1;
	int rc;

	if (output < 0 || fcntl(terminal, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_sys(err, "copy the terminal's descriptor");
	console_copy_size(STDIN_FILENO, terminal);
	if (s->session->has_input && isatty(STDIN_FILENO)) {
		s->console.fd = STDIN_FILENO;
		rc = console_make_raw(&s->console, err);
		if (rc < 0)
			return rc;
	}
	rc = connect_input(s, input, err);
	return rc < 0 ? rc : carry(s, output, STDOUT_FILENO, err);
}

static int connect_pipes(struct streams *s, struct error *err)
{
	int *pipes = s->session->pipes;
	int rc = connect_input(s, take_fd(&pipes[0]), err);

	if (rc == 0)
		rc = carry(s, take_fd(&pipes[1]), STDOUT_FILENO, err);
	return rc < 0 ? rc : carry(s, take_fd(&pipes[2]), STDERR_FILENO, err);
}

static int watch(struct streams *s, struct error *err)
{
	int rc = s->session->terminal >= 0 ? connect_terminal(s, err) : connect_pipes(s, err);

	if (rc == 0)
		rc = loop_signals(s->loop, passed_on, on_signal, s, err);
	if (rc == 0)
		rc = loop_add(s->loop, s->session->pidfd, EPOLLIN, on_process_end, s, err);
	return rc;
}

int session_run(const struct session *session, struct error *err)
{
	auto_loop struct loop *loop = loop_new(err);
	struct streams s = {
		.session = session,
		.loop = loop,
		.input = -1,
		.console.fd = -1,
	};
	int rc;

	if (!loop)
		return -err->code;
	rc = watch(&s, err);
	if (rc == 0)
		rc = loop_run(loop, err);
	console_restore(&s.console);
	for (size_t i = 0; i < s.n_pumps; i++)
		pump_stop(&s.pumps[i]);
	close_fd(&s.input);
	return rc < 0 ? rc : s.exit_code;
}
