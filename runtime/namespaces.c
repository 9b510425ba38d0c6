/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/namespaces.h"

#include <sched.h>
#include <string.h>

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

void namespace_id_map(const struct spec_id_map *maps, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%u %u %u\n", maps[i].container_id, maps[i].host_id, maps[i].size);
}
