/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <sys/capability.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "net/device.h"
#include "runtime/namespaces.h"
#include "runtime/schedule.h"

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

/* ---- namespaces ------------------------------------------------------------------------------- */

static int plan_namespaces(const struct spec *spec, struct plan *plan, struct error *err)
{
	unsigned long new = namespaces_new(spec);
	unsigned long joined = namespaces_joined(spec);
	unsigned long all = new | joined;

	/*
	 * A cgroup namespace has its root where the process is when it is made: init makes it itself
	 * after it has joined the container's cgroup.  A time namespace takes its offsets before the
	 * first process is in it: init makes it, writes them, and enters it.
	 */
	plan->late_flags = new &(CLONE_NEWCGROUP | CLONE_NEWTIME);
	plan->clone_flags = new & ~plan->late_flags;
	plan->has_new_user = new &CLONE_NEWUSER;
	plan->has_new_network = new &CLONE_NEWNET;
	plan->has_new_pid = new &CLONE_NEWPID;
	plan->has_user_namespace = all & CLONE_NEWUSER;
	plan->has_cgroup_namespace = all & CLONE_NEWCGROUP;

	if (!(all & CLONE_NEWNS))
		return err_set(err, EINVAL, "linux.namespaces: a mount namespace is required");
	/* pivot_root(2) changes the root of all who are in it, which may be the host's init. */
	if (joined & CLONE_NEWNS)
		return err_set(err, ENOTSUP,
			       "linux.namespaces: joining a mount namespace is not supported");
	if (spec->hostname && *spec->hostname && !(all & CLONE_NEWUTS))
		return err_set(err, EINVAL,
			       "unable to set hostname without a private UTS namespace");
	if (spec->domainname && *spec->domainname && !(all & CLONE_NEWUTS))
		return err_set(err, EINVAL,
			       "unable to set domainname without a private UTS namespace");
	if (plan->has_new_user && (!spec->n_uid_maps || !spec->n_gid_maps))
		return err_set(
			err, EINVAL,
			"linux.uidMappings: a new user namespace needs uid and gid mappings");
	if (!(all & CLONE_NEWUSER) && (spec->n_uid_maps || spec->n_gid_maps))
		return err_set(err, EINVAL, "linux.uidMappings: given without a user namespace");
	if ((spec->monotonic.is_given || spec->boottime.is_given) && !(new &CLONE_NEWTIME))
		return err_set(err, EINVAL,
			       "linux.timeOffsets: given without a new time namespace");
	return 0;
}

static const char *name_inside(const struct spec_net_device *device)
{
	return device->name ? device->name : device->host_name;
}

static int check_net_devices(const struct spec *spec, struct error *err)
{
	unsigned long all = namespaces_new(spec) | namespaces_joined(spec);

	if (spec->n_net_devices && !(all & CLONE_NEWNET))
		return err_set(err, EINVAL, "linux.netDevices: given without a network namespace");
	for (size_t i = 0; i < spec->n_net_devices; i++) {
		const struct spec_net_device *device = &spec->net_devices[i];
		const char *name = name_inside(device);

		if (!device_is_name(device->host_name) || strchr(device->host_name, '%'))
			return err_set(err, EINVAL, "linux.netDevices: '%s' is not an interface",
				       device->host_name);
		if (!device_is_name(name))
			return err_set(err, EINVAL, "linux.netDevices['%s'].name: '%s' is no name",
				       device->host_name, name);
		for (size_t j = 0; j < i; j++) {
			if (strchr(name, '%') ||
			    strcmp(name, name_inside(&spec->net_devices[j])) != 0)
				continue;
			return err_set(err, EINVAL, "linux.netDevices: two are to be named '%s'",
				       name);
		}
	}
	return 0;
}

/* ---- memory ----------------------------------------------------------------------------------- */

static int check_memory_policy(const struct spec_memory_policy *policy, struct error *err)
{
	bool has_nodes = policy->nodes && *policy->nodes;
	int rc = has_nodes ? parse_cpu_list(policy->nodes, err) : 0;

	if (rc < 0)
		return err_wrap(err, "linux.memoryPolicy.nodes");
	if (has_nodes && (policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL))
		return err_set(err, EINVAL, "linux.memoryPolicy.nodes: its mode has none");
	if (!has_nodes && policy->is_given && policy->mode != MPOL_DEFAULT &&
	    policy->mode != MPOL_LOCAL && policy->mode != MPOL_PREFERRED)
		return err_set(err, EINVAL, "linux.memoryPolicy.nodes: its mode needs some");
	return 0;
}

