/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/features.h"

#include <ctype.h>
#include <stdio.h>

#include <seccomp.h>
#include <sys/capability.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/version.h"
#include "runtime/mount_opts.h"
#include "runtime/namespaces.h"
#include "runtime/seccomp_internal.h"

static const char *const hooks[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
};

/* Those that libseccomp knows are what linux.seccomp.architectures takes. */
static const char *const architectures[] = {
	"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",         "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",
	"SCMP_ARCH_PARISC",  "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",
};

static json_t *from_names(const char *const *names, size_t n)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(array, json_text(names[i]));
	return array;
}

static json_t *from_table(const struct enum_name *table)
{
	json_t *array = json_array_new();

	for (; table->name; table++)
		json_add(array, json_text(table->name));
	return array;
}

static json_t *mount_options(void)
{
	json_t *array = json_array_new();

	for (size_t i = 0; mount_option_name(i); i++)
		json_add(array, json_text(mount_option_name(i)));
	return array;
}

static json_t *namespaces(void)
{
	json_t *array = json_array_new();

	for (int type = 0; type < SPEC_NS_TYPES; type++)
		json_add(array, json_text(namespace_name((enum spec_namespace_type)type)->spec));
	return array;
}

/* All that we have a name for, whether this kernel has them or not. */
static json_t *capabilities(void)
{
	json_t *array = json_array_new();

	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++) {
		char *name = cap_to_name(cap);
		char upper[64];
		size_t i = 0;

		for (; name && name[i] && i < sizeof(upper) - 1; i++)
			upper[i] = (char)toupper((unsigned char)name[i]);
		upper[i] = '\0';
		if (name && !isdigit((unsigned char)name[0]))
			json_add(array, json_text(upper));
		(void)cap_free(name);
	}
	return array;
}

static json_t *seccomp(void)
{
	json_t *object = json_object_new();

	json_put_bool(object, "enabled", true);
	json_put(object, "actions", from_table(seccomp_actions));
	json_put(object, "operators", from_table(seccomp_operators));
	json_put(object, "archs", from_names(architectures, ARRAY_LEN(architectures)));
	json_put(object, "knownFlags", from_table(seccomp_flags));
	json_put(object, "supportedFlags", from_table(seccomp_flags));
	return object;
}

static json_t *enabled(bool is_enabled)
{
	json_t *object = json_object_new();

	json_put_bool(object, "enabled", is_enabled);
	return object;
}

static json_t *linux_features(void)
{
	json_t *object = json_object_new();
	json_t *cgroup = json_object_new();
	json_t *mounts = json_object_new();

	json_put_bool(cgroup, "v1", true);
	json_put_bool(cgroup, "v2", true);
	json_put_bool(cgroup, "systemd", true);
	json_put_bool(cgroup, "systemdUser", false);
	json_put_bool(cgroup, "rdma", true);
	json_put(mounts, "idmap", enabled(true));

	json_put(object, "namespaces", namespaces());
	json_put(object, "capabilities", capabilities());
	json_put(object, "cgroup", cgroup);
	json_put(object, "seccomp", seccomp());
	json_put(object, "apparmor", enabled(true));
	json_put(object, "selinux", enabled(true));
	json_put(object, "intelRdt", enabled(false));
	json_put(object, "mountExtensions", mounts);
	json_put(object, "netDevices", enabled(true));
	return object;
}

json_t *features_json(void)
{
	const struct scmp_version *version = seccomp_version();
	auto_free char *libseccomp =
		xasprintf("%u.%u.%u", version->major, version->minor, version->micro);
	json_t *object = json_object_new();
	json_t *annotations = json_object_new();

	json_put_string(annotations, "io.github.seccomp.libseccomp.version", libseccomp);
	json_put_string(annotations, "dev.minictr.version", MINICTR_VERSION);
	json_put_string(annotations, "dev.minictr.commit", version_commit);

	json_put_string(object, "ociVersionMin", "1.0.0");
	json_put_string(object, "ociVersionMax", "1.3.0");
	json_put(object, "hooks", from_names(hooks, ARRAY_LEN(hooks)));
	json_put(object, "mountOptions", mount_options());
	json_put(object, "linux", linux_features());
	json_put(object, "annotations", annotations);
	return object;
}
