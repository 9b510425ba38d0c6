/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/logs.h"
#include "engine/supervisor_internal.h"

static int start_pump(struct supervisor *s, int *from, int to, enum log_stream stream,
		      struct error *err)
{
	struct pump *pump = &s->pumps[s->n_pumps];
	int rc = pump_start(pump, s->loop, take_fd(from), to, supervisor_stream_ended, s, err);

	pump_log(pump, s->log, stream);
	s->n_pumps += rc == 0;
	return rc;
}

static bool is_attached(const struct supervisor *s)
{
	return s->job->is_attached && s->job->control >= 0;
}

int streams_start(struct supervisor *s, struct error *err)
{
	int rc = 0;

	s->n_pumps = 0;
	if (s->run.container.pty >= 0) {
		int master = fcntl(s->run.container.pty, F_DUPFD_CLOEXEC, 3);

		if (master < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return err_sys(err, "copy the terminal's descriptor");
		return start_pump(s, &master, is_attached(s) ? STDOUT_FILENO : -1, LOG_STDOUT, err);
	}
	for (int i = 0; rc == 0 && i < 2; i++) {
		close_fd(&s->inner[i]);
		if (s->outer[i] >= 0)
			rc = start_pump(s, &s->outer[i], is_attached(s) ? STDOUT_FILENO + i : -1,
					i ? LOG_STDERR : LOG_STDOUT, err);
	}
	return rc;
}

void streams_stop(struct supervisor *s)
{
	for (size_t i = 0; i < s->n_pumps; i++)
		pump_stop(&s->pumps[i]);
	s->n_pumps = 0;
}

static int make_pipes(struct supervisor *s, struct error *err)
{
	const struct run_options *o = &s->run.record.options;
	int *stdio = s->run.stdio;
	int rc = 0;

	if (o->is_interactive && !o->has_tty && s->job->stdin_read < 0)
		rc = pump_pipe(true, &s->job->stdin_read, &s->held_stdin, err);
	stdio[0] = s->job->stdin_read >= 0 ? s->job->stdin_read : CONTAINER_STDIO_NULL;
	stdio[1] = stdio[2] = CONTAINER_STDIO_NULL;
	for (int i = 0; rc == 0 && i < 2 && !o->has_tty && (s->log || is_attached(s)); i++) {
		rc = pump_pipe(false, &s->inner[i], &s->outer[i], err);
		if (rc == 0)
			stdio[1 + i] = s->inner[i];
	}
	return rc;
}

/* Where somebody takes the output and nothing of the container stays, no log is of use. */
static int open_log(struct supervisor *s, struct error *err)
{
	const struct run_options *o = &s->run.record.options;
	struct log_limits limits = log_limits_default;

	if (s->log || o->has_no_log || (s->job->is_attached && o->is_removed_at_end))
		return 0;
	if (o->log_max_size)
		limits.max_size = o->log_max_size;
	if (o->log_max_files)
		limits.max_files = o->log_max_files;
	return log_writer_open(&s->run.place.dir, &limits, &s->log, err);
}

int streams_prepare(struct supervisor *s, struct error *err)
{
	int rc = open_log(s, err);

	return rc < 0 ? rc : make_pipes(s, err);
}

void streams_close(struct supervisor *s)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&s->inner[i]);
		close_fd(&s->outer[i]);
	}
	close_fd(&s->held_stdin);
	close_fd(&s->job->stdin_read);
}