/* ---- mounts ----------------------------------------------------------------------------------- */

/*
 * Files of procfs that hosts and lxcfs may cover; anything else below /proc could make us write
 * security attributes into a file of the image's choosing.
 */
static const char *const proc_allowed[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/loadavg",
	"/proc/slabinfo",
	"/proc/net/dev",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
};

static bool is_allowed_target(const char *path, const char *type)
{
	if (strcmp(path, "/proc") == 0)
		return str_eq(type, "proc") || str_eq(type, "bind") || !type;
	if (!path_is_below(path, "/proc"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(proc_allowed); i++) {
		if (strcmp(path, proc_allowed[i]) == 0)
			return true;
	}
	return false;
}

static int plan_mount(const struct spec_mount *m, const char *bundle, struct plan_mount *ret,
		      struct error *err)
{
	/* Older specs have relative destinations: from the root. */
	auto_free char *rooted = path_join("/", m->destination);
	const char *clean = ret->destination = path_clean(rooted);
	int rc = mount_options_parse(&m->options, &ret->options, err);

	if (rc < 0)
		return err_wrap(err, "mount on '%s'", m->destination);
	ret->spec = m;
	if (strcmp(clean, "/") == 0)
		return err_set(err, EINVAL, "mount on '%s': would cover the root", m->destination);
	if (!is_allowed_target(clean, ret->options.is_bind ? "bind" : m->type))
		return err_set(err, EINVAL, "mount on '%s': is inside /proc", m->destination);
	if (str_eq(m->type, "bind"))
		ret->options.is_bind = true;
	ret->is_text = m->text;
	if (ret->is_text)
		return 0;
	ret->is_cgroup =
		!ret->options.is_bind && (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2"));
	if (!ret->options.is_bind && (!m->type || !*m->type))
		return err_set(err, EINVAL, "mount on '%s': no type", m->destination);
	if (ret->options.is_bind && (!m->source || !*m->source))
		return err_set(err, EINVAL, "mount on '%s': no source", m->destination);
	if (ret->options.is_bind)
		ret->source = path_join(bundle, m->source);
	return 0;
}

/* config.md, "Mounts": by mappings of its own, else by those of the container's processes. */
static int plan_idmap(const struct spec *spec, struct plan_mount *ret, struct error *err)
{
	const struct spec_mount *m = ret->spec;
	bool has_own = m->n_uid_maps || m->n_gid_maps;

	ret->options.is_idmapped = ret->options.is_idmapped || has_own;
	if (!ret->options.is_idmapped)
		return 0;
	if (!ret->options.is_bind)
		return err_set(err, EINVAL, "mount on '%s': only what is bound can be idmapped",
			       m->destination);
	if (has_own && (!m->n_uid_maps || !m->n_gid_maps))
		return err_set(err, EINVAL, "mount on '%s': needs both uidMappings and gidMappings",
			       m->destination);
	ret->uid_maps = has_own ? m->uid_maps : spec->uid_maps;
	ret->n_uid_maps = has_own ? m->n_uid_maps : spec->n_uid_maps;
	ret->gid_maps = has_own ? m->gid_maps : spec->gid_maps;
	ret->n_gid_maps = has_own ? m->n_gid_maps : spec->n_gid_maps;
	if (!ret->n_uid_maps && !namespace_path(spec, SPEC_NS_USER))
		return err_set(err, EINVAL,
			       "mount on '%s': idmap without uidMappings, nor a user namespace",
			       m->destination);
	return 0;
}

/*
 * linux.mountLabel: SELinux's label of all files of a new file system.  Those of the kernel's own
 * have labels already, of each file.
 */
static void add_label(const struct spec *spec, struct plan_mount *m)
{
	static const char *const labelled[] = { "proc", "sysfs", "mqueue" };

	if (!spec->mount_label || !*spec->mount_label || m->options.is_bind || m->is_cgroup)
		return;
	for (size_t i = 0; i < ARRAY_LEN(labelled); i++) {
		if (strcmp(labelled[i], m->spec->type) == 0)
			return;
	}
	strv_addf(&m->options.data, "context=%s", spec->mount_label);
}

static int plan_mounts(const struct spec *spec, const char *bundle, struct plan *plan,
		       struct error *err)
{
	plan->mounts = xcalloc(spec->n_mounts, sizeof(*plan->mounts));
	for (size_t i = 0; i < spec->n_mounts; i++) {
		int rc;

		plan->n_mounts = i + 1;
		rc = plan_mount(&spec->mounts[i], bundle, &plan->mounts[i], err);
		if (rc == 0)
			rc = plan_idmap(spec, &plan->mounts[i], err);
		if (rc < 0)
			return rc;
		add_label(spec, &plan->mounts[i]);
		plan->has_idmapped_mounts |= plan->mounts[i].options.is_idmapped;
		if (plan->mounts[i].options.is_bind &&
		    strcmp(plan->mounts[i].destination, "/dev") == 0)
			plan->has_host_dev = true;
	}
	return 0;
}

/* ---- sysctls ---------------------------------------------------------------------------------- */

/*
 * Keys that belong to a namespace, so that a container can have its own: what is not here would
 * change the host (namespaces(7), sysctl documentation of each).  A trailing '/' means all below.
 */
static const struct {
	const char *path;
	unsigned long namespace;
	const char *name;
} sysctl_keys[] = {
	{ "net/", CLONE_NEWNET, "network" },
	{ "fs/mqueue/", CLONE_NEWIPC, "ipc" },
	{ "kernel/msgmax", CLONE_NEWIPC, "ipc" },
	{ "kernel/msgmnb", CLONE_NEWIPC, "ipc" },
	{ "kernel/msgmni", CLONE_NEWIPC, "ipc" },
	{ "kernel/sem", CLONE_NEWIPC, "ipc" },
	{ "kernel/shmall", CLONE_NEWIPC, "ipc" },
	{ "kernel/shmmax", CLONE_NEWIPC, "ipc" },
	{ "kernel/shmmni", CLONE_NEWIPC, "ipc" },
	{ "kernel/shm_rmid_forced", CLONE_NEWIPC, "ipc" },
	{ "kernel/domainname", CLONE_NEWUTS, "uts" },
};

/* "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding" (sysctl(8)) -> the path, checked. */
static char *sysctl_path(const char *pair, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-./";
	char *path = xstrndup(pair, len);
	bool has_slash = strchr(path, '/');

	for (char *p = path; !has_slash && *p; p++) {
		if (*p == '.')
			*p = '/';
	}
	if (!*path || *path == '/' || strstr(path, "..") || strstr(path, "//") ||
	    path[strspn(path, allowed)]) {
		free(path);
		return NULL;
	}
	return path;
}

static int check_sysctl(const char *path, unsigned long private, const char *pair, int len,
			struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(sysctl_keys); i++) {
		const char *key = sysctl_keys[i].path;

		if (str_ends(key, "/") ? !str_starts(path, key) : strcmp(path, key) != 0)
			continue;
		if (private & sysctl_keys[i].namespace)
			return 0;
		return err_set(err, EINVAL,
			       "linux.sysctl: '%.*s' is not allowed in the host's %s namespace",
			       len, pair, sysctl_keys[i].name);
	}
	return err_set(err, EINVAL, "linux.sysctl: '%.*s' is not in a separate kernel namespace",
		       len, pair);
}

static int plan_sysctls(const struct spec *spec, struct plan *plan, struct error *err)
{
	unsigned long private = namespaces_new(spec) | namespaces_joined(spec);

	plan->sysctls = xcalloc(spec->sysctl.n, sizeof(*plan->sysctls));
	for (size_t i = 0; i < spec->sysctl.n; i++) {
		const char *pair = spec->sysctl.items[i];
		size_t len = strcspn(pair, "=");
		char *path = sysctl_path(pair, len);
		int rc;

		if (!path)
			return err_set(err, EINVAL, "linux.sysctl: '%s' is not a valid key", pair);
		plan->sysctls[i] = (struct plan_sysctl){ .path = path, .value = pair + len + 1 };
		plan->n_sysctls = i + 1;
		rc = check_sysctl(path, private, pair, (int)len, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- devices ---------------------------------------------------------------------------------- */

/* config-linux.md, "Default Devices". */
static const struct {
	const char *path;
	unsigned int major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static int device_mode(const struct spec_device *d, mode_t *ret, struct error *err)
{
	mode_t permissions = d->has_mode ? d->mode & 07777 : 0666;

	switch (d->type && d->type[0] && !d->type[1] ? d->type[0] : '\0') {
	case 'c':
	case 'u':
		*ret = S_IFCHR | permissions;
		return 0;
	case 'b':
		*ret = S_IFBLK | permissions;
		return 0;
	case 'p':
		*ret = S_IFIFO | permissions;
		return 0;
	default:
		return err_set(err, EINVAL, "device '%s': type '%s' is none of c, b, u, p", d->path,
			       d->type ? d->type : "");
	}
}

static bool is_requested(const struct spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->n_devices; i++) {
		if (str_eq(spec->devices[i].path, path))
			return true;
	}
	return false;
}

static int plan_devices(const struct spec *spec, struct plan *plan, struct error *err)
{
	if (plan->has_host_dev)
		return 0;
	plan->devices =
		xcalloc(ARRAY_LEN(default_devices) + spec->n_devices, sizeof(*plan->devices));
	for (size_t i = 0; i < ARRAY_LEN(default_devices); i++) {
		if (is_requested(spec, default_devices[i].path))
			continue;
		plan->devices[plan->n_devices++] = (struct plan_device){
			.path = default_devices[i].path,
			.mode = S_IFCHR | 0666,
			.dev = makedev(default_devices[i].major, default_devices[i].minor),
		};
	}
	for (size_t i = 0; i < spec->n_devices; i++) {
		const struct spec_device *d = &spec->devices[i];
		struct plan_device *device = &plan->devices[plan->n_devices];
		int rc = device_mode(d, &device->mode, err);

		if (rc < 0)
			return rc;
		device->path = d->path;
		device->dev = makedev((unsigned int)d->major, (unsigned int)d->minor);
		device->uid = d->has_uid ? d->uid : 0;
		device->gid = d->has_gid ? d->gid : 0;
		plan->n_devices++;
	}
	return 0;
}

/* ---- process ---------------------------------------------------------------------------------- */

/* What this kernel does not know is left out, and only told (config.md, "Linux Process"). */
static uint64_t cap_mask(const struct strv *names)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < names->n; i++) {
		cap_value_t cap;

		if (cap_from_name(names->items[i], &cap) == 0)
			mask |= 1ULL << cap;
		else
			log_warning("capability '%s' is unknown: not given", names->items[i]);
	}
	return mask;
}

static int plan_caps(const struct spec_capabilities *c, struct sys_caps *ret, struct error *err)
{
	*ret = (struct sys_caps){
		.bounding = cap_mask(&c->bounding),
		.effective = cap_mask(&c->effective),
		.permitted = cap_mask(&c->permitted),
		.inheritable = cap_mask(&c->inheritable),
		.ambient = cap_mask(&c->ambient),
	};
	if (ret->effective & ~ret->permitted)
		return err_set(err, EINVAL,
			       "process.capabilities.effective: has more than permitted");
	/* The kernel raises no others (capabilities(7)), but engines that leave inheritable empty
	 * go on asking for them: buildah does. */
	ret->ambient &= ret->permitted & ret->inheritable;
	return 0;
}

static int plan_rlimits(const struct spec_process *process, struct plan_rlimit *rlimits,
			struct error *err)
{
	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];
		struct plan_rlimit *ret = &rlimits[i];

		if (!limit->type || !rlimit_by_name(limit->type, &ret->resource))
			return err_set(err, EINVAL, "process.rlimits[%zu]: unknown type '%s'", i,
				       limit->type ? limit->type : "");
		for (size_t j = 0; j < i; j++) {
			if (rlimits[j].resource == ret->resource)
				return err_set(err, EINVAL, "process.rlimits[%zu]: '%s' again", i,
					       limit->type);
		}
		if (limit->soft > limit->hard)
			return err_set(err, EINVAL,
				       "process.rlimits[%zu]: '%s': soft limit above hard", i,
				       limit->type);
		ret->name = limit->type;
		ret->soft = limit->soft;
		ret->hard = limit->hard;
	}
	return 0;
}

