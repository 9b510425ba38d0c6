/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"

int proc_start_time(pid_t pid, uint64_t *ret, struct error *err)
{
	auto_free char *text = NULL;
	char path[32];
	const char *at;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	rc = file_read(path, 65536, &text, NULL, err);
	if (rc < 0)
		return rc;

	/* Field 2 is the command in parentheses and may hold anything: count from its end. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	if (!at || sscanf(at, " %" SCNu64, ret) != 1)
		return err_set(err, EINVAL, "read start time of process %d: no such field", pid);
	return 0;
}

void proc_boot_id(char ret[37])
{
	static char id[37]; /* it does not change while we live */
	auto_free char *text = NULL;
	struct error ignored;

	if (!*id && file_read("/proc/sys/kernel/random/boot_id", 64, &text, NULL, &ignored) == 0) {
		text[strcspn(text, "\n")] = '\0';
		if (strlen(text) == 36)
			memcpy(id, text, 37);
	}
	memcpy(ret, id, 37);
}

int proc_open(pid_t pid, uint64_t start_time, struct error *err)
{
	uint64_t now = 0;
	auto_fd int fd = -1;
	int rc;

	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return err_sys(err, "open process %d", pid);

	/* The pidfd is fixed now: whoever has the number is the one whose time we read. */
	rc = proc_start_time(pid, &now, err);
	if (rc < 0 || now != start_time)
		return err_set(err, ESRCH, "open process %d: no such process", pid);
	return take_fd(&fd);
}

pid_t proc_pid_of(int pidfd, struct error *err)
{
	auto_free char *text = NULL;
	const char *line;
	char path[48];
	pid_t pid = -1;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	rc = file_read(path, 4096, &text, NULL, err);
	if (rc < 0)
		return rc;
	line = strstr(text, "\nPid:");
	if (!line || sscanf(line, " Pid: %d", &pid) != 1 || pid <= 0)
		return err_set(err, ESRCH, "find a process by its descriptor: it has ended");
	return pid;
}

int proc_signal(int pidfd, int signal, struct error *err)
{
	if (pidfd_send_signal(pidfd, signal, NULL, 0) < 0)
		return err_sys(err, "send signal %d", signal);
	return 0;
}

int proc_wait_end(int pidfd, int timeout_ms, struct error *err)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int n = poll(&poll_fd, 1, timeout_ms);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return err_sys(err, "wait for a process");
	}
}

int proc_exit_code(int how, int status)
{
	return how == CLD_EXITED ? status : 128 + status;
}

int proc_write_pid_file(const char *path, pid_t pid, struct error *err)
{
	const char *name = path_base(path);
	auto_free char *parent = xstrndup(path, (size_t)(name - path));
	auto_fd int fd = open(*parent ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[16];

	if (fd < 0)
		return err_sys(err, "open '%s'", parent);
	(void)snprintf(text, sizeof(text), "%d", pid);
	return file_replace_at(&(struct dir){ .fd = fd, .path = parent }, name, text, strlen(text),
			       0644, FILE_FAST, err);
}

/* What the parent needs of a helper under way. */
struct running {
	pid_t pid;
	int pidfd;
	int in, out, errors; /* our ends */
	struct str complaint;
};

#define OUTPUT_MAX    (1U << 20)
#define COMPLAINT_MAX 4096U

static char *const minimal_env[] = {
	(char[]){ "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	(char[]){ "LC_ALL=C" },
	NULL,
};

/* The helper itself, between fork and exec; says by exit code 127 and errno on @report why not. */
static _Noreturn void become(const struct helper *h, int in, int out, int errors, int report)
{
	sigset_t none;
	int code;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setpgid(0, 0);
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(errors, 2) >= 0) {
		(void)cloexec_from(3);
		/* execvpe() looks the name up in our own PATH, which may be empty. */
		if (!getenv("PATH"))
			(void)setenv("PATH", minimal_env[0] + strlen("PATH="), 1);
		(void)execvpe(h->path ? h->path : h->argv[0], h->argv,
			      h->envp ? h->envp : minimal_env);
	}
	code = errno;
	(void)!write(report, &code, sizeof(code));
	_exit(127);
}

static int drain(int *fd, struct str *into, size_t max)
{
	char buf[4096];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		close_fd(fd);
		return 0;
	}
	if (into && into->len < max)
		str_add_len(into, buf, MIN((size_t)n, max - into->len));
	return 0;
}

