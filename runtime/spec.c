/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "runtime/hooks.h"
#include "runtime/spec_internal.h"

#define ID_MAX 4294967294LL

/* ---- process ---------------------------------------------------------------------------------- */

int spec_read_ids(struct json_reader *reader, const json_t *value, uint32_t **ret, size_t *ret_n,
		  struct error *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return json_reader_error(reader, value, err, "expected an array");
	*ret = xcalloc(json_array_size(value), sizeof(**ret));
	json_array_foreach(value, i, item) {
		json_int_t id = json_integer_value(item);

		if (!json_is_integer(item) || id < 0 || id > ID_MAX)
			return json_reader_error(reader, item, err,
						 "[%zu]: expected an id from 0 to %lld", i, ID_MAX);
		(*ret)[(*ret_n)++] = (uint32_t)id;
	}
	return 0;
}

/* 4294967295 is -1, which setresuid(2) takes for "leave it as it is": as root. */
static int read_id(struct json_reader *reader, const json_t *value, void *field, struct error *err)
{
	json_int_t id = json_integer_value(value);

	if (!json_is_integer(value) || id < 0 || id > ID_MAX)
		return json_reader_error(reader, value, err, "expected an id from 0 to %lld",
					 ID_MAX);
	*(uint32_t *)field = (uint32_t)id;
	return 0;
}

static int read_gids(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	struct spec_process *process = container_of(field, struct spec_process, additional_gids);

	return spec_read_ids(reader, value, &process->additional_gids, &process->n_additional_gids,
			     err);
}

static const struct json_field rlimit_fields[] = {
	JSON_FIELD_NEEDED(struct spec_rlimit, type, JSON_FIELD_STRING, "type"),
	JSON_FIELD_NEEDED(struct spec_rlimit, soft, JSON_FIELD_UINT64, "soft"),
	JSON_FIELD_NEEDED(struct spec_rlimit, hard, JSON_FIELD_UINT64, "hard"),
	JSON_FIELDS_END,
};

static int read_rlimits(struct json_reader *reader, const json_t *value, void *field,
			struct error *err)
{
	struct spec_process *process = container_of(field, struct spec_process, rlimits);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(struct spec_rlimit), rlimit_fields, &items,
				 &process->n_rlimits, err);

	process->rlimits = items;
	return rc;
}

struct console {
	uint32_t width, height;
};

static int read_console_size(struct json_reader *reader, const json_t *value, void *field,
			     struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD_NEEDED(struct console, height, JSON_FIELD_UINT32, "height"),
		JSON_FIELD_NEEDED(struct console, width, JSON_FIELD_UINT32, "width"),
		JSON_FIELDS_END,
	};
	struct spec_process *process = container_of(field, struct spec_process, console_width);
	struct console size = { 0 };
	int rc = json_read_object(reader, value, NULL, fields, &size, err);

	if (rc < 0)
		return rc;
	if (size.width > UINT16_MAX || size.height > UINT16_MAX)
		return json_reader_error(reader, value, err, "larger than %d", UINT16_MAX);
	process->console_width = (uint16_t)size.width;
	process->console_height = (uint16_t)size.height;
	return 0;
}

static const struct json_field capability_fields[] = {
	JSON_FIELD(struct spec_capabilities, bounding, JSON_FIELD_STRINGS, "bounding"),
	JSON_FIELD(struct spec_capabilities, effective, JSON_FIELD_STRINGS, "effective"),
	JSON_FIELD(struct spec_capabilities, inheritable, JSON_FIELD_STRINGS, "inheritable"),
	JSON_FIELD(struct spec_capabilities, permitted, JSON_FIELD_STRINGS, "permitted"),
	JSON_FIELD(struct spec_capabilities, ambient, JSON_FIELD_STRINGS, "ambient"),
	JSON_FIELDS_END,
};

static int read_capabilities(struct json_reader *reader, const json_t *value, void *field,
			     struct error *err)
{
	struct spec_capabilities *caps = field;

	caps->is_given = true;
	return json_read_object(reader, value, NULL, capability_fields, caps, err);
}

static int read_io_priority(struct json_reader *reader, const json_t *value, void *field,
			    struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD_NEEDED(struct spec_process, io_priority.class, JSON_FIELD_STRING,
				  "class"),
		JSON_FIELD(struct spec_process, io_priority.priority, JSON_FIELD_INT, "priority"),
		JSON_FIELDS_END,
	};
	struct spec_process *process = container_of(field, struct spec_process, io_priority);

	process->io_priority.is_given = true;
	return json_read_object(reader, value, NULL, fields, process, err);
}

