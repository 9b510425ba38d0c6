/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <sys/capability.h>

#include "runtime/plan.h"
#include "tests/unit/runtime/config.h"
#include "tests/unit/test.h"

struct planned {
	struct spec spec;
	struct plan plan;
	struct error err;
	int rc;
};

static void planned_fini(struct planned *p)
{
	if (p->rc == 0)
		plan_fini(&p->plan);
	spec_fini(&p->spec);
}
#define auto_planned __attribute__((cleanup(planned_fini)))

static void make(struct planned *p, const char *members, const char *linux_members)
{
	auto_free char *text = config_text(members, linux_members);

	*p = (struct planned){ 0 };
	config_read_ok(text, &p->spec);
	p->rc = plan_make(&p->spec, "/bundle", &p->plan, &p->err);
}

static void make_ok(struct planned *p, const char *members, const char *linux_members)
{
	make(p, members, linux_members);
	ck_assert_msg(p->rc == 0, "%s %s: %s", members, linux_members, p->err.msg);
}

struct refusal {
	const char *members, *linux_members, *error;
	int code; /* 0: EINVAL */
};

static void check_refusals(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_planned struct planned p;

		make(&p, rows[i].members, rows[i].linux_members);
		ck_assert_msg(p.rc == -(rows[i].code ? rows[i].code : EINVAL), "%s %s: got %d (%s)",
			      rows[i].members, rows[i].linux_members, p.rc, p.err.msg);
		ck_assert_msg(str_eq(p.err.msg, rows[i].error), "got '%s', wanted '%s'", p.err.msg,
			      rows[i].error);
	}
}

/* Members given twice are refused by the reader: these take the place of the usual ones. */
#define NAMESPACES(list) "'namespaces': [" list "]"

static int plan_of(const char *text, struct planned *p)
{
	*p = (struct planned){ 0 };
	config_read_ok(text, &p->spec);
	p->rc = plan_make(&p->spec, "/bundle", &p->plan, &p->err);
	return p->rc;
}

static int plan_namespaces(const char *members, const char *linux_members, struct planned *p)
{
	auto_free char *text = xasprintf("{'ociVersion': '1.0.2', 'root': {'path': 'rootfs'}, "
					 "'process': {'cwd': '/', 'args': ['true']}, "
					 "'linux': {%s}%s%s}",
					 linux_members, *members ? ", " : "", members);

	return plan_of(text, p);
}

/* ---- namespaces ------------------------------------------------------------------------------- */

#define MOUNT "{'type': 'mount'}"
#define USER  "{'type': 'user'}"
#define MAPS                                                                \
	"'uidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 10}], " \
	"'gidMappings': [{'containerID': 0, 'hostID': 2000, 'size': 10}]"

START_TEST(namespaces)
{
	auto_planned struct planned p;

	plan_namespaces(
		"'hostname': 'h'",
		NAMESPACES(
			MOUNT
			", {'type': 'pid'}, {'type': 'uts'}, {'type': 'ipc'}, {'type': 'cgroup'}, "
			"{'type': 'time'}, " USER
			", {'type': 'network', 'path': '/run/netns/x'}") ", " MAPS,
		&p);
	ck_assert_msg(p.rc == 0, "%s", p.err.msg);
	ck_assert_uint_eq(p.plan.clone_flags,
			  CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER);
	/* Their roots and offsets depend on what happens between clone and unshare. */
	ck_assert_uint_eq(p.plan.late_flags, CLONE_NEWCGROUP | 0x80 /* CLONE_NEWTIME */);
	ck_assert(p.plan.has_new_user && p.plan.has_new_pid && p.plan.has_cgroup_namespace);
	ck_assert(p.plan.has_user_namespace && !p.plan.has_new_network);
}
END_TEST

