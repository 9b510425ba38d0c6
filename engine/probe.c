/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys_ns.h"
#include "cgroups/cgroup.h"
#include "engine/probe_http.h"
#include "runtime/exec.h"
#include "runtime/spec.h"

#define MILLISECOND INT64_C(1000000)

/* moby daemon/health.go: what the start of a program may take at most. */
#define START_MS 30000

enum { EXIT_WELL = 0, EXIT_UNWELL = 1, EXIT_NONE = -1 };

struct probe {
	struct probe_place place;
	const struct health_test *test;
	int64_t timeout_ns;
	probe_done *done; /* NULL: cancelled, and only waits for its process's end */
	void *arg;
	struct health_result result;
	int timer; /* 0: none */
	struct str output;
	bool is_cut;

	/* A program. */
	struct cgroup *group;
	struct exec_process child;
	bool is_running; /* its program runs */
	bool is_late;    /* its time was up: it has been killed */
	int out;

	/* A connection. */
	int sock;
	char *request;
	size_t sent;
	struct str response;
};

static void forget(struct probe *p, int *fd)
{
	if (*fd < 0)
		return;
	loop_remove(p->place.loop, *fd);
	close_fd(fd);
}

static void set_timer(struct probe *p, int64_t ms, loop_timer_handler *handler)
{
	if (p->timer)
		loop_timer_cancel(p->place.loop, p->timer);
	p->timer = handler ? loop_timer(p->place.loop, ms, handler, p) : 0;
}

/* ---- the group -------------------------------------------------------------------------------- */

/* One that is not empty yet. */
struct leftover {
	struct loop *loop;
	struct cgroup *group;
	int64_t waited_ms;
};

#define PATIENCE_MS 10000

static void remove_later(void *arg)
{
	struct leftover *left = arg;
	struct error err;
	int rc = cgroup_remove(left->group, &err);
	int64_t pause = MIN(left->waited_ms + 1, 1000);

	if (rc == -EBUSY && left->waited_ms < PATIENCE_MS) {
		left->waited_ms += pause;
		(void)loop_timer(left->loop, pause, remove_later, left);
		return;
	}
	/* The container's own end takes it along. */
	if (rc < 0)
		log_debug("%s", err.msg);
	cgroup_free(left->group);
	free(left);
}

/*
 * A group for one program: that one may not be killed which is cloned into the group later, and
 * Linux (6.18) does kill what is cloned into a group that has once been killed.
 */
static int make_group(struct probe *p, struct error *err)
{
	static unsigned int last;
	const struct cgroup *parent = exec_target_cgroup(p->place.target);
	int rc;

	do {
		auto_free char *name = xasprintf("health-%u", ++last);

		rc = cgroup_create_below(parent, name, &p->group, err);
	} while (rc == -EEXIST);
	return rc;
}

/* Ends all that is left of the program, what it has started too. */
static void kill_all(struct probe *p)
{
	struct error err;

	if (p->group && cgroup_signal_all(p->group, SIGKILL, &err) < 0)
		log_debug("end a probe: %s", err.msg);
	if (p->child.pidfd >= 0)
		(void)proc_signal(p->child.pidfd, SIGKILL, &err);
}

