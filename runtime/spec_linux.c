/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>

#include "base/enum.h"
#include "base/mem.h"
#include "base/path.h"
#include "runtime/namespaces.h"
#include "runtime/spec_internal.h"

/* The "linux" object of config.json (runtime-spec config-linux.md). */

/*
 * Defines a handler that reads an array of objects into the members @member and @n_member of
 * @struct_, by the table @fields_.
 */
#define READ_ARRAY(function, struct_, member, n_member, fields_)                                  \
	static int function(struct json_reader *reader, const json_t *value, void *field,         \
			    struct error *err)                                                    \
	{                                                                                         \
		struct_ *object = container_of(field, struct_, member);                           \
		void *items = NULL;                                                               \
		int rc = json_read_array(reader, value, sizeof(*object->member), fields_, &items, \
					 &object->n_member, err);                                 \
                                                                                                  \
		object->member = items;                                                           \
		return rc;                                                                        \
	}

/* ---- namespaces, ids, devices ----------------------------------------------------------------- */

static int read_namespace_type(struct json_reader *reader, const json_t *value, void *field,
			       struct error *err)
{
	const char *name = json_string_value(value);

	if (!name)
		return json_reader_error(reader, value, err, "expected a string");
	if (!namespace_from_name(name, field))
		return json_reader_error(reader, value, err, "unknown namespace '%s'", name);
	return 0;
}

static const struct json_field namespace_fields[] = {
	{ .name = "type",
	  .type = JSON_FIELD_HANDLER,
	  .offset = offsetof(struct spec_namespace, type),
	  .flags = JSON_REQUIRED,
	  .present = -1,
	  .handler = read_namespace_type },
	JSON_FIELD(struct spec_namespace, path, JSON_FIELD_STRING, "path"),
	JSON_FIELDS_END,
};

static int read_namespaces(struct json_reader *reader, const json_t *value, void *field,
			   struct error *err)
{
	struct spec *spec = container_of(field, struct spec, namespaces);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(struct spec_namespace), namespace_fields,
				 &items, &spec->n_namespaces, err);

	spec->namespaces = items;
	for (size_t i = 0; rc == 0 && i < spec->n_namespaces; i++) {
		struct spec_namespace *ns = &spec->namespaces[i];
		const json_t *item = json_array_get(value, i);

		if (ns->path && !*ns->path) {
			free(ns->path);
			ns->path = NULL;
		}
		if (ns->path && ns->path[0] != '/')
			rc = json_reader_error(reader, item, err,
					       "[%zu].path: '%s' is not absolute", i, ns->path);
		for (size_t j = 0; rc == 0 && j < i; j++) {
			if (spec->namespaces[j].type == ns->type)
				rc = json_reader_error(reader, item, err, "[%zu]: '%s' again", i,
						       namespace_name(ns->type)->spec);
		}
	}
	return rc;
}

static const struct json_field id_map_fields[] = {
	JSON_FIELD_NEEDED(struct spec_id_map, container_id, JSON_FIELD_UINT32, "containerID"),
	JSON_FIELD_NEEDED(struct spec_id_map, host_id, JSON_FIELD_UINT32, "hostID"),
	JSON_FIELD_NEEDED(struct spec_id_map, size, JSON_FIELD_UINT32, "size"),
	JSON_FIELDS_END,
};

static const struct json_field device_fields[] = {
	JSON_FIELD_NEEDED(struct spec_device, path, JSON_FIELD_STRING, "path"),
	JSON_FIELD_NEEDED(struct spec_device, type, JSON_FIELD_STRING, "type"),
	JSON_FIELD(struct spec_device, major, JSON_FIELD_INT64, "major"),
	JSON_FIELD(struct spec_device, minor, JSON_FIELD_INT64, "minor"),
	JSON_FIELD_SET(struct spec_device, mode, JSON_FIELD_UINT32, "fileMode", has_mode),
	JSON_FIELD_SET(struct spec_device, uid, JSON_FIELD_UINT32, "uid", has_uid),
	JSON_FIELD_SET(struct spec_device, gid, JSON_FIELD_UINT32, "gid", has_gid),
	JSON_FIELDS_END,
};

