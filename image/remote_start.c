/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"
#include "image/load_internal.h"
#include "image/remote_internal.h"
#include "image/store_helper.h"

/* The request as a file without a name: arguments can be read by others, and it may have a password. */
static int request_file(const struct registry_request *request, struct error *err)
{
	auto_free char *text = registry_request_text(request);
	auto_fd int fd = memfd_create("request", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return err_sys(err, "write a request");
	return take_fd(&fd);
}

/* What proxies there are is told to programs in this way. */
static void make_environment(struct strv *ret)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
					     "all_proxy",  "ALL_PROXY",   "no_proxy",
					     "NO_PROXY" };

	strv_add(ret, "LC_ALL=C");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i]))
			strv_addf(ret, "%s=%s", names[i], getenv(names[i]));
}

static _Noreturn void become_client(char *path, int request, int sock, char *const envp[],
				    pid_t parent, int report)
{
	static char request_option[] = "--request-fd", sock_option[] = "--socket-fd";
	char request_fd[16], sock_fd[16];
	char *const argv[] = { path, request_option, request_fd, sock_option, sock_fd, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;
	int code;

	(void)snprintf(request_fd, sizeof(request_fd), "%d", request);
	(void)snprintf(sock_fd, sizeof(sock_fd), "%d", sock);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && cloexec_from(3) == 0 &&
	    fcntl(request, F_SETFD, 0) == 0 && fcntl(sock, F_SETFD, 0) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) {
		if (getppid() != parent)
			_exit(127);
		(void)execve(path, argv, envp);
	}
	code = errno;
	(void)!write(report, &code, sizeof(code));
	_exit(127);
}

int remote_start(const struct registry_request *request, struct remote_client *ret,
		 struct error *err)
{
	auto_free char *path = store_helper_path("minictr-registry");
	auto_strv struct strv environment = { 0 };
	auto_fd int file = request_file(request, err);
	pid_t parent = getpid();
	int pair[2], report[2];
	int rc = file < 0 ? file : sock_pair(pair, err);

	if (rc < 0)
		return rc;
	if (pipe2(report, O_CLOEXEC) < 0) {
		rc = err_sys(err, "make a pipe");
		close_fd(&pair[0]);
		close_fd(&pair[1]);
		return rc;
	}
	make_environment(&environment);
	ret->pid = fork();
	if (ret->pid == 0)
		become_client(path, file, pair[1], strv_items(&environment), parent, report[1]);
	if (ret->pid < 0)
		rc = err_sys(err, "fork for '%s'", path);
	close_fd(&pair[1]);
	close_fd(&report[1]);
	ret->sock = pair[0];
	ret->report = report[0];
	if (rc < 0) {
		close_fd(&ret->sock);
		close_fd(&ret->report);
	}
	return rc;
}

int remote_end(struct remote_client *client, struct error *err)
{
	int code = 0;
	int rc = 0;

	close_fd(&client->sock);
	if (client->pid > 0) {
		(void)kill(client->pid, SIGKILL);
		while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
			;
		client->pid = 0;
	}
	if (client->report >= 0 && read(client->report, &code, sizeof(code)) == sizeof(code))
		rc = err_set(err, code, "run 'minictr-registry': %s", err_text(code));
	close_fd(&client->report);
	return rc;
}

/* *ret_fd: what came with the result, owned by the caller. */
static int wait_for_result(struct remote_client *client, int *ret_fd, struct error *err)
{
	struct load_message message;
	struct error failure = { 0 };
	int rc = load_receive(client->sock, &message, ret_fd, err);

	if (rc > 0 && message.kind == LOAD_FAILED) {
		auto_free char *shown = str_escape(message.err.msg);

		rc = err_set(err, message.err.code > 0 ? message.err.code : EIO, "%s", shown);
	} else if (rc > 0 && message.kind != LOAD_RESULT) {
		rc = err_set(err, EPROTO, "minictr-registry does not keep to the protocol");
	} else if (rc == 0) {
		rc = err_set(err, EIO, "minictr-registry ended without a word");
	}
	if (remote_end(client, &failure) < 0) {
		*err = failure;
		rc = -err->code;
	}
	return MIN(rc, 0);
}

int remote_wait(struct remote_client *client, struct error *err)
{
	auto_fd int fd = -1;

	return wait_for_result(client, &fd, err);
}

int remote_wait_text(struct remote_client *client, size_t max, char **ret, size_t *ret_len,
		     struct error *err)
{
	auto_fd int fd = -1;
	auto_free char *text = NULL;
	struct stat st;
	int rc = wait_for_result(client, &fd, err);

	if (rc < 0)
		return rc;
	/* It has ended, so nobody changes the file any more. */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return err_set(err, EPROTO, "minictr-registry does not keep to the protocol");
	text = xmalloc((size_t)st.st_size + 1);
	if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		return err_set(err, EIO, "read what minictr-registry has found");
	text[st.st_size] = '\0';
	*ret = take_ptr(text);
	*ret_len = (size_t)st.st_size;
	return 0;
}
