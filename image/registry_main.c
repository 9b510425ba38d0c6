/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/sys_cred.h"
#include "image/load_internal.h"
#include "image/registry_login.h"
#include "image/registry_pull.h"
#include "image/registry_push.h"
#include "image/registry_tags.h"

/*
 * minictr-registry: the registry client.  Started by minictr only, with a request and a socket as open
 * files; it talks to strangers, so it gives up being root before it does, and has no file of the store
 * but those that it is handed.
 */
#define NOBODY      65534
#define REQUEST_MAX (4U << 20)
#define DATA_MAX    (256U << 20)

static int bad_usage(void)
{
	(void)fputs("usage: minictr-registry --request-fd N --socket-fd N\n"
		    "       minictr-registry --version\n",
		    stderr);
	return 2;
}

/* ---- what it gives up ------------------------------------------------------------------------- */

/* Nothing of this is needed to talk to a registry; libraries that try it are told no. */
static const unsigned int refused_calls[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_add_key,
	SYS_keyctl,
	SYS_request_key,
};

#define CODE(op, k_, t, f)                                    \
	(struct sock_filter)                                  \
	{                                                     \
		.code = (op), .jt = (t), .jf = (f), .k = (k_) \
	}

static int refuse_calls(struct error *err)
{
	struct sock_filter code[2 * ARRAY_LEN(refused_calls) + 2];
	unsigned short n = 0;

	code[n++] = CODE(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(refused_calls); i++) {
		code[n++] = CODE(BPF_JMP | BPF_JEQ | BPF_K, refused_calls[i], 0, 1);
		code[n++] = CODE(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	}
	code[n++] = CODE(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	return sys_seccomp(code, n, 0, ARRAY_LEN(refused_calls), err);
}

static int confine(struct error *err)
{
	const struct sys_caps none = { 0 };
	int rc = 0;

	if (geteuid() == 0) {
		rc = sys_drop_bounding(&none, err);
		if (rc == 0)
			rc = sys_set_ids(NOBODY, NOBODY, NULL, 0, err);
	}
	if (rc == 0)
		rc = sys_no_new_privs(err);
	if (rc == 0)
		rc = sys_rlimit(0, RLIMIT_DATA, "RLIMIT_DATA", DATA_MAX, DATA_MAX, err);
	if (rc == 0)
		rc = sys_rlimit(0, RLIMIT_CORE, "RLIMIT_CORE", 0, 0, err);
	if (rc == 0)
		rc = refuse_calls(err);
	/* Other ids, and this is forgotten (prctl(2)). */
	if (rc == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		rc = err_sys(err, "ask for a signal at the parent's end");
	return rc;
}

/* ---- what it does ----------------------------------------------------------------------------- */

static int read_request(int fd, struct registry_request *ret, struct error *err)
{
	auto_free char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || st.st_size > (off_t)REQUEST_MAX)
		return err_set(err, EINVAL, "there is no request");
	text = xmalloc((size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return err_set(err, EINVAL, "read the request");
	text[n] = '\0';
	return registry_request_parse(text, (size_t)n, ret, err);
}

static int serve(const struct registry_request *request, int sock, struct error *err)
{
	auto_http struct http *http = http_new(err);

	if (!http)
		return -err->code;
	switch ((enum registry_verb)request->verb) {
	case REGISTRY_PULL:
		return registry_pull(http, request, sock, err);
	case REGISTRY_PUSH:
		return registry_push(http, request, sock, err);
	case REGISTRY_LOGIN:
		return registry_login(http, request, sock, err);
	case REGISTRY_TAGS:
		return registry_tags(http, request, sock, err);
	}
	return err_set(err, EINVAL, "there is no such request");
}

static int parse_fd(const char *text)
{
	struct error err = { 0 };
	uint64_t fd;

	return parse_uint64(text, 1U << 20, &fd, &err) < 0 ? -1 : (int)fd;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "request-fd", required_argument, NULL, 'r' },
		{ "socket-fd", required_argument, NULL, 's' },
		{ 0 },
	};
	auto_registry_request struct registry_request request = { 0 };
	int option, request_fd = -1, sock = -1;
	struct error err = { 0 };
	int rc;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("minictr-registry " MINICTR_VERSION);
		return EXIT_SUCCESS;
	}
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			request_fd = parse_fd(optarg);
		else if (option == 's')
			sock = parse_fd(optarg);
		else
			return bad_usage();
	}
	if (request_fd < 0 || sock < 0 || optind != argc)
		return bad_usage();

	(void)signal(SIGPIPE, SIG_IGN);
	rc = read_request(request_fd, &request, &err);
	(void)close(request_fd);
	if (rc == 0)
		rc = confine(&err);
	if (rc == 0)
		rc = serve(&request, sock, &err);
	if (rc < 0)
		load_send_failure(sock, &err);
	return rc < 0;
}
