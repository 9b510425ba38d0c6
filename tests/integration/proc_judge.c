/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_judge DIRECTORY...
 *
 * Runs in a container: whichever of the directories is a procfs has to be masked and read-only where
 * containers' are.  Prints what is open, and a last line with the number of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* All by a descriptor of the directory: its name may lead elsewhere at any moment. */
static void judge_masks(const char *dir, int dir_fd)
{
	static const char *const masked[] = { "kcore", "keys", "timer_list" };

	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
		int fd = openat(dir_fd, masked[i], O_RDONLY | O_NONBLOCK);
		struct stat st;
		char byte;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0 || read(fd, &byte, 1) != 0 ||
		    !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
			(void)printf("%s/%s is no mask\n", dir, masked[i]);
		(void)close(fd);
	}
}

static void judge_writing(const char *dir, int dir_fd)
{
	static const char *const closed[] = { "sys/kernel/hostname", "sys/kernel/core_pattern",
					      "sysrq-trigger", "irq/default_smp_affinity" };

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		int fd = openat(dir_fd, closed[i], O_WRONLY);

		if (fd >= 0 || (errno != EROFS && errno != ENOENT))
			(void)printf("%s/%s: %s\n", dir, closed[i],
				     fd < 0 ? strerror(errno) : "opened");
		(void)close(fd);
	}
}

int main(int argc, char **argv)
{
	int found = 0;

	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_PATH | O_DIRECTORY | O_NOFOLLOW);
		struct statfs fs;

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
			found++;
			judge_masks(argv[i], fd);
			judge_writing(argv[i], fd);
		}
		(void)close(fd);
	}
	(void)printf("procfs %d\n", found);
	return 0;
}