READ_ARRAY(read_uid_maps, struct spec, uid_maps, n_uid_maps, id_map_fields)
READ_ARRAY(read_gid_maps, struct spec, gid_maps, n_gid_maps, id_map_fields)
READ_ARRAY(read_devices, struct spec, devices, n_devices, device_fields)

static const struct json_field offset_fields[] = {
	JSON_FIELD(struct spec_time_offset, secs, JSON_FIELD_INT64, "secs"),
	JSON_FIELD(struct spec_time_offset, nanosecs, JSON_FIELD_UINT32, "nanosecs"),
	JSON_FIELDS_END,
};

static int read_offset(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct spec_time_offset *offset = field;

	offset->is_given = true;
	return json_read_object(reader, value, NULL, offset_fields, offset, err);
}

static const struct json_field time_fields[] = {
	JSON_FIELD_BY(struct spec, monotonic, "monotonic", read_offset),
	JSON_FIELD_BY(struct spec, boottime, "boottime", read_offset),
	JSON_FIELDS_END,
};

/* ---- resources -------------------------------------------------------------------------------- */

#define RES(member, type, name) JSON_FIELD(struct cgroup_resources, member, type, name)
#define RES_SET(member, type, name, present) \
	JSON_FIELD_SET(struct cgroup_resources, member, type, name, present)

static const struct json_field memory_fields[] = {
	RES_SET(memory.limit, JSON_FIELD_INT64, "limit", memory.has_limit),
	RES_SET(memory.reservation, JSON_FIELD_INT64, "reservation", memory.has_reservation),
	RES_SET(memory.swap, JSON_FIELD_INT64, "swap", memory.has_swap),
	RES_SET(memory.swappiness, JSON_FIELD_UINT64, "swappiness", memory.has_swappiness),
	RES_SET(memory.is_oom_kill_disabled, JSON_FIELD_BOOL, "disableOOMKiller",
		memory.has_oom_kill_disable),
	RES(memory.is_update_checked, JSON_FIELD_BOOL, "checkBeforeUpdate"),
	JSON_FIELDS_END,
};

static const struct json_field cpu_fields[] = {
	RES_SET(cpu.shares, JSON_FIELD_UINT64, "shares", cpu.has_shares),
	RES_SET(cpu.quota, JSON_FIELD_INT64, "quota", cpu.has_quota),
	RES_SET(cpu.period, JSON_FIELD_UINT64, "period", cpu.has_period),
	RES_SET(cpu.burst, JSON_FIELD_UINT64, "burst", cpu.has_burst),
	RES_SET(cpu.idle, JSON_FIELD_INT64, "idle", cpu.has_idle),
	RES_SET(cpu.rt_runtime, JSON_FIELD_INT64, "realtimeRuntime", cpu.has_rt_runtime),
	RES_SET(cpu.rt_period, JSON_FIELD_UINT64, "realtimePeriod", cpu.has_rt_period),
	RES(cpu.cpus, JSON_FIELD_STRING, "cpus"),
	RES(cpu.mems, JSON_FIELD_STRING, "mems"),
	JSON_FIELDS_END,
};

static const struct json_field throttle_fields[] = {
	JSON_FIELD_NEEDED(struct cgroup_throttle, major, JSON_FIELD_INT64, "major"),
	JSON_FIELD_NEEDED(struct cgroup_throttle, minor, JSON_FIELD_INT64, "minor"),
	JSON_FIELD_NEEDED(struct cgroup_throttle, rate, JSON_FIELD_UINT64, "rate"),
	JSON_FIELDS_END,
};

static int read_weight(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	json_int_t weight = json_integer_value(value);

	if (!json_is_integer(value) || weight < 0 || weight > 1000)
		return json_reader_error(reader, value, err, "expected a weight of 10 to 1000");
	*(uint16_t *)field = (uint16_t)weight;
	return 0;
}

