/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

int archive_refuses_terminal(const char *command, const char *path, struct error *err)
{
	if (path || !isatty(STDOUT_FILENO))
		return 0;
	return err_set(err, EINVAL, "%s: --output, or something else than a terminal to write to",
		       command);
}

int archive_write(const char *path,
		  int (*write)(void *arg, int fd, const char *name, struct error *err), void *arg,
		  struct error *err)
{
	auto_free char *part = NULL;
	struct stat st;
	bool is_device;
	int fd, rc;

	if (!path)
		return write(arg, STDOUT_FILENO, "standard output", err);
	part = xasprintf("%s.part-%d", path, getpid());
	is_device = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
	fd = open(is_device ? path : part,
		  (is_device ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL) | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "make '%s'", is_device ? path : part);
	rc = write(arg, fd, path, err);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(err, "write '%s'", path);
	if (rc == 0 && !is_device && rename(part, path) < 0)
		rc = err_sys(err, "make '%s'", path);
	if (rc < 0 && !is_device)
		(void)unlink(part);
	return rc;
}
