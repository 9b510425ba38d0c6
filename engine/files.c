/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/bundle.h"
#include "engine/options.h"
#include "net/names.h"

#define HOST_FILE_MAX (256U << 10)

/* A host may be without; then the container's is made of what else there is. */
static char *read_host(const char *path)
{
	struct error ignored;
	char *text = NULL;

	return file_read(path, HOST_FILE_MAX, &text, NULL, &ignored) < 0 ? xstrdup("") : text;
}

static int make_hosts(const struct files *files, struct error *err)
{
	const struct run_options *o = files->options;
	auto_str struct str text = { 0 };

	if (files->has_host_network) {
		const struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
		auto_free char *hosts = read_host("/etc/hosts");

		str_add(&text, hosts);
		for (size_t i = 0; i < o->extra_hosts.n; i++)
			(void)names_host_line(&text, o->extra_hosts.items[i], &loopback);
	} else {
		names_hosts(&text, files->address, files->gateway, files->hostname,
			    &o->extra_hosts);
	}
	return sys_put_at(files->place, "hosts", 0644, text.text ? text.text : "", err);
}

static int make_resolv_conf(const struct files *files, struct error *err)
{
	const struct run_options *o = files->options;
	auto_free char *host = read_host("/etc/resolv.conf");
	auto_str struct str text = { 0 };

	if (files->has_host_network && !o->dns.n && !o->dns_search.n && !o->dns_options.n)
		str_add(&text, host);
	else
		names_resolv_conf(&text, host, &o->dns, &o->dns_search, &o->dns_options);
	return sys_put_at(files->place, "resolv.conf", 0644, text.text ? text.text : "", err);
}

int files_make(const struct files *files, struct error *err)
{
	auto_free char *hostname = xasprintf("%s\n", files->hostname);
	int rc = sys_put_at(files->place, "hostname", 0644, hostname, err);

	if (rc == 0)
		rc = make_hosts(files, err);
	return rc < 0 ? rc : make_resolv_conf(files, err);
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
