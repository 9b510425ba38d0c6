/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For cgroup_limits.c and cgroup_processes.c: test points, groups below /minictr, processes in them. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "cgroups/resources.h"

#define MIB ((int64_t)1 << 20)

static struct cgroup_host *host;
static int points, failures;

/* ---- test points */

static inline void point(bool is_ok, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline void point(bool is_ok, const char *fmt, ...)
{
	va_list ap;

	failures += !is_ok;
	printf("%sok %d - ", is_ok ? "" : "not ", ++points);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	(void)fflush(stdout);
}

static inline bool done(int rc, const struct error *err, const char *what)
{
	point(rc >= 0, "%s", what);
	if (rc < 0)
		printf("#   %s\n", err->msg);
	return rc >= 0;
}

static inline void refused(int rc, const struct error *err, const char *text, const char *what)
{
	bool is_right = rc < 0 && strstr(err->msg, text);

	point(is_right, "%s", what);
	if (!is_right)
		printf("#   got: %s\n#   wanted: ...%s...\n", rc < 0 ? err->msg : "success", text);
}

static inline void skip(const char *what, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++points, what, why);
}

static inline double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static inline void pause_ms(long ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* ---- groups and processes in them */

static inline struct cgroup *create(const char *name, const struct cgroup_resources *resources)
{
	auto_free char *path = NULL;
	struct cgroup *cgroup = NULL;
	struct error err = { 0 };

	if (cgroup_path_clean(name, &path, &err) < 0 ||
	    cgroup_create(host, path, resources, &cgroup, &err) < 0) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return cgroup;
}

static inline struct cgroup *create_plain(const char *name)
{
	const struct cgroup_resources nothing = { 0 };

	return create(name, &nothing);
}

static inline bool is_left(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *dir = cgroup_directory(cgroup, (enum cgroup_controller)i);

		if (dir && access(dir, F_OK) == 0)
			return true;
	}
	return false;
}

static inline void destroy(struct cgroup *cgroup, const char *what)
{
	struct error err = { 0 };
	int rc = cgroup_destroy(cgroup, &err);

	if (rc == 0 && is_left(cgroup))
		rc = -err_set(&err, EEXIST, "a directory is left");
	(void)done(rc, &err, what);
	cgroup_free(cgroup);
}

/* A child inside of @cgroup, as a container's init gets there; it ends with what @run returns. */
static inline pid_t start(const struct cgroup *cgroup, int (*run)(void *arg), void *arg)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct error err = { 0 };
	int gate[2];
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0) {
		printf("Bail out! pipe2: %s\n", err_text(errno));
		exit(1);
	}
	if (cgroup_v2_fd(cgroup) >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_v2_fd(cgroup);
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0) {
		printf("Bail out! clone3: %s\n", err_text(errno));
		exit(1);
	}
	if (pid > 0) {
		/* It is in, or has ended, or is frozen on its way. */
		(void)close(gate[1]);
		(void)poll(&(struct pollfd){ .fd = gate[0], .events = POLLIN }, 1, 5000);
		(void)close(gate[0]);
		return pid;
	}
	(void)close(gate[0]);
	if (cgroup_join_self(cgroup, &err) < 0) {
		printf("# %s\n", err.msg);
		(void)fflush(stdout);
		_exit(99);
	}
	(void)close(gate[1]);
	_exit(run(arg));
}

/* Its exit code, or 128 + the signal. */
static inline int reap(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline int run_in(const struct cgroup *cgroup, int (*run)(void *arg), void *arg)
{
	return reap(start(cgroup, run, arg));
}

static inline int sleep_long(void *arg)
{
	(void)arg;
	pause_ms(60000);
	return 0;
}

/* ---- reading back */

static inline char *read_file(const struct cgroup *cgroup, enum cgroup_controller controller,
			      const char *file)
{
	const char *directory = cgroup_directory(cgroup, controller);
	auto_free char *path = directory ? path_join(directory, file) : NULL;
	struct error err = { 0 };
	char *text = NULL;

	if (!path || file_read(path, 1 << 16, &text, NULL, &err) < 0)
		return xstrdup("(none)");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

struct expectation {
	enum cgroup_controller controller;
	const char *v1_file, *v1_value, *v2_file, *v2_value;
};

static inline void expect(const struct cgroup *cgroup, const struct expectation *e)
{
	bool is_v2 = cgroup_host_controller(host, e->controller) == CGROUP_V2;
	const char *file = is_v2 ? e->v2_file : e->v1_file;
	const char *value = is_v2 ? e->v2_value : e->v1_value;
	auto_free char *text = NULL;

	if (!file)
		return;
	text = read_file(cgroup, e->controller, file);
	point(str_eq(text, value), "%s is %s", file, value);
	if (!str_eq(text, value))
		printf("#   got: %s\n", text);
}

/* ---- begin and end; what these return is the program's exit status, if not 0 */

static inline int setup_host(void)
{
	struct error err = { 0 };

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 77;
	}
	if (cgroup_host_open(&host, &err) < 0) {
		printf("1..0 # SKIP %s\n", err.msg);
		return 77;
	}
	return 0;
}

static inline int finish(void)
{
	cgroup_host_free(host);
	printf("1..%d\n", points);
	return failures ? 1 : 0;
}
