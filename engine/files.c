/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/sys_exe.h"
#include "engine/bundle.h"
#include "engine/options.h"
#include "engine/resolver.h"
#include "net/names.h"

#define HOST_FILE_MAX (256U << 10)

/* A host may be without; then the container's is made of what else there is. */
static char *read_host(const char *path)
{
	struct error ignored;
	char *text = NULL;

	return file_read(path, HOST_FILE_MAX, &text, NULL, &ignored) < 0 ? xstrdup("") : text;
}

static char *make_hosts(const struct files *files)
{
	const struct run_options *o = files->options;
	struct str text = { 0 };

	if (files->has_host_network) {
		const struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
		auto_free char *hosts = read_host("/etc/hosts");

		str_add(&text, hosts);
		for (size_t i = 0; i < o->extra_hosts.n; i++)
			(void)names_host_line(&text, o->extra_hosts.items[i], &loopback);
	} else {
		names_hosts(&text, files->addresses, files->n_addresses, files->gateway,
			    files->hostname, &o->extra_hosts);
	}
	return str_take(&text);
}

static char *make_resolv_conf(const struct files *files)
{
	const struct run_options *o = files->options;
	auto_free char *host =
		files->has_host_network ? read_host("/etc/resolv.conf") : resolver_host_text();
	auto_strv struct strv servers = { 0 };
	struct str text = { 0 };

	if (files->has_host_network && !o->dns.n && !o->dns_search.n && !o->dns_options.n) {
		str_add(&text, host);
		return str_take(&text);
	}
	if (files->has_resolver)
		strv_add(&servers, RESOLVER_ADDRESS);
	else
		strv_copy(&servers, &o->dns);
	names_resolv_conf(&text, host, &servers, &o->dns_search, &o->dns_options);
	/* A name without a dot is one of ours sooner than one of a domain that is searched. */
	if (files->has_resolver && !strstr(text.text, "ndots:"))
		str_add(&text, "options ndots:0\n");
	return str_take(&text);
}

void files_make(const struct files *files, struct bundle_files *ret)
{
	ret->hosts = make_hosts(files);
	ret->hostname = xasprintf("%s\n", files->hostname);
	ret->resolv_conf = make_resolv_conf(files);
}

static int make_file(const char *path, const char *text, struct error *err)
{
	const char *name = path_base(path);
	auto_free char *parent = xstrndup(path, (size_t)(name - path - 1));
	auto_fd int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open '%s'", parent);
	return sys_put_at(&(struct dir){ .fd = fd, .path = parent }, name, 0644, text, err);
}

/* mkdir -p: a step for each directory that is new.  @closed is for root alone. */
static int make_dirs(const char *path, const char *closed, struct error *err)
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
		next = path_join(done, part);
		rc = sys_mkdir_at(&dir, part, strcmp(next, closed) == 0 ? 0700 : 0755, err);
		if (rc < 0) {
			free(next);
			return rc;
		}
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

int files_make_sources(const struct bundle_mounts *mounts, const char *volumes, struct error *err)
{
	for (size_t i = 0; i < mounts->n; i++) {
		const struct bundle_mount *m = &mounts->items[i];
		int rc = 0;

		if (m->source && m->text)
			rc = make_file(m->source, m->text, err);
		else if (m->source && m->is_source_made && access(m->source, F_OK) < 0)
			rc = make_dirs(m->source, volumes, err);
		if (rc < 0)
			return err_wrap(err, "mount on '%s'", m->target);
	}
	return 0;
}

/* ---- devices ---------------------------------------------------------------------------------- */

#define DEVICES_MAX 4096
#define DEPTH_MAX   8

struct device_list {
	struct bundle_device *items;
	size_t n;
};

/* What a container has of its own, or links to what it has. */
static bool is_skipped(const char *name)
{
	static const char *const own[] = { "pts", "shm", "mqueue", "fd", "console", "ptmx" };

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (strcmp(name, own[i]) == 0)
			return true;
	}
	return name[0] == '.';
}

static int list_devices(int parent, const char *name, const char *path, int depth,
			struct device_list *list, struct error *err);

static int list_entry(int dir, const char *name, const char *parent, int depth,
		      struct device_list *list, struct error *err)
{
	auto_free char *path = path_join(parent, name);
	struct stat st;

	if (is_skipped(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? list_devices(dir, name, path, depth + 1, list, err) : 0;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	if (list->n == DEVICES_MAX)
		return err_set(err, E2BIG, "list devices: more than %d in '/dev'", DEVICES_MAX);
	list->items = xrealloc(list->items, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = (struct bundle_device){
		.path = take_ptr(path),
		.is_block = S_ISBLK(st.st_mode),
		.major = major(st.st_rdev),
		.minor = minor(st.st_rdev),
		.mode = st.st_mode & 07777,
		.uid = st.st_uid,
		.gid = st.st_gid,
	};
	return 0;
}

static int list_devices(int parent, const char *name, const char *path, int depth,
			struct device_list *list, struct error *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int rc = 0;

	if (!dir) {
		close_fd(&fd);
		return err_sys(err, "open '%s'", path);
	}
	while (rc == 0 && (entry = readdir(dir)))
		rc = list_entry(fd, entry->d_name, path, depth, list, err);
	(void)closedir(dir);
	return rc;
}

int files_list_devices(struct bundle_device **ret, size_t *ret_n, struct error *err)
{
	struct device_list list = { 0 };
	int rc = list_devices(AT_FDCWD, "/dev", "/dev", 0, &list, err);

	if (rc < 0) {
		files_free_devices(list.items, list.n);
		return rc;
	}
	*ret = list.items;
	*ret_n = list.n;
	return 0;
}

void files_free_devices(struct bundle_device *devices, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(devices[i].path);
	free(devices);
}

/* ---- init ------------------------------------------------------------------------------------- */

int files_find_init(char **ret, struct error *err)
{
	static const char name[] = "minictr-init";
	auto_free char *self = sys_exe_path();
	auto_free char *installed = path_join(MINICTR_LIBEXECDIR, name);
	auto_free char *beside = NULL;

	if (self)
		beside = xasprintf("%.*s%s", (int)(path_base(self) - self), self, name);
	if (beside && access(beside, X_OK) == 0)
		*ret = take_ptr(beside);
	else if (access(installed, X_OK) == 0)
		*ret = take_ptr(installed);
	else
		return err_sys(err, "find the init program '%s'", installed);
	return 0;
}