static void feed(int *fd, const char **input)
{
	size_t len = strlen(*input);
	ssize_t n = len ? send(*fd, *input, len, MSG_NOSIGNAL) : 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* A helper that does not read its input (EPIPE) may do so. */
	if (n <= 0) {
		close_fd(fd);
		return;
	}
	*input += n;
	if (!**input)
		close_fd(fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Moves input and output until the helper has ended or @deadline: 0, or -ETIMEDOUT. */
static int attend(struct running *r, const struct helper *h, int64_t deadline)
{
	const char *input = h->input ? h->input : "";
	bool has_ended = false;

	while (!has_ended || r->out >= 0 || r->errors >= 0) {
		struct pollfd fds[] = {
			{ .fd = r->in, .events = POLLOUT },
			{ .fd = r->out, .events = POLLIN },
			{ .fd = r->errors, .events = POLLIN },
			{ .fd = has_ended ? -1 : r->pidfd, .events = POLLIN },
		};
		int64_t left = deadline < 0 ? -1 : MAX(0, deadline - now_ms());
		/* A grandchild may hold the pipes open: they get no more than a moment. */
		int n = poll(fds, ARRAY_LEN(fds), has_ended ? 100 : (int)MIN(left, INT32_MAX));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return has_ended ? 0 : -ETIMEDOUT;
		if (n < 0)
			continue;
		if (fds[0].revents)
			feed(&r->in, &input);
		if (fds[1].revents)
			(void)drain(&r->out, h->output, OUTPUT_MAX);
		if (fds[2].revents)
			(void)drain(&r->errors, &r->complaint, COMPLAINT_MAX);
		if (fds[3].revents)
			has_ended = true;
	}
	return 0;
}

static void stop_group(const struct running *r)
{
	/* The child may not have reached its setpgid() yet. */
	if (kill(-r->pid, SIGKILL) < 0)
		(void)pidfd_send_signal(r->pidfd, SIGKILL, NULL, 0);
}

/* The complaint as one line behind err->msg. */
static void tell(struct error *err, const char *name, const struct str *complaint)
{
	const char *text = complaint->len ? complaint->text : "no message";

	(void)snprintf(err->msg, sizeof(err->msg), "%s: %.*s", name, (int)strcspn(text, "\n"),
		       text);
	err->code = 0;
	err->status = 0;
}

static int start(const struct helper *h, struct running *r, int *ret_report, struct error *err)
{
	int in[2] = { -1, -1 };
	int out[2] = { -1, -1 };
	int errors[2] = { -1, -1 };
	int report[2] = { -1, -1 };
	int rc = 0;

	/* A socket for the input: it can be written to without SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, in) < 0 ||
	    pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0 ||
	    pipe2(report, O_CLOEXEC) < 0) {
		rc = err_sys(err, "make pipes for '%s'", h->argv[0]);
	} else {
		/* The helper's own end blocks, as programs expect of their stdin. */
		(void)fcntl(in[1], F_SETFL, 0);
		r->pid = fork();
		if (r->pid == 0)
			become(h, in[1], out[1], errors[1], report[1]);
		if (r->pid < 0)
			rc = err_sys(err, "fork for '%s'", h->argv[0]);
	}
	if (rc == 0) {
		(void)setpgid(r->pid, r->pid);
		r->pidfd = pidfd_open(r->pid, 0);
		if (r->pidfd < 0)
			rc = err_sys(err, "open process %d", r->pid);
		r->in = take_fd(&in[0]);
		r->out = take_fd(&out[0]);
		r->errors = take_fd(&errors[0]);
		*ret_report = take_fd(&report[0]);
	}
	for (int i = 0; i < 2; i++) {
		close_fd(&in[i]);
		close_fd(&out[i]);
		close_fd(&errors[i]);
		close_fd(&report[i]);
	}
	return rc;
}

static int finish(struct running *r, const struct helper *h, int report, int rc, struct error *err)
{
	siginfo_t info = { 0 };
	int code = 0;

	if (rc < 0)
		stop_group(r);
	while (waitid(P_PID, (id_t)r->pid, &info, WEXITED) < 0 && errno == EINTR)
		;
	if (read(report, &code, sizeof(code)) == (ssize_t)sizeof(code))
		return err_set(err, code, "run '%s': %s", h->argv[0], err_text(code));
	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "run '%s': no end within %d ms", h->argv[0],
			       h->timeout_ms);
	if (rc < 0)
		return err_set(err, -rc, "run '%s': %s", h->argv[0], err_text(-rc));
	code = proc_exit_code(info.si_code, info.si_status);
	if (code != 0)
		tell(err, h->argv[0], &r->complaint);
	return code;
}

int helper_run(const struct helper *h, struct error *err)
{
	struct running r = { .pidfd = -1, .in = -1, .out = -1, .errors = -1 };
	auto_fd int report = -1;
	int rc = start(h, &r, &report, err);

	if (rc == 0) {
		rc = attend(&r, h, h->timeout_ms > 0 ? now_ms() + h->timeout_ms : -1);
		rc = finish(&r, h, report, rc, err);
	}
	close_fd(&r.pidfd);
	close_fd(&r.in);
	close_fd(&r.out);
	close_fd(&r.errors);
	str_fini(&r.complaint);
	return rc;
}
