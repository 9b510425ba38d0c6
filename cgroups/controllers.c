/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/controllers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"

#define MOUNTINFO_MAX ((size_t)16 << 20)

static const struct {
	const char *name; /* on v2, and for people */
	const char *v1;   /* where v1 calls it otherwise */
} controllers[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = { "memory", NULL },   [CGROUP_CPU] = { "cpu", NULL },
	[CGROUP_CPUSET] = { "cpuset", NULL },   [CGROUP_PIDS] = { "pids", NULL },
	[CGROUP_IO] = { "io", "blkio" },        [CGROUP_DEVICES] = { "devices", NULL },
	[CGROUP_FREEZER] = { "freezer", NULL }, [CGROUP_HUGETLB] = { "hugetlb", NULL },
	[CGROUP_RDMA] = { "rdma", NULL },       [CGROUP_CPUACCT] = { "cpuacct", NULL },
};

/* Part of every cgroup2 hierarchy, whatever its cgroup.controllers says. */
#define V2_CORE \
	(CGROUP_BIT(CGROUP_DEVICES) | CGROUP_BIT(CGROUP_FREEZER) | CGROUP_BIT(CGROUP_CPUACCT))

const char *cgroup_controller_name(enum cgroup_controller controller)
{
	return controllers[controller].name;
}

static unsigned int controller_bit(const char *name, size_t len)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *const names[] = { controllers[i].name, controllers[i].v1 };

		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			if (names[j] && strlen(names[j]) == len && memcmp(names[j], name, len) == 0)
				return CGROUP_BIT(i);
	}
	return 0;
}

unsigned int cgroup_controllers_parse(const char *text, const char *separators)
{
	unsigned int bits = 0;

	for (;;) {
		size_t len;

		text += strspn(text, separators);
		if (!*text)
			return bits;
		len = strcspn(text, separators);
		bits |= controller_bit(text, len);
		text += len;
	}
}

/* mountinfo writes space, tab, newline and backslash as three octal digits. */
static char *unescape(const char *text, size_t len)
{
	char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *p = text + i;

		if (len - i >= 4 && p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			out[n++] = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			i += 3;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
	return out;
}

static bool is_systemds(const char *options)
{
	auto_strv struct strv words = { 0 };

	strv_split(&words, options, ',');
	return strv_has(&words, "name=systemd");
}

/*
 * One line: "31 23 0:28 ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE SUPER-OPTIONS"
 * @of_systemd: only the hierarchy that systemd has on v1 is wanted; else it is not.
 */
static void parse_line(char *line, bool of_systemd, struct cgroup_mounts *ret)
{
	char *tail = strstr(line, " - ");
	struct cgroup_mount mount = { 0 };
	unsigned int major, minor;
	int root_at = 0, root_end = 0, point_at = 0, point_end = 0, options_at = 0;

	if (!tail)
		return;
	tail += strlen(" - ");
	if (str_starts(tail, "cgroup2 ") && !of_systemd)
		mount.version = CGROUP_V2;
	else if (str_starts(tail, "cgroup "))
		mount.version = CGROUP_V1;
	else
		return;

	if (sscanf(line, "%*u %*u %u:%u %n%*s%n %n%*s%n", &major, &minor, &root_at, &root_end,
		   &point_at, &point_end) < 2 ||
	    point_end == 0)
		return;
	if (mount.version == CGROUP_V1) {
		(void)sscanf(tail, "%*s %*s %n", &options_at);
		if (options_at == 0)
			return;
		mount.controllers = cgroup_controllers_parse(tail + options_at, ",");
		if (of_systemd ? !is_systemds(tail + options_at) : mount.controllers == 0)
			return;
	}
	mount.dev = makedev(major, minor);
	mount.root = unescape(line + root_at, (size_t)(root_end - root_at));
	mount.point = unescape(line + point_at, (size_t)(point_end - point_at));
	ret->items = xrealloc(ret->items, ret->n + 1, sizeof(*ret->items));
	ret->items[ret->n++] = mount;
}

static void parse_mounts(const char *mountinfo, bool of_systemd, struct cgroup_mounts *ret)
{
	auto_free char *copy = xstrdup(mountinfo);
	char *save = NULL;

	*ret = (struct cgroup_mounts){ 0 };
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		parse_line(line, of_systemd, ret);
}

void cgroup_mounts_parse(const char *mountinfo, struct cgroup_mounts *ret)
{
	parse_mounts(mountinfo, false, ret);
}

void cgroup_mounts_fini(struct cgroup_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->items[i].root);
		free(mounts->items[i].point);
	}
	free(mounts->items);
	*mounts = (struct cgroup_mounts){ 0 };
}

