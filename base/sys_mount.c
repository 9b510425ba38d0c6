/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/step.h"

/* Names of attributes as mount(8) takes them. */
static const struct {
	uint64_t attr;
	const char *name;
} attr_names[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },
	{ MOUNT_ATTR_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, "nodev" },
	{ MOUNT_ATTR_NOEXEC, "noexec" },
	{ MOUNT_ATTR_NODIRATIME, "nodiratime" },
	{ MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
};

static void add_option(struct str *out, const char *option)
{
	str_addf(out, "%s%s", out->len ? "," : "", option);
}

static void add_attrs(struct str *out, uint64_t attrs)
{
	for (size_t i = 0; i < ARRAY_LEN(attr_names); i++) {
		if (attrs & attr_names[i].attr)
			add_option(out, attr_names[i].name);
	}
	if ((attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME)
		add_option(out, "noatime");
	if ((attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME)
		add_option(out, "strictatime");
}

static void end_mount(const struct step *step, int rc, const struct sys_mount *m,
		      const struct dir *target)
{
	auto_strv struct strv argv = { 0 };
	auto_str struct str options = { 0 };

	if (!step_is_on())
		return;
	add_attrs(&options, m->attrs);
	for (size_t i = 0; m->data && i < m->data->n; i++)
		add_option(&options, m->data->items[i]);

	strv_add(&argv, "mount");
	strv_add(&argv, "-t");
	strv_add(&argv, m->type);
	if (options.len) {
		strv_add(&argv, "-o");
		strv_add(&argv, options.text);
	}
	strv_add(&argv, m->source ? m->source : m->type);
	strv_add(&argv, target->path);
	step_end_argv(step, rc, STEP_RUN, strv_items(&argv), NULL);
}

/* What the kernel wrote into the file system context about a refusal: "e overlay: ...". */
static void add_kernel_text(int fs, struct error *err)
{
	char text[256];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n <= 2)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	(void)strncat(err->msg, " (", sizeof(err->msg) - strlen(err->msg) - 1);
	(void)strncat(err->msg, text + 2, sizeof(err->msg) - strlen(err->msg) - 1);
	(void)strncat(err->msg, ")", sizeof(err->msg) - strlen(err->msg) - 1);
}

static int set_option(int fs, const char *option)
{
	const char *equals = strchr(option, '=');
	auto_free char *key = NULL;

	if (!equals)
		return fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	key = xstrndup(option, (size_t)(equals - option));
	return fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

int sys_mount_open(const struct sys_mount *m, struct error *err)
{
	const char *source = m->source ? m->source : m->type;
	auto_fd int fs = -1;
	int fd;

	fs = fsopen(m->type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_sys(err, "mount '%s'", m->type);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return err_sys(err, "mount '%s': set source '%s'", m->type, source);
	for (size_t i = 0; m->data && i < m->data->n; i++) {
		if (set_option(fs, m->data->items[i]) < 0) {
			int rc =
				err_sys(err, "mount '%s': option '%s'", m->type, m->data->items[i]);

			add_kernel_text(fs, err);
			return rc;
		}
	}
	if (m->is_fs_read_only && fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return err_sys(err, "mount '%s': option 'ro'", m->type);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		int rc = err_sys(err, "mount '%s'", m->type);

		add_kernel_text(fs, err);
		return rc;
	}
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)m->attrs);
	if (fd < 0)
		return err_sys(err, "mount '%s'", m->type);
	return fd;
}

int sys_mount_move(int mount_fd, const struct dir *target, struct error *err)
{
	if (move_mount(mount_fd, "", target->fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, "mount on '%s'", target->path);
	return 0;
}

int sys_mount_at(const struct sys_mount *m, const struct dir *target, struct error *err)
{
	struct step step = step_begin();
	auto_fd int fd = sys_mount_open(m, err);
	int rc = fd < 0 ? fd : sys_mount_move(fd, target, err);

	end_mount(&step, rc, m, target);
	return rc;
}

static void end_bind(const struct step *step, int rc, const struct sys_bind *bind,
		     const struct dir *target)
{
	auto_str struct str options = { 0 };
	const char *kind = bind->is_recursive ? "--rbind" : "--bind";
	uint64_t attrs = bind->attr_set | bind->rec_attr_set;

	if (!step_is_on())
		return;
	step_end(step, rc, "mount", kind, bind->source.path, target->path, NULL);
	if (!attrs || rc < 0)
		return;
	/* mount(8) needs a second command for what mount_setattr(2) did beforehand. */
	add_option(&options, "remount");
	add_option(&options, "bind");
	add_attrs(&options, attrs);
	step_end(step, rc, "mount", "-o", options.text, target->path, NULL);
}

static int set_attrs(int fd, uint64_t set, uint64_t clr, uint64_t propagation, bool is_recursive)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clr, .propagation = propagation };
	unsigned int flags = AT_EMPTY_PATH | (is_recursive ? AT_RECURSIVE : 0U);

	/* The access-time bits are one field: to set one of them is to clear the field first. */
	if (set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (!attr.attr_set && !attr.attr_clr && !attr.propagation)
		return 0;
	return mount_setattr(fd, "", flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* mount_setattr(2), "ID-mapped mounts": while nobody has the mount yet. */
static int map_ids(int fd, const struct sys_bind *bind)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (uint64_t)bind->user_ns };
	unsigned int flags = AT_EMPTY_PATH | (bind->is_idmap_recursive ? AT_RECURSIVE : 0U);

	if (!bind->is_idmapped)
		return 0;
	return mount_setattr(fd, "", flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

int sys_bind_open(const struct sys_bind *bind, struct error *err)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	auto_fd int fd = -1;
	int rc;

	fd = open_tree(bind->source.fd, "", flags | (bind->is_recursive ? AT_RECURSIVE : 0U));
	if (fd < 0)
		return err_sys(err, "bind '%s'", bind->source.path);
	rc = map_ids(fd, bind);
	if (rc < 0)
		return err_set(err, -rc, "bind '%s': map its ids: %s", bind->source.path,
			       rc == -EINVAL ? "its file system cannot" : err_text(-rc));
	rc = set_attrs(fd, bind->attr_set, bind->attr_clr, 0, false);
	if (rc == 0)
		rc = set_attrs(fd, bind->rec_attr_set, bind->rec_attr_clr, bind->propagation,
			       bind->is_recursive);
	if (rc < 0)
		return err_set(err, -rc, "bind '%s': set attributes: %s", bind->source.path,
			       err_text(-rc));
	return take_fd(&fd);
}

int sys_bind_attach(int tree_fd, const struct sys_bind *bind, const struct dir *target,
		    struct error *err)
{
	struct step step = step_begin();
	int rc = sys_mount_move(tree_fd, target, err);

	end_bind(&step, rc, bind, target);
	return rc < 0 ? err_wrap(err, "bind '%s'", bind->source.path) : 0;
}

int sys_bind_at(const struct sys_bind *bind, const struct dir *target, struct error *err)
{
	struct step step = step_begin();
	auto_fd int fd = sys_bind_open(bind, err);
	int rc = fd < 0 ? fd : sys_mount_move(fd, target, err);

	end_bind(&step, rc, bind, target);
	return rc < 0 ? err_wrap(err, "bind '%s'", bind->source.path) : 0;
}

int sys_propagation_at(const struct dir *target, uint64_t propagation, bool is_recursive,
		       struct error *err)
{
	static const struct {
		uint64_t propagation;
		const char *option, *recursive;
	} names[] = {
		{ MS_SHARED, "--make-shared", "--make-rshared" },
		{ MS_PRIVATE, "--make-private", "--make-rprivate" },
		{ MS_SLAVE, "--make-slave", "--make-rslave" },
		{ MS_UNBINDABLE, "--make-unbindable", "--make-runbindable" },
	};
	struct step step = step_begin();
	int rc = set_attrs(target->fd, 0, 0, propagation, is_recursive);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].propagation == propagation)
			step_end(&step, rc, "mount",
				 is_recursive ? names[i].recursive : names[i].option, target->path,
				 NULL);
	}
	if (rc < 0)
		return err_set(err, -rc, "set propagation of '%s': %s", target->path,
			       err_text(-rc));
	return 0;
}

