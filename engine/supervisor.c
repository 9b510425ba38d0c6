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

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/step.h"
#include "engine/events.h"
#include "engine/resolver.h"
#include "engine/supervisor_internal.h"

/*
 * Theory of operation.  The process over one container: its parent, so that the exit status is its
 * own to collect.  `minictr run` or `start` forks it and waits for what it says.
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
 * Its life is a circle that is gone round as often as the restart policy, or `restart`, says:
 *
 *	             start_container()               on_over()
 *	(begin) ---> RUNNING ------------ the end ---+--> WAITING ---+
 *	             ^                               |               |
 *	             +-------------------------------|-- its time ---+
 *	                                             +--> OVER: the process ends
 *
 * Meanwhile it listens on a socket (supervisor_peers.c) to `stop`, `kill` and their like.  What they
 * wish (enum supervisor_wish) counts more than the policy.  The command that has forked it hears of
 * the first end only.
 *
 * At the last end the socket goes first, then what the container had, then the lock of its
 * directory; only then is anybody told: who has heard of the end may do with it whatever one may do
 * with a container that does not run.
 *
 * Who is killed:
 *	the command     the supervisor goes on, drops the output from then on, and removes the
 *	                container at its end if --rm said so
 *	the supervisor  the kernel kills the container with it (dies_with_creator); the command
 *	                releases what it had
 *	both            `rm -f`, `ps` and whoever else looks finds the record without a living
 *	                supervisor, and releases what it had (reconcile.c)
 */

/* ---- the end ---------------------------------------------------------------------------------- */

static void on_over(struct supervisor *s);

static void go_on_if_done(struct supervisor *s)
{
	if (!s->has_ended)
		return;
	for (size_t i = 0; i < s->n_pumps; i++) {
		if (!s->pumps[i].has_ended)
			return;
	}
	on_over(s);
}

void supervisor_stream_ended(void *arg)
{
	go_on_if_done(arg);
}

