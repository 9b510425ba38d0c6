/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/bundle.h"

int files_make(const struct files *files, struct error *err)
{
	(void)files;
	(void)err;
	return 0;
}

/* mkdir -p: a step for each directory that is new. */
static int make_dirs(const char *path, struct error *err)
{
	auto_fd int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *done = xstrdup("/");
	auto_strv struct strv parts = { 0 };

	if (at < 0)
		return err_sys(err, "open '/'");
	strv_split(&parts, path + 1, '/');
	for (size_t i = 0; i < parts.n; i++) {
		const struct dir dir = { .fd = at, .path = done };
		const char *part = parts.items[i];
		char *next;
		int fd;
		int rc;

		if (!*part)
			continue;
		rc = sys_mkdir_at(&dir, part, 0755, err);
		if (rc < 0)
			return rc;
		next = path_join(done, part);
		free(done);
		done = next;
		fd = openat(at, part, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, "open '%s'", done);
		close_fd(&at);
		at = fd;
	}
	return 0;
}

int files_make_sources(const struct bundle_mounts *mounts, struct error *err)
{
	for (size_t i = 0; i < mounts->n; i++) {
		const struct bundle_mount *m = &mounts->items[i];
		int rc;

		if (!m->source || !m->is_source_made || access(m->source, F_OK) == 0)
			continue;
		rc = make_dirs(m->source, err);
		if (rc < 0)
			return err_wrap(err, "mount on '%s'", m->target);
	}
	return 0;
}

int files_find_init(char **ret, struct error *err)
{
	static const char name[] = "minictr-init";
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	auto_free char *installed = path_join(MINICTR_LIBEXECDIR, name);
	auto_free char *beside = NULL;

	if (n > 0) {
		char *slash;

		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		beside = path_join(self, name);
	}
	if (beside && access(beside, X_OK) == 0)
		*ret = take_ptr(beside);
	else if (access(installed, X_OK) == 0)
		*ret = take_ptr(installed);
	else
		return err_sys(err, "find the init program '%s'", installed);
	return 0;
}
