/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "engine/logs.h"

#define BUFFER_SIZE 32768

/*
 * Whether writing blocks is a property of an open file, which we share with whoever gave it to us:
 * pipes and terminals are opened anew, so that ours does not, and theirs stays as it was.
 */
static int open_sink(struct pump *pump, int to, struct error *err)
{
	char path[32];
	struct stat st;

	if (to < 0)
		return 0;
	if (fstat(to, &st) < 0)
		return err_sys(err, "look at descriptor %d", to);
	pump->is_socket = S_ISSOCK(st.st_mode);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
		pump->to = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		pump->may_block = pump->to < 0;
	}
	if (pump->to < 0)
		pump->to = fcntl(to, F_DUPFD_CLOEXEC, 3);
	return pump->to < 0 ? err_sys(err, "copy descriptor %d", to) : 0;
}

/* A pipe that can be written to at all takes this much at once, pipe(7). */
static ssize_t write_some(const struct pump *pump, const char *data, size_t len)
{
	if (pump->is_socket)
		return send(pump->to, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (pump->may_block) {
		struct pollfd fd = { .fd = pump->to, .events = POLLOUT };

		if (poll(&fd, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(pump->to, data, len < 4096 ? len : 4096);
	}
	return write(pump->to, data, len);
}

static void end(struct pump *pump)
{
	struct error err;

	if (pump->has_ended)
		return;
	if (pump->log && log_finish(pump->log, pump->stream, &err) < 0)
		log_warning("%s", err.msg);
	pump_stop(pump);
	pump->has_ended = true;
	pump->on_end(pump->arg);
}

static void wait_for_sink(struct pump *pump, bool is_waiting);

/* Empties the buffer; false if the sink does not take it all now. */
static bool flush(struct pump *pump)
{
	while (pump->to >= 0 && pump->begin < pump->end) {
		ssize_t n = write_some(pump, pump->buffer + pump->begin, pump->end - pump->begin);

		if (n > 0)
			pump->begin += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			return false;
		else if (n == 0 || errno != EINTR)
			break;
	}
	if (pump->to >= 0 && pump->begin < pump->end) {
		/* Nobody reads any more: the container may know, if it is a pipe. */
		wait_for_sink(pump, false);
		close_fd(&pump->to);
		pump->begin = pump->end = 0;
		if (!isatty(pump->from))
			end(pump);
		return !pump->has_ended;
	}
	pump->begin = pump->end = 0;
	return true;
}

static void note(const struct pump *pump, size_t len)
{
	struct error err;

	if (pump->log && log_write(pump->log, pump->stream, pump->buffer, len, &err) < 0)
		log_warning("%s", err.msg);
}

static void carry(struct pump *pump)
{
	if (!pump->buffer)
		pump->buffer = xmalloc(BUFFER_SIZE);
	while (!pump->has_ended) {
		ssize_t n = read(pump->from, pump->buffer, BUFFER_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !pump->is_draining)
			return;
		/* EIO: nobody has the terminal open any more, pty(7). */
		if (n <= 0) {
			end(pump);
			return;
		}
		pump->end = (size_t)n;
		note(pump, pump->end);
		if (!flush(pump)) {
			if (!pump->has_ended)
				wait_for_sink(pump, true);
			return;
		}
		/* Others have their turn; there is more to come if the buffer was full. */
		if (!pump->is_draining && n < BUFFER_SIZE)
			return;
	}
}

static void on_source(void *arg, uint32_t events)
{
	struct pump *pump = arg;

	(void)events;
	if (!pump->is_waiting)
		carry(pump);
}

static void on_sink(void *arg, uint32_t events)
{
	struct pump *pump = arg;

	(void)events;
	if (!flush(pump))
		return;
	wait_for_sink(pump, false);
	carry(pump);
}

/* A container that is held up shall not wake us: its end is watched only while it is read. */
static void wait_for_sink(struct pump *pump, bool is_waiting)
{
	struct error ignored;

	if (pump->is_waiting == is_waiting)
		return;
	pump->is_waiting = is_waiting;
	if (is_waiting) {
		loop_remove(pump->loop, pump->from);
		(void)loop_add(pump->loop, pump->to, EPOLLOUT, on_sink, pump, &ignored);
	} else {
		loop_remove(pump->loop, pump->to);
		(void)loop_add(pump->loop, pump->from, EPOLLIN, on_source, pump, &ignored);
	}
}

int pump_start(struct pump *pump, struct loop *loop, int from, int to, void (*on_end)(void *arg),
	       void *arg, struct error *err)
{
	int rc;

	*pump = (struct pump){
		.loop = loop,
		.from = from,
		.to = -1,
		.on_end = on_end,
		.arg = arg,
	};
	rc = open_sink(pump, to, err);
	if (rc == 0)
		rc = loop_add(loop, from, EPOLLIN, on_source, pump, err);
	if (rc < 0)
		pump_stop(pump);
	return rc;
}

void pump_log(struct pump *pump, struct log_writer *log, enum log_stream stream)
{
	pump->log = log;
	pump->stream = stream;
}

void pump_drain(struct pump *pump)
{
	if (pump->has_ended)
		return;
	pump->is_draining = true;
	if (!pump->is_waiting)
		carry(pump);
}

void pump_drop(struct pump *pump)
{
	if (pump->has_ended)
		return;
	wait_for_sink(pump, false);
	close_fd(&pump->to);
	pump->begin = pump->end = 0;
	if (pump->is_draining)
		carry(pump);
}

void pump_stop(struct pump *pump)
{
	if (pump->has_ended || !pump->loop)
		return;
	loop_remove(pump->loop, pump->is_waiting ? pump->to : pump->from);
	close_fd(&pump->from);
	close_fd(&pump->to);
	free(take_ptr(pump->buffer));
}

int pump_pipe(bool is_input, int *ret_inner, int *ret_outer, struct error *err)
{
	int ends[2];
	int outer;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	outer = ends[is_input ? 1 : 0];
	if (fcntl(outer, F_SETFL, O_NONBLOCK) < 0) {
		int rc = err_sys(err, "make a pipe");

		(void)close(ends[0]);
		(void)close(ends[1]);
		return rc;
	}
	*ret_inner = ends[is_input ? 0 : 1];
	*ret_outer = outer;
	return 0;
}
