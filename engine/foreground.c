/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/step.h"
#include "engine/control.h"
#include "engine/options.h"
#include "engine/pump.h"
#include "engine/reconcile.h"
#include "engine/supervisor.h"

/* The side of the command; the head of supervisor.c tells the whole. */
struct foreground {
	struct supervisor_job job;
	bool is_interactive; /* standard input is the container's */
	pid_t supervisor;
	int control;
	int signals;
	int input; /* where what is typed goes: a pipe, or the terminal's master; -1: nowhere */
	bool has_input; /* standard input has not come to its end */
	char buffer[4096];
	size_t begin, end; /* of what is in it and not yet written */
	bool has_started;
	int cancelled; /* the signal that ended it before it had started */
	bool is_over;
	bool is_left; /* the supervisor goes on without us */
	int exit_code;
};

static const int passed_on[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, SIGIO,
};

static int block_signals(struct foreground *f, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(passed_on); i++)
		(void)sigaddset(&set, passed_on[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "block signals");
	f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signals < 0)
		return err_sys(err, "watch signals");
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* ---- standard input --------------------------------------------------------------------------- */

static int prepare_input(struct foreground *f, struct error *err)
{
	const struct run_options *o = &f->job.record.options;

	if (o->has_tty && f->is_interactive && !isatty(STDIN_FILENO))
		return err_set(err, ENOTTY, "-i with -t: the standard input is not a terminal");
	if (o->has_tty) {
		int fd = isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO;

		console_size(fd, &f->job.columns, &f->job.rows);
		if (f->is_interactive)
			f->job.console.fd = STDIN_FILENO;
		return f->job.console.fd >= 0 ? console_make_raw(&f->job.console, err) : 0;
	}
	if (!f->is_interactive)
		return 0;
	return pump_pipe(true, &f->job.stdin_read, &f->job.stdin_write, err);
}

static void end_input(struct foreground *f)
{
	f->has_input = false;
	/* A pipe ends for its reader; a terminal does not end before its container. */
	if (!f->job.record.options.has_tty)
		close_fd(&f->input);
}

static void read_input(struct foreground *f)
{
	ssize_t n = read(STDIN_FILENO, f->buffer, sizeof(f->buffer));

	f->begin = 0;
	f->end = n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		end_input(f);
}

static void write_input(struct foreground *f)
{
	ssize_t n = write(f->input, f->buffer + f->begin, f->end - f->begin);

	if (n > 0)
		f->begin += (size_t)n;
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		end_input(f);
	if (!f->has_input)
		f->begin = f->end = 0;
}

/* ---- waiting ---------------------------------------------------------------------------------- */

