/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_spy STOP-FILE PROGRAM
 *
 * Runs in a container as its root until there is a STOP-FILE, and tries to get at every new process
 * while that is not yet PROGRAM: by its links and descriptors in /proc, and by attaching to it.
 * Prints what it got hold of; a last line "saw N" tells how many processes it looked at.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS 65536

static const char *program;

/* True if /proc/PID/exe can be read and is not (yet) the program. */
static int is_runtime(int pid)
{
	char path[64], target[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	return strcmp(target, program) != 0;
}

static void try_links(int pid)
{
	static const char *const names[] = { "exe", "root", "cwd", "mem", "fd/0", "fd/3", "maps" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		fd = open(path, O_RDONLY | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (is_runtime(pid)) {
			(void)printf("opened %s\n", path);
			(void)fflush(stdout);
		}
		(void)close(fd);
	}
}

static void try_attach(int pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return;
	(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	(void)waitpid(pid, &status, __WALL);
	if (is_runtime(pid)) {
		(void)printf("attached to %d\n", pid);
		(void)fflush(stdout);
	}
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

int main(int argc, char **argv)
{
	static unsigned char seen[PIDS];
	int count = 0;

	if (argc != 3)
		return 2;
	program = argv[2];
	do {
		DIR *dir = opendir("/proc");
		const struct dirent *entry;

		while ((entry = readdir(dir))) {
			int pid = atoi(entry->d_name);

			if (pid <= 1 || pid >= PIDS || pid == getpid())
				continue;
			if (!seen[pid]) {
				seen[pid] = 1;
				count++;
			}
			if (count % 2)
				try_attach(pid);
			else
				try_links(pid);
		}
		(void)closedir(dir);
	} while (access(argv[1], F_OK) < 0);
	(void)printf("saw %d\n", count);
	return 0;
}