/*
 * Opens a mount point, if what one finds there is that mount: another one may lie over it, and
 * /sys/fs/cgroup may be a plain tmpfs in which a directory named "memory" means nothing.
 */
static int open_mount(const struct cgroup_mount *m, bool is_checked)
{
	long magic = m->version == CGROUP_V2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC;
	auto_fd int fd = open(m->point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || !is_checked)
		return take_fd(&fd);
	if (fstatfs(fd, &fs) < 0 || fs.f_type != magic)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_dev != m->dev)
		return -1;
	return take_fd(&fd);
}

/* What the root of a cgroup2 hierarchy can hand down. */
static unsigned int v2_controllers(int fd, const char *point)
{
	const struct dir dir = { .fd = fd, .path = point };
	auto_free char *text = NULL;
	struct error err = { 0 };

	if (file_read_at(&dir, "cgroup.controllers", CGROUP_FILE_MAX, &text, NULL, &err) < 0)
		return 0;
	return cgroup_controllers_parse(text, " \n");
}

static bool is_taken(const struct cgroup_host *host, const struct cgroup_mount *m)
{
	if (m->version == CGROUP_V2)
		return host->v2 >= 0;
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if (m->controllers & CGROUP_BIT(i) && host->of[i] >= 0)
			return true;
	return false;
}

static void add_hierarchy(struct cgroup_host *host, const struct cgroup_mount *m, bool is_checked)
{
	struct cgroup_hierarchy *h = &host->items[host->n];
	int fd;

	if (is_taken(host, m) || host->n == ARRAY_LEN(host->items))
		return;
	fd = open_mount(m, is_checked);
	if (fd < 0)
		return;

	h->version = m->version;
	h->controllers = m->controllers;
	h->fd = fd;
	h->point = xstrdup(m->point);
	if (h->version == CGROUP_V2) {
		h->controllers = v2_controllers(fd, h->point);
		host->v2 = (int)host->n;
	} else {
		for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
			if (h->controllers & CGROUP_BIT(i))
				host->of[i] = (int)host->n;
	}
	host->n++;
}

/*
 * What v1 does not have is v2's.  The freezer is v2's wherever there is a v2: its frozen processes
 * can be killed, and cgroup.kill ends a whole tree in one write.
 */
static void assign_v2(struct cgroup_host *host)
{
	struct cgroup_hierarchy *h;

	if (host->v2 < 0)
		return;
	h = &host->items[host->v2];
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if ((h->controllers | V2_CORE) & CGROUP_BIT(i) && host->of[i] < 0)
			host->of[i] = host->v2;
	host->of[CGROUP_FREEZER] = host->v2;
}

int cgroup_host_open_text(const char *mountinfo, bool is_checked, struct cgroup_host **ret,
			  struct error *err)
{
	struct cgroup_host *host = xcalloc(1, sizeof(*host));
	struct cgroup_mounts mounts;

	host->references = 1;
	host->v2 = -1;
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		host->of[i] = -1;

	/* Whole hierarchies first; a bind-mounted subtree only where there is nothing better. */
	cgroup_mounts_parse(mountinfo, &mounts);
	for (size_t i = 0; i < mounts.n; i++)
		if (str_eq(mounts.items[i].root, "/"))
			add_hierarchy(host, &mounts.items[i], is_checked);
	for (size_t i = 0; i < mounts.n; i++)
		if (!str_eq(mounts.items[i].root, "/"))
			add_hierarchy(host, &mounts.items[i], is_checked);
	cgroup_mounts_fini(&mounts);
	assign_v2(host);