static int read_scheduler(struct json_reader *reader, const json_t *value, void *field,
			  struct error *err)
{
	static const struct json_field fields[] = {
		JSON_FIELD_NEEDED(struct spec_process, scheduler.policy, JSON_FIELD_STRING,
				  "policy"),
		JSON_FIELD(struct spec_process, scheduler.nice, JSON_FIELD_INT, "nice"),
		JSON_FIELD(struct spec_process, scheduler.priority, JSON_FIELD_INT, "priority"),
		JSON_FIELD(struct spec_process, scheduler.flags, JSON_FIELD_STRINGS, "flags"),
		JSON_FIELD(struct spec_process, scheduler.runtime, JSON_FIELD_UINT64, "runtime"),
		JSON_FIELD(struct spec_process, scheduler.deadline, JSON_FIELD_UINT64, "deadline"),
		JSON_FIELD(struct spec_process, scheduler.period, JSON_FIELD_UINT64, "period"),
		JSON_FIELDS_END,
	};
	struct spec_process *process = container_of(field, struct spec_process, scheduler);

	process->scheduler.is_given = true;
	return json_read_object(reader, value, NULL, fields, process, err);
}

static const struct json_field user_fields[] = {
	JSON_FIELD_BY(struct spec_process, uid, "uid", read_id),
	JSON_FIELD_BY(struct spec_process, gid, "gid", read_id),
	JSON_FIELD_SET(struct spec_process, umask, JSON_FIELD_UINT32, "umask", has_umask),
	JSON_FIELD_BY(struct spec_process, additional_gids, "additionalGids", read_gids),
	JSON_FIELD(struct spec_process, username, JSON_FIELD_STRING, "username"),
	JSON_FIELDS_END,
};

static const struct json_field affinity_fields[] = {
	JSON_FIELD(struct spec_process, exec_cpu_initial, JSON_FIELD_STRING, "initial"),
	JSON_FIELD(struct spec_process, exec_cpu_final, JSON_FIELD_STRING, "final"),
	JSON_FIELDS_END,
};

/* Objects whose members are members of struct spec_process itself. */
#define WITHIN(name_, table_)                                                           \
	{                                                                               \
		.name = (name_), .type = JSON_FIELD_OBJECT, .offset = 0, .present = -1, \
		.fields = (table_)                                                      \
	}

const struct json_field spec_process_fields[] = {
	JSON_FIELD(struct spec_process, terminal, JSON_FIELD_BOOL, "terminal"),
	JSON_FIELD_BY(struct spec_process, console_width, "consoleSize", read_console_size),
	WITHIN("user", user_fields),
	JSON_FIELD(struct spec_process, args, JSON_FIELD_STRINGS, "args"),
	JSON_FIELD(struct spec_process, env, JSON_FIELD_STRINGS, "env"),
	JSON_FIELD_NEEDED(struct spec_process, cwd, JSON_FIELD_STRING, "cwd"),
	JSON_FIELD_BY(struct spec_process, capabilities, "capabilities", read_capabilities),
	JSON_FIELD_BY(struct spec_process, rlimits, "rlimits", read_rlimits),
	JSON_FIELD(struct spec_process, no_new_privileges, JSON_FIELD_BOOL, "noNewPrivileges"),
	JSON_FIELD_SET(struct spec_process, oom_score_adj, JSON_FIELD_INT, "oomScoreAdj",
		       has_oom_score_adj),
	JSON_FIELD(struct spec_process, apparmor_profile, JSON_FIELD_STRING, "apparmorProfile"),
	JSON_FIELD(struct spec_process, selinux_label, JSON_FIELD_STRING, "selinuxLabel"),
	JSON_FIELD_BY(struct spec_process, io_priority, "ioPriority", read_io_priority),
	JSON_FIELD_BY(struct spec_process, scheduler, "scheduler", read_scheduler),
	WITHIN("execCPUAffinity", affinity_fields),
	JSON_FIELDS_END,
};

static int read_process(struct json_reader *reader, const json_t *value, void *field,
			struct error *err)
{
	struct spec *spec = container_of(field, struct spec, process);

	spec->has_process = true;
	return json_read_object(reader, value, NULL, spec_process_fields, &spec->process, err);
}

/* ---- mounts, hooks ---------------------------------------------------------------------------- */

static const struct json_field id_map_fields[] = {
	JSON_FIELD_NEEDED(struct spec_id_map, container_id, JSON_FIELD_UINT32, "containerID"),
	JSON_FIELD_NEEDED(struct spec_id_map, host_id, JSON_FIELD_UINT32, "hostID"),
	JSON_FIELD_NEEDED(struct spec_id_map, size, JSON_FIELD_UINT32, "size"),
	JSON_FIELDS_END,
};

