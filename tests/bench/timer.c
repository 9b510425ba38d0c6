/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer COUNT IDLE_MS COMMAND...
 *
 * Runs COMMAND, COUNT times, each after IDLE_MS of sleep, its output thrown away, and prints a line
 * for each: wall time in us, CPU time of it and its children in us, largest resident set in KiB.
 * The child is started by vfork(2), so that the size of whoever measures does not count.
 * Ends with COMMAND's exit status as soon as that is not 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long long us_of(struct timeval t)
{
	return t.tv_sec * 1000000LL + t.tv_usec;
}

static int run_once(char **argv, posix_spawn_file_actions_t *actions)
{
	struct rusage usage;
	long long begun = now_us();
	int status, rc;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
	if (rc != 0) {
		(void)fprintf(stderr, "timer: %s: %s\n", argv[0], strerror(rc));
		return 127;
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return 126;
	(void)printf("%lld %lld %ld\n", now_us() - begun,
		     us_of(usage.ru_utime) + us_of(usage.ru_stime), usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	struct timespec idle;
	int count, idle_ms, rc = 0;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: timer COUNT IDLE_MS COMMAND...\n");
		return 2;
	}
	count = atoi(argv[1]);
	idle_ms = atoi(argv[2]);
	idle.tv_sec = idle_ms / 1000;
	idle.tv_nsec = idle_ms % 1000 * 1000000L;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < count && rc == 0; i++) {
		if (idle_ms > 0)
			(void)nanosleep(&idle, NULL);
		rc = run_once(argv + 3, &actions);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}
