/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle BUNDLE ID RUNTIME...
 *
 * Once what an engine does with an OCI runtime for a container: create, start, wait until its
 * process has ended, delete.  RUNTIME may have options behind it.  Exits with the status of the verb
 * that fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 16, MAX_PATH = 4096 };

extern char **environ;

static void call(char *const *runtime, char *const *words)
{
	char *argv[2 * MAX_WORDS + 1];
	size_t n = 0;
	int status, rc;
	pid_t pid;

	for (; *runtime && n < MAX_WORDS; runtime++)
		argv[n++] = *runtime;
	for (; *words; words++)
		argv[n++] = *words;
	argv[n] = NULL;
	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (rc != 0) {
		(void)fprintf(stderr, "lifecycle: %s: %s\n", argv[0], strerror(rc));
		exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			exit(126);
	if (status != 0)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int open_process(const char *pid_file)
{
	char text[32] = { 0 };
	int fd = open(pid_file, O_RDONLY | O_CLOEXEC);
	int pidfd;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
		perror(pid_file);
		exit(125);
	}
	(void)close(fd);
	pidfd = pidfd_open(atoi(text), 0);
	if (pidfd < 0) {
		perror("lifecycle: pidfd_open");
		exit(125);
	}
	return pidfd;
}

int main(int argc, char **argv)
{
	static char create[] = "create", start[] = "start", delete[] = "delete";
	static char bundle[] = "--bundle", pid_file[] = "--pid-file";
	char path[MAX_PATH];
	char *id = argc > 3 ? argv[2] : NULL;
	char *const create_words[] = { create, bundle, argv[1], pid_file, path, id, NULL };
	char *const start_words[] = { start, id, NULL };
	char *const delete_words[] = { delete, id, NULL };
	struct pollfd end = { .events = POLLIN };

	if (argc < 4) {
		(void)fprintf(stderr, "usage: lifecycle BUNDLE ID RUNTIME...\n");
		return 2;
	}
	(void)snprintf(path, sizeof(path), "%s/pid", argv[1]);
	call(argv + 3, create_words);
	end.fd = open_process(path);
	call(argv + 3, start_words);
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	call(argv + 3, delete_words);
	return 0;
}