static int check_process(const struct spec_process *process, struct error *err)
{
	if (!process->args.n)
		return err_set(err, EINVAL, "process.args: is empty");
	if (!process->cwd || process->cwd[0] != '/')
		return err_set(err, EINVAL, "process.cwd: '%s' is not absolute",
			       process->cwd ? process->cwd : "");
	for (size_t i = 0; i < process->env.n; i++) {
		const char *pair = process->env.items[i];

		if (!strchr(pair, '=') || *pair == '=')
			return err_set(err, EINVAL, "process.env[%zu]: '%s' is not NAME=VALUE", i,
				       pair);
	}
	return schedule_check(process, err);
}

int plan_one_process(const struct spec_process *process, struct sys_caps *ret_caps,
		     struct plan_rlimit **ret_rlimits, struct error *err)
{
	auto_free struct plan_rlimit *rlimits = xcalloc(process->n_rlimits, sizeof(*rlimits));
	int rc = check_process(process, err);

	if (rc == 0)
		rc = plan_caps(&process->capabilities, ret_caps, err);
	if (rc == 0)
		rc = plan_rlimits(process, rlimits, err);
	if (rc == 0)
		*ret_rlimits = take_ptr(rlimits);
	return rc;
}

static int plan_first_process(const struct spec *spec, struct plan *plan, struct error *err)
{
	int rc;

	if (!spec->has_process)
		return err_set(err, EINVAL, "process: is missing");
	rc = plan_one_process(&spec->process, &plan->caps, &plan->rlimits, err);
	plan->n_rlimits = rc == 0 ? spec->process.n_rlimits : 0;
	return rc;
}

