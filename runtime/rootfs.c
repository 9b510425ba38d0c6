/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/step.h"
#include "base/sys.h"
#include "base/sys_mount.h"
#include "cgroups/cgroup.h"
#include "runtime/copyup.h"
#include "runtime/trees.h"

/*
 * Theory of operation.  Everything here runs in init, in the container's mount namespace, with the
 * image's files in reach but not yet trusted to name anything:
 *
 * 1. Propagation of all mounts is cut towards the host (slave), so that nothing that we mount is
 *    seen there.  The root is mounted (overlay) or bound onto itself and held open.
 * 2. Each mount's target is opened by openat2(2) with RESOLVE_IN_ROOT below that descriptor, made
 *    if it is missing, and mounted on by descriptor.  A symlink of the image, or one that a sharing
 *    container swaps in meanwhile, leads nowhere but into the root.
 * 3. /dev is filled below one descriptor of it.  Masks are binds of a /dev/null whose device number
 *    was checked on the very descriptor that is bound.  Those of /proc and /sys are made in what was
 *    mounted there, by its descriptor: a mount goes where its directory is renamed to, and a name
 *    may lead to something else by then.
 * 4. pivot_root(2), and the host's tree is gone.
 *
 * Names in records are the host's, as long as the host's tree is there.
 */

static char *shown(const struct rootfs *rootfs, const char *path)
{
	return path_join(rootfs->root.path, path + (*path == '/'));
}

/* The mount that @fd is in: a descriptor of its root, found by going up. */
static int open_mount_root(int fd, struct error *err)
{
	int at = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	while (at >= 0) {
		struct statx stx;
		int up;

		if (statx(at, "", AT_EMPTY_PATH, 0, &stx) < 0)
			break;
		if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			return at;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close_fd(&at);
		at = up;
	}
	(void)err_sys(err, "find the mount of the rootfs");
	close_fd(&at);
	return -err->code;
}

/*
 * Nothing that is mounted from here on may show up on the host.  Usually all mounts become slaves
 * of the host's.  A container that asked to share its mounts with the host (rootfsPropagation
 * "shared", for volumes with that option) keeps them as they are; then it is the mount around the
 * new root that is cut off, which pivot_root(2) wants anyway.  (@rootfs_fd -1: in a user namespace
 * all mounts are slaves of the host's, whatever is asked for.)
 */
static int cut_propagation(const struct plan *plan, int rootfs_fd, struct error *err)
{
	bool is_sharing = plan->root_propagation == MS_SHARED && rootfs_fd >= 0;
	auto_fd int fd = -1;

	if (is_sharing)
		fd = open_mount_root(rootfs_fd, err);
	else
		fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return is_sharing ? fd : err_sys(err, "open '/'");

	const struct dir mount = { .fd = fd, .path = is_sharing ? plan->rootfs : "/" };

	return sys_propagation_at(&mount, is_sharing ? MS_PRIVATE : MS_SLAVE, !is_sharing, err);
}

/*
 * The tree that the creator has opened is mounted over init's own root, which is the one place that
 * can be named; what is on top of it counts only from pivot_root(2) on.
 */
static int attach_root(struct rootfs *rootfs, struct error *err)
{
	const struct sys_bind bind = trees_bind_root(rootfs->plan, rootfs->trees->root);
	auto_fd int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (here < 0)
		return err_sys(err, "open '/'");
	rc = cut_propagation(rootfs->plan, -1, err);
	if (rc == 0)
		rc = sys_bind_attach(rootfs->trees->root, &bind,
				     &(struct dir){ .fd = here, .path = rootfs->plan->rootfs },
				     err);
	if (rc == 0)
		rootfs->root.fd = fcntl(rootfs->trees->root, F_DUPFD_CLOEXEC, 3);
	return rc;
}

static int mount_overlay(const struct rootfs *rootfs, const struct dir *target, struct error *err)
{
	const struct sys_overlay overlay = {
		.lower = rootfs->overlay->lower,
		.upper = rootfs->overlay->upper,
		.work = rootfs->overlay->work,
	};

	return sys_overlay_at(&overlay, target, err);
}