	if (host->n == 0) {
		cgroup_host_free(host);
		return err_set(err, ENODEV,
			       "find control groups: no cgroup file system is mounted");
	}
	*ret = host;
	return 0;
}

int cgroup_host_open(struct cgroup_host **ret, struct error *err)
{
	auto_free char *text = NULL;
	int rc = file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, err);

	if (rc < 0)
		return err_wrap(err, "find control groups");
	return cgroup_host_open_text(text, true, ret, err);
}

int cgroup_host_open_known(const char *mounts, struct cgroup_host **ret, struct error *err)
{
	auto_cgroup_host struct cgroup_host *host = NULL;
	size_t n = 0;
	int rc = cgroup_host_open_text(mounts, true, &host, err);

	for (const char *p = strchr(mounts, '\n'); p; p = strchr(p + 1, '\n'))
		n++;
	if (rc < 0 || host->n != n)
		return err_set(err, ESTALE, "find control groups: they are mounted elsewhere now");
	*ret = take_ptr(host);
	return 0;
}

static void put_controllers(const struct cgroup_hierarchy *h, struct str *text)
{
	const char *separator = "";

	for (size_t i = 0; h->version == CGROUP_V1 && i < CGROUP_CONTROLLERS; i++) {
		const char *name = controllers[i].v1 ? controllers[i].v1 : controllers[i].name;

		if (!(h->controllers & CGROUP_BIT(i)))
			continue;
		str_addf(text, "%s%s", separator, name);
		separator = ",";
	}
}

char *cgroup_mounts_text(const struct cgroup_host *host)
{
	auto_str struct str text = { 0 };

	for (size_t i = 0; i < host->n; i++) {
		const struct cgroup_hierarchy *h = &host->items[i];
		struct stat st;

		if (strpbrk(h->point, " \t\n\\") || fstat(h->fd, &st) < 0)
			return NULL;
		str_addf(&text, "0 0 %u:%u / %s - %s cgroup ", major(st.st_dev), minor(st.st_dev),
			 h->point, h->version == CGROUP_V2 ? "cgroup2" : "cgroup");
		put_controllers(h, &text);
		str_add(&text, "\n");
	}
	return str_take(&text);
}

void cgroup_host_add_systemd_text(struct cgroup_host *host, const char *mountinfo, bool is_checked)
{
	struct cgroup_mounts mounts;

	if (cgroup_host_is_unified(host))
		return;
	for (size_t i = 0; i < host->n; i++)
		if (!host->items[i].controllers && host->items[i].version == CGROUP_V1)
			return;
	parse_mounts(mountinfo, true, &mounts);
	if (mounts.n > 0)
		add_hierarchy(host, &mounts.items[0], is_checked);
	cgroup_mounts_fini(&mounts);
}

int cgroup_host_add_systemd(struct cgroup_host *host, struct error *err)
{
	auto_free char *text = NULL;
	int rc = file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, err);

	if (rc < 0)
		return err_wrap(err, "find control groups");
	cgroup_host_add_systemd_text(host, text, true);
	return 0;
}

struct cgroup_host *cgroup_host_ref(struct cgroup_host *host)
{
	host->references++;
	return host;
}

void cgroup_host_free(struct cgroup_host *host)
{
	if (!host || --host->references > 0)
		return;
	for (size_t i = 0; i < host->n; i++) {
		close_fd(&host->items[i].fd);
		free(host->items[i].point);
	}
	free(host);
}

void cgroup_host_freep(struct cgroup_host **host)
{
	cgroup_host_free(*host);
	*host = NULL;
}

enum cgroup_version cgroup_host_controller(const struct cgroup_host *host,
					   enum cgroup_controller controller)
{
	int i = host->of[controller];

	return i < 0 ? CGROUP_ABSENT : host->items[i].version;
}

bool cgroup_host_is_unified(const struct cgroup_host *host)
{
	return host->v2 >= 0 && host->n == 1;
}

