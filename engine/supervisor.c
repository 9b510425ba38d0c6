/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "cgroups/events.h"
#include "engine/control.h"
#include "engine/options.h"
#include "engine/pump.h"
#include "engine/run.h"

/*
 * Theory of operation.  The process over one container: its parent, so that the exit status is its
 * own to collect.  `minictr run` forks it first and waits for what it says.
 *
 *	command (attached to a terminal)          supervisor (session of its own)
 *	fork ------------------------------------> stages of run.c
 *	                        <- CONTROL_ERROR   ... or if that failed
 *	standard input          <- CONTROL_STARTED
 *	SIGTERM, ^C ...  CONTROL_SIGNAL ---------> passed on to the container's init
 *	                                           output, carried by pumps
 *	                                           the end: output to its last byte, all released
 *	                        <- CONTROL_EXIT
 *
 * Who is killed:
 *	the command     the supervisor goes on, drops the output from then on, and removes the
 *	                container at its end if --rm said so
 *	the supervisor  the kernel kills the container with it (dies_with_creator); the command
 *	                releases what it had
 *	both            `rm -f`, `ps` and whoever else looks finds the record without a living
 *	                supervisor, and releases what it had (reconcile.c)
 */
struct supervisor {
	struct supervisor_job *job;
	struct run run;
	struct loop *loop;
	struct pump pumps[2]; /* stdout and stderr, or the terminal */
	size_t n_pumps;
	int outer[2]; /* our ends of stdout and stderr, until there are pumps */
	int inner[2]; /* the container's */
	bool has_ended;
	int exit_code;
	bool is_stopping;
};

/* ---- the end ---------------------------------------------------------------------------------- */

static void stop_if_done(struct supervisor *s)
{
	if (!s->has_ended)
		return;
	for (size_t i = 0; i < s->n_pumps; i++) {
		if (!s->pumps[i].has_ended)
			return;
	}
	loop_stop(s->loop, 0);
}

static void on_pump_end(void *arg)
{
	stop_if_done(arg);
}

