/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

struct network_request *run_options_add_network(struct run_options *o, const char *name)
{
	o->networks = xrealloc(o->networks, o->n_networks + 1, sizeof(*o->networks));
	o->networks[o->n_networks] = (struct network_request){ .name = xstrdup(name) };
	return &o->networks[o->n_networks++];
}

static void network_request_fini(struct network_request *request)
{
	free(request->name);
	free(request->address);
	strv_fini(&request->aliases);
}

void run_options_remove_network(struct run_options *o, size_t at)
{
	network_request_fini(&o->networks[at]);
	o->n_networks--;
	memmove(o->networks + at, o->networks + at + 1,
		(o->n_networks - at) * sizeof(*o->networks));
}

bool run_options_is_network(const struct run_options *o, const char *name)
{
	return o->n_networks == 1 && str_eq(o->networks[0].name, name);
}

void run_options_fini(struct run_options *o)
{
	char *const texts[] = {
		o->image,       o->rootfs,      o->name,        o->hostname, o->workdir, o->user,
		o->stop_signal, o->cpuset_cpus, o->cpuset_mems, o->seccomp,  o->project, o->service,
	};
	struct strv *const lists[] = {
		&o->command,    &o->env,         &o->labels,      &o->entrypoint,
		&o->cap_add,    &o->cap_drop,    &o->sysctls,     &o->dns,
		&o->dns_search, &o->dns_options, &o->extra_hosts, &o->allows,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_fini(lists[i]);
	for (size_t i = 0; i < o->n_mounts; i++)
		mount_request_fini(&o->mounts[i]);
	free(o->mounts);
	free(o->ulimits);
	free(o->ports);
	for (size_t i = 0; i < o->n_networks; i++)
		network_request_fini(&o->networks[i]);
	free(o->networks);
	health_config_fini(&o->health);
	*o = (struct run_options){ 0 };
}
