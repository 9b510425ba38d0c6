/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cgroups/resources.h"
#include "engine/bundle.h"
#include "engine/networks.h"
#include "engine/options_json.h"

#define CHANGE_MAX         (1U << 20)
#define CPU_SHARES_DEFAULT 1024

void change_fini(struct container_change *change)
{
	run_options_fini(&change->options);
}

/* ---- on the wire ------------------------------------------------------------------------------ */

int change_pack(const struct container_change *change, struct control_message *ret, int *ret_fd,
		struct error *err)
{
	auto_json json_t *json = json_object_new();
	auto_free char *text = NULL;
	auto_fd int fd = memfd_create("change", MFD_CLOEXEC);
	size_t len;

	json_put(json, "options", run_options_to_json(&change->options));
	text = json_to_text(json, JSON_COMPACT);
	len = strlen(text);
	if (fd < 0 || pwrite(fd, text, len, 0) != (ssize_t)len)
		return err_sys(err, "write down what is to be changed");
	*ret = (struct control_message){
		.type = CONTROL_CHANGE,
		.value = (int)change->kind,
		.timeout = (int)change->limits,
	};
	*ret_fd = take_fd(&fd);
	return 0;
}

int change_unpack(const struct control_message *message, int fd, struct container_change *ret,
		  struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD_BY(struct container_change, options, "options", run_options_read),
		JSON_FIELDS_END,
	};
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = xmalloc(CHANGE_MAX);
	ssize_t len = pread(fd, text, CHANGE_MAX, 0);
	int rc;

	*ret = (struct container_change){
		.kind = (enum change_kind)message->value,
		.limits = (unsigned int)message->timeout,
	};
	if (len < 0)
		return err_sys(err, "read what is to be changed");
	rc = json_doc_parse(&doc, "change", text, (size_t)len, err);
	if (rc == 0)
		rc = json_read(&doc, fields, ret, err);
	if (rc == 0 && ret->kind != CHANGE_LIMITS && !ret->options.n_networks)
		rc = err_set(err, EPROTO, "what is to be changed is not understood");
	return rc;
}

/* ---- in the record ---------------------------------------------------------------------------- */

static ssize_t find_network(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->networks.n; i++) {
		if (strcmp(record->networks.items[i], name) == 0)
			return (ssize_t)i;
	}
	return -1;
}

/* What is not asked for is there by default: from now on all is said. */
static void say_networks(struct record *record)
{
	for (size_t i = record->options.n_networks; i < record->networks.n; i++)
		(void)run_options_add_network(&record->options, record->networks.items[i]);
	while (record->addresses.n < record->networks.n)
		strv_add(&record->addresses, "");
}

static int add_network(struct record *record, const struct network_request *request,
		       struct error *err)
{
	struct network_request *added;

	if (network_is_pseudo(request->name))
		return err_set(err, EINVAL,
			       "'%s' is no network that containers can be connected to",
			       request->name);
	if (record->networks.n && network_is_pseudo(record->networks.items[0]))
		return err_set(err, EINVAL,
			       "container '%s' was made with --network %s: it cannot be connected "
			       "to others",
			       record->name, record->networks.items[0]);
	if (find_network(record, request->name) >= 0)
		return err_set(err, EEXIST, "container '%s' is in network '%s' already",
			       record->name, request->name);
	say_networks(record);
	added = run_options_add_network(&record->options, request->name);
	strv_copy(&added->aliases, &request->aliases);
	added->address = xstrdup(request->address);
	strv_add(&record->networks, request->name);
	strv_add(&record->addresses, "");
	return 0;
}

static int remove_network(struct record *record, const char *name, struct error *err)
{
	struct run_options *o = &record->options;
	ssize_t at = find_network(record, name);

	if (at < 0 || network_is_pseudo(name))
		return err_set(err, ENOENT, "container '%s' is not in network '%s'", record->name,
			       name);
	say_networks(record);
	strv_remove(&record->networks, (size_t)at);
	strv_remove(&record->addresses, (size_t)at);
	run_options_remove_network(o, (size_t)at);
	return 0;
}

