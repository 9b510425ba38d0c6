/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "tests/unit/runtime/config.h"
#include "tests/unit/test.h"

static int open_data(const char *name)
{
	auto_free char *path = path_join(getenv("TEST_DATA"), name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "open %s", path);
	return fd;
}

static int load(const char *folder, const char *file, struct spec *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_fd int fd = open_data(folder);
	int rc = json_doc_load(&doc, fd, file, err);

	return rc < 0 ? rc : spec_read(&doc, ret, err);
}

/* ---- what is right ---------------------------------------------------------------------------- */

static int is_sample(const struct dirent *entry)
{
	return str_ends(entry->d_name, ".json");
}

static int list(const char *folder, struct dirent ***ret)
{
	auto_fd int fd = open_data(folder);
	int n = scandirat(fd, ".", ret, is_sample, alphasort);

	ck_assert_int_gt(n, 0);
	return n;
}

static void free_list(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

START_TEST(reads_good_ones)
{
	struct dirent **files;
	int n = list("config/good", &files);

	for (int i = 0; i < n; i++) {
		auto_spec struct spec spec = { 0 };
		struct error err = { 0 };
		int rc = load("config/good", files[i]->d_name, &spec, &err);

		ck_assert_msg(rc == 0, "%s: %s", files[i]->d_name, err.msg);
		ck_assert_ptr_nonnull(spec.oci_version);
	}
	free_list(files, n);
}
END_TEST

static void check_process(const struct spec_process *p)
{
	ck_assert(p->terminal && p->no_new_privileges);
	ck_assert_uint_eq(p->console_width, 80);
	ck_assert_uint_eq(p->console_height, 25);
	ck_assert_uint_eq(p->uid, 1000);
	ck_assert_uint_eq(p->gid, 1001);
	ck_assert(p->has_umask);
	ck_assert_uint_eq(p->umask, 077);
	ck_assert_uint_eq(p->n_additional_gids, 2);
	ck_assert_uint_eq(p->additional_gids[1], 4294967294U);
	ck_assert_uint_eq(p->args.n, 3);
	ck_assert_str_eq(p->args.items[2], "true");
	ck_assert_str_eq(p->env.items[1], "EMPTY=");
	ck_assert_str_eq(p->cwd, "/home");
	ck_assert(p->capabilities.is_given);
	ck_assert_str_eq(p->capabilities.bounding.items[1], "CAP_CHOWN");
	ck_assert_str_eq(p->capabilities.effective.items[0], "CAP_KILL");
	ck_assert_str_eq(p->capabilities.inheritable.items[0], "CAP_CHOWN");
	ck_assert_uint_eq(p->capabilities.permitted.n, 2);
	ck_assert_str_eq(p->capabilities.ambient.items[0], "CAP_CHOWN");
	ck_assert_uint_eq(p->n_rlimits, 2);
	ck_assert_str_eq(p->rlimits[0].type, "RLIMIT_NOFILE");
	ck_assert_uint_eq(p->rlimits[0].soft, 1024);
	ck_assert_uint_eq(p->rlimits[1].hard, UINT64_MAX);
	ck_assert(p->has_oom_score_adj);
	ck_assert_int_eq(p->oom_score_adj, -500);
	ck_assert_str_eq(p->apparmor_profile, "profile");
	ck_assert_str_eq(p->selinux_label, "u:r:t:s0");
	ck_assert(p->io_priority.is_given);
	ck_assert_str_eq(p->io_priority.class, "IOPRIO_CLASS_BE");
	ck_assert_int_eq(p->io_priority.priority, 4);
	ck_assert(p->scheduler.is_given);
	ck_assert_str_eq(p->scheduler.policy, "SCHED_DEADLINE");
	ck_assert_int_eq(p->scheduler.nice, 3);
	ck_assert_int_eq(p->scheduler.priority, 7);
	ck_assert_str_eq(p->scheduler.flags.items[0], "SCHED_FLAG_RECLAIM");
	ck_assert_uint_eq(p->scheduler.runtime, 10);
	ck_assert_uint_eq(p->scheduler.deadline, 20);
	ck_assert_uint_eq(p->scheduler.period, 30);
	ck_assert_str_eq(p->exec_cpu_initial, "0-1");
	ck_assert_str_eq(p->exec_cpu_final, "1");
}

static void check_mounts_and_hooks(const struct spec *s)
{
	static const size_t counts[HOOK_POINTS] = { 1, 1, 1, 1, 2, 1 };

	ck_assert_uint_eq(s->n_mounts, 2);
	ck_assert_str_eq(s->mounts[0].type, "proc");
	ck_assert_uint_eq(s->mounts[0].options.n, 0);
	ck_assert_str_eq(s->mounts[1].destination, "/data");
	ck_assert_str_eq(s->mounts[1].source, "/srv/data");
	ck_assert_str_eq(s->mounts[1].options.items[1], "ro");
	ck_assert_uint_eq(s->mounts[1].n_uid_maps, 1);
	ck_assert_uint_eq(s->mounts[1].uid_maps[0].size, 2);
	ck_assert_uint_eq(s->mounts[1].gid_maps[0].host_id, 4);
	for (size_t i = 0; i < HOOK_POINTS; i++)
		ck_assert_uint_eq(s->hooks[i].n, counts[i]);
	ck_assert_str_eq(s->hooks[HOOK_PRESTART].items[0].path, "/bin/a");
	ck_assert_str_eq(s->hooks[HOOK_PRESTART].items[0].args.items[1], "1");
	ck_assert_str_eq(s->hooks[HOOK_PRESTART].items[0].env.items[0], "X=1");
	ck_assert_int_eq(s->hooks[HOOK_PRESTART].items[0].timeout, 7);
	ck_assert_str_eq(s->hooks[HOOK_POSTSTART].items[1].path, "/bin/f");
	ck_assert_str_eq(s->hooks[HOOK_POSTSTOP].items[0].path, "/bin/g");
}

static void check_linux(const struct spec *s)
{
	ck_assert_uint_eq(s->n_namespaces, 8);
	ck_assert_int_eq(s->namespaces[1].type, SPEC_NS_NETWORK);
	ck_assert_str_eq(s->namespaces[1].path, "/run/netns/x");
	ck_assert_ptr_null(s->namespaces[3].path); /* "" is none */
	ck_assert_uint_eq(s->uid_maps[0].host_id, 100000);
	ck_assert_uint_eq(s->gid_maps[0].host_id, 200000);
	ck_assert(s->monotonic.is_given && s->boottime.is_given);
	ck_assert_int_eq(s->monotonic.secs, -5);
	ck_assert_uint_eq(s->monotonic.nanosecs, 6);
	ck_assert_int_eq(s->boottime.secs, 7);
	ck_assert_uint_eq(s->n_devices, 2);
	ck_assert(s->devices[0].has_mode && s->devices[0].has_uid && s->devices[0].has_gid);
	ck_assert_uint_eq(s->devices[0].mode, 0666);
	ck_assert_int_eq(s->devices[0].minor, 229);
	ck_assert(!s->devices[1].has_mode);
	ck_assert_str_eq(s->cgroups_path, "/group/box");
	ck_assert_str_eq(s->rootfs_propagation, "rslave");
	ck_assert_str_eq(s->sysctl.items[0], "net.ipv4.ip_forward=1");
	ck_assert_str_eq(s->masked_paths.items[0], "/proc/kcore");
	ck_assert_str_eq(s->readonly_paths.items[1], "/proc/bus");
	ck_assert_str_eq(s->mount_label, "u:r:t:s0:c1");
	ck_assert_str_eq(s->personality_domain, "LINUX32");
	ck_assert_uint_eq(s->n_net_devices, 2);
	ck_assert_str_eq(s->net_devices[0].host_name, "eth0");
	ck_assert_str_eq(s->net_devices[0].name, "container_eth0");
	ck_assert_str_eq(s->net_devices[1].host_name, "ens4");
	ck_assert_ptr_null(s->net_devices[1].name);
	ck_assert(s->memory_policy.is_given);
	ck_assert_int_eq(s->memory_policy.mode, 3);
	ck_assert_uint_eq(s->memory_policy.flags, 1 << 15 | 1 << 13);
	ck_assert_str_eq(s->memory_policy.nodes, "0-1,3");
	ck_assert(s->has_intel_rdt);
}

static void check_resources(const struct cgroup_resources *r)
{
	ck_assert_uint_eq(r->n_devices, 3);
	ck_assert(!r->devices[0].is_allowed);
	ck_assert_int_eq(r->devices[0].type, 'a');
	ck_assert_int_eq(r->devices[0].major, -1);
	ck_assert_int_eq(r->devices[1].minor, 229);
	ck_assert_str_eq(r->devices[1].access, "rw");
	ck_assert_int_eq(r->devices[2].minor, -1);
	ck_assert_str_eq(r->devices[2].access, "rwm");
	ck_assert(r->memory.has_limit && r->memory.has_swap && r->memory.has_oom_kill_disable);
	ck_assert_int_eq(r->memory.limit, 1048576);
	ck_assert_int_eq(r->memory.swap, -1);
	ck_assert_uint_eq(r->memory.swappiness, 10);
	ck_assert(r->memory.is_update_checked && r->memory.is_oom_kill_disabled);
	ck_assert_uint_eq(r->cpu.shares, 512);
	ck_assert_int_eq(r->cpu.quota, 50000);
	ck_assert_uint_eq(r->cpu.burst, 1000);
	ck_assert_int_eq(r->cpu.rt_runtime, 5);
	ck_assert_str_eq(r->cpu.cpus, "0-1");
	ck_assert(r->has_pids);
	ck_assert_int_eq(r->pids, 100);
	ck_assert(r->io.has_weight);
	ck_assert_uint_eq(r->io.weight, 500);
	ck_assert_uint_eq(r->io.weight_devices[0].weight, 100);
	ck_assert_uint_eq(r->io.read_bps[0].rate, 1);
	ck_assert_uint_eq(r->io.write_iops[0].rate, UINT64_MAX);
	ck_assert_str_eq(r->hugepages[0].page_size, "2MB");
	ck_assert_uint_eq(r->n_rdma, 2);
	ck_assert_str_eq(r->rdma[0].device, "mlx5_1");
	ck_assert_uint_eq(r->rdma[0].objects, 1000);
	ck_assert(!r->rdma[1].has_handles && r->rdma[1].has_objects);
	ck_assert_str_eq(r->unified.items[0], "memory.high=1000000");
}

static void check_seccomp(const struct spec_seccomp *s)
{
	ck_assert(s->is_given && s->has_default_errno);
	ck_assert_str_eq(s->default_action, "SCMP_ACT_ERRNO");
	ck_assert_uint_eq(s->default_errno_ret, 38);
	ck_assert_str_eq(s->architectures.items[0], "SCMP_ARCH_X86_64");
	ck_assert_str_eq(s->flags.items[0], "SECCOMP_FILTER_FLAG_LOG");
	ck_assert_uint_eq(s->n_rules, 2);
	ck_assert_str_eq(s->rules[0].names.items[1], "write");
	ck_assert(!s->rules[0].has_errno && s->rules[1].has_errno);
	ck_assert_uint_eq(s->rules[1].args[0].value, UINT64_MAX);
	ck_assert_uint_eq(s->rules[1].args[0].value_two, 2);
	ck_assert_str_eq(s->rules[1].args[0].op, "SCMP_CMP_MASKED_EQ");
}

START_TEST(reads_every_member)
{
	auto_spec struct spec s = { 0 };
	struct error err = { 0 };
	int rc = load("config/good", "whole.json", &s, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(s.oci_version, "1.2.0");
	ck_assert_str_eq(s.root_path, "/srv/root");
	ck_assert(s.is_root_readonly && s.has_process && s.has_linux);
	ck_assert_str_eq(s.hostname, "box");
	ck_assert_str_eq(s.domainname, "example.org");
	ck_assert_uint_eq(s.annotations.n, 2);
	ck_assert_str_eq(s.annotations.items[0], "org.example.key=value");
	check_process(&s.process);
	check_mounts_and_hooks(&s);
	check_linux(&s);
	check_resources(&s.resources);
	check_seccomp(&s.seccomp);
}
END_TEST

/* ---- what is wrong ---------------------------------------------------------------------------- */

/* config/bad.txt has a line for each file of config/bad: its name, the place, the member, the fault. */
static char *wanted_error(const struct strv *lines, const char *file)
{
	for (size_t i = 0; i < lines->n; i++) {
		if (str_starts(lines->items[i], file) && lines->items[i][strlen(file)] == ':')
			return lines->items[i];
	}
	return NULL;
}

START_TEST(refuses_bad_ones)
{
	auto_fd int fd = open_data("config");
	const struct dir dir = { .fd = fd, .path = "config" };
	auto_strv struct strv lines = { 0 };
	auto_free char *text = NULL;
	struct error err = { 0 };
	struct dirent **files;
	int n = list("config/bad", &files);

	ck_assert_int_eq(file_read_at(&dir, "bad.txt", 1 << 20, &text, NULL, &err), 0);
	strv_split(&lines, text, '\n');
	ck_assert_uint_eq((size_t)n, lines.n - 1);
	for (int i = 0; i < n; i++) {
		const char *file = files[i]->d_name;
		const char *wanted = wanted_error(&lines, file);
		struct spec spec = { 0 };
		int rc = load("config/bad", file, &spec, &err);

		ck_assert_msg(rc == -EINVAL && str_eq(err.msg, wanted), "got %d '%s', wanted '%s'",
			      rc, err.msg, wanted ? wanted : file);
	}
	free_list(files, n);
}
END_TEST

/* ---- documents of their own ------------------------------------------------------------------- */

START_TEST(reads_a_process_alone)
{
	static const char text[] = "{\"cwd\": \"/x\", \"args\": [\"a\"], \"terminal\": true}";
	auto_json_doc struct json_doc doc = { 0 };
	struct spec_process process = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(json_doc_parse(&doc, "process.json", text, strlen(text), &err), 0);
	ck_assert_int_eq(spec_process_read(&doc, &process, &err), 0);
	ck_assert_str_eq(process.cwd, "/x");
	ck_assert(process.terminal);
	spec_process_fini(&process);
}
END_TEST

START_TEST(reads_resources_alone)
{
	/* As dockerd sends them: zeros for what is not meant. */
	static const char text[] = "{\"memory\": {\"limit\": 5, \"swap\": 0}, \"cpu\": "
				   "{\"shares\": 0}, \"blockIO\": {\"weight\": 0}}";
	auto_json_doc struct json_doc doc = { 0 };
	struct cgroup_resources r = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(json_doc_parse(&doc, "<stdin>", text, strlen(text), &err), 0);
	ck_assert_int_eq(spec_resources_read(&doc, &r, &err), 0);
	ck_assert_int_eq(r.memory.limit, 5);
	ck_assert(!r.io.has_weight);
	cgroup_resources_fini(&r);
}
END_TEST

/* `minictr spec` gives what our own reader takes back. */
START_TEST(the_default_can_be_read)
{
	for (int is_rootless = 0; is_rootless < 2; is_rootless++) {
		auto_json json_t *json = spec_default(is_rootless);
		auto_free char *text = json_to_text(json, JSON_INDENT(4));
		auto_json_doc struct json_doc doc = { 0 };
		auto_spec struct spec spec = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(json_doc_parse(&doc, "config.json", text, strlen(text), &err), 0);
		ck_assert_int_eq(spec_read(&doc, &spec, &err), 0);
		ck_assert_str_eq(spec.root_path, "rootfs");
		ck_assert_str_eq(spec.process.args.items[0], "sh");
		ck_assert_uint_eq(spec.n_namespaces, is_rootless ? 7 : 6);
		ck_assert_uint_eq(spec.n_uid_maps, is_rootless ? 1 : 0);
		ck_assert(strv_has(&spec.masked_paths, "/proc/kcore"));
		ck_assert(strv_has(&spec.readonly_paths, "/proc/sys"));
	}
}
END_TEST

TEST_MAIN("runtime/spec", reads_good_ones, reads_every_member, refuses_bad_ones,
	  reads_a_process_alone, reads_resources_alone, the_default_can_be_read)
