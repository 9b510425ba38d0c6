/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/step.h"
#include "base/str.h"
#include "base/sys.h"

/* Kernel interface files take a value in one write; a short one is a refusal. */
static int write_value(int fd, const char *value)
{
	size_t len = strlen(value);
	ssize_t n = write(fd, value, len);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int cannot_write(const struct dir *dir, const char *file, const char *value, int rc,
			struct error *err)
{
	return err_set(err, -rc, "write '%s' to '%s/%s': %s", value, dir->path, file,
		       err_text(-rc));
}

int sys_write_each_at(const struct dir *dir, const char *file, const char *const values[], size_t n,
		      struct error *err)
{
	struct step step = step_begin();
	auto_fd int fd = openat(dir->fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd < 0 ? -errno : 0;

	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = write_value(fd, values[i]);
		step_end_write(&step, rc, values[i], dir->path, file);
		if (rc < 0)
			return cannot_write(dir, file, values[i], rc, err);
		step = step_begin();
	}
	return 0;
}

int sys_write_at(const struct dir *dir, const char *file, const char *value, struct error *err)
{
	return sys_write_each_at(dir, file, &value, 1, err);
}

/* Records "<words...> <dir>/<name>"; up to three words before the object. */
static void end_on(const struct step *step, int rc, const struct dir *dir, const char *name,
		   const char *const words[])
{
	auto_strv struct strv argv = { 0 };

	if (!step_is_on())
		return;
	for (size_t i = 0; words[i]; i++)
		strv_add(&argv, words[i]);
	strv_take(&argv, path_join(dir->path, name));
	step_end_argv(step, rc, STEP_RUN, strv_items(&argv), NULL);
}

int sys_mkdir_at(const struct dir *dir, const char *name, mode_t mode, struct error *err)
{
	struct step step = step_begin();
	int rc = mkdirat(dir->fd, name, mode) < 0 ? -errno : 0;

	if (rc == -EEXIST)
		return 0;
	end_on(&step, rc, dir, name, (const char *const[]){ "mkdir", NULL });
	if (rc < 0)
		return err_set(err, -rc, "make directory '%s/%s': %s", dir->path, name,
			       err_text(-rc));
	return 1;
}

int sys_rmdir_at(const struct dir *dir, const char *name, struct error *err)
{
	struct step step = step_begin();
	int rc = unlinkat(dir->fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;

	if (rc == -ENOENT)
		return 0;
	end_on(&step, rc, dir, name, (const char *const[]){ "rmdir", NULL });
	if (rc < 0)
		return err_set(err, -rc, "remove directory '%s/%s': %s", dir->path, name,
			       err_text(-rc));
	return 1;
}

static int put(int dirfd, const char *name, mode_t mode, const char *text)
{
	size_t len = strlen(text);
	auto_fd int fd = -1;
	ssize_t n = 0;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	/* The caller's umask took bits away. */
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (len > 0)
		n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOSPC;
}

int sys_put_at(const struct dir *dir, const char *name, mode_t mode, const char *text,
	       struct error *err)
{
	struct step step = step_begin();
	int rc = put(dir->fd, name, mode, text);

	if (step_is_on()) {
		auto_strv struct strv argv = { 0 };

		strv_add(&argv, "install");
		strv_addf(&argv, "-m%o", mode);
		strv_add(&argv, "/dev/stdin");
		strv_take(&argv, path_join(dir->path, name));
		step_end_argv(&step, rc, STEP_INPUT, strv_items(&argv), text);
	}
	if (rc < 0)
		return err_set(err, -rc, "write '%s/%s': %s", dir->path, name, err_text(-rc));
	return 0;
}

int sys_unlink_at(const struct dir *dir, const char *name, struct error *err)
{
	struct step step = step_begin();
	int rc = unlinkat(dir->fd, name, 0) < 0 ? -errno : 0;

	end_on(&step, rc, dir, name, (const char *const[]){ "rm", NULL });
	if (rc < 0)
		return err_set(err, -rc, "remove '%s/%s': %s", dir->path, name, err_text(-rc));
	return 0;
}

static void end_mknod(const struct step *step, int rc, const struct dir *dir, const char *name,
		      mode_t mode, dev_t dev)
{
	auto_strv struct strv argv = { 0 };

	if (!step_is_on())
		return;
	strv_add(&argv, "mknod");
	strv_add(&argv, "-m");
	strv_addf(&argv, "%o", mode & 07777);
	strv_take(&argv, path_join(dir->path, name));
	strv_add(&argv, S_ISCHR(mode) ? "c" : S_ISBLK(mode) ? "b" : "p");
	if (!S_ISFIFO(mode)) {
		strv_addf(&argv, "%u", major(dev));
		strv_addf(&argv, "%u", minor(dev));
	}
	step_end_argv(step, rc, STEP_RUN, strv_items(&argv), NULL);
}

int sys_mknod_at(const struct dir *dir, const char *name, mode_t mode, dev_t dev, struct error *err)
{
	struct step step = step_begin();
	int rc = mknodat(dir->fd, name, mode, dev) < 0 ? -errno : 0;

	/* The caller's umask took bits away, and nobody else can have swapped our new node yet. */
	if (rc == 0 && fchmodat(dir->fd, name, mode & 07777, 0) < 0)
		rc = -errno;
	end_mknod(&step, rc, dir, name, mode, dev);
	if (rc < 0)
		return err_set(err, -rc, "make device '%s/%s': %s", dir->path, name, err_text(-rc));
	return 0;
}

int sys_symlink_at(const struct dir *dir, const char *name, const char *target, struct error *err)
{
	struct step step = step_begin();
	int rc = symlinkat(target, dir->fd, name) < 0 ? -errno : 0;

	end_on(&step, rc, dir, name, (const char *const[]){ "ln", "-s", target, NULL });
	if (rc < 0)
		return err_set(err, -rc, "link '%s/%s' to '%s': %s", dir->path, name, target,
			       err_text(-rc));
	return 0;
}

int sys_chown_at(const struct dir *dir, const char *name, uid_t uid, gid_t gid, struct error *err)
{
	struct step step = step_begin();
	int rc = fchownat(dir->fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	char owner[32];

	(void)snprintf(owner, sizeof(owner), "%u:%u", uid, gid);
	end_on(&step, rc, dir, name, (const char *const[]){ "chown", "-h", owner, NULL });
	if (rc < 0)
		return err_set(err, -rc, "give '%s/%s' to %s: %s", dir->path, name, owner,
			       err_text(-rc));
	return 0;
}
