/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minictr-init -- COMMAND...
 *
 * Process 1 of a container with --init: starts COMMAND, passes signals on to it, collects whoever
 * ends, and ends as COMMAND does.  A program of its own, static and small, so that neither libraries
 * of the image nor minictr itself are in the container's reach.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* COMMAND has a process group of its own: with a terminal it is the one in its foreground. */
static void run_command(char **argv, const sigset_t *mask)
{
	(void)setpgid(0, 0);
	(void)signal(SIGTTOU, SIG_IGN);
	(void)tcsetpgrp(STDIN_FILENO, getpgrp());
	(void)signal(SIGTTOU, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(argv[0], argv);
	(void)fprintf(stderr, "minictr: exec '%s': %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Collects all who have ended; returns true with *ret_status if @command is one of them. */
static int collect(pid_t command, int *ret_status)
{
	int has_ended = 0;

	for (;;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return has_ended;
		if (pid == command) {
			*ret_status =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			has_ended = 1;
		}
	}
}

int main(int argc, char **argv)
{
	sigset_t all, before;
	pid_t command;
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;

	if (argc <= first) {
		(void)fprintf(stderr, "usage: minictr-init -- COMMAND...\n");
		return 125;
	}
	/* Faults of our own are not held back. */
	(void)sigfillset(&all);
	for (const int *s = (const int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, 0 };
	     *s; s++)
		(void)sigdelset(&all, *s);
	(void)sigprocmask(SIG_BLOCK, &all, &before);

	command = fork();
	if (command < 0) {
		(void)fprintf(stderr, "minictr: fork: %s\n", strerror(errno));
		return 126;
	}
	if (command == 0)
		run_command(argv + first, &before);
	for (;;) {
		int status = 0;
		int signal = sigwaitinfo(&all, NULL);

		if (signal == SIGCHLD && collect(command, &status))
			return status;
		if (signal > 0 && signal != SIGCHLD)
			(void)kill(command, signal);
	}
}
