/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

/* Inodes with several names, each counted once. */
struct links {
	void *tree; /* of ino_t, see tsearch(3) */
};

static int compare_inodes(const void *a, const void *b)
{
	ino_t x = *(const ino_t *)a, y = *(const ino_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_counted(struct links *links, ino_t inode)
{
	ino_t *copy = xmalloc(sizeof(*copy));
	ino_t **found;

	*copy = inode;
	found = tsearch(copy, &links->tree, compare_inodes);
	if (found && *found == copy)
		return false;
	free(copy);
	return true;
}

#define MAX_DEPTH 1024 /* each holds a directory open */

/* Takes @fd over. */
static int measure(int fd, struct links *links, uint64_t *size, int depth, struct error *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		rc = err_sys(err, "read a directory");
		close_fd(&fd);
		return rc;
	}
	if (depth == MAX_DEPTH)
		rc = err_set(err, ELOOP, "directories are nested more than %d deep", MAX_DEPTH);
	while (rc == 0 && (entry = readdir(dir))) {
		struct stat st;

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* gone meanwhile */
		if (S_ISDIR(st.st_mode)) {
			int below = openat(dirfd(dir), entry->d_name,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			rc = below < 0 ? err_sys(err, "open a directory")
				       : measure(below, links, size, depth + 1, err);
		} else if (S_ISREG(st.st_mode) &&
			   (st.st_nlink == 1 || !is_counted(links, st.st_ino))) {
			*size += (uint64_t)st.st_size;
		}
	}
	(void)closedir(dir);
	return rc;
}

int tree_size_at(const struct dir *dir, const char *name, uint64_t *ret, struct error *err)
{
	int fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct links links = { 0 };
	uint64_t size = 0;
	int rc;

	if (fd < 0)
		return err_sys(err, "open '%s/%s'", dir->path, name);
	rc = measure(fd, &links, &size, 0, err);
	tdestroy(links.tree, free);
	if (rc < 0)
		return err_wrap(err, "measure '%s/%s'", dir->path, name);
	*ret = size;
	return 0;
}