static int plan_propagation(const struct spec *spec, struct plan *plan, struct error *err)
{
	struct mount_options options = { 0 };
	struct strv one = { 0 };
	int rc;

	if (!spec->rootfs_propagation || !*spec->rootfs_propagation)
		return 0;
	strv_add(&one, spec->rootfs_propagation);
	rc = mount_options_parse(&one, &options, err);
	strv_fini(&one);
	plan->root_propagation = options.propagation;
	plan->is_root_propagation_recursive = options.is_propagation_recursive;
	mount_options_fini(&options);
	if (rc == 0 && !plan->root_propagation)
		return err_set(err, EINVAL, "linux.rootfsPropagation: '%s' is no propagation",
			       spec->rootfs_propagation);
	return rc;
}

int plan_make(const struct spec *spec, const char *bundle, struct plan *ret, struct error *err)
{
	struct plan plan = { .spec = spec };
	int rc = 0;

	if (!spec->root_path || !*spec->root_path)
		rc = err_set(err, EINVAL, "root.path: is missing");
	else if (spec->has_intel_rdt)
		rc = err_set(err, ENOTSUP, "linux.intelRdt: is not supported");
	else
		plan.rootfs = path_join(bundle, spec->root_path);

	if (rc == 0)
		rc = plan_namespaces(spec, &plan, err);
	if (rc == 0)
		rc = check_net_devices(spec, err);
	if (rc == 0)
		rc = check_memory_policy(&spec->memory_policy, err);
	if (rc == 0)
		rc = plan_mounts(spec, bundle, &plan, err);
	if (rc == 0)
		rc = plan_sysctls(spec, &plan, err);
	if (rc == 0)
		rc = plan_devices(spec, &plan, err);
	if (rc == 0)
		rc = plan_first_process(spec, &plan, err);
	if (rc == 0)
		rc = plan_propagation(spec, &plan, err);
	if (rc < 0) {
		plan_fini(&plan);
		return rc;
	}
	*ret = plan;
	return 0;
}

void plan_fini(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		mount_options_fini(&plan->mounts[i].options);
		free(plan->mounts[i].destination);
		free(plan->mounts[i].source);
	}
	for (size_t i = 0; i < plan->n_sysctls; i++)
		free(plan->sysctls[i].path);
	free(plan->sysctls);
	free(plan->mounts);
	free(plan->devices);
	free(plan->rlimits);
	free(plan->rootfs);
	*plan = (struct plan){ 0 };
}