static int read_controllers(const struct dir *dir, const char *file, unsigned int *ret,
			    struct error *err)
{
	auto_free char *text = NULL;
	int rc = file_read_at(dir, file, CGROUP_FILE_MAX, &text, NULL, err);

	if (rc < 0)
		return rc;
	*ret = cgroup_controllers_parse(text, " \n");
	return 0;
}

static void enable_text(unsigned int bits, struct str *text)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if (bits & CGROUP_BIT(i))
			str_addf(text, "%s+%s", text->len ? " " : "", controllers[i].name);
}

static int explain_refusal(int rc, const struct dir *dir, const char *what, struct error *err)
{
	/* cgroup-v2.rst, "No Internal Process Constraint" */
	if (rc == -EBUSY)
		return err_set(
			err, EBUSY,
			"enable controllers '%s' in '%s': it has processes of its own, which "
			"only a root cgroup may have: move them, or choose another parent",
			what, dir->path);
	if (rc == -EACCES || rc == -EPERM || rc == -EROFS)
		return err_set(
			err, -rc,
			"enable controllers '%s' in '%s': %s: this cgroup is not delegated to us",
			what, dir->path, err_text(-rc));
	return err_wrap(err, "enable controllers");
}

/* Enables what is missing for the children of @dir. */
static int enable_at(const struct dir *dir, unsigned int required, unsigned int wanted,
		     struct error *err)
{
	auto_str struct str all = { 0 };
	unsigned int on = 0, missing;
	int rc = read_controllers(dir, "cgroup.subtree_control", &on, err);

	if (rc < 0)
		return rc;
	missing = (required | wanted) & ~on;
	if (missing == 0)
		return 0;

	enable_text(missing, &all);
	rc = sys_write_at(dir, "cgroup.subtree_control", all.text, err);
	if (rc < 0 && (missing & required) == 0) {
		log_debug("statistics are incomplete: %s", err->msg);
		return 0;
	}
	/*
	 * A write is all or nothing: if one that is only wanted is the trouble, the others go alone.
	 * Not so if there are processes: "threaded" controllers such as pids would be taken, and
	 * turn the children into groups that no process can enter (cgroup-v2.rst, "Threads").
	 */
	if (rc < 0 && rc != -EBUSY && missing & ~required) {
		str_clear(&all);
		enable_text(missing & required, &all);
		rc = sys_write_at(dir, "cgroup.subtree_control", all.text, err);
	}
	return rc < 0 ? explain_refusal(rc, dir, all.text, err) : 0;
}

int cgroup_controllers_enable(const struct cgroup_hierarchy *h, const char *path,
			      unsigned int required, unsigned int wanted, struct error *err)
{
	const char *leaf = strrchr(path, '/');
	auto_free char *parent = xstrndup(path, leaf ? (size_t)(leaf - path) : 0);
	unsigned int on = 0;

	required &= h->controllers;
	wanted &= h->controllers;
	if ((required | wanted) == 0)
		return 0;

	/* The common case: an earlier container had the same parent. */
	if (*parent) {
		auto_fd int fd = cgroup_tree_open(h, parent);
		const struct dir dir = { .fd = fd, .path = parent };

		if (fd >= 0 && read_controllers(&dir, "cgroup.subtree_control", &on, err) == 0 &&
		    ((required | wanted) & ~on) == 0)
			return 0;
	}

	for (size_t len = 0;; len++) {
		auto_free char *part = xstrndup(parent, len);
		auto_free char *name = xasprintf("%s%s%s", h->point, len ? "/" : "", part);
		auto_fd int fd = -1;
		int rc;

		if (len > 0 && parent[len] != '/' && parent[len] != '\0')
			continue;
		fd = len ? cgroup_tree_open(h, part) : dup(h->fd);
		if (fd < 0)
			return err_set(err, len ? -fd : errno, "open cgroup '%s': %s", name,
				       err_text(len ? -fd : errno));
		rc = enable_at(&(struct dir){ .fd = fd, .path = name }, required, wanted, err);
		if (rc < 0)
			return rc;
		if (parent[len] == '\0')
			return 0;
	}
}