static void on_container_end(void *arg, uint32_t events)
{
	struct supervisor *s = arg;
	siginfo_t info = { 0 };

	(void)events;
	if (waitid(P_PIDFD, (id_t)s->run.container.pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return;
	loop_remove(s->loop, s->run.container.pidfd);
	s->has_ended = true;
	s->exit_code = proc_exit_code(info.si_code, info.si_status);
	/* All of the container is dead: what it wrote is in the pipes. */
	for (size_t i = 0; i < s->n_pumps; i++)
		pump_drain(&s->pumps[i]);
	stop_if_done(s);
}

/* ---- while it runs ---------------------------------------------------------------------------- */

static void on_command_gone(struct supervisor *s)
{
	loop_remove(s->loop, s->job->control);
	close_fd(&s->job->control);
	console_restore(&s->job->console);
	for (size_t i = 0; i < s->n_pumps; i++)
		pump_drop(&s->pumps[i]);
}

static void on_command(void *arg, uint32_t events)
{
	struct supervisor *s = arg;
	struct control_message message;
	struct error ignored;

	(void)events;
	if (control_receive(s->job->control, &message, NULL, &ignored) < 0)
		on_command_gone(s);
	else if (message.type == CONTROL_SIGNAL && !s->has_ended)
		(void)proc_signal(s->run.container.pidfd, message.value, &ignored);
}

static void on_patience_end(void *arg)
{
	struct supervisor *s = arg;
	struct error ignored;

	if (!s->has_ended)
		(void)proc_signal(s->run.container.pidfd, SIGKILL, &ignored);
}

/* Somebody wants us to end, a shutdown for instance: the container first, as it wishes. */
static void on_signal(void *arg, int signal)
{
	struct supervisor *s = arg;
	struct error ignored;
	int stop_signal = SIGTERM;

	(void)signal;
	if (s->has_ended || s->is_stopping)
		return;
	s->is_stopping = true;
	(void)parse_signal(s->run.record.stop_signal, &stop_signal, &ignored);
	(void)proc_signal(s->run.container.pidfd, stop_signal, &ignored);
	(void)loop_timer(s->loop, 1000 * (int64_t)s->run.record.stop_timeout, on_patience_end, s);
}

static int start_pump(struct supervisor *s, int *from, int to, struct error *err)
{
	struct pump *pump = &s->pumps[s->n_pumps];
	int rc = pump_start(pump, s->loop, take_fd(from), to, on_pump_end, s, err);

	s->n_pumps += rc == 0;
	return rc;
}

static int start_pumps(struct supervisor *s, struct error *err)
{
	bool is_dropped = s->job->options->is_detached;
	int rc = 0;

	if (s->run.container.pty >= 0) {
		int master = fcntl(s->run.container.pty, F_DUPFD_CLOEXEC, 3);

		if (master < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return err_sys(err, "copy the terminal's descriptor");
		return start_pump(s, &master, is_dropped ? -1 : STDOUT_FILENO, err);
	}
	for (int i = 0; rc == 0 && i < 2; i++) {
		close_fd(&s->inner[i]);
		if (s->outer[i] >= 0)
			rc = start_pump(s, &s->outer[i], STDOUT_FILENO + i, err);
	}
	return rc;
}

static int watch(struct supervisor *s, struct error *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, 0 };
	int rc = start_pumps(s, err);

	if (rc == 0)
		rc = loop_add(s->loop, s->run.container.pidfd, EPOLLIN, on_container_end, s, err);
	if (rc == 0)
		rc = loop_add(s->loop, s->job->control, EPOLLIN, on_command, s, err);
	if (rc == 0)
		rc = loop_signals(s->loop, signals, on_signal, s, err);
	return rc;
}

/* ---- begin and end ---------------------------------------------------------------------------- */

/* What was the command's: its session, its end of things, its standard input. */
static int leave_command(struct supervisor *s, struct error *err)
{
	struct supervisor_job *job = s->job;
	auto_fd int null = -1;

	close_fd(&job->command_control);
	close_fd(&job->stdin_write);
	(void)setsid();
	(void)signal(SIGPIPE, SIG_IGN);
	/* Of what is made the container sees some: its root directory, volumes. */
	(void)umask(022);
	if (job->console.fd >= 0) {
		job->console.fd = fcntl(job->console.fd, F_DUPFD_CLOEXEC, 3);
		if (job->console.fd < 0)
			return err_sys(err, "copy the terminal's descriptor");
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return err_sys(err, "use '/dev/null' as standard input");
	/* Who reads what the command prints shall not wait for the container's end. */
	if (job->options->is_detached &&
	    (dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0))
		return err_sys(err, "use '/dev/null' as standard output");
	return 0;
}

static int make_pipes(struct supervisor *s, struct error *err)
{
	const struct run_options *o = s->job->options;
	int *stdio = s->run.stdio;
	int rc = 0;

	stdio[0] = s->job->stdin_read >= 0 ? s->job->stdin_read : CONTAINER_STDIO_NULL;
	stdio[1] = stdio[2] = CONTAINER_STDIO_NULL;
	for (int i = 0; rc == 0 && i < 2 && !o->has_tty && !o->is_detached; i++) {
		rc = pump_pipe(false, &s->inner[i], &s->outer[i], err);
		if (rc == 0)
			stdio[1 + i] = s->inner[i];
	}
	return rc;
}

static int begin(struct supervisor *s, struct error *err)
{
	struct record *record = &s->run.record;
	struct error ignored;
	int rc = leave_command(s, err);

	if (rc == 0)
		rc = record_begin(record, err);
	if (rc == 0)
		rc = make_pipes(s, err);
	if (rc == 0) {
		s->loop = loop_new(err);
		rc = s->loop ? 0 : -err->code;
	}
	if (rc == 0)
		return run_start(&s->run, err);
	(void)record_remove(s->run.dirs, record->name, &ignored);
	return rc;
}

static void tell(const struct supervisor *s, enum control_type type, int value,
		 const struct error *error, int fd)
{
	struct control_message message = { .type = type, .value = value };
	struct error ignored;

	if (error)
		message.error = *error;
	if (s->job->control >= 0)
		(void)control_send(s->job->control, &message, fd, &ignored);
}

static bool was_oom_killed(const struct supervisor *s)
{
	struct error ignored;
	uint64_t kills = 0;

	return s->run.record.memory && s->exit_code != 0 &&
	       cgroup_oom_kills(s->run.container.cgroup, &kills, &ignored) == 0 && kills > 0;
}

static void finish(struct supervisor *s)
{
	bool is_oom_killed = was_oom_killed(s);
	struct error remark = { 0 };
	struct error err = { 0 };

	if (is_oom_killed) {
		char limit[32];

		format_size(s->run.record.memory, limit, sizeof(limit));
		(void)err_set(&remark, ENOMEM, "%s '%s' was killed: out of memory, the limit is %s",
			      s->exit_code == 128 + SIGKILL ? "container"
							    : "a process in container",
			      s->run.record.name, limit);
	}
	if (run_end(&s->run, s->exit_code, is_oom_killed, &err) < 0)
		tell(s, CONTROL_ERROR, 0, &err, -1);
	else
		tell(s, CONTROL_EXIT, s->exit_code, &remark, -1);
}

_Noreturn void supervisor_run(struct supervisor_job *job)
{
	struct supervisor s = {
		.job = job,
		.run = {
			.dirs = job->dirs,
			.options = job->options,
			.record = job->record,
			.place = job->place,
			.columns = job->columns,
			.rows = job->rows,
		},
		.outer = { -1, -1 },
		.inner = { -1, -1 },
	};
	struct error err = { 0 };
	int rc = begin(&s, &err);

	if (rc < 0) {
		tell(&s, CONTROL_ERROR, 0, &err, -1);
		_exit(1);
	}
	close_fd(&job->stdin_read);
	rc = watch(&s, &err);
	if (rc == 0)
		tell(&s, CONTROL_STARTED, 0, NULL, s.run.container.pty);
	if (rc == 0)
		rc = loop_run(s.loop, &err);
	if (rc < 0) {
		run_abort(&s.run);
		tell(&s, CONTROL_ERROR, 0, &err, -1);
		_exit(1);
	}
	finish(&s);
	_exit(0);
}