#define READ_MAPS(function, struct_, member, n_member)                                             \
	static int function(struct json_reader *reader, const json_t *value, void *field,          \
			    struct error *err)                                                     \
	{                                                                                          \
		struct_ *object = container_of(field, struct_, member);                            \
		void *items = NULL;                                                                \
		int rc = json_read_array(reader, value, sizeof(struct spec_id_map), id_map_fields, \
					 &items, &object->n_member, err);                          \
                                                                                                   \
		object->member = items;                                                            \
		return rc;                                                                         \
	}

READ_MAPS(read_mount_uids, struct spec_mount, uid_maps, n_uid_maps)
READ_MAPS(read_mount_gids, struct spec_mount, gid_maps, n_gid_maps)

static const struct json_field mount_fields[] = {
	JSON_FIELD_NEEDED(struct spec_mount, destination, JSON_FIELD_STRING, "destination"),
	JSON_FIELD(struct spec_mount, type, JSON_FIELD_STRING, "type"),
	JSON_FIELD(struct spec_mount, source, JSON_FIELD_STRING, "source"),
	JSON_FIELD(struct spec_mount, options, JSON_FIELD_STRINGS, "options"),
	JSON_FIELD_BY(struct spec_mount, uid_maps, "uidMappings", read_mount_uids),
	JSON_FIELD_BY(struct spec_mount, gid_maps, "gidMappings", read_mount_gids),
	JSON_FIELDS_END,
};

static int read_mounts(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct spec *spec = container_of(field, struct spec, mounts);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(struct spec_mount), mount_fields, &items,
				 &spec->n_mounts, err);

	spec->mounts = items;
	return rc;
}

#define HOOKS(point_, name_)                                                   \
	{                                                                      \
		.name = (name_), .type = JSON_FIELD_HANDLER,                   \
		.offset = offsetof(struct spec, hooks[point_]), .present = -1, \
		.handler = hooks_read                                          \
	}

static const struct json_field hooks_fields[] = {
	HOOKS(HOOK_PRESTART, "prestart"),
	HOOKS(HOOK_CREATE_RUNTIME, "createRuntime"),
	HOOKS(HOOK_CREATE_CONTAINER, "createContainer"),
	HOOKS(HOOK_START_CONTAINER, "startContainer"),
	HOOKS(HOOK_POSTSTART, "poststart"),
	HOOKS(HOOK_POSTSTOP, "poststop"),
	JSON_FIELDS_END,
};

static const struct json_field root_fields[] = {
	JSON_FIELD_NEEDED(struct spec, root_path, JSON_FIELD_STRING, "path"),
	JSON_FIELD(struct spec, is_root_readonly, JSON_FIELD_BOOL, "readonly"),
	JSON_FIELDS_END,
};

static int read_linux(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct spec *spec = container_of(field, struct spec, has_linux);

	spec->has_linux = true;
	return json_read_object(reader, value, NULL, spec_linux_fields, spec, err);
}

static const struct json_field spec_fields[] = {
	JSON_FIELD_NEEDED(struct spec, oci_version, JSON_FIELD_STRING, "ociVersion"),
	WITHIN("root", root_fields),
	JSON_FIELD(struct spec, hostname, JSON_FIELD_STRING, "hostname"),
	JSON_FIELD(struct spec, domainname, JSON_FIELD_STRING, "domainname"),
	JSON_FIELD_BY(struct spec, process, "process", read_process),
	JSON_FIELD_BY(struct spec, mounts, "mounts", read_mounts),
	WITHIN("hooks", hooks_fields),
	JSON_FIELD(struct spec, annotations, JSON_FIELD_PAIRS, "annotations"),
	JSON_FIELD_BY(struct spec, has_linux, "linux", read_linux),
	JSON_FIELDS_END,
};

/* ---- documents -------------------------------------------------------------------------------- */

int spec_read(const struct json_doc *doc, struct spec *ret, struct error *err)
{
	struct spec spec = { 0 };
	int rc = json_read(doc, spec_fields, &spec, err);

	if (rc < 0) {
		spec_fini(&spec);
		return rc;
	}
	*ret = spec;
	return 0;
}

int spec_load(int bundle_fd, struct spec *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	int rc = json_doc_load(&doc, bundle_fd, "config.json", err);

	return rc < 0 ? rc : spec_read(&doc, ret, err);
}

int spec_process_read(const struct json_doc *doc, struct spec_process *ret, struct error *err)
{
	struct spec_process process = { 0 };
	int rc = json_read(doc, spec_process_fields, &process, err);

	if (rc < 0) {
		spec_process_fini(&process);
		return rc;
	}
	*ret = process;
	return 0;
}