int rootfs_open(struct rootfs *rootfs, struct error *err)
{
	const struct plan *plan = rootfs->plan;
	auto_fd int fd = -1;
	int rc;

	rootfs->root.path = plan->rootfs;
	if (rootfs->trees && rootfs->trees->root >= 0)
		return attach_root(rootfs, err);
	fd = open(plan->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open rootfs '%s'", plan->rootfs);
	rc = cut_propagation(plan, fd, err);
	if (rc < 0)
		return rc;

	const struct dir target = { .fd = fd, .path = plan->rootfs };
	const struct sys_bind bind = trees_bind_root(plan, fd);

	rc = rootfs->overlay ? mount_overlay(rootfs, &target, err)
			     : sys_bind_at(&bind, &target, err);
	if (rc < 0)
		return rc;
	/* What is on top of it now. */
	rootfs->root.fd = open(plan->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return rootfs->root.fd < 0 ? err_sys(err, "open rootfs '%s'", plan->rootfs) : 0;
}

/* ---- mounts ----------------------------------------------------------------------------------- */

/* The target of a mount, made if it is missing: a directory, or a file to bind a file on. */
static int open_target(const struct rootfs *rootfs, const char *path, bool is_file,
		       struct error *err)
{
	int fd = is_file ? make_file_in_root(&rootfs->root, path, 0644, err)
			 : make_dirs_in_root(&rootfs->root, path, 0755, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (is_file && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close_fd(&fd);
		return err_set(err, EISDIR, "mount a file on '%s': is a directory", path);
	}
	return fd;
}

/*
 * The plan refuses targets below /proc by name; here the same is asked of where the name really
 * led, as a symlink of the image may have led there.
 */
static int check_target(int fd, const char *path, struct error *err)
{
	struct statfs fs;

	if (path_is_below(path, "/proc"))
		return 0;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return err_set(err, EPERM, "mount on '%s': leads into /proc", path);
	return 0;
}

/* /proc and /sys have to be directories of the root itself, not links to somewhere else in it. */
static int check_no_link(const struct rootfs *rootfs, const char *path, struct error *err)
{
	struct stat st;

	if (strcmp(path, "/proc") != 0 && strcmp(path, "/sys") != 0)
		return 0;
	if (fstatat(rootfs->root.fd, path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "mount on '%s': not a directory in the rootfs", path);
	return 0;
}

/* The creator has bound it already. */
static bool is_bound(const struct rootfs *rootfs, size_t i)
{
	return rootfs->trees && rootfs->trees->mounts[i] >= 0;
}

static int open_source(const struct rootfs *rootfs, size_t i)
{
	if (is_bound(rootfs, i))
		return fcntl(rootfs->trees->mounts[i], F_DUPFD_CLOEXEC, 3);
	return open(rootfs->plan->mounts[i].source, O_PATH | O_CLOEXEC);
}

static int mount_bind(struct rootfs *rootfs, size_t i, struct error *err)
{
	const struct plan_mount *m = &rootfs->plan->mounts[i];
	const char *path = m->destination;
	auto_free char *name = shown(rootfs, path);
	auto_fd int source = open_source(rootfs, i);
	const struct sys_bind bind = trees_bind_mount(rootfs->plan, i, source);
	auto_fd int fd = -1;
	struct statfs fs;
	struct stat st;
	int rc;

	if (source < 0 || fstat(source, &st) < 0)
		return err_sys(err, "open '%s'", m->source);
	if (strcmp(path, "/proc") == 0 &&
	    (fstatfs(source, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC))
		return err_set(err, EPERM, "bind '%s' on '/proc': is no procfs", m->source);
	fd = open_target(rootfs, path, !S_ISDIR(st.st_mode), err);
	if (fd < 0)
		return fd;
	rc = check_target(fd, path, err);
	if (rc < 0)
		return rc;

	const struct dir target = { .fd = fd, .path = name };

	if (m->spec->is_copied_up && !is_bound(rootfs, i) && S_ISDIR(st.st_mode))
		rc = copyup_volume(&bind.source, &target, err);
	if (rc < 0)
		return rc;
	return is_bound(rootfs, i) ? sys_bind_attach(source, &bind, &target, err)
				   : sys_bind_at(&bind, &target, err);
}

/*
 * A file of the engine's making, on no disk: its name in the tmpfs on /dev goes once it is bound.
 */
static int mount_text(struct rootfs *rootfs, const struct plan_mount *m, struct error *err)
{
	auto_free char *dev_name = shown(rootfs, "/dev");
	auto_free char *target_name = shown(rootfs, m->destination);
	auto_free char *name = xasprintf(".%s", path_base(m->destination));
	auto_free char *source_name = path_join(dev_name, name);
	auto_fd int dev = open_in_root(&rootfs->root, "/dev", O_PATH | O_DIRECTORY, 0, err);
	const struct dir dir = { .fd = dev, .path = dev_name };
	auto_fd int source = -1;
	auto_fd int target = -1;
	struct statfs fs;
	int rc;

	if (dev < 0)
		return dev;
	if (fstatfs(dev, &fs) < 0 || fs.f_type != TMPFS_MAGIC || rootfs->plan->has_host_dev)
		return err_set(err, ENOTSUP, "there is no tmpfs on '/dev'");
	rc = sys_put_at(&dir, name, 0644, m->spec->text, err);
	if (rc < 0)
		return rc;
	source = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (source < 0)
		return err_sys(err, "open '%s'", source_name);
	target = open_target(rootfs, m->destination, true, err);
	if (target < 0)
		return target;
	rc = check_target(target, m->destination, err);
	if (rc < 0)
		return rc;

	const struct sys_bind bind = { .source = { .fd = source, .path = source_name } };

	rc = sys_bind_at(&bind, &(struct dir){ .fd = target, .path = target_name }, err);
	return rc < 0 ? rc : sys_unlink_at(&dir, name, err);
}

static int mount_new(struct rootfs *rootfs, const struct plan_mount *m, struct error *err)
{
	const char *path = m->destination;
	auto_free char *name = shown(rootfs, path);
	auto_fd int fd = -1;
	auto_fd int covered = -1;
	int rc = check_no_link(rootfs, path, err);

	if (rc < 0)
		return rc;
	fd = open_target(rootfs, path, false, err);
	if (fd < 0)
		return fd;
	rc = check_target(fd, path, err);
	if (rc < 0)
		return rc;

	const struct dir target = { .fd = fd, .path = name };
	const struct sys_mount mount = {
		.type = m->spec->type,
		.source = m->spec->source,
		.data = &m->options.data,
		.attrs = m->options.attr_set | m->options.rec_attr_set,
		/* A read-only superblock could not be filled by tmpcopyup, nor shared (proc, sysfs). */
		.is_fs_read_only = false,
	};

	if (!m->options.is_tmpcopyup)
		rc = sys_mount_at(&mount, &target, err);
	else
		rc = copyup_mount(&mount, &target, err);
	if (rc < 0 || !m->options.propagation)
		return rc;

	covered = open_in_root(&rootfs->root, path, O_PATH | O_DIRECTORY, 0, err);
	if (covered < 0)
		return covered;
	return sys_propagation_at(&(struct dir){ .fd = covered, .path = name },
				  m->options.propagation, m->options.is_propagation_recursive, err);
}

/*
 * Without a cgroup namespace of its own a container would see the host's groups in a new mount: it
 * gets a bind of its own group instead.
 */
static int bind_own_group(const char *directory, const struct dir *target, uint64_t attrs,
			  struct error *err)
{
	auto_fd int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct sys_bind bind = {
		.source = { .fd = fd, .path = directory },
		.attr_set = attrs,
	};

	return fd < 0 ? err_sys(err, "open '%s'", directory) : sys_bind_at(&bind, target, err);
}

/* One v1 hierarchy below the container's /sys/fs/cgroup, seen from its cgroup namespace. */
static int mount_hierarchy(const struct dir *base, const char *name, const char *own,
			   uint64_t attrs, struct error *err)
{
	auto_free char *path = path_join(base->path, name);
	auto_strv struct strv data = { 0 };
	auto_fd int fd = -1;
	const struct sys_mount mount = {
		.type = "cgroup",
		.source = "cgroup",
		.data = &data,
		.attrs = attrs,
	};
	int rc = sys_mkdir_at(base, name, 0755, err);

	if (rc < 0)
		return rc;
	fd = openat(base->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open '%s'", path);

	const struct dir target = { .fd = fd, .path = path };

	if (own)
		return bind_own_group(own, &target, attrs, err);
	strv_split(&data, name, ',');
	return sys_mount_at(&mount, &target, err);
}

/* The v1 hierarchies that the container has groups in, each at its usual name. */
static int mount_hierarchies(const struct rootfs *rootfs, const struct dir *base, uint64_t attrs,
			     struct error *err)
{
	auto_strv struct strv done = { 0 };

	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		auto_free char *options =
			cgroup_v1_options(rootfs->cgroup, (enum cgroup_controller)c);
		int rc;

		if (!options || strv_has(&done, options))
			continue;
		strv_add(&done, options);
		rc = mount_hierarchy(base, options,
				     rootfs->plan->has_cgroup_namespace
					     ? NULL
					     : cgroup_directory(rootfs->cgroup,
								(enum cgroup_controller)c),
				     attrs, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Type "cgroup": cgroup2 where that is what the host has, else a tmpfs with the v1 hierarchies. */
static int mount_cgroup(struct rootfs *rootfs, const struct plan_mount *m, struct error *err)
{
	const char *path = m->destination;
	auto_free char *name = shown(rootfs, path);
	auto_fd int fd = open_target(rootfs, path, false, err);
	auto_fd int inside = -1;
	auto_strv struct strv data = { 0 };
	struct sys_mount mount = { .type = "cgroup2",
				   .source = "cgroup",
				   .attrs = m->options.attr_set };
	struct dir target = { .fd = fd, .path = name };
	int rc;

	if (fd < 0)
		return fd;
	if (cgroup_is_unified(rootfs->cgroup) && !rootfs->plan->has_cgroup_namespace)
		return bind_own_group(cgroup_directory(rootfs->cgroup, CGROUP_PIDS), &target,
				      mount.attrs, err);
	if (cgroup_is_unified(rootfs->cgroup))
		return sys_mount_at(&mount, &target, err);

	strv_add(&data, "mode=755");
	mount.type = "tmpfs";
	mount.data = &data;
	mount.attrs = m->options.attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY;
	rc = sys_mount_at(&mount, &target, err);
	if (rc < 0)
		return rc;
	inside = open_in_root(&rootfs->root, path, O_PATH | O_DIRECTORY, 0, err);
	if (inside < 0)
		return inside;
	target.fd = inside;
	rc = mount_hierarchies(rootfs, &target, m->options.attr_set, err);
	if (rc == 0 && m->options.attr_set & MOUNT_ATTR_RDONLY)
		rc = sys_read_only_at(&target, false, err);
	return rc;
}

/* Holds on to what has been mounted on /proc or /sys, and sees that it is that. */
static int keep(const struct rootfs *rootfs, const struct plan_mount *m, int *ret,
		struct error *err)
{
	bool is_proc = strcmp(m->destination, "/proc") == 0;
	int magic = m->options.is_bind ? 0 : is_proc ? PROC_SUPER_MAGIC : SYSFS_MAGIC;
	struct statfs fs;

	close_fd(ret);
	*ret = openat(rootfs->root.fd, m->destination + 1,
		      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(err, "open '%s'", m->destination);
	if (fstatfs(*ret, &fs) < 0)
		return err_sys(err, "look at '%s'", m->destination);
	if (magic && fs.f_type != magic && str_eq(m->spec->type, is_proc ? "proc" : "sysfs"))
		return err_set(err, EPERM, "'%s' was replaced meanwhile", m->destination);
	return 0;
}

static int keep_special(struct rootfs *rootfs, const struct plan_mount *m, struct error *err)
{
	if (strcmp(m->destination, "/proc") == 0)
		return keep(rootfs, m, &rootfs->proc, err);
	if (strcmp(m->destination, "/sys") == 0)
		return keep(rootfs, m, &rootfs->sys, err);
	return 0;
}

int rootfs_mount(struct rootfs *rootfs, struct error *err)
{
	for (size_t i = 0; i < rootfs->plan->n_mounts; i++) {
		const struct plan_mount *m = &rootfs->plan->mounts[i];
		int rc = m->is_cgroup         ? mount_cgroup(rootfs, m, err)
			 : m->is_text         ? mount_text(rootfs, m, err)
			 : m->options.is_bind ? mount_bind(rootfs, i, err)
					      : mount_new(rootfs, m, err);

		if (rc == 0)
			rc = keep_special(rootfs, m, err);
		if (rc < 0)
			return err_wrap(err, "mount '%s' on '%s'",
					m->source ? m->source : m->spec->type, m->destination);
	}
	return 0;
}

/* ---- masks ------------------------------------------------------------------------------------ */

/* The host's /dev/null, known by its number and not by its name. */
static int open_null(struct error *err)
{
	int fd = open("/dev/null", O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "open '/dev/null'");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
		close_fd(&fd);
		return err_set(err, ENODEV, "open '/dev/null': is not the null device");
	}
	return fd;
}

/* What masks are made of: the null device, and one empty file system for all directories. */
struct masks {
	int null;
	int empty;        /* -1 until the first directory is masked */
	char *empty_name; /* of that directory; owned */
};

/* O_PATH of @path in the container, or a negative errno. */
static int open_path(const struct rootfs *rootfs, const char *path)
{
	if (rootfs->proc >= 0 && str_starts(path, "/proc/"))
		return open_in_root_raw(rootfs->proc, path + strlen("/proc"), O_PATH, 0, 0);
	if (rootfs->sys >= 0 && str_starts(path, "/sys/"))
		return open_in_root_raw(rootfs->sys, path + strlen("/sys"), O_PATH, 0, 0);
	return open_in_root_raw(rootfs->root.fd, path, O_PATH, 0, 0);
}

static int mask_directory(const struct rootfs *rootfs, struct masks *masks, const char *path,
			  const struct dir *target, struct error *err)
{
	const struct sys_mount empty = { .type = "tmpfs", .attrs = MOUNT_ATTR_RDONLY };
	const struct sys_bind bind = { .source = { masks->empty, masks->empty_name } };
	int rc;

	if (masks->empty >= 0)
		return sys_bind_at(&bind, target, err);
	rc = sys_mount_at(&empty, target, err);
	if (rc < 0)
		return rc;
	masks->empty_name = xstrdup(target->path);
	masks->empty = open_path(rootfs, path);
	return masks->empty < 0 ? err_set(err, -masks->empty, "open '%s': %s", masks->empty_name,
					  err_text(-masks->empty))
				: 0;
}

static int mask(const struct rootfs *rootfs, struct masks *masks, const char *path,
		struct error *err)
{
	auto_free char *name = shown(rootfs, path);
	auto_fd int fd = open_path(rootfs, path);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, fd < 0 ? -fd : errno, "mask '%s': %s", path,
			       err_text(fd < 0 ? -fd : errno));

	const struct dir target = { .fd = fd, .path = name };
	/* Read-only, which a device does not mind: or root inside could change the host's node. */
	const struct sys_bind bind = {
		.source = { .fd = masks->null, .path = "/dev/null" },
		.attr_set = MOUNT_ATTR_RDONLY,
	};

	return S_ISDIR(st.st_mode) ? mask_directory(rootfs, masks, path, &target, err)
				   : sys_bind_at(&bind, &target, err);
}

static int make_read_only(const struct rootfs *rootfs, const char *path, struct error *err)
{
	auto_free char *name = shown(rootfs, path);
	auto_fd int fd = open_path(rootfs, path);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return err_set(err, -fd, "make '%s' read-only: %s", path, err_text(-fd));

	const struct sys_bind bind = {
		.source = { .fd = fd, .path = name },
		.is_recursive = true,
		.rec_attr_set = MOUNT_ATTR_RDONLY,
	};

	return sys_bind_at(&bind, &(struct dir){ .fd = fd, .path = name }, err);
}

int rootfs_mask(struct rootfs *rootfs, struct error *err)
{
	const struct spec *spec = rootfs->plan->spec;
	struct masks masks = { .null = open_null(err), .empty = -1 };
	int rc = masks.null < 0 ? masks.null : 0;

	for (size_t i = 0; rc == 0 && i < spec->readonly_paths.n; i++)
		rc = make_read_only(rootfs, spec->readonly_paths.items[i], err);
	for (size_t i = 0; rc == 0 && i < spec->masked_paths.n; i++)
		rc = mask(rootfs, &masks, spec->masked_paths.items[i], err);
	close_fd(&masks.null);
	close_fd(&masks.empty);
	free(masks.empty_name);
	return rc;
}

/* ---- entering --------------------------------------------------------------------------------- */

int rootfs_enter(struct rootfs *rootfs, struct error *err)
{
	const struct plan *plan = rootfs->plan;
	struct dir root = { .fd = -1, .path = "/" };
	auto_fd int fd = -1;
	int rc = rootfs->no_pivot ? sys_move_root(&rootfs->root, err)
				  : sys_pivot_root(&rootfs->root, err);

	if (rc < 0)
		return rc;
	close_fd(&rootfs->root.fd);
	close_fd(&rootfs->proc);
	close_fd(&rootfs->sys);
	if (!plan->spec->is_root_readonly && !plan->root_propagation)
		return 0;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open '/'");
	root.fd = fd;
	if (plan->root_propagation)
		rc = sys_propagation_at(&root, plan->root_propagation,
					plan->is_root_propagation_recursive, err);
	if (rc == 0 && plan->spec->is_root_readonly)
		rc = sys_read_only_at(&root, false, err);
	return rc;
}