/* 0 is what docker sends for "not given". */
static int read_io_weight(struct json_reader *reader, const json_t *value, void *field,
			  struct error *err)
{
	struct cgroup_io *io = container_of(field, struct cgroup_io, weight);
	int rc = read_weight(reader, value, field, err);

	io->has_weight = rc == 0 && io->weight;
	return rc;
}

static const struct json_field weight_fields[] = {
	JSON_FIELD_NEEDED(struct cgroup_weight_device, major, JSON_FIELD_INT64, "major"),
	JSON_FIELD_NEEDED(struct cgroup_weight_device, minor, JSON_FIELD_INT64, "minor"),
	JSON_FIELD_BY(struct cgroup_weight_device, weight, "weight", read_weight),
	JSON_FIELDS_END,
};

READ_ARRAY(read_weights, struct cgroup_io, weight_devices, n_weight_devices, weight_fields)
READ_ARRAY(read_read_bps, struct cgroup_io, read_bps, n_read_bps, throttle_fields)
READ_ARRAY(read_write_bps, struct cgroup_io, write_bps, n_write_bps, throttle_fields)
READ_ARRAY(read_read_iops, struct cgroup_io, read_iops, n_read_iops, throttle_fields)
READ_ARRAY(read_write_iops, struct cgroup_io, write_iops, n_write_iops, throttle_fields)

static const struct json_field io_fields[] = {
	JSON_FIELD_BY(struct cgroup_io, weight, "weight", read_io_weight),
	JSON_FIELD_BY(struct cgroup_io, weight_devices, "weightDevice", read_weights),
	JSON_FIELD_BY(struct cgroup_io, read_bps, "throttleReadBpsDevice", read_read_bps),
	JSON_FIELD_BY(struct cgroup_io, write_bps, "throttleWriteBpsDevice", read_write_bps),
	JSON_FIELD_BY(struct cgroup_io, read_iops, "throttleReadIOPSDevice", read_read_iops),
	JSON_FIELD_BY(struct cgroup_io, write_iops, "throttleWriteIOPSDevice", read_write_iops),
	JSON_FIELDS_END,
};

static const struct json_field pids_fields[] = {
	RES_SET(pids, JSON_FIELD_INT64, "limit", has_pids),
	JSON_FIELDS_END,
};

/* A device rule as it stands in the document. */
struct rule_text {
	bool is_allowed, has_major, has_minor;
	char *type, *access;
	int64_t major, minor;
};

static const struct json_field rule_fields[] = {
	JSON_FIELD_NEEDED(struct rule_text, is_allowed, JSON_FIELD_BOOL, "allow"),
	JSON_FIELD(struct rule_text, type, JSON_FIELD_STRING, "type"),
	JSON_FIELD_SET(struct rule_text, major, JSON_FIELD_INT64, "major", has_major),
	JSON_FIELD_SET(struct rule_text, minor, JSON_FIELD_INT64, "minor", has_minor),
	JSON_FIELD(struct rule_text, access, JSON_FIELD_STRING, "access"),
	JSON_FIELDS_END,
};

static int read_rule(struct json_reader *reader, const json_t *value, size_t i,
		     const struct rule_text *text, struct cgroup_device_rule *ret,
		     struct error *err)
{
	const char *type = text->type && *text->type ? text->type : "a";
	const char *access = text->access && *text->access ? text->access : "rwm";

	if (strlen(type) != 1 || !strchr("abcu", type[0]))
		return json_reader_error(reader, value, err, "[%zu].type: '%s' is none of a, b, c",
					 i, type);
	if (strlen(access) > 3 || access[strspn(access, "rwm")] != '\0')
		return json_reader_error(reader, value, err, "[%zu].access: '%s' is not of \"rwm\"",
					 i, access);
	*ret = (struct cgroup_device_rule){
		.is_allowed = text->is_allowed,
		.type = type[0] == 'u' ? 'c' : type[0],
		.major = text->has_major ? text->major : -1,
		.minor = text->has_minor ? text->minor : -1,
	};
	memcpy(ret->access, access, strlen(access) + 1);
	return 0;
}