static void on_container_end(void *arg, uint32_t events)
{
	struct supervisor *s = arg;
	siginfo_t info = { 0 };
	size_t n = s->n_pumps;

	(void)events;
	if (waitid(P_PIDFD, (id_t)s->run.container.pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return;
	loop_remove(s->loop, s->run.container.pidfd);
	ready_end(s);
	health_end(s);
	s->exit_code = proc_exit_code(info.si_code, info.si_status);
	if (s->kill_timer)
		loop_timer_cancel(s->loop, s->kill_timer);
	s->kill_timer = 0;
	run_stop_resolver(&s->run);
	/* All of the container is dead: what it wrote is in the pipes. */
	for (size_t i = 0; i < n; i++)
		pump_drain(&s->pumps[i]);
	s->has_ended = true;
	go_on_if_done(s);
}

/* ---- what is wanted of it --------------------------------------------------------------------- */

static int stop_signal(const struct supervisor *s)
{
	struct error ignored;
	int signal = SIGTERM;

	(void)parse_signal(s->run.record.stop_signal, &signal, &ignored);
	return signal;
}

/* A frozen process acts on a signal only once it is thawed. */
static void thaw(struct supervisor *s)
{
	auto_free char *root = path_join(s->run.dirs->state, "containers");
	struct error ignored;

	(void)container_pause(root, s->run.record.id, false, &ignored);
	s->is_paused = false;
}

static void on_patience_end(void *arg)
{
	struct supervisor *s = arg;
	struct error ignored;

	s->kill_timer = 0;
	if (s->has_ended)
		return;
	if (proc_signal(s->run.container.pidfd, SIGKILL, &ignored) == 0)
		events_tell_kill(s, SIGKILL);
	if (s->is_paused)
		thaw(s);
}

static void on_restart_time(void *arg);

void supervisor_stop(struct supervisor *s, int signal, int timeout, enum supervisor_wish wish)
{
	struct error ignored;

	s->wish = wish;
	if (s->phase == SUPERVISOR_WAITING) {
		/* From the loop: the caller may be in the middle of something. */
		loop_timer_cancel(s->loop, s->restart_timer);
		s->restart_timer = loop_timer(s->loop, 0, on_restart_time, s);
		return;
	}
	if (s->has_ended || s->phase == SUPERVISOR_OVER)
		return;
	if (timeout == CONTROL_TIMEOUT_DEFAULT)
		timeout = s->run.record.stop_timeout;
	signal = signal ? signal : stop_signal(s);
	ready_end(s);
	if (proc_signal(s->run.container.pidfd, signal, &ignored) == 0)
		events_tell_kill(s, signal);
	if (s->is_paused)
		thaw(s);
	if (s->kill_timer)
		loop_timer_cancel(s->loop, s->kill_timer);
	s->kill_timer = 0;
	if (timeout >= 0)
		s->kill_timer = loop_timer(s->loop, 1000 * (int64_t)timeout, on_patience_end, s);
}

/* A signal that is meant to end it ends its restarts, too. */
int supervisor_kill(struct supervisor *s, int signal, struct error *err)
{
	bool is_final = signal == SIGKILL || signal == stop_signal(s);
	int rc;

	if (is_final && s->phase == SUPERVISOR_WAITING) {
		supervisor_stop(s, signal, CONTROL_TIMEOUT_NONE, WISH_KILL);
		return 0;
	}
	if (s->phase != SUPERVISOR_RUNNING || s->has_ended)
		return err_set(err, ESRCH, "container '%s' is not running", s->run.record.name);
	if (is_final)
		ready_end(s);
	rc = proc_signal(s->run.container.pidfd, signal, err);
	if (rc == 0)
		events_tell_kill(s, signal);
	if (rc == 0 && is_final)
		s->wish = WISH_KILL;
	if (rc == 0 && signal == SIGKILL && s->is_paused)
		thaw(s);
	return rc;
}

int supervisor_pause(struct supervisor *s, bool is_paused, struct error *err)
{
	auto_free char *root = path_join(s->run.dirs->state, "containers");
	const char *name = s->run.record.name;
	int rc;

	if (s->phase != SUPERVISOR_RUNNING || s->has_ended)
		return err_set(err, ESRCH, "container '%s' is not running", name);
	if (s->is_paused == is_paused)
		return err_set(err, EINVAL, "container '%s' is %s paused", name,
			       is_paused ? "already" : "not");
	rc = container_pause(root, s->run.record.id, is_paused, err);
	if (rc < 0)
		return rc;
	s->is_paused = is_paused;
	s->is_held = false;
	health_pause(s, is_paused);
	events_tell(s, is_paused ? "pause" : "unpause");
	return 0;
}

/* Somebody wants us to end, a shutdown for instance: the container first, as it wishes. */
static void on_signal(void *arg, int signal)
{
	struct supervisor *s = arg;

	(void)signal;
	if (!s->kill_timer)
		supervisor_stop(s, 0, CONTROL_TIMEOUT_DEFAULT, WISH_LEAVE);
}

/* ---- the command that has forked us ----------------------------------------------------------- */

static void leave_alone(struct supervisor *s)
{
	if (s->job->control < 0)
		return;
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
		leave_alone(s);
	else if (message.type == CONTROL_SIGNAL)
		(void)supervisor_kill(s, message.value, &ignored);
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

/* ---- begin ------------------------------------------------------------------------------------ */

/* It did not get as far as run_start(). */
static void forget_start(struct supervisor *s, const struct error *why)
{
	struct error ignored;

	if (s->run.is_again)
		run_note_failure(&s->run, why);
	else
		(void)record_remove(s->run.dirs, s->run.record.name, &ignored);
}

static void on_settled(void *arg)
{
	struct supervisor *s = arg;

	s->settle_timer = 0;
	mem_trim();
}

void supervisor_settle(struct supervisor *s)
{
	/* Short-lived containers end without it. */
	if (!s->settle_timer)
		s->settle_timer = loop_timer(s->loop, 1000, on_settled, s);
}

/* On failure nothing of it is left. */
static int start_container(struct supervisor *s, struct error *err)
{
	int rc = streams_prepare(s, err);

	if (rc < 0)
		forget_start(s, err);
	else
		rc = run_start(&s->run, err);
	if (rc < 0) {
		streams_close(s);
		return rc;
	}
	close_fd(&s->job->stdin_read);
	s->began_ns = clock_boot_ns();
	s->phase = SUPERVISOR_RUNNING;
	s->wish = WISH_NOTHING;
	s->has_ended = s->is_paused = false;
	rc = streams_start(s, err);
	if (rc == 0 && s->run.resolver)
		rc = resolver_start(s->run.resolver, s->loop, err);
	if (rc == 0)
		rc = loop_add(s->loop, s->run.container.pidfd, EPOLLIN, on_container_end, s, err);
	if (rc == 0)
		rc = health_begin(s, err);
	if (rc < 0) {
		loop_remove(s->loop, s->run.container.pidfd);
		streams_stop(s);
		streams_close(s);
		run_abort(&s->run, err);
		return rc;
	}
	memory_watch(s);
	supervisor_settle(s);
	if (!s->run.is_again)
		event_add(s->run.dirs, &s->run.record, "create", s->run.record.created_ns, NULL);
	events_tell(s, "start");
	s->run.is_again = true;
	return 0;
}

/* ---- the end, continued ----------------------------------------------------------------------- */

static void make_remark(const struct supervisor *s, bool is_oom_killed, struct error *ret)
{
	char limit[32];

	if (!is_oom_killed)
		return;
	format_size(s->run.record.memory, limit, sizeof(limit));
	(void)err_set(ret, ENOMEM, "%s '%s' was killed: out of memory, the limit is %s",
		      s->exit_code == 128 + SIGKILL ? "container" : "a process in container",
		      s->run.record.name, limit);
}

static bool is_stopped(const struct supervisor *s)
{
	return s->wish == WISH_STOP || s->wish == WISH_KILL;
}

/* True if it is to be started again, in restart.pause_ns or, as somebody wants it, at once. */
static bool is_restarted(struct supervisor *s)
{
	s->run.record.is_stopped = is_stopped(s);
	if (s->wish == WISH_RESTART) {
		restart_begin(&s->restart);
		return true;
	}
	return restart_ended(&s->restart, s->exit_code, clock_boot_ns() - s->began_ns,
			     is_stopped(s) || s->wish == WISH_LEAVE);
}

/* Whoever waits hears of it once the container is nobody's any more. */
static void end_life(struct supervisor *s, const struct error *remark)
{
	if (s->wish == WISH_STOP)
		events_tell(s, "stop");
	if (s->run.record.is_removed_at_end && !s->failure.code)
		events_tell(s, "destroy");
	s->phase = SUPERVISOR_OVER;
	record_place_leave(&s->run.place);
	if (s->failure.code)
		tell(s, CONTROL_ERROR, 0, &s->failure, -1);
	else
		tell(s, CONTROL_EXIT, s->exit_code, remark, -1);
	peers_tell_end(s, true);
	loop_stop(s->loop, 0);
}

static void start_again(struct supervisor *s);

static void wait_to_restart(struct supervisor *s)
{
	int64_t pause_ms = s->wish == WISH_RESTART ? 0 : s->restart.pause_ns / 1000000;

	s->phase = SUPERVISOR_WAITING;
	s->restart_timer = loop_timer(s->loop, pause_ms, on_restart_time, s);
}

static void on_over(struct supervisor *s)
{
	bool is_oom_killed = events_tell_oom(s) > 0 && s->exit_code != 0;
	struct error remark = { 0 };
	struct error err;
	int rc;
	struct run_ending ending = {
		.exit_code = s->exit_code,
		.is_oom_killed = is_oom_killed,
		.is_restarting = is_restarted(s),
	};

	make_remark(s, is_oom_killed, &remark);
	memory_unwatch(s);
	events_tell_end(s);
	s->n_pumps = 0;
	close_fd(&s->held_stdin);
	s->run.record.restart_count = s->restart.count;
	if (!ending.is_restarting)
		peers_close(s);
	rc = run_end(&s->run, &ending, &err);
	if (rc < 0)
		s->failure = err;
	if (rc < 0 || !ending.is_restarting) {
		peers_close(s);
		end_life(s, &remark);
		return;
	}
	tell(s, CONTROL_LEFT, s->exit_code, &remark, -1);
	leave_alone(s);
	peers_tell_end(s, false);
	wait_to_restart(s);
}

/* It is stopped while it waits, or could not be started. */
static void give_up(struct supervisor *s)
{
	struct record *record = &s->run.record;
	struct error err;

	peers_close(s);
	record->is_restarting = false;
	record->is_stopped = is_stopped(s);
	if (record->is_removed_at_end) {
		if (record_remove(s->run.dirs, record->name, &err) < 0)
			s->failure = err;
	} else if (record_write(&s->run.place, record, &err) < 0) {
		s->failure = err;
	}
	end_life(s, NULL);
}

static void on_restart_time(void *arg)
{
	struct supervisor *s = arg;

	s->restart_timer = 0;
	if (is_stopped(s) || s->wish == WISH_LEAVE)
		give_up(s);
	else
		start_again(s);
}

/* One that cannot be started has ended, as far as its policy goes. */
static void start_again(struct supervisor *s)
{
	bool is_wanted = s->wish == WISH_RESTART;
	struct error err = { 0 };
	struct record *record = &s->run.record;
	int rc = record_begin(record, &err);

	/* Nobody is to see it as ended before that is known. */
	s->run.is_restart = true;
	if (rc == 0)
		rc = start_container(s, &err);
	s->run.is_restart = false;
	if (rc == 0 && is_wanted)
		events_tell(s, "restart");
	peers_tell_start(s, rc < 0 ? &err : NULL);
	if (rc == 0)
		return;
	s->exit_code = record->exit_code;
	if (restart_ended(&s->restart, s->exit_code, 0, is_wanted)) {
		record->is_restarting = true;
		record->restart_count = s->restart.count;
		s->wish = WISH_NOTHING;
		if (record_write(&s->run.place, record, &err) == 0) {
			wait_to_restart(s);
			return;
		}
	}
	give_up(s);
}

/* ---- the whole -------------------------------------------------------------------------------- */

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
	if (!job->is_attached && (dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0))
		return err_sys(err, "use '/dev/null' as standard output");
	return 0;
}

static int begin(struct supervisor *s, struct error *err)
{
	int rc = leave_command(s, err);

	if (rc == 0)
		rc = record_begin(&s->run.record, err);
	if (rc == 0) {
		s->loop = loop_new(err);
		rc = s->loop ? 0 : -err->code;
	}
	if (rc == 0)
		return start_container(s, err);
	forget_start(s, err);
	return rc;
}

static int watch(struct supervisor *s, struct error *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, 0 };
	int rc = loop_add(s->loop, s->job->control, EPOLLIN, on_command, s, err);

	if (rc == 0)
		rc = loop_signals(s->loop, signals, on_signal, s, err);
	return rc < 0 ? rc : peers_listen(s, err);
}

_Noreturn void supervisor_run(struct supervisor_job *job)
{
	struct supervisor s = {
		.job = job,
		.run = {
			.dirs = job->dirs,
			.record = job->record,
			.place = job->place,
			.is_again = job->is_again,
			.columns = job->columns,
			.rows = job->rows,
		},
		.outer = { -1, -1 },
		.inner = { -1, -1 },
		.held_stdin = -1,
		.oom_watch = -1,
		.listener = -1,
		.restart.config = job->record.options.restart,
	};
	struct error err = { 0 };
	int rc = begin(&s, &err);

	if (rc < 0) {
		record_place_leave(&s.run.place);
		tell(&s, CONTROL_ERROR, 0, &err, -1);
		_exit(1);
	}
	rc = watch(&s, &err);
	if (rc == 0)
		tell(&s, CONTROL_STARTED, 0, NULL, s.run.container.pty);
	/* Nobody reads any more how it goes on. */
	if (!job->is_attached)
		step_stop();
	else
		s.run.is_again = job->is_again;
	if (rc == 0)
		rc = loop_run(s.loop, &err);
	if (rc < 0) {
		peers_close(&s);
		run_abort(&s.run, &err);
		record_place_leave(&s.run.place);
		tell(&s, CONTROL_ERROR, 0, &err, -1);
	}
	/* Who reads what the command prints shall not wait for us: see collect() in foreground.c. */
	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	_exit(rc < 0 ? 1 : 0);
}
