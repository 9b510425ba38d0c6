/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

static const struct namespace_name names[SPEC_NS_TYPES] = {
	[SPEC_NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[SPEC_NS_NETWORK] = { "network", "net", CLONE_NEWNET },
	[SPEC_NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
	[SPEC_NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[SPEC_NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
	[SPEC_NS_USER] = { "user", "user", CLONE_NEWUSER },
	[SPEC_NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[SPEC_NS_TIME] = { "time", "time", CLONE_NEWTIME },
};

const struct namespace_name *namespace_name(enum spec_namespace_type type)
{
	return &names[type];
}

int namespace_from_name(const char *name, enum spec_namespace_type *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].spec, name) == 0) {
			*ret = (enum spec_namespace_type)i;
			return 1;
		}
	}
	return 0;
}

unsigned long namespaces_new(const struct spec *spec)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < spec->n_namespaces; i++) {
		if (!spec->namespaces[i].path)
			flags |= names[spec->namespaces[i].type].flag;
	}
	return flags;
}

unsigned long namespaces_joined(const struct spec *spec)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < spec->n_namespaces; i++) {
		if (spec->namespaces[i].path)
			flags |= names[spec->namespaces[i].type].flag;
	}
	return flags;
}

const char *namespace_path(const struct spec *spec, enum spec_namespace_type type)
{
	for (size_t i = 0; i < spec->n_namespaces; i++) {
		if (spec->namespaces[i].type == type)
			return spec->namespaces[i].path;
	}
	return NULL;
}

enum { IDENTITY_ROOM = 64 };

/*
 * The identity of one, "mnt:[4026531841]" (namespaces(7), "The /proc/pid/ns/ directory").  To read the
 * link is much quicker than stat(2), for which the kernel makes an inode and forgets it again.
 */
static int identify(int ns_dir, const char *name, char ret[IDENTITY_ROOM])
{
	ssize_t n = readlinkat(ns_dir, name, ret, IDENTITY_ROOM - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

int namespaces_apart(pid_t pid, unsigned long *ret, struct error *err)
{
	auto_free char *path = xasprintf("/proc/%d/ns", pid);
	auto_fd int theirs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int ours = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned long flags = 0;

	if (theirs < 0)
		return err_sys(err, "open '%s'", path);
	if (ours < 0)
		return err_sys(err, "open '/proc/self/ns'");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char a[IDENTITY_ROOM], b[IDENTITY_ROOM];
		int rc = identify(ours, names[i].proc, a);

		/* A kernel without this kind. */
		if (rc == -ENOENT)
			continue;
		if (rc == 0)
			rc = identify(theirs, names[i].proc, b);
		if (rc < 0)
			return err_set(err, -rc, "look at '%s/%s': %s", path, names[i].proc,
				       err_text(-rc));
		if (strcmp(a, b) != 0)
			flags |= names[i].flag;
	}
	*ret = flags;
	return 0;
}

void namespace_id_map(const struct spec_id_map *maps, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%u %u %u\n", maps[i].container_id, maps[i].host_id, maps[i].size);
}