static int read_rules(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct cgroup_resources *resources = container_of(field, struct cgroup_resources, devices);
	void *items = NULL;
	size_t n = 0;
	int rc = json_read_array(reader, value, sizeof(struct rule_text), rule_fields, &items, &n,
				 err);
	struct rule_text *texts = items;

	resources->devices = xcalloc(n, sizeof(*resources->devices));
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = read_rule(reader, json_array_get(value, i), i, &texts[i],
				       &resources->devices[resources->n_devices], err);
		if (rc == 0)
			resources->n_devices++;
		free(texts[i].type);
		free(texts[i].access);
	}
	free(texts);
	return rc;
}

static const struct json_field hugepage_fields[] = {
	JSON_FIELD_NEEDED(struct cgroup_hugepage, page_size, JSON_FIELD_STRING, "pageSize"),
	JSON_FIELD_NEEDED(struct cgroup_hugepage, limit, JSON_FIELD_UINT64, "limit"),
	JSON_FIELDS_END,
};
READ_ARRAY(read_hugepages, struct cgroup_resources, hugepages, n_hugepages, hugepage_fields)

static const struct json_field rdma_fields[] = {
	JSON_FIELD_SET(struct cgroup_rdma, handles, JSON_FIELD_UINT32, "hcaHandles", has_handles),
	JSON_FIELD_SET(struct cgroup_rdma, objects, JSON_FIELD_UINT32, "hcaObjects", has_objects),
	JSON_FIELDS_END,
};

static int read_rdma(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	struct cgroup_resources *resources = container_of(field, struct cgroup_resources, rdma);

	return json_read_map(reader, value, sizeof(*resources->rdma),
			     offsetof(struct cgroup_rdma, device), rdma_fields,
			     (void **)&resources->rdma, &resources->n_rdma, err);
}

#define WITHIN(name_, table_)                                                           \
	{                                                                               \
		.name = (name_), .type = JSON_FIELD_OBJECT, .offset = 0, .present = -1, \
		.fields = (table_)                                                      \
	}

static const struct json_field resources_fields[] = {
	WITHIN("memory", memory_fields),
	WITHIN("cpu", cpu_fields),
	JSON_FIELD_TABLE(struct cgroup_resources, io, "blockIO", io_fields),
	WITHIN("pids", pids_fields),
	JSON_FIELD_BY(struct cgroup_resources, devices, "devices", read_rules),
	JSON_FIELD_BY(struct cgroup_resources, hugepages, "hugepageLimits", read_hugepages),
	JSON_FIELD_BY(struct cgroup_resources, rdma, "rdma", read_rdma),
	JSON_FIELD(struct cgroup_resources, unified, JSON_FIELD_PAIRS, "unified"),
	JSON_FIELDS_END,
};

int spec_resources_read(const struct json_doc *doc, struct cgroup_resources *ret, struct error *err)
{
	struct cgroup_resources resources = { 0 };
	int rc = json_read(doc, resources_fields, &resources, err);

	if (rc < 0) {
		cgroup_resources_fini(&resources);
		return rc;
	}
	*ret = resources;
	return 0;
}

/* ---- the object ------------------------------------------------------------------------------- */

static const struct json_field personality_fields[] = {
	JSON_FIELD_NEEDED(struct spec, personality_domain, JSON_FIELD_STRING, "domain"),
	JSON_FIELDS_END,
};

static const struct json_field net_device_fields[] = {
	JSON_FIELD(struct spec_net_device, name, JSON_FIELD_STRING, "name"),
	JSON_FIELDS_END,
};

static int read_net_devices(struct json_reader *reader, const json_t *value, void *field,
			    struct error *err)
{
	struct spec *spec = container_of(field, struct spec, net_devices);