static void leave_group(struct probe *p)
{
	struct leftover *left;
	struct error err;

	if (!p->group)
		return;
	if (cgroup_remove(p->group, &err) != -EBUSY) {
		cgroup_free(take_ptr(p->group));
		return;
	}
	/* What the program has left behind goes with it. */
	kill_all(p);
	left = xcalloc(1, sizeof(*left));
	*left = (struct leftover){ .loop = p->place.loop, .group = take_ptr(p->group) };
	(void)loop_timer(left->loop, 1, remove_later, left);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void probe_free(struct probe *p)
{
	set_timer(p, 0, NULL);
	leave_group(p);
	forget(p, &p->child.sock);
	forget(p, &p->child.pidfd);
	forget(p, &p->out);
	forget(p, &p->sock);
	exec_process_fini(&p->child);
	str_fini(&p->output);
	str_fini(&p->response);
	free(p->request);
	free(p->result.output);
	free(p);
}

static char *take_output(struct probe *p)
{
	if (p->is_cut)
		str_add(&p->output, "...");
	return str_take(&p->output);
}

/* Tells the result; @text is taken over. */
static void finish(struct probe *p, int exit_code, char *text)
{
	probe_done *done = p->done;
	void *arg = p->arg;
	struct health_result result = {
		.begin_ns = p->result.begin_ns,
		.end_ns = clock_real_ns(),
		.exit_code = exit_code,
		.output = text,
	};

	probe_free(p);
	if (done)
		done(arg, &result);
	free(result.output);
}

static void finish_late(struct probe *p)
{
	auto_free char *output = take_output(p);
	char limit[CLOCK_TEXT];

	clock_format_duration(p->timeout_ns, limit);
	finish(p, EXIT_NONE,
	       *output ? xasprintf("Health check exceeded timeout (%s): %s", limit, output)
		       : xasprintf("Health check exceeded timeout (%s)", limit));
}

/* It failed before there was anything to wait for: told by the loop, as everything is. */
static void on_failed(void *arg)
{
	struct probe *p = arg;

	p->timer = 0;
	finish(p, p->result.exit_code, take_ptr(p->result.output));
}

static void fail_soon(struct probe *p, int exit_code, const char *text)
{
	p->result.exit_code = exit_code;
	p->result.output = xstrdup(text);
	set_timer(p, 0, on_failed);
}

/* ---- a program -------------------------------------------------------------------------------- */

/* Reads what is there; the rest of a long output is read too, so that its writer gets on. */
static void on_output(void *arg, uint32_t events)
{
	struct probe *p = arg;
	char buf[4096];
	ssize_t n;

	(void)events;
	while ((n = read(p->out, buf, sizeof(buf))) > 0) {
		size_t room = HEALTH_OUTPUT_MAX - p->output.len;

		str_add_len(&p->output, buf, MIN((size_t)n, room));
		p->is_cut = p->is_cut || (size_t)n > room;
		/* One that writes for ever must not keep the loop. */
		if ((size_t)n < sizeof(buf) || p->is_cut)
			break;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		forget(p, &p->out);
}

static void on_program_late(void *arg)
{
	struct probe *p = arg;

	p->timer = 0;
	p->is_late = true;
	kill_all(p);
}

/* 1 if it runs (now), 0 if that is not known yet, -1 if it failed: the probe is gone. */
static int look_at_start(struct probe *p)
{
	struct error err = { 0 };
	int sock = p->child.sock;
	int rc;

	if (p->is_running)
		return 1;
	loop_remove(p->place.loop, sock);
	rc = exec_await(&p->child, 0, &err);
	if (rc < 0) {
		/* It has been waited for. */
		if (p->is_late)
			finish_late(p);
		else
			finish(p, EXIT_NONE, xstrdup(err.msg));
		return -1;
	}
	p->is_running = rc == 1;
	if (p->is_running && !p->is_late)
		set_timer(p, p->timeout_ns / MILLISECOND, on_program_late);
	return rc;
}

static void on_start(void *arg, uint32_t events)
{
	struct probe *p = arg;
	struct error err;

	(void)events;
	if (look_at_start(p) == 0 &&
	    loop_add(p->place.loop, p->child.sock, EPOLLIN, on_start, p, &err) < 0)
		kill_all(p);
}

static void on_program_end(void *arg, uint32_t events)
{
	struct probe *p = arg;
	siginfo_t info = { 0 };

	(void)events;
	if (look_at_start(p) < 0)
		return;
	(void)waitid(P_PIDFD, (id_t)p->child.pidfd, &info, WEXITED | WNOHANG);
	if (info.si_pid == 0)
		return;
	if (p->out >= 0)
		on_output(p, EPOLLIN);
	if (p->is_late)
		finish_late(p);
	else
		finish(p, proc_exit_code(info.si_code, info.si_status), take_output(p));
}

static void make_args(const struct probe *p, struct strv *args)
{
	const struct strv *shell = p->place.shell;

	if (p->test->kind == HEALTH_TEST_SHELL && shell && shell->n) {
		strv_copy(args, shell);
	} else if (p->test->kind == HEALTH_TEST_SHELL) {
		strv_add(args, "/bin/sh");
		strv_add(args, "-c");
	}
	for (size_t i = 0; i < p->test->args.n; i++)
		strv_add(args, p->test->args.items[i]);
}

static int watch_program(struct probe *p, struct error *err)
{
	struct loop *loop = p->place.loop;
	int rc = loop_add(loop, p->child.sock, EPOLLIN, on_start, p, err);

	if (rc == 0)
		rc = loop_add(loop, p->child.pidfd, EPOLLIN, on_program_end, p, err);
	if (rc == 0)
		rc = loop_add(loop, p->out, EPOLLIN, on_output, p, err);
	if (rc < 0)
		exec_kill(&p->child);
	return rc;
}

static int start_program(struct probe *p, struct error *err)
{
	struct spec_process process = *exec_target_process(p->place.target);
	struct exec_request request = { .process = &process };
	auto_strv struct strv args = { 0 };
	auto_fd int in = -1;
	int fds[2];
	int rc = make_group(p, err);

	if (rc < 0)
		return rc;
	make_args(p, &args);
	process.args = args;
	process.terminal = false;
	request.cgroup = p->group;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	in = fds[1];
	p->out = fds[0];
	(void)fcntl(p->out, F_SETFL, O_NONBLOCK);
	request.stdio[0] = EXEC_NULL;
	request.stdio[1] = request.stdio[2] = in;
	rc = exec_start(p->place.target, &request, &p->child, err);
	if (rc == 0)
		rc = watch_program(p, err);
	if (rc == 0)
		set_timer(p, START_MS, on_program_late);
	return rc;
}

/* ---- a connection ----------------------------------------------------------------------------- */

static void on_connection_late(void *arg)
{
	struct probe *p = arg;

	p->timer = 0;
	finish_late(p);
}

static char *describe(const struct probe *p, const char *what, int code)
{
	return xasprintf("%s %s: %s", what, p->test->target.authority, err_text(code));
}

/* True when the request is out, or the probe is gone. */
static bool send_request(struct probe *p)
{
	size_t len = strlen(p->request);
	ssize_t n = send(p->sock, p->request + p->sent, len - p->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) {
		finish(p, EXIT_UNWELL, describe(p, "send a request to", errno));
		return true;
	}
	p->sent += (size_t)n;
	if (p->sent < len)
		return false;
	/* From now on only the answer matters. */
	if (loop_modify(p->place.loop, p->sock, EPOLLIN, &(struct error){ 0 }) < 0)
		finish(p, EXIT_NONE, xstrdup("watch a connection"));
	return true;
}

static void judge_response(struct probe *p, int status)
{
	const char *line = p->response.text ? p->response.text : "";

	if (status < 0) {
		finish(p, EXIT_UNWELL,
		       xasprintf("%s: not an HTTP response", p->test->target.authority));
		return;
	}
	finish(p, status >= 200 && status <= 399 ? EXIT_WELL : EXIT_UNWELL,
	       xstrndup(line, strcspn(line, "\r\n")));
}

static void read_response(struct probe *p)
{
	char buf[2048];
	size_t room = MIN(sizeof(buf), PROBE_HTTP_MAX - p->response.len);
	ssize_t n = recv(p->sock, buf, room, 0);
	int status;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		finish(p, EXIT_UNWELL, describe(p, "read from", errno));
		return;
	}
	str_add_len(&p->response, buf, (size_t)n);
	status = p->response.len ? probe_http_status(p->response.text, p->response.len) : 0;
	if (status == 0 && n == 0)
		status = -EPROTO;
	if (status != 0)
		judge_response(p, status);
}

static void on_connection(void *arg, uint32_t events)
{
	struct probe *p = arg;
	socklen_t len = sizeof(int);
	int code = 0;

	/* Asked once, when the connection is made or refused. */
	if (p->sent == 0 && (getsockopt(p->sock, SOL_SOCKET, SO_ERROR, &code, &len) < 0 || code)) {
		finish(p, EXIT_UNWELL, describe(p, "connect to", code));
		return;
	}
	if (p->test->kind == HEALTH_TEST_TCP) {
		finish(p, EXIT_WELL, xasprintf("connected to %s", p->test->target.authority));
		return;
	}
	if (p->sent < strlen(p->request) && (events & EPOLLOUT) && send_request(p))
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_response(p);
}

static int start_connection(struct probe *p, struct error *err)
{
	const struct health_target *target = &p->test->target;

	p->request = p->test->kind == HEALTH_TEST_HTTP ? probe_http_request(target) : xstrdup("");
	p->sock = sys_socket_in(p->place.netns_fd, target->address.ss_family,
				SOCK_STREAM | SOCK_NONBLOCK, 0, err);
	if (p->sock < 0)
		return p->sock;
	if (connect(p->sock, (const struct sockaddr *)&target->address, target->address_len) < 0 &&
	    errno != EINPROGRESS) {
		auto_free char *text = describe(p, "connect to", errno);

		fail_soon(p, EXIT_UNWELL, text);
		close_fd(&p->sock);
		return 0;
	}
	set_timer(p, p->timeout_ns / MILLISECOND, on_connection_late);
	return loop_add(p->place.loop, p->sock, EPOLLIN | EPOLLOUT, on_connection, p, err);
}

/* ---- interface -------------------------------------------------------------------------------- */

struct probe *probe_start(const struct probe_place *place, const struct health_test *test,
			  int64_t timeout_ns, probe_done *done, void *arg)
{
	struct probe *p = xcalloc(1, sizeof(*p));
	struct error err = { 0 };
	int rc;

	*p = (struct probe){
		.place = *place,
		.test = test,
		.timeout_ns = timeout_ns,
		.done = done,
		.arg = arg,
		.result.begin_ns = clock_real_ns(),
		.child = { .pid = -1, .pidfd = -1, .sock = -1, .pipes = { -1, -1, -1 } },
		.out = -1,
		.sock = -1,
	};
	if (test->kind == HEALTH_TEST_HTTP || test->kind == HEALTH_TEST_TCP)
		rc = start_connection(p, &err);
	else
		rc = start_program(p, &err);
	if (rc < 0) {
		forget(p, &p->child.sock);
		forget(p, &p->child.pidfd);
		forget(p, &p->out);
		forget(p, &p->sock);
		fail_soon(p, EXIT_NONE, err.msg);
	}
	return p;
}

void probe_cancel(struct probe *p)
{
	siginfo_t info = { 0 };

	if (!p)
		return;
	p->done = NULL;
	if (p->child.pidfd >= 0) {
		kill_all(p);
		(void)waitid(P_PIDFD, (id_t)p->child.pidfd, &info, WEXITED | WNOHANG);
		/* Not dead yet: on_program_end() waits for it, whatever becomes of its place. */
		p->is_late = true;
		set_timer(p, 0, NULL);
		if (info.si_pid == 0)
			return;
	}
	probe_free(p);
}