int sys_read_only_at(const struct dir *target, bool is_recursive, struct error *err)
{
	struct step step = step_begin();
	int rc = set_attrs(target->fd, MOUNT_ATTR_RDONLY, 0, 0, is_recursive);

	step_end(&step, rc, "mount", "-o", "remount,bind,ro", target->path, NULL);
	if (rc < 0)
		return err_set(err, -rc, "make '%s' read-only: %s", target->path, err_text(-rc));
	return 0;
}

/* ---- overlay ---------------------------------------------------------------------------------- */

/* overlayfs reads ':' as a separator and '\' as an escape in lowerdir. */
static void add_layer(struct str *out, const char *path)
{
	if (out->len)
		str_add(out, ":");
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			str_add(out, "\\");
		str_add_len(out, path, 1);
	}
}

/* lowerdir, the topmost layer first; names relative to @base if they are below it. */
static char *lower_text(const struct sys_overlay *overlay, const char *base)
{
	struct str out = { 0 };

	for (size_t i = overlay->lower->n; i-- > 0;) {
		const char *path = overlay->lower->items[i];

		add_layer(&out, base && path_is_below(path, base) ? path + strlen(base) + 1 : path);
	}
	return str_take(&out);
}

/* One layer at a time, Linux 6.5 and later: -EINVAL where the option is not known. */
static int overlay_by_fsconfig(const struct sys_overlay *overlay, const struct dir *target)
{
	auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	auto_fd int fd = -1;

	if (fs < 0)
		return -errno;
	for (size_t i = overlay->lower->n; i-- > 0;) {
		if (fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", overlay->lower->items[i], 0) < 0)
			return -errno;
	}
	if (overlay->upper &&
	    (fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", overlay->upper, 0) < 0 ||
	     fsconfig(fs, FSCONFIG_SET_STRING, "workdir", overlay->work, 0) < 0))
		return -errno;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)overlay->attrs);
	if (fd < 0 || move_mount(fd, "", target->fd, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/*
 * mount(2) by names: the options have to fit into a page, so the layers are named relative to their
 * common directory.  Source and target are ours, nothing of the image is on the way to them.
 */
static int overlay_by_mount(const struct sys_overlay *overlay, const struct dir *target)
{
	const char *first = overlay->lower->items[0];
	auto_free char *base = xstrndup(first, (size_t)(path_base(first) - first - 1));
	auto_free char *lower = lower_text(overlay, base);
	auto_str struct str options = { 0 };
	auto_fd int here = -1;
	int rc;

	str_addf(&options, "lowerdir=%s", lower);
	if (overlay->upper)
		str_addf(&options, ",upperdir=%s,workdir=%s", overlay->upper, overlay->work);
	if (options.len >= 4096)
		return -E2BIG;

	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0 || chdir(base) < 0)
		return -errno;
	/* These attributes have the numbers of their flags: MS_RDONLY, NOSUID, NODEV, NOEXEC. */
	rc = mount("overlay", target->path, "overlay", overlay->attrs, options.text) < 0 ? -errno
											 : 0;
	return fchdir(here) < 0 && rc == 0 ? -errno : rc;
}

static void end_overlay(const struct step *step, int rc, const struct sys_overlay *overlay,
			const struct dir *target)
{
	auto_free char *lower = lower_text(overlay, NULL);
	auto_str struct str options = { 0 };

	add_attrs(&options, overlay->attrs);
	str_addf(&options, "%slowerdir=%s", options.len ? "," : "", lower);
	if (overlay->upper)
		str_addf(&options, ",upperdir=%s,workdir=%s", overlay->upper, overlay->work);
	step_end(step, rc, "mount", "-t", "overlay", "-o", options.text, "overlay", target->path,
		 NULL);
}

int sys_overlay_at(const struct sys_overlay *overlay, const struct dir *target, struct error *err)
{
	struct step step = step_begin();
	int rc = overlay_by_fsconfig(overlay, target);

	if (rc == -EINVAL || rc == -ENOSYS)
		rc = overlay_by_mount(overlay, target);
	if (step_is_on())
		end_overlay(&step, rc, overlay, target);
	if (rc == -E2BIG)
		return err_set(err, E2BIG,
			       "mount overlay on '%s': %zu layers are more than this kernel takes "
			       "(Linux 6.5 lifts that)",
			       target->path, overlay->lower->n);
	if (rc < 0)
		return err_set(err, -rc, "mount overlay on '%s': %s", target->path, err_text(-rc));
	return 0;
}

/* ---- away with it ----------------------------------------------------------------------------- */

int sys_unmount(const char *path, bool is_lazy, struct error *err)
{
	struct step step = step_begin();
	int rc = umount2(path, UMOUNT_NOFOLLOW | (is_lazy ? MNT_DETACH : 0)) < 0 ? -errno : 0;

	step_end(&step, rc, "umount", is_lazy ? "-l" : path, is_lazy ? path : NULL, NULL);
	return rc < 0 ? err_set(err, -rc, "unmount '%s': %s", path, err_text(-rc)) : 0;
}

/* ---- the root --------------------------------------------------------------------------------- */

/*
 * pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one at the same
 * place, and is taken away from there; no directory for it is needed in the container.
 */
int sys_pivot_root(const struct dir *root, struct error *err)
{
	struct step step = step_begin();

	if (fchdir(root->fd) < 0)
		return err_sys(err, "enter '%s'", root->path);
	step_end(&step, 0, "cd", root->path, NULL);
	step = step_begin();
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, "pivot root to '%s'", root->path);
	step_end(&step, 0, "pivot_root", ".", ".", NULL);

	step = step_begin();
	/* Nothing of the host may be told about the mounts that go now. */
	if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 || umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "unmount the host's root");
	step_end(&step, 0, "umount", "-l", ".", NULL);
	return chdir("/") < 0 ? err_sys(err, "enter '/'") : 0;
}

int sys_move_root(const struct dir *root, struct error *err)
{
	struct step step = step_begin();

	if (fchdir(root->fd) < 0)
		return err_sys(err, "enter '%s'", root->path);
	step_end(&step, 0, "cd", root->path, NULL);
	step = step_begin();
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return err_sys(err, "move root to '%s'", root->path);
	step_end(&step, 0, "mount", "--move", ".", "/", NULL);
	return chdir("/") < 0 ? err_sys(err, "enter '/'") : 0;
}