/* ---- limits ----------------------------------------------------------------------------------- */

int change_resources(const struct record *record, const struct container_change *change,
		     struct cgroup_resources *ret, struct error *err)
{
	const struct run_options *o = &record->options;
	unsigned int changed = change->limits;
	struct cgroup_resources r = { 0 };
	int rc = bundle_limits(o, (unsigned int)get_nprocs(), &r, err);

	if (rc < 0) {
		cgroup_resources_fini(&r);
		return rc;
	}
	/* What is not given stays as it is: no limit has to be said. */
	if ((changed & LIMIT_MEMORY) && !o->memory) {
		r.memory.has_limit = r.memory.has_swap = r.memory.is_swap_optional = true;
		r.memory.limit = r.memory.swap = -1;
	}
	if ((changed & LIMIT_CPUS) && !o->cpus_nano) {
		r.cpu.has_quota = true;
		r.cpu.quota = -1;
	}
	if ((changed & LIMIT_CPU_SHARES) && !o->cpu_shares) {
		r.cpu.has_shares = true;
		r.cpu.shares = CPU_SHARES_DEFAULT;
	}
	if ((changed & LIMIT_PIDS) && !r.has_pids) {
		r.has_pids = true;
		r.pids = -1;
	}
	*ret = r;
	return 0;
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static void copy_limits(struct record *record, unsigned int limits, const struct run_options *from)
{
	struct run_options *to = &record->options;

	if (limits & LIMIT_MEMORY)
		record->memory = to->memory = from->memory;
	if (limits & LIMIT_MEMORY_RESERVATION)
		to->memory_reservation = from->memory_reservation;
	if (limits & LIMIT_MEMORY_SWAP) {
		to->has_memory_swap = from->has_memory_swap;
		to->memory_swap = from->memory_swap;
	}
	if (limits & LIMIT_CPUS)
		to->cpus_nano = from->cpus_nano;
	if (limits & LIMIT_CPU_SHARES)
		to->cpu_shares = from->cpu_shares;
	if (limits & LIMIT_CPUSET_CPUS)
		set_text(&to->cpuset_cpus, from->cpuset_cpus);
	if (limits & LIMIT_CPUSET_MEMS)
		set_text(&to->cpuset_mems, from->cpuset_mems);
	if (limits & LIMIT_PIDS) {
		to->has_pids_limit = from->has_pids_limit;
		to->pids_limit = from->pids_limit;
	}
	if (limits & LIMIT_RESTART)
		to->restart = from->restart;
}

static void copy_labels(struct record *record, const struct strv *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		const char *equals = strchrnul(labels->items[i], '=');
		auto_free char *name =
			xstrndup(labels->items[i], (size_t)(equals - labels->items[i]));

		strv_setenv(&record->labels, name, *equals ? equals + 1 : "");
		strv_setenv(&record->options.labels, name, *equals ? equals + 1 : "");
	}
}

static int set_limits(struct record *record, const struct container_change *change,
		      struct error *err)
{
	struct cgroup_resources checked = { 0 };
	int rc;

	copy_limits(record, change->limits, &change->options);
	copy_labels(record, &change->options.labels);
	rc = change_resources(record, change, &checked, err);
	if (rc == 0)
		cgroup_resources_fini(&checked);
	return rc;
}

int change_record(struct record *record, const struct container_change *change, struct error *err)
{
	const struct network_request *network = change->options.networks;

	switch (change->kind) {
	case CHANGE_CONNECT:
		return add_network(record, network, err);
	case CHANGE_DISCONNECT:
		return remove_network(record, network->name, err);
	case CHANGE_LIMITS:
		return set_limits(record, change, err);
	}
	return err_set(err, EPROTO, "what is to be changed is not understood");
}