/* Those that ask a command to end. */
static bool is_cancelling(uint32_t signal)
{
	return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

/*
 * The container is still being made, and nobody there to be signalled.  Its supervisor may wait for
 * something; as what it has made is found again, it need not be asked.
 */
static void cancel(struct foreground *f, int signal)
{
	f->cancelled = signal;
	(void)kill(f->supervisor, SIGKILL);
}

static void pass_signals(struct foreground *f)
{
	struct signalfd_siginfo info;
	struct error ignored;

	while (read(f->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		const struct control_message message = {
			.type = CONTROL_SIGNAL,
			.value = (int32_t)info.ssi_signo,
		};

		if (info.ssi_signo == SIGWINCH && f->job.record.options.has_tty)
			console_copy_size(STDIN_FILENO, f->input);
		else if (!f->has_started && is_cancelling(info.ssi_signo))
			cancel(f, (int)info.ssi_signo);
		else
			(void)control_send(f->control, &message, -1, &ignored);
	}
}

static void on_started(struct foreground *f, int *fd)
{
	f->has_started = true;
	f->is_over = !f->job.is_attached;
	if (*fd < 0)
		return;
	/* The window may have changed since the container's terminal got its size. */
	console_copy_size(STDIN_FILENO, *fd);
	f->input = take_fd(fd);
	f->has_input = f->is_interactive;
}

static int on_message(struct foreground *f, struct str *ret_remark, struct error *err)
{
	struct control_message message;
	auto_fd int fd = -1;
	int rc = control_receive(f->control, &message, &fd, err);

	if (rc < 0)
		return rc;
	switch (message.type) {
	case CONTROL_STARTED:
		on_started(f, &fd);
		return 0;
	case CONTROL_EXIT:
	case CONTROL_LEFT:
		f->is_left = message.type == CONTROL_LEFT;
		str_add(ret_remark, message.error.msg);
		f->exit_code = message.value;
		f->is_over = true;
		return 0;
	case CONTROL_ERROR:
		f->is_over = true;
		*err = message.error;
		return -(err->code ? err->code : EIO);
	default:
		return err_set(err, EPROTO, "message %u from the supervisor", message.type);
	}
}

static int attend(struct foreground *f, struct str *ret_remark, struct error *err)
{
	while (!f->is_over) {
		bool is_full = f->begin < f->end;
		struct pollfd fds[] = {
			{ .fd = f->control, .events = POLLIN },
			{ .fd = f->signals, .events = POLLIN },
			{ .fd = f->has_input && !is_full ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = is_full ? f->input : -1, .events = POLLOUT },
		};
		int rc = 0;

		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for the container");
		if (fds[1].revents)
			pass_signals(f);
		if (fds[2].revents)
			read_input(f);
		if (fds[3].revents)
			write_input(f);
		if (fds[0].revents)
			rc = on_message(f, ret_remark, err);
		if (rc < 0)
			return rc;
	}
	return f->exit_code;
}

/* ---- the whole -------------------------------------------------------------------------------- */

/* Nobody came to look after it.  One that is started again stays. */
static void unclaim(struct foreground *f)
{
	struct error ignored;

	if (!f->job.is_again)
		(void)record_remove(f->job.dirs, f->job.record.name, &ignored);
}

static int fork_supervisor(struct foreground *f, struct error *err)
{
	int pair[2];
	int rc = sock_pair(pair, err);

	if (rc < 0) {
		unclaim(f);
		return rc;
	}
	f->job.command_control = f->control = pair[0];
	f->job.control = pair[1];
	f->supervisor = fork();
	if (f->supervisor < 0) {
		rc = err_sys(err, "fork the supervisor");
		unclaim(f);
	}
	if (f->supervisor == 0)
		supervisor_run(&f->job);
	/* The lock is the supervisor's alone. */
	record_place_close(&f->job.place);
	close_fd(&pair[1]);
	close_fd(&f->job.stdin_read);
	f->input = f->job.stdin_write;
	f->has_input = f->input >= 0;
	return rc;
}

/* It ended without a word: whatever it had made has to be released here. */
static int on_supervisor_death(struct foreground *f, struct error *err)
{
	const char *name = f->job.record.name;
	struct error later;
	int rc = f->cancelled && !f->job.is_again
			 ? container_remove(f->job.dirs, name, true, &later)
			 : reconcile_container(f->job.dirs, name, &later);

	/* Not there any more is what we want. */
	if (f->cancelled && (rc == 0 || later.code == ENOENT))
		return 128 + f->cancelled;
	if (rc < 0)
		return err_set(err, EPIPE, "the supervisor of container '%s' was killed: %s", name,
			       later.msg);
	return err_set(err, EPIPE, "the supervisor of container '%s' was killed", name);
}

/*
 * Nobody else may be there to collect it: not every process 1 does.  But once it has told the end,
 * all is released, and what may hold it up is the kernel alone: where ports were published, it waits
 * for an RCU grace period, some 10 ms, before it lets go of the firewall's socket.
 */
static void collect(const struct foreground *f)
{
	auto_fd int pidfd = f->is_over ? pidfd_open(f->supervisor, 0) : -1;
	struct error ignored;

	if (pidfd < 0 || proc_wait_end(pidfd, 1, &ignored) != 0)
		(void)waitpid(f->supervisor, NULL, 0);
}

static int supervise(struct foreground *f, struct str *ret_remark, struct error *err)
{
	int rc = fork_supervisor(f, err);

	if (rc < 0)
		return rc;
	rc = attend(f, ret_remark, err);
	if ((f->job.is_attached && !f->is_left) || rc < 0)
		collect(f);
	if (rc < 0 && !f->is_over)
		rc = on_supervisor_death(f, err);
	return rc;
}

#define FOREGROUND_NONE                                   \
	{                                                 \
		.job = { .stdin_read = -1,                \
			 .stdin_write = -1,               \
			 .console.fd = -1,                \
			 .place.dir.fd = -1 },            \
		.control = -1, .signals = -1, .input = -1 \
	}

static void foreground_fini(struct foreground *f)
{
	console_restore(&f->job.console);
	close_fd(&f->input);
	close_fd(&f->control);
	close_fd(&f->signals);
	record_place_close(&f->job.place);
	record_fini(&f->job.record);
}

int foreground_run(const struct engine_dirs *dirs, struct run_options *options, char ret_id[65],
		   struct str *ret_remark, struct error *err)
{
	struct foreground f = FOREGROUND_NONE;
	int rc;

	f.job.dirs = dirs;
	f.job.is_attached = !options->is_detached;
	f.is_interactive = options->is_interactive && !options->is_detached;
	f.job.record.name = xstrdup(options->name);
	f.job.record.options = *options;
	*options = (struct run_options){ 0 };
	rc = record_make_id(f.job.record.id, err);
	if (rc == 0)
		rc = block_signals(&f, err);
	if (rc == 0)
		rc = prepare_input(&f, err);
	step_phase("record");
	if (rc == 0)
		rc = container_claim(dirs, &f.job.record, &f.job.place, err);
	if (rc == 0)
		rc = supervise(&f, ret_remark, err);
	memcpy(ret_id, f.job.record.id, sizeof(f.job.record.id));
	foreground_fini(&f);
	return rc;
}

/* ---- start ------------------------------------------------------------------------------------ */

int foreground_start(const struct engine_dirs *dirs, struct record *record,
		     struct record_place *place, const struct foreground_streams *streams,
		     struct str *ret_remark, struct error *err)
{
	struct foreground f = FOREGROUND_NONE;
	int rc;

	f.job.dirs = dirs;
	f.job.is_again = true;
	f.job.is_attached = streams->has_output;
	f.is_interactive = streams->has_input && record->options.is_interactive;
	f.job.record = *record;
	f.job.place = *place;
	*record = (struct record){ 0 };
	*place = (struct record_place)RECORD_NO_PLACE;
	f.job.record.restart_count = 0;
	rc = block_signals(&f, err);
	if (rc == 0)
		rc = prepare_input(&f, err);
	if (rc == 0)
		rc = supervise(&f, ret_remark, err);
	foreground_fini(&f);
	return rc;
}