START_TEST(refuses_namespaces)
{
	static const struct {
		const char *members, *linux_members, *error;
	} rows[] = {
		{ "", NAMESPACES(""), "linux.namespaces: a mount namespace is required" },
		{ "", NAMESPACES("{'type': 'pid'}"),
		  "linux.namespaces: a mount namespace is required" },
		{ "", NAMESPACES("{'type': 'mount', 'path': '/x'}"),
		  "linux.namespaces: joining a mount namespace is not supported" },
		{ "'hostname': 'h'", NAMESPACES(MOUNT),
		  "unable to set hostname without a private UTS namespace" },
		{ "'domainname': 'd'", NAMESPACES(MOUNT),
		  "unable to set domainname without a private UTS namespace" },
		{ "", NAMESPACES(MOUNT ", " USER),
		  "linux.uidMappings: a new user namespace needs uid and gid mappings" },
		{ "",
		  NAMESPACES(
			  MOUNT
			  ", " USER) ", 'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 1}]",
		  "linux.uidMappings: a new user namespace needs uid and gid mappings" },
		{ "", NAMESPACES(MOUNT) ", " MAPS,
		  "linux.uidMappings: given without a user namespace" },
		{ "", NAMESPACES(MOUNT) ", 'netDevices': {'eth7': {}}",
		  "linux.netDevices: given without a network namespace" },
		{ "", NAMESPACES(MOUNT) ", 'timeOffsets': {'boottime': {'secs': 1}}",
		  "linux.timeOffsets: given without a new time namespace" },
		{ "",
		  NAMESPACES(
			  MOUNT
			  ", {'type': 'time', 'path': '/t'}") ", 'timeOffsets': {'monotonic': {'secs': 1}}",
		  "linux.timeOffsets: given without a new time namespace" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_planned struct planned p;

		ck_assert_int_lt(plan_namespaces(rows[i].members, rows[i].linux_members, &p), 0);
		ck_assert_str_eq(p.err.msg, rows[i].error);
	}
}
END_TEST

START_TEST(an_empty_hostname_is_none)
{
	/* Kubelets send one for pods in the host's network. */
	auto_planned struct planned p;

	make_ok(&p, "'hostname': ''", "");
}
END_TEST

/* ---- mounts ----------------------------------------------------------------------------------- */

START_TEST(mounts)
{
	auto_planned struct planned p;
	const struct plan_mount *m;

	make_ok(&p,
		"'mounts': ["
		"{'destination': '/proc', 'type': 'proc', 'source': 'proc'},"
		"{'destination': '/a/./b/../c//', 'type': 'bind', 'source': 'data/x'},"
		"{'destination': 'relative', 'type': 'none', 'source': '/host', 'options': ['rbind', 'ro']},"
		"{'destination': '/sys/fs/cgroup', 'type': 'cgroup', 'source': 'cgroup'},"
		"{'destination': '/../../up', 'type': 'tmpfs', 'options': ['size=1m']}]",
		"");
	m = p.plan.mounts;
	ck_assert_uint_eq(p.plan.n_mounts, 5);
	ck_assert_str_eq(m[0].destination, "/proc");
	ck_assert_ptr_null(m[0].source);
	ck_assert_str_eq(m[1].destination, "/a/c");
	ck_assert_str_eq(m[1].source, "/bundle/data/x");
	ck_assert(m[1].options.is_bind && !m[1].options.is_recursive);
	ck_assert_str_eq(m[2].destination, "/relative");
	ck_assert_str_eq(m[2].source, "/host");
	ck_assert(m[2].options.is_bind && m[2].options.is_recursive);
	ck_assert(m[3].is_cgroup && !m[2].is_cgroup);
	ck_assert_str_eq(m[4].destination, "/up");
	ck_assert_str_eq(m[4].options.data.items[0], "size=1m");
	ck_assert_str_eq(p.plan.rootfs, "/bundle/rootfs");
}
END_TEST

START_TEST(labels_of_mounts)
{
	auto_planned struct planned p;

	make_ok(&p,
		"'mounts': [{'destination': '/proc', 'type': 'proc'},"
		"{'destination': '/a', 'type': 'tmpfs', 'options': ['size=1m']},"
		"{'destination': '/b', 'type': 'bind', 'source': '/b'},"
		"{'destination': '/c', 'type': 'cgroup'}]",
		"'mountLabel': 'u:r:t:s0:c1,c2'");
	ck_assert_uint_eq(p.plan.mounts[0].options.data.n, 0);
	ck_assert_uint_eq(p.plan.mounts[1].options.data.n, 2);
	ck_assert_str_eq(p.plan.mounts[1].options.data.items[1], "context=u:r:t:s0:c1,c2");
	ck_assert_uint_eq(p.plan.mounts[2].options.data.n, 0);
	ck_assert_uint_eq(p.plan.mounts[3].options.data.n, 0);
}
END_TEST

#define MOUNTS(mount) "'mounts': [{" mount "}]"

START_TEST(refuses_mounts)
{
	static const struct refusal rows[] = {
		{ MOUNTS("'destination': '/', 'type': 'tmpfs'"), "",
		  "mount on '/': would cover the root" },
		{ MOUNTS("'destination': '/a/..', 'type': 'tmpfs'"), "",
		  "mount on '/a/..': would cover the root" },
		{ MOUNTS("'destination': '', 'type': 'tmpfs'"), "",
		  "mount on '': would cover the root" },
		{ MOUNTS("'destination': '/proc', 'type': 'tmpfs'"), "",
		  "mount on '/proc': is inside /proc" },
		{ MOUNTS("'destination': '/proc/self/attr', 'type': 'tmpfs'"), "",
		  "mount on '/proc/self/attr': is inside /proc" },
		{ MOUNTS("'destination': '/x/../proc/sys', 'type': 'bind', 'source': '/'"), "",
		  "mount on '/x/../proc/sys': is inside /proc" },
		{ MOUNTS("'destination': '/data', 'source': '/x'"), "",
		  "mount on '/data': no type" },
		{ MOUNTS("'destination': '/data', 'type': 'bind'"), "",
		  "mount on '/data': no source" },
		{ MOUNTS("'destination': '/data', 'type': 'tmpfs', 'options': ['a,b']"), "",
		  "mount on '/data': mount option 'a,b': holds a comma" },
		{ MOUNTS("'destination': '/data', 'type': 'bind', 'source': '/x', "
			 "'options': ['idmap']"),
		  "", "mount on '/data': idmap without uidMappings, nor a user namespace" },
		{ MOUNTS("'destination': '/data', 'type': 'bind', 'source': '/x', "
			 "'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 1}]"),
		  "", "mount on '/data': needs both uidMappings and gidMappings" },
		{ MOUNTS("'destination': '/data', 'type': 'tmpfs', " MAPS), "",
		  "mount on '/data': only what is bound can be idmapped" },
	};

	check_refusals(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(maps_ids_of_mounts)
{
	auto_planned struct planned own, shared;

	make_ok(&own,
		MOUNTS("'destination': '/data', 'type': 'bind', 'source': '/x', " MAPS
		       "}, {'destination': '/else', 'type': 'bind', 'source': '/y'"),
		"");
	ck_assert(own.plan.has_idmapped_mounts);
	ck_assert(own.plan.mounts[0].options.is_idmapped);
	ck_assert(!own.plan.mounts[0].options.is_idmap_recursive);
	ck_assert_uint_eq(own.plan.mounts[0].uid_maps[0].host_id, 1000);
	ck_assert_uint_eq(own.plan.mounts[0].gid_maps[0].host_id, 2000);
	ck_assert(!own.plan.mounts[1].options.is_idmapped);

	plan_namespaces(MOUNTS("'destination': '/data', 'type': 'bind', 'source': '/x', "
			       "'options': ['rbind', 'ridmap']"),
			NAMESPACES(MOUNT ", " USER) ", " MAPS, &shared);
	ck_assert_int_eq(shared.rc, 0);
	ck_assert(shared.plan.mounts[0].options.is_idmap_recursive);
	ck_assert_ptr_eq(shared.plan.mounts[0].uid_maps, shared.plan.spec->uid_maps);
	ck_assert_uint_eq(shared.plan.mounts[0].n_gid_maps, 1);
}
END_TEST

START_TEST(allows_files_of_proc_that_hosts_cover)
{
	static const char *const paths[] = {
		"/proc/cpuinfo", "/proc/meminfo", "/proc/stat",  "/proc/uptime", "/proc/swaps",
		"/proc/loadavg", "/process",      "/proclaim/x", "/sys/kernel",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		auto_free char *members = xasprintf("'mounts': [{'destination': '%s', "
						    "'type': 'bind', 'source': '/x'}]",
						    paths[i]);
		auto_planned struct planned p;

		make_ok(&p, members, "");
	}
}
END_TEST

/* ---- sysctls ---------------------------------------------------------------------------------- */

START_TEST(sysctls)
{
	auto_planned struct planned p;

	plan_namespaces(
		"",
		NAMESPACES(
			MOUNT
			", {'type': 'network'}, {'type': 'ipc'}, "
			"{'type': 'uts', 'path': '/u'}") ", "
							 "'sysctl': {'net.ipv4.ip_forward': '1', "
							 "'net/ipv4/conf/eth0.1/forwarding': '0', 'kernel.shm_rmid_forced': '1', "
							 "'fs.mqueue.msg_max': '10', 'kernel.domainname': 'd', 'kernel.sem': '1 2 3 4'}",
		&p);
	ck_assert_msg(p.rc == 0, "%s", p.err.msg);
	ck_assert_uint_eq(p.plan.n_sysctls, 6);
	ck_assert_str_eq(p.plan.sysctls[0].path, "net/ipv4/ip_forward");
	ck_assert_str_eq(p.plan.sysctls[0].value, "1");
	ck_assert_str_eq(p.plan.sysctls[1].path, "net/ipv4/conf/eth0.1/forwarding");
	ck_assert_str_eq(p.plan.sysctls[5].value, "1 2 3 4");
}
END_TEST

START_TEST(refuses_sysctls)
{
	static const struct {
		const char *key, *error;
	} rows[] = {
		{ "kernel.core_pattern",
		  "linux.sysctl: 'kernel.core_pattern' is not in a separate kernel namespace" },
		{ "vm.swappiness",
		  "linux.sysctl: 'vm.swappiness' is not in a separate kernel namespace" },
		{ "kernel.hostname",
		  "linux.sysctl: 'kernel.hostname' is not in a separate kernel namespace" },
		{ "kernel.shmmax",
		  "linux.sysctl: 'kernel.shmmax' is not allowed in the host's ipc namespace" },
		{ "net.core.somaxconn",
		  "linux.sysctl: 'net.core.somaxconn' is not allowed in the host's network namespace" },
		{ "kernel.msgmaxx",
		  "linux.sysctl: 'kernel.msgmaxx' is not in a separate kernel namespace" },
		{ "net/../kernel/core_pattern",
		  "linux.sysctl: 'net/../kernel/core_pattern=v' is not a valid key" },
		{ "net..ipv4", "linux.sysctl: 'net..ipv4=v' is not a valid key" },
		{ "/net/ipv4", "linux.sysctl: '/net/ipv4=v' is not a valid key" },
		{ "net.ipv4 x", "linux.sysctl: 'net.ipv4 x=v' is not a valid key" },
		{ "net.ipv4+x", "linux.sysctl: 'net.ipv4+x=v' is not a valid key" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *members = xasprintf("'sysctl': {'%s': 'v'}", rows[i].key);
		auto_planned struct planned p;

		make(&p, "", members);
		ck_assert_int_eq(p.rc, -EINVAL);
		ck_assert_str_eq(p.err.msg, rows[i].error);
	}
}
END_TEST

/* ---- devices ---------------------------------------------------------------------------------- */

static char *devices_text(const struct plan *plan)
{
	struct str out = { 0 };

	for (size_t i = 0; i < plan->n_devices; i++) {
		const struct plan_device *d = &plan->devices[i];

		str_addf(&out, "%s%s %o %u:%u %u:%u", i ? "; " : "", d->path, d->mode,
			 major(d->dev), minor(d->dev), d->uid, d->gid);
	}
	return str_take(&out);
}

START_TEST(devices)
{
	auto_planned struct planned p;
	auto_free char *got = NULL;

	make_ok(&p, "",
		"'devices': ["
		"{'path': '/dev/fuse', 'type': 'c', 'major': 10, 'minor': 229},"
		"{'path': '/dev/null', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 384},"
		"{'path': '/dev/sda', 'type': 'b', 'major': 8, 'minor': 0, 'uid': 5, 'gid': 6},"
		"{'path': '/dev/u', 'type': 'u', 'major': 1, 'minor': 9},"
		"{'path': '/run/pipe', 'type': 'p', 'fileMode': 438}]");
	got = devices_text(&p.plan);
	ck_assert_str_eq(got, "/dev/zero 20666 1:5 0:0; /dev/full 20666 1:7 0:0; "
			      "/dev/random 20666 1:8 0:0; /dev/urandom 20666 1:9 0:0; "
			      "/dev/tty 20666 5:0 0:0; /dev/fuse 20666 10:229 0:0; "
			      "/dev/null 20600 1:3 0:0; /dev/sda 60666 8:0 5:6; "
			      "/dev/u 20666 1:9 0:0; /run/pipe 10666 0:0 0:0");
}
END_TEST

START_TEST(no_devices_in_the_hosts_own_dev)
{
	static const char *const binds[] = {
		"'type': 'bind'",
		"'options': ['rbind']",
		"'type': 'none', 'options': ['bind', 'ro']",
	};

	for (size_t i = 0; i < ARRAY_LEN(binds); i++) {
		auto_free char *members = xasprintf("'mounts': [{'destination': '/dev/.', "
						    "'source': '/dev', %s}]",
						    binds[i]);
		auto_planned struct planned p;

		make_ok(&p, members, "'devices': [{'path': '/dev/x', 'type': 'c'}]");
		ck_assert(p.plan.has_host_dev);
		ck_assert_uint_eq(p.plan.n_devices, 0);
	}
}
END_TEST

#define DEVICE(device) "'devices': [{" device "}]"

START_TEST(refuses_devices)
{
	static const struct refusal rows[] = {
		{ "", DEVICE("'path': '/dev/x', 'type': 'x'"),
		  "device '/dev/x': type 'x' is none of c, b, u, p" },
		{ "", DEVICE("'path': '/dev/x', 'type': ''"),
		  "device '/dev/x': type '' is none of c, b, u, p" },
		{ "", DEVICE("'path': '/dev/x', 'type': 'char'"),
		  "device '/dev/x': type 'char' is none of c, b, u, p" },
	};

	check_refusals(rows, ARRAY_LEN(rows));
}
END_TEST

/* ---- process ---------------------------------------------------------------------------------- */

static int plan_process(const char *process, struct planned *p)
{
	auto_free char *text = xasprintf("{'ociVersion': '1.0.2', 'root': {'path': 'rootfs'}, "
					 "'process': {%s}, 'linux': {'namespaces': [" MOUNT "]}}",
					 process);

	return plan_of(text, p);
}

START_TEST(capabilities)
{
	auto_planned struct planned p;

	plan_process("'cwd': '/', 'args': ['true'], 'capabilities': {"
		     "'bounding': ['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_ADMIN'],"
		     "'permitted': ['CAP_CHOWN', 'CAP_KILL'], 'effective': ['CAP_CHOWN'],"
		     "'inheritable': ['CAP_KILL'], 'ambient': ['CAP_KILL']}",
		     &p);
	ck_assert_msg(p.rc == 0, "%s", p.err.msg);
	ck_assert_uint_eq(p.plan.caps.bounding,
			  1ULL << CAP_CHOWN | 1ULL << CAP_KILL | 1ULL << CAP_SYS_ADMIN);
	ck_assert_uint_eq(p.plan.caps.permitted, 1ULL << CAP_CHOWN | 1ULL << CAP_KILL);
	ck_assert_uint_eq(p.plan.caps.effective, 1ULL << CAP_CHOWN);
	ck_assert_uint_eq(p.plan.caps.inheritable, 1ULL << CAP_KILL);
	ck_assert_uint_eq(p.plan.caps.ambient, 1ULL << CAP_KILL);
}
END_TEST

START_TEST(ambient_capabilities_are_those_that_can_be_raised)
{
	auto_planned struct planned p;

	plan_process(
		"'cwd': '/', 'args': ['true'], 'capabilities': {"
		"'permitted': ['CAP_CHOWN', 'CAP_KILL'], 'inheritable': ['CAP_KILL', 'CAP_FOWNER'],"
		"'ambient': ['CAP_CHOWN', 'CAP_KILL', 'CAP_FOWNER']}",
		&p);
	ck_assert_msg(p.rc == 0, "%s", p.err.msg);
	ck_assert_uint_eq(p.plan.caps.ambient, 1ULL << CAP_KILL);
}
END_TEST

START_TEST(no_capabilities_unless_they_are_named)
{
	auto_planned struct planned p;

	plan_process("'cwd': '/', 'args': ['true']", &p);
	ck_assert_int_eq(p.rc, 0);
	ck_assert_uint_eq(p.plan.caps.bounding | p.plan.caps.permitted | p.plan.caps.effective |
				  p.plan.caps.inheritable | p.plan.caps.ambient,
			  0);
}
END_TEST

START_TEST(rlimits)
{
	auto_planned struct planned p;

	plan_process("'cwd': '/', 'args': ['true'], 'rlimits': ["
		     "{'type': 'RLIMIT_NOFILE', 'soft': 10, 'hard': 20},"
		     "{'type': 'RLIMIT_CORE', 'soft': 0, 'hard': 18446744073709551615}]",
		     &p);
	ck_assert_msg(p.rc == 0, "%s", p.err.msg);
	ck_assert_uint_eq(p.plan.n_rlimits, 2);
	ck_assert_str_eq(p.plan.rlimits[0].name, "RLIMIT_NOFILE");
	ck_assert_uint_eq(p.plan.rlimits[0].soft, 10);
	ck_assert_uint_eq(p.plan.rlimits[0].hard, 20);
	ck_assert_uint_eq(p.plan.rlimits[1].hard, UINT64_MAX);
}
END_TEST

#define PROCESS(more) "'cwd': '/', 'args': ['true'], " more

START_TEST(refuses_processes)
{
	static const struct {
		const char *process, *error;
	} rows[] = {
		{ "'cwd': '/'", "process.args: is empty" },
		{ "'cwd': '/', 'args': []", "process.args: is empty" },
		{ "'cwd': '', 'args': ['x']", "process.cwd: '' is not absolute" },
		{ "'cwd': 'tmp', 'args': ['x']", "process.cwd: 'tmp' is not absolute" },
		{ PROCESS("'env': ['A=1', 'PATH']"), "process.env[1]: 'PATH' is not NAME=VALUE" },
		{ PROCESS("'env': ['=x']"), "process.env[0]: '=x' is not NAME=VALUE" },
		{ PROCESS("'env': ['']"), "process.env[0]: '' is not NAME=VALUE" },
		{ PROCESS("'rlimits': [{'type': 'RLIMIT_NOPE', 'soft': 1, 'hard': 1}]"),
		  "process.rlimits[0]: unknown type 'RLIMIT_NOPE'" },
		{ PROCESS("'rlimits': [{'type': 'NOFILE', 'soft': 1, 'hard': 1}]"),
		  "process.rlimits[0]: unknown type 'NOFILE'" },
		{ PROCESS("'rlimits': [{'type': 'RLIMIT_NOFILE', 'soft': 1, 'hard': 1}, "
			  "{'type': 'RLIMIT_NOFILE', 'soft': 2, 'hard': 2}]"),
		  "process.rlimits[1]: 'RLIMIT_NOFILE' again" },
		{ PROCESS("'rlimits': [{'type': 'RLIMIT_NOFILE', 'soft': 2, 'hard': 1}]"),
		  "process.rlimits[0]: 'RLIMIT_NOFILE': soft limit above hard" },
		{ PROCESS("'ioPriority': {'class': 'BE', 'priority': 1}"),
		  "process.ioPriority: unknown class 'BE'" },
		{ PROCESS("'ioPriority': {'class': 'IOPRIO_CLASS_RT', 'priority': 8}"),
		  "process.ioPriority: priority 8 is none of 0 to 7" },
		{ PROCESS("'ioPriority': {'class': 'IOPRIO_CLASS_RT', 'priority': -1}"),
		  "process.ioPriority: priority -1 is none of 0 to 7" },
		{ PROCESS("'scheduler': {'policy': 'FIFO'}"),
		  "process.scheduler: unknown policy 'FIFO'" },
		{ PROCESS("'scheduler': {'policy': 'SCHED_FIFO', 'priority': -1}"),
		  "process.scheduler: priority -1 is negative" },
		{ PROCESS("'scheduler': {'policy': 'SCHED_IDLE', 'flags': ['RECLAIM']}"),
		  "process.scheduler: unknown flag 'RECLAIM'" },
		{ PROCESS("'capabilities': {'effective': ['CAP_KILL']}"),
		  "process.capabilities.effective: has more than permitted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_planned struct planned p;

		ck_assert_int_eq(plan_process(rows[i].process, &p), -EINVAL);
		ck_assert_msg(str_eq(p.err.msg, rows[i].error), "%s: got '%s', wanted '%s'",
			      rows[i].process, p.err.msg, rows[i].error);
	}
}
END_TEST

/* ---- the whole -------------------------------------------------------------------------------- */

START_TEST(refuses_configs)
{
	static const struct {
		const char *text, *error;
		int code;
	} rows[] = {
		{ "{'ociVersion': '1.0.2'}", "root.path: is missing", EINVAL },
		{ "{'ociVersion': '1.0.2', 'root': {'path': ''}}", "root.path: is missing",
		  EINVAL },
		{ "{'ociVersion': '1.0.2', 'root': {'path': 'r'}, "
		  "'linux': {'namespaces': [" MOUNT "]}}",
		  "process: is missing", EINVAL },
		{ "{'ociVersion': '1.0.2', 'root': {'path': 'r'}}",
		  "linux.namespaces: a mount namespace is required", EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_planned struct planned p;

		ck_assert_int_eq(plan_of(rows[i].text, &p), -rows[i].code);
		ck_assert_str_eq(p.err.msg, rows[i].error);
	}
}
END_TEST

START_TEST(propagation_of_the_root)
{
	static const struct {
		const char *name;
		uint64_t propagation;
		bool is_recursive;
	} rows[] = {
		{ "private", MS_PRIVATE, false },       { "rprivate", MS_PRIVATE, true },
		{ "slave", MS_SLAVE, false },           { "rslave", MS_SLAVE, true },
		{ "shared", MS_SHARED, false },         { "rshared", MS_SHARED, true },
		{ "unbindable", MS_UNBINDABLE, false }, { "", 0, false },
	};
	static const struct refusal refusals[] = {
		{ "", "'rootfsPropagation': 'ro'",
		  "linux.rootfsPropagation: 'ro' is no propagation" },
		{ "", "'rootfsPropagation': 'nonsense'",
		  "linux.rootfsPropagation: 'nonsense' is no propagation" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = xasprintf("'rootfsPropagation': '%s'", rows[i].name);
		auto_planned struct planned p;

		make_ok(&p, "", text);
		ck_assert_uint_eq(p.plan.root_propagation, rows[i].propagation);
		ck_assert(p.plan.is_root_propagation_recursive == rows[i].is_recursive);
	}
	check_refusals(refusals, ARRAY_LEN(refusals));
}
END_TEST

START_TEST(refuses_devices_and_memory_policies)
{
	static const struct {
		const char *members, *error;
	} rows[] = {
		{ "'netDevices': {'a/b': {}}", "linux.netDevices: 'a/b' is not an interface" },
		{ "'netDevices': {'eth%d': {}}", "linux.netDevices: 'eth%d' is not an interface" },
		{ "'netDevices': {'': {}}", "linux.netDevices: '' is not an interface" },
		{ "'netDevices': {'eth7': {'name': '..'}}",
		  "linux.netDevices['eth7'].name: '..' is no name" },
		{ "'netDevices': {'eth7': {'name': 'much_too_long_a_name'}}",
		  "linux.netDevices['eth7'].name: 'much_too_long_a_name' is no name" },
		{ "'netDevices': {'eth7': {'name': '%s'}}",
		  "linux.netDevices['eth7'].name: '%s' is no name" },
		{ "'netDevices': {'eth7': {'name': '%d%d'}}",
		  "linux.netDevices['eth7'].name: '%d%d' is no name" },
		{ "'netDevices': {'eth7': {'name': 'a'}, 'eth8': {'name': 'a'}}",
		  "linux.netDevices: two are to be named 'a'" },
		{ "'memoryPolicy': {'mode': 'MPOL_BIND'}",
		  "linux.memoryPolicy.nodes: its mode needs some" },
		{ "'memoryPolicy': {'mode': 'MPOL_LOCAL', 'nodes': '0'}",
		  "linux.memoryPolicy.nodes: its mode has none" },
		{ "'memoryPolicy': {'mode': 'MPOL_BIND', 'nodes': '1-'}",
		  "linux.memoryPolicy.nodes: parse list '1-': not a list like 0-3,7" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = xasprintf(NAMESPACES(MOUNT ", {'type': 'network'}") ", %s",
						 rows[i].members);
		auto_planned struct planned p;

		ck_assert_int_eq(plan_namespaces("", text, &p), -EINVAL);
		ck_assert_str_eq(p.err.msg, rows[i].error);
	}
}
END_TEST

START_TEST(refuses_what_it_cannot_do)
{
	static const struct refusal rows[] = {
		{ "", "'intelRdt': {'closID': 'x'}", "linux.intelRdt: is not supported", ENOTSUP },
	};

	check_refusals(rows, ARRAY_LEN(rows));
}
END_TEST

TEST_MAIN("runtime/plan", namespaces, refuses_namespaces, an_empty_hostname_is_none, mounts,
	  labels_of_mounts, refuses_mounts, maps_ids_of_mounts,
	  allows_files_of_proc_that_hosts_cover, sysctls, refuses_sysctls, devices,
	  no_devices_in_the_hosts_own_dev, refuses_devices, capabilities,
	  ambient_capabilities_are_those_that_can_be_raised, no_capabilities_unless_they_are_named,
	  rlimits, refuses_processes, refuses_configs, propagation_of_the_root,
	  refuses_devices_and_memory_policies, refuses_what_it_cannot_do)