/* ---- ownership -------------------------------------------------------------------------------- */

static void copy_list(struct strv *list)
{
	const struct strv from = *list;

	*list = (struct strv){ 0 };
	strv_copy(list, &from);
}

void spec_process_copy(const struct spec_process *from, struct spec_process *ret)
{
	struct spec_process p = *from;
	struct strv *lists[] = {
		&p.args,
		&p.env,
		&p.capabilities.bounding,
		&p.capabilities.effective,
		&p.capabilities.inheritable,
		&p.capabilities.permitted,
		&p.capabilities.ambient,
		&p.scheduler.flags,
	};
	char **texts[] = {
		&p.username,          &p.cwd,
		&p.apparmor_profile,  &p.selinux_label,
		&p.io_priority.class, &p.scheduler.policy,
		&p.exec_cpu_initial,  &p.exec_cpu_final,
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		copy_list(lists[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = xstrdup(*texts[i]);
	p.additional_gids = xcalloc(p.n_additional_gids, sizeof(*p.additional_gids));
	for (size_t i = 0; i < p.n_additional_gids; i++)
		p.additional_gids[i] = from->additional_gids[i];
	p.rlimits = xcalloc(p.n_rlimits, sizeof(*p.rlimits));
	for (size_t i = 0; i < p.n_rlimits; i++) {
		p.rlimits[i] = from->rlimits[i];
		p.rlimits[i].type = xstrdup(from->rlimits[i].type);
	}
	*ret = p;
}

void spec_process_fini(struct spec_process *p)
{
	free(p->additional_gids);
	free(p->username);
	strv_fini(&p->args);
	strv_fini(&p->env);
	free(p->cwd);
	strv_fini(&p->capabilities.bounding);
	strv_fini(&p->capabilities.effective);
	strv_fini(&p->capabilities.inheritable);
	strv_fini(&p->capabilities.permitted);
	strv_fini(&p->capabilities.ambient);
	for (size_t i = 0; i < p->n_rlimits; i++)
		free(p->rlimits[i].type);
	free(p->rlimits);
	free(p->apparmor_profile);
	free(p->selinux_label);
	free(p->io_priority.class);
	free(p->scheduler.policy);
	strv_fini(&p->scheduler.flags);
	free(p->exec_cpu_initial);
	free(p->exec_cpu_final);
	*p = (struct spec_process){ 0 };
}

void spec_seccomp_fini(struct spec_seccomp *s)
{
	free(s->default_action);
	strv_fini(&s->architectures);
	strv_fini(&s->flags);
	free(s->listener_path);
	free(s->listener_metadata);
	for (size_t i = 0; i < s->n_rules; i++) {
		struct spec_seccomp_rule *rule = &s->rules[i];

		strv_fini(&rule->names);
		free(rule->action);
		for (size_t j = 0; j < rule->n_args; j++)
			free(rule->args[j].op);
		free(rule->args);
	}
	free(s->rules);
	*s = (struct spec_seccomp){ 0 };
}

static void fini_mounts(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];

		free(m->destination);
		free(m->type);
		free(m->source);
		free(m->text);
		strv_fini(&m->options);
		free(m->uid_maps);
		free(m->gid_maps);
	}
	free(spec->mounts);
}

void spec_fini(struct spec *spec)
{
	free(spec->oci_version);
	free(spec->root_path);
	free(spec->hostname);
	free(spec->domainname);
	spec_process_fini(&spec->process);
	fini_mounts(spec);
	for (size_t i = 0; i < HOOK_POINTS; i++)
		hooks_fini(&spec->hooks[i]);
	strv_fini(&spec->annotations);
	for (size_t i = 0; i < spec->n_namespaces; i++)
		free(spec->namespaces[i].path);
	free(spec->namespaces);
	free(spec->uid_maps);
	free(spec->gid_maps);
	for (size_t i = 0; i < spec->n_devices; i++) {
		free(spec->devices[i].path);
		free(spec->devices[i].type);
	}
	free(spec->devices);
	free(spec->cgroups_path);
	cgroup_resources_fini(&spec->resources);
	free(spec->rootfs_propagation);
	spec_seccomp_fini(&spec->seccomp);
	strv_fini(&spec->sysctl);
	strv_fini(&spec->masked_paths);
	strv_fini(&spec->readonly_paths);
	free(spec->mount_label);
	free(spec->personality_domain);
	for (size_t i = 0; i < spec->n_net_devices; i++) {
		free(spec->net_devices[i].host_name);
		free(spec->net_devices[i].name);
	}
	free(spec->net_devices);
	free(spec->memory_policy.nodes);
	*spec = (struct spec){ 0 };
}
