/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak_memory FILE COMMAND...   runs COMMAND, writes to FILE how much memory one of its processes had
 * at most, in KiB, and ends as it did.
 *
 * The peak that wait4(2) tells is not less than what the parent had when it forked: a big one cannot
 * measure a small one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	struct rusage usage;
	int status;
	FILE *file;
	pid_t pid;

	if (argc < 3)
		return 2;
	pid = fork();
	if (pid == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return 2;
	file = fopen(argv[1], "we");
	if (!file || fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file) != 0)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
