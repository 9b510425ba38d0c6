/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many COUNT WIDTH COMMAND...
 *
 * Runs COMMAND, COUNT times, WIDTH of them at once: as soon as one ends, the next begins in its
 * place.  "%" in COMMAND's words is the number of the place, from 0 on.  Prints how long all took,
 * in us.  Ends with COMMAND's exit status as soon as that is not 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WIDTH = 64, MAX_WORDS = 64, MAX_WORD = 1024 };

extern char **environ;

static posix_spawn_file_actions_t actions;
static pid_t places[MAX_WIDTH];

static long long now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void fill_in(const char *word, int place, char out[MAX_WORD])
{
	const char *at = strchr(word, '%');

	if (at)
		(void)snprintf(out, MAX_WORD, "%.*s%d%s", (int)(at - word), word, place, at + 1);
	else
		(void)snprintf(out, MAX_WORD, "%s", word);
}

static void begin(int place, char **command)
{
	static char words[MAX_WORDS][MAX_WORD];
	char *argv[MAX_WORDS + 1] = { NULL };
	int rc;

	for (size_t i = 0; command[i] && i < MAX_WORDS; i++) {
		fill_in(command[i], place, words[i]);
		argv[i] = words[i];
	}
	rc = posix_spawnp(&places[place], argv[0], &actions, NULL, argv, environ);
	if (rc != 0) {
		(void)fprintf(stderr, "many: %s: %s\n", argv[0], strerror(rc));
		exit(127);
	}
}

/* The place of one that has ended well. */
static int wait_for_one(int width)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(-1, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		exit(126);
	if (status != 0)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	for (int i = 0; i < width; i++) {
		if (places[i] == pid)
			return i;
	}
	exit(126);
}

int main(int argc, char **argv)
{
	int count = argc > 3 ? atoi(argv[1]) : 0;
	int width = argc > 3 ? atoi(argv[2]) : 0;
	int begun = 0;
	long long start;

	if (width < 1 || width > MAX_WIDTH || count < width) {
		(void)fprintf(stderr, "usage: many COUNT WIDTH COMMAND...\n");
		return 2;
	}
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	start = now_us();
	while (begun < width)
		begin(begun++, argv + 3);
	for (int ended = 0; ended < count; ended++) {
		int place = wait_for_one(width);

		if (begun < count) {
			begin(place, argv + 3);
			begun++;
		}
	}
	(void)printf("%lld\n", now_us() - start);
	(void)posix_spawn_file_actions_destroy(&actions);
	return 0;
}
