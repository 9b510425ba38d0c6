/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exe_thief FIFO
 *
 * Runs in a container as its root: waits for a process whose program is none of the container's
 * (the runtime, executed by way of "#!/proc/self/exe --log=FIFO"), takes hold of its program file,
 * lets it go on by reading FIFO, and tries to write to the file once it has ended.  Prints the
 * outcome, "Read-only file system" being the good one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_ours(const struct stat *st)
{
	static const char *const programs[] = { "/bin/busybox", "/exe_thief" };
	struct stat ours;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (stat(programs[i], &ours) == 0 && ours.st_ino == st->st_ino &&
		    ours.st_dev == st->st_dev)
			return 1;
	}
	return 0;
}

static int find(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	int found = -1;

	while (found < 0 && (entry = readdir(dir))) {
		char path[300];
		struct stat st;
		int fd;

		if (atoi(entry->d_name) <= 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
		fd = open(path, O_PATH);
		if (fd >= 0 && fstat(fd, &st) == 0 && !is_ours(&st))
			found = fd;
		else if (fd >= 0)
			(void)close(fd);
	}
	(void)closedir(dir);
	return found;
}

int main(int argc, char **argv)
{
	char path[64], buf[64];
	int exe, fifo, fd = -1;

	if (argc != 2)
		return 2;
	while ((exe = find()) < 0)
		(void)usleep(1000);
	fifo = open(argv[1], O_RDONLY);
	while (read(fifo, buf, sizeof(buf)) > 0)
		;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", exe);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		fd = open(path, O_WRONLY);
		if (fd < 0 && errno != ETXTBSY)
			break;
		(void)usleep(1000);
	}
	(void)printf("%s\n", fd < 0 ? strerror(errno) : "opened for writing");
	return 0;
}