	return json_read_map(reader, value, sizeof(*spec->net_devices),
			     offsetof(struct spec_net_device, host_name), net_device_fields,
			     (void **)&spec->net_devices, &spec->n_net_devices, err);
}

static const struct enum_name memory_modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6 }, /* since Linux 6.9 */
	{ NULL, 0 },
};

static const struct enum_name memory_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
	{ NULL, 0 },
};

static int read_memory_mode(struct json_reader *reader, const json_t *value, void *field,
			    struct error *err)
{
	struct spec_memory_policy *policy = container_of(field, struct spec_memory_policy, mode);
	const char *name = json_string_value(value);

	if (!name)
		return json_reader_error(reader, value, err, "expected a string");
	if (!enum_from_name(memory_modes, name, &policy->mode))
		return json_reader_error(reader, value, err, "unknown mode '%s'", name);
	policy->is_given = true;
	return 0;
}

static int read_memory_flags(struct json_reader *reader, const json_t *value, void *field,
			     struct error *err)
{
	size_t i;
	json_t *array, *item;

	if (!json_is_array(value))
		return json_reader_error(reader, value, err, "expected an array");
	memcpy(&array, &value, sizeof(array));
	json_array_foreach(array, i, item) {
		const char *name = json_string_value(item);
		int flag;

		if (!name)
			return json_reader_error(reader, item, err, "expected a string");
		if (!enum_from_name(memory_flags, name, &flag))
			return json_reader_error(reader, item, err, "unknown flag '%s'", name);
		*(uint32_t *)field |= (uint32_t)flag;
	}
	return 0;
}

static const struct json_field memory_policy_fields[] = {
	{ .name = "mode",
	  .type = JSON_FIELD_HANDLER,
	  .offset = offsetof(struct spec_memory_policy, mode),
	  .flags = JSON_REQUIRED,
	  .present = -1,
	  .handler = read_memory_mode },
	JSON_FIELD_BY(struct spec_memory_policy, flags, "flags", read_memory_flags),
	JSON_FIELD(struct spec_memory_policy, nodes, JSON_FIELD_STRING, "nodes"),
	JSON_FIELDS_END,
};

/* Members that ask for what this runtime cannot do: that they are there is all that matters. */
static int note_given(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	(void)reader;
	(void)value;
	(void)err;
	*(bool *)field = true;
	return 0;
}

const struct json_field spec_linux_fields[] = {
	JSON_FIELD_BY(struct spec, namespaces, "namespaces", read_namespaces),
	JSON_FIELD_BY(struct spec, uid_maps, "uidMappings", read_uid_maps),
	JSON_FIELD_BY(struct spec, gid_maps, "gidMappings", read_gid_maps),
	WITHIN("timeOffsets", time_fields),
	JSON_FIELD_BY(struct spec, devices, "devices", read_devices),
	JSON_FIELD(struct spec, cgroups_path, JSON_FIELD_STRING, "cgroupsPath"),
	JSON_FIELD_TABLE(struct spec, resources, "resources", resources_fields),
	JSON_FIELD(struct spec, rootfs_propagation, JSON_FIELD_STRING, "rootfsPropagation"),
	JSON_FIELD_BY(struct spec, seccomp, "seccomp", spec_read_seccomp),
	JSON_FIELD(struct spec, sysctl, JSON_FIELD_PAIRS, "sysctl"),
	JSON_FIELD(struct spec, masked_paths, JSON_FIELD_STRINGS, "maskedPaths"),
	JSON_FIELD(struct spec, readonly_paths, JSON_FIELD_STRINGS, "readonlyPaths"),
	JSON_FIELD(struct spec, mount_label, JSON_FIELD_STRING, "mountLabel"),
	WITHIN("personality", personality_fields),
	JSON_FIELD_BY(struct spec, has_intel_rdt, "intelRdt", note_given),
	JSON_FIELD_BY(struct spec, net_devices, "netDevices", read_net_devices),
	JSON_FIELD_TABLE(struct spec, memory_policy, "memoryPolicy", memory_policy_fields),
	JSON_FIELDS_END,
};
