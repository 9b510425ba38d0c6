/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "runtime/spec.h"

/*
 * What docker gives, less NET_RAW: with it a container could forge ARP and IPv6 router
 * advertisements on the bridge that it shares with others.
 */
const char *const spec_default_caps[] = {
	"CAP_CHOWN",       "CAP_DAC_OVERRIDE",
	"CAP_FSETID",      "CAP_FOWNER",
	"CAP_MKNOD",       "CAP_SETGID",
	"CAP_SETUID",      "CAP_SETFCAP",
	"CAP_SETPCAP",     "CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT",  "CAP_KILL",
	"CAP_AUDIT_WRITE", NULL,
};

const char *const spec_default_masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	NULL,
};

const char *const spec_default_readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static const struct {
	const char *destination, *type, *source;
	const char *options[8];
} mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

void spec_add_default_mounts(struct spec *spec)
{
	spec->mounts =
		xrealloc(spec->mounts, spec->n_mounts + ARRAY_LEN(mounts), sizeof(*spec->mounts));
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		struct spec_mount *m = &spec->mounts[spec->n_mounts++];

		*m = (struct spec_mount){
			.destination = xstrdup(mounts[i].destination),
			.type = xstrdup(mounts[i].type),
			.source = xstrdup(mounts[i].source),
		};
		for (size_t j = 0; mounts[i].options[j]; j++)
			strv_add(&m->options, mounts[i].options[j]);
	}
}

static json_t *default_mounts(void)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		json_t *mount = json_object_new();
		json_t *options = json_array_new();

		json_put_string(mount, "destination", mounts[i].destination);
		json_put_string(mount, "type", mounts[i].type);
		json_put_string(mount, "source", mounts[i].source);
		for (size_t j = 0; mounts[i].options[j]; j++)
			json_add(options, json_text(mounts[i].options[j]));
		if (json_array_size(options))
			json_put(mount, "options", options);
		else
			json_unref(&options);
		json_add(array, mount);
	}
	return array;
}

static json_t *texts(const char *const *items)
{
	json_t *array = json_array_new();

	for (; *items; items++)
		json_add(array, json_text(*items));
	return array;
}

static json_t *default_process(void)
{
	static const char *const args[] = { "sh", NULL };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM=xterm",
		NULL,
	};
	static const char *const caps[] = {
		"CAP_AUDIT_WRITE",
		"CAP_KILL",
		"CAP_NET_BIND_SERVICE",
		NULL,
	};
	json_t *process = json_object_new();
	json_t *user = json_object_new();
	json_t *capabilities = json_object_new();
	json_t *rlimits = json_array_new();
	json_t *nofile = json_object_new();

	json_put_int(user, "uid", 0);
	json_put_int(user, "gid", 0);
	json_put(capabilities, "bounding", texts(caps));
	json_put(capabilities, "effective", texts(caps));
	json_put(capabilities, "permitted", texts(caps));
	json_put_string(nofile, "type", "RLIMIT_NOFILE");
	json_put_int(nofile, "hard", 1024);
	json_put_int(nofile, "soft", 1024);
	json_add(rlimits, nofile);

	json_put_bool(process, "terminal", true);
	json_put(process, "user", user);
	json_put(process, "args", texts(args));
	json_put(process, "env", texts(env));
	json_put_string(process, "cwd", "/");
	json_put(process, "capabilities", capabilities);
	json_put(process, "rlimits", rlimits);
	json_put_bool(process, "noNewPrivileges", true);
	return process;
}

static void put_map(json_t *linux_object, const char *key)
{
	json_t *maps = json_array_new();
	json_t *map = json_object_new();

	json_put_int(map, "containerID", 0);
	json_put_int(map, "hostID", 0);
	json_put_int(map, "size", 1);
	json_add(maps, map);
	json_put(linux_object, key, maps);
}

static json_t *default_linux(bool is_rootless)
{
	static const char *const types[] = { "pid", "network", "ipc", "uts", "mount", "cgroup" };
	json_t *object = json_object_new();
	json_t *namespaces = json_array_new();
	json_t *resources = json_object_new();
	json_t *devices = json_array_new();
	json_t *deny = json_object_new();

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		json_t *ns = json_object_new();

		json_put_string(ns, "type", types[i]);
		json_add(namespaces, ns);
	}
	if (is_rootless) {
		json_t *ns = json_object_new();

		json_put_string(ns, "type", "user");
		json_add(namespaces, ns);
		put_map(object, "uidMappings");
		put_map(object, "gidMappings");
	}
	json_put_bool(deny, "allow", false);
	json_put_string(deny, "access", "rwm");
	json_add(devices, deny);
	json_put(resources, "devices", devices);
	json_put(object, "resources", resources);
	json_put(object, "namespaces", namespaces);
	json_put(object, "maskedPaths", texts(spec_default_masked_paths));
	json_put(object, "readonlyPaths", texts(spec_default_readonly_paths));
	return object;
}

json_t *spec_default(bool is_rootless)
{
	json_t *spec = json_object_new();
	json_t *root = json_object_new();

	json_put_string(spec, "ociVersion", "1.3.0");
	json_put(spec, "process", default_process());
	json_put_string(root, "path", "rootfs");
	json_put_bool(root, "readonly", true);
	json_put(spec, "root", root);
	json_put_string(spec, "hostname", "minictr");
	json_put(spec, "mounts", default_mounts());
	json_put(spec, "linux", default_linux(is_rootless));
	return spec;
}
