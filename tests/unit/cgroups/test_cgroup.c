/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/step.h"
#include "base/str.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/events.h"
#include "cgroups/resources.h"
#include "cgroups/stats.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

START_TEST(cleans_paths)
{
	static const struct {
		const char *path, *clean, *error;
	} rows[] = {
		{ "/minictr/web", "minictr/web", NULL },
		{ "web", "minictr/web", NULL },
		{ "a/b", "minictr/a/b", NULL },
		{ "//docker//abc/", "docker/abc", NULL },
		{ "/./x/./y", "x/y", NULL },
		{ "/...", "...", NULL },
		{ "/a..b/..c", "a..b/..c", NULL },
		{ "/system.slice:docker:abc", "system.slice:docker:abc", NULL },
		{ "/", NULL, "use cgroup path '/': it is the root of the hierarchy" },
		{ "///./", NULL, "use cgroup path '///./': it is the root of the hierarchy" },
		{ "", NULL, "use cgroup path '': it is empty" },
		{ NULL, NULL, "use cgroup path '': it is empty" },
		{ ".", NULL, "use cgroup path '.': it is the parent of all containers" },
		{ "/minictr", NULL,
		  "use cgroup path '/minictr': it is the parent of all containers" },
		{ "..", NULL, "use cgroup path '..': it has '..' in it" },
		{ "/../x", NULL, "use cgroup path '/../x': it has '..' in it" },
		{ "a/../b", NULL, "use cgroup path 'a/../b': it has '..' in it" },
		{ "/a/..", NULL, "use cgroup path '/a/..': it has '..' in it" },
		{ "/a\nb", NULL, "use cgroup path: it has a line break in it" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *clean = NULL;
		struct error err = { 0 };
		int rc = cgroup_path_clean(rows[i].path, &clean, &err);

		if (rows[i].error) {
			ck_assert_int_lt(rc, 0);
			ck_assert_str_eq(err.msg, rows[i].error);
			ck_assert_ptr_null(clean);
		} else {
			ck_assert_msg(rc == 0, "'%s': %s", rows[i].path, err.msg);
			ck_assert_str_eq(clean, rows[i].clean);
		}
	}
}
END_TEST

START_TEST(refuses_long_paths)
{
	char name[NAME_MAX + 3] = "/", many[PATH_MAX];
	struct error err = { 0 };
	char *clean = NULL;

	memset(name + 1, 'x', NAME_MAX + 1);
	ck_assert_int_eq(cgroup_path_clean(name, &clean, &err), -ENAMETOOLONG);
	name[NAME_MAX + 1] = '\0';
	ck_assert_int_eq(cgroup_path_clean(name, &clean, &err), 0);
	free(clean);

	memset(many, 'x', sizeof(many));
	for (size_t i = 0; i < sizeof(many); i += 100)
		many[i] = '/';
	many[sizeof(many) - 1] = '\0';
	ck_assert_int_eq(cgroup_path_clean(many, &clean, &err), -ENAMETOOLONG);
	ck_assert_str_eq(err.msg, "use cgroup path: it is longer than 2048 characters");
}
END_TEST

/* ---- directories and files stand in for hierarchies */

static struct temp temp;

static void put_dir(const char *name)
{
	ck_assert_int_eq(mkdirat(temp.dir.fd, name, 0755), 0);
}

static void put_file(const char *name, const char *text)
{
	auto_fd int fd = openat(temp.dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect_file(const char *name, const char *wanted)
{
	auto_free char *text = NULL;
	struct error err = { 0 };

	ck_assert_msg(file_read_at(&temp.dir, name, 4096, &text, NULL, &err) == 0, "%s", err.msg);
	ck_assert_msg(str_eq(text, wanted), "'%s' is '%s', not '%s'", name, text, wanted);
}

static bool is_there(const char *name)
{
	return faccessat(temp.dir.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Each word is a v1 hierarchy ("cpu,cpuacct"), or "2" for cgroup2. */
static struct cgroup_host *open_host(const char *const words[])
{
	auto_str struct str text = { 0 };
	struct cgroup_host *host = NULL;
	struct error err = { 0 };

	for (size_t i = 0; words[i]; i++) {
		bool is_v2 = str_eq(words[i], "2");

		if (!is_there(words[i]))
			put_dir(words[i]);
		str_addf(&text, "%zu 1 0:%zu / %s/%s rw - %s none rw,%s\n", i + 10, i + 10,
			 temp.path, words[i], is_v2 ? "cgroup2" : "cgroup", is_v2 ? "x" : words[i]);
	}
	ck_assert_msg(cgroup_host_open_text(text.text, false, &host, &err) == 0, "%s", err.msg);
	return host;
}

static void setup(void)
{
	temp_make(&temp);
}

static void teardown(struct cgroup_host *host, struct cgroup *cgroup)
{
	cgroup_free(cgroup);
	cgroup_host_free(host);
	temp_remove(&temp);
}

static const char *const v1_words[] = { "memory", "cpu,cpuacct", "pids", "blkio", NULL };

START_TEST(makes_only_what_is_needed)
{
	const struct cgroup_resources nothing = { 0 };
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	host = open_host(v1_words);
	ck_assert_msg(cgroup_create(host, "minictr/x", &nothing, &cgroup, &err) == 0, "%s",
		      err.msg);
	ck_assert(is_there("memory/minictr/x"));
	ck_assert(is_there("cpu,cpuacct/minictr/x"));
	ck_assert(is_there("pids/minictr/x"));
	ck_assert(!is_there("blkio/minictr"));
	ck_assert_int_eq(cgroup_v2_fd(cgroup), -1);
	ck_assert_ptr_null(cgroup_directory(cgroup, CGROUP_IO));
	ck_assert_ptr_null(cgroup_directory(cgroup, CGROUP_RDMA));
	ck_assert_str_eq(cgroup_directory(cgroup, CGROUP_CPU),
			 cgroup_directory(cgroup, CGROUP_CPUACCT));
	ck_assert_str_eq(cgroup_directory(cgroup, CGROUP_CPU) + strlen(temp.path),
			 "/cpu,cpuacct/minictr/x");

	ck_assert_int_eq(cgroup_destroy(cgroup, &err), 0);
	ck_assert(!is_there("memory/minictr/x"));
	ck_assert(!is_there("cpu,cpuacct/minictr/x"));
	ck_assert(!is_there("pids/minictr/x"));
	ck_assert(is_there("pids/minictr"));
	ck_assert_int_eq(cgroup_destroy(cgroup, &err), 0); /* once more: nothing to do */
	teardown(host, cgroup);
}
END_TEST

START_TEST(makes_a_group_below)
{
	const struct cgroup_resources nothing = { 0 };
	static const char *const words[] = { "memory", "pids", "2", NULL };
	struct error err = { 0 };
	struct cgroup *cgroup = NULL, *below = NULL, *none = NULL;
	struct cgroup_host *host;

	setup();
	host = open_host(words);
	ck_assert_int_eq(cgroup_open(host, "minictr/x", &none, &err), 0);
	ck_assert_int_eq(cgroup_create_below(none, "probe", &below, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "make a cgroup below 'minictr/x': it does not exist");
	cgroup_free(none);

	ck_assert_int_eq(cgroup_create(host, "minictr/x", &nothing, &cgroup, &err), 0);
	ck_assert_msg(cgroup_create_below(cgroup, "probe", &below, &err) == 0, "%s", err.msg);
	ck_assert(is_there("2/minictr/x/probe"));
	ck_assert(!is_there("memory/minictr/x/probe"));
	ck_assert_str_eq(cgroup_path(below), "minictr/x/probe");
	ck_assert(cgroup_is_whole(below, cgroup));
	/* Processes join where the limits are. */
	ck_assert_str_eq(cgroup_directory(below, CGROUP_MEMORY),
			 cgroup_directory(cgroup, CGROUP_MEMORY));
	ck_assert_int_ne(cgroup_v2_fd(below), cgroup_v2_fd(cgroup));

	ck_assert_int_eq(cgroup_create_below(cgroup, "probe", &none, &err), -EEXIST);

	/* Destroyed alone, or with the whole. */
	ck_assert_msg(cgroup_remove(below, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(cgroup_remove(below, &err), 0);
	ck_assert(!is_there("2/minictr/x/probe"));
	ck_assert(is_there("2/minictr/x"));
	ck_assert(is_there("memory/minictr/x"));
	cgroup_free(below);
	ck_assert_int_eq(cgroup_create_below(cgroup, "probe", &below, &err), 0);
	ck_assert_int_eq(cgroup_destroy(cgroup, &err), 0);
	ck_assert(!is_there("2/minictr/x"));
	cgroup_free(below);
	teardown(host, cgroup);
}
END_TEST

START_TEST(destroys_what_is_nested)
{
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	host = open_host(v1_words);
	put_dir("memory/x");
	put_dir("memory/x/a");
	put_dir("memory/x/a/b");
	put_dir("memory/x/c");
	put_dir("pids/x");
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_destroy(cgroup, &err) == 0, "%s", err.msg);
	ck_assert(!is_there("memory/x"));
	ck_assert(!is_there("pids/x"));
	teardown(host, cgroup);
}
END_TEST

/* A group that is there already, with its files, shows what is written where. */
static void put_group(const char *hierarchy, const char *const files[])
{
	auto_free char *dir = xasprintf("%s/x", hierarchy);
	auto_free char *procs = xasprintf("%s/x/cgroup.procs", hierarchy);

	if (!is_there(hierarchy))
		put_dir(hierarchy);
	put_dir(dir);
	put_file(procs, "");
	for (size_t i = 0; files[i]; i++) {
		auto_free char *file = xasprintf("%s/x/%s", hierarchy, files[i]);

		put_file(file, "");
	}
}

static void put_v1_groups(void)
{
	put_group("memory", (const char *const[]){ "tasks", "memory.limit_in_bytes", NULL });
	put_group("cpu,cpuacct",
		  (const char *const[]){ "tasks", "cpu.cfs_quota_us", "cpu.shares", NULL });
	put_group("pids", (const char *const[]){ "tasks", "pids.max", NULL });
}

START_TEST(writes_limits_where_they_belong)
{
	const struct cgroup_resources r = {
		.memory = { .has_limit = true, .limit = 1 << 20 },
		.cpu = { .has_quota = true, .quota = 20000 },
		.has_pids = true,
		.pids = 10,
	};
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_v1_groups();
	host = open_host(v1_words);
	ck_assert_msg(cgroup_create(host, "x", &r, &cgroup, &err) == 0, "%s", err.msg);
	expect_file("memory/x/memory.limit_in_bytes", "1048576");
	expect_file("cpu,cpuacct/x/cpu.cfs_quota_us", "20000");
	expect_file("pids/x/pids.max", "10");

	ck_assert_int_eq(cgroup_join_self(cgroup, &err), 0);
	expect_file("memory/x/tasks", "0");
	expect_file("cpu,cpuacct/x/tasks", "0");
	expect_file("pids/x/tasks", "0");
	expect_file("pids/x/cgroup.procs", "");
	ck_assert_int_eq(cgroup_join_pid(cgroup, 4711, &err), 0);
	expect_file("pids/x/cgroup.procs", "4711");
	teardown(host, cgroup);
}
END_TEST

/* What --explain shows of it. */
START_TEST(records_its_steps)
{
	static const char *const wanted[] = {
		"mkdir %s/pids/minictr",
		"mkdir %s/pids/minictr/x",
		"0 %s/pids/minictr/x/tasks",
		"rmdir %s/pids/minictr/x",
	};
	const struct cgroup_resources nothing = { 0 };
	auto_fd int fd = memfd_create("steps", MFD_CLOEXEC);
	struct step_record *records = NULL;
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;
	size_t n = 0;

	setup();
	host = open_host((const char *const[]){ "pids", NULL });
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
	step_record_to(fd);
	ck_assert_int_eq(cgroup_create(host, "minictr/x", &nothing, &cgroup, &err), 0);
	put_file("pids/minictr/x/tasks", "");
	ck_assert_int_eq(cgroup_join_self(cgroup, &err), 0);
	ck_assert_int_eq(unlinkat(temp.dir.fd, "pids/minictr/x/tasks", 0), 0);
	ck_assert_int_eq(cgroup_destroy(cgroup, &err), 0);
	step_record_to(-1);

	ck_assert_int_eq(step_records_read(fd, &records, &n), 0);
	ck_assert_uint_eq(n, ARRAY_LEN(wanted));
	for (size_t i = 0; i < n; i++) {
		auto_free char *got = xasprintf("%s %s", records[i].argv[0], records[i].argv[1]);
		auto_str struct str line = { 0 };
		const char *rest = strchr(wanted[i], '%') + 2;

		str_add_len(&line, wanted[i], (size_t)(rest - 2 - wanted[i]));
		str_addf(&line, "%s%s", temp.path, rest);
		ck_assert_str_eq(got, line.text);
		ck_assert_int_eq(records[i].rc, 0);
	}
	step_records_free(records, n);
	teardown(host, cgroup);
}
END_TEST

START_TEST(updates_a_live_group)
{
	struct cgroup_resources r = { .has_pids = true, .pids = 20 };
	struct cgroup_device_rule rule = { .type = 'a', .major = -1, .minor = -1 };
	auto_free char *wanted = NULL;
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_v1_groups();
	host = open_host(v1_words);
	wanted = xasprintf("limit cgroup 'x': write '1024' to '%s/cpu,cpuacct/x/cpu.shares': ",
			   temp.path);
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);

	/* zeros and device rules of an update change nothing */
	r.cpu.has_shares = r.cpu.has_quota = r.memory.has_limit = r.io.has_weight = true;
	r.devices = &rule;
	r.n_devices = 1;
	ck_assert_msg(cgroup_update(cgroup, &r, &err) == 0, "%s", err.msg);
	expect_file("pids/x/pids.max", "20");
	expect_file("cpu,cpuacct/x/cpu.shares", "");
	expect_file("memory/x/memory.limit_in_bytes", "");

	/* a file that the kernel does not have is a limit that it does not have */
	ck_assert_int_eq(unlinkat(temp.dir.fd, "cpu,cpuacct/x/cpu.shares", 0), 0);
	r.cpu.shares = 1024;
	ck_assert_int_eq(cgroup_update(cgroup, &r, &err), -ENODEV);
	ck_assert_msg(str_starts(err.msg, wanted), "%s", err.msg);
	ck_assert_msg(str_ends(err.msg, ": this kernel has no such limit"), "%s", err.msg);

	/* a controller that it did without gets a directory */
	ck_assert(!is_there("blkio/x"));
	r = (struct cgroup_resources){ .io = { .has_weight = true, .weight = 100 } };
	ck_assert_int_eq(cgroup_update(cgroup, &r, &err), -ENODEV);
	ck_assert_msg(str_ends(err.msg, "/blkio/x/blkio.weight': this kernel has no such limit"),
		      "%s", err.msg);
	ck_assert(is_there("blkio/x"));
	teardown(host, cgroup);
}
END_TEST

START_TEST(accepts_a_host_without_swap_accounting)
{
	struct cgroup_resources r = {
		.memory = { .has_limit = true,
			    .limit = 1 << 20,
			    .has_swap = true,
			    .swap = 1 << 20 },
	};
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_v1_groups();
	host = open_host(v1_words);
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_update(cgroup, &r, &err) == 0, "%s", err.msg);
	r.memory.swap = 2 << 20;
	ck_assert_int_eq(cgroup_update(cgroup, &r, &err), -ENODEV);
	ck_assert_msg(strstr(err.msg,
			     "memory.memsw.limit_in_bytes': this kernel has no such limit"),
		      "%s", err.msg);
	teardown(host, cgroup);
}
END_TEST

START_TEST(falls_back_to_the_files_of_bfq)
{
	const struct cgroup_resources r = { .io = { .has_weight = true, .weight = 500 } };
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_group("blkio", (const char *const[]){ "blkio.bfq.weight", NULL });
	host = open_host(v1_words);
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_update(cgroup, &r, &err) == 0, "%s", err.msg);
	expect_file("blkio/x/blkio.bfq.weight", "500");
	teardown(host, cgroup);
}
END_TEST

START_TEST(completes_a_half_given_pair)
{
	struct cgroup_resources r = { .memory = { .has_swap = true, .swap = 3 << 20 },
				      .cpu = { .has_period = true, .period = 50000 } };
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_group("2", (const char *const[]){ "memory.swap.max", NULL });
	put_file("2/cgroup.controllers", "cpu memory\n");
	put_file("2/cgroup.subtree_control", "cpu memory\n");
	put_file("2/x/memory.max", "1048576\n");
	put_file("2/x/cpu.max", "7000 100000\n");
	host = open_host((const char *const[]){ "2", NULL });
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_update(cgroup, &r, &err) == 0, "%s", err.msg);
	expect_file("2/x/memory.swap.max", "2097152");
	expect_file("2/x/cpu.max", "7000 500000\n"); /* "7000 50000" over a plain file's text */

	put_file("2/x/memory.max", "max\n");
	ck_assert_int_eq(cgroup_update(cgroup, &r, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "limit memory and swap to 3145728 bytes: no memory limit is set");

	put_file("2/x/memory.current", "5000000\n");
	r = (struct cgroup_resources){
		.memory = { .has_limit = true, .limit = 4000000, .is_update_checked = true }
	};
	ck_assert_int_eq(cgroup_update(cgroup, &r, &err), -EBUSY);
	ck_assert_str_eq(err.msg, "limit memory to 4000000: 5000000 bytes are in use");
	teardown(host, cgroup);
}
END_TEST

START_TEST(refuses_a_group_in_use)
{
	const struct cgroup_resources nothing = { 0 };
	auto_free char *wanted = NULL, *own = NULL;
	char pid[16];
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_v1_groups();
	put_dir("pids/x/below");
	put_file("pids/x/below/cgroup.procs", "1\n");
	host = open_host(v1_words);
	wanted = xasprintf("use cgroup '%s/pids/x': it has processes in it already", temp.path);
	ck_assert_int_eq(cgroup_create(host, "x", &nothing, &cgroup, &err), -EBUSY);
	ck_assert_str_eq(err.msg, wanted);
	ck_assert_int_eq(cgroup_check_unused(host, "x", &err), -EBUSY);
	ck_assert_str_eq(err.msg, wanted);
	ck_assert_int_eq(cgroup_check_unused(host, "nobodys", &err), 0);
	ck_assert(is_there("pids/x/below")); /* it was not ours to remove */

	(void)snprintf(pid, sizeof(pid), "%d\n", getpid());
	put_file("pids/x/below/cgroup.procs", pid);
	own = xasprintf("use cgroup '%s/pids/x': minictr itself runs in it", temp.path);
	ck_assert_int_eq(cgroup_create(host, "x", &nothing, &cgroup, &err), -EBUSY);
	ck_assert_str_eq(err.msg, own);
	teardown(host, cgroup);
}
END_TEST

START_TEST(leaves_nothing_after_a_failure)
{
	const struct cgroup_resources r = { .has_pids = true, .pids = 5 };
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	/* "pids.max" cannot be written in a directory that has just been made here. */
	setup();
	host = open_host(v1_words);
	put_dir("memory/old");
	ck_assert_int_eq(cgroup_create(host, "old/new/x", &r, &cgroup, &err), -ENODEV);
	ck_assert(is_there("memory/old"));
	ck_assert(!is_there("memory/old/new"));
	ck_assert(!is_there("cpu,cpuacct/old"));
	ck_assert(!is_there("pids/old"));
	teardown(host, cgroup);
}
END_TEST

START_TEST(does_not_follow_links)
{
	const struct cgroup_resources nothing = { 0 };
	auto_free char *wanted = NULL;
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	host = open_host(v1_words);
	put_dir("outside");
	ck_assert_int_eq(symlinkat("../outside", temp.dir.fd, "memory/link"), 0);
	wanted = xasprintf("open cgroup '%s/memory/link': too many levels of symbolic links",
			   temp.path);
	ck_assert_int_eq(cgroup_create(host, "link/x", &nothing, &cgroup, &err), -ELOOP);
	ck_assert_str_eq(err.msg, wanted);
	ck_assert(!is_there("outside/x"));
	teardown(host, cgroup);
}
END_TEST

START_TEST(fills_v1_cpusets_from_the_parent)
{
	static char cpus[] = "1";
	const struct cgroup_resources r = { .cpu = { .cpus = cpus } };
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_dir("cpuset");
	put_file("cpuset/cpuset.cpus", "0-3\n");
	put_file("cpuset/cpuset.mems", "0\n");
	put_dir("cpuset/a");
	put_file("cpuset/a/cpuset.cpus", "\n");
	put_file("cpuset/a/cpuset.mems", "");
	put_dir("cpuset/a/x");
	put_file("cpuset/a/x/cpuset.cpus", "");
	put_file("cpuset/a/x/cpuset.mems", "\n");
	put_file("cpuset/a/x/cgroup.procs", "");
	host = open_host((const char *const[]){ "cpuset", NULL });
	ck_assert_msg(cgroup_create(host, "a/x", &r, &cgroup, &err) == 0, "%s", err.msg);
	expect_file("cpuset/a/cpuset.cpus", "0-3");
	expect_file("cpuset/a/cpuset.mems", "0");
	expect_file("cpuset/a/x/cpuset.mems", "0");
	expect_file("cpuset/a/x/cpuset.cpus", "1-3"); /* "1" over "0-3" in a plain file */
	teardown(host, cgroup);
}
END_TEST

START_TEST(lists_processes_below_too)
{
	auto_free pid_t *pids = NULL;
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;
	size_t n = 0;

	setup();
	put_v1_groups();
	put_file("pids/x/cgroup.procs", "12\n7\n");
	put_dir("pids/x/a");
	put_file("pids/x/a/cgroup.procs", "0\n99\n");
	host = open_host(v1_words);
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_int_eq(cgroup_pids(cgroup, &pids, &n, &err), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(pids[0], 12);
	ck_assert_int_eq(pids[1], 7);
	ck_assert_int_eq(pids[2], 99);
	teardown(host, cgroup);
}
END_TEST

START_TEST(freezes_by_v2_where_there_is_one)
{
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;
	bool is_frozen = false;

	setup();
	put_group("2", (const char *const[]){ "cgroup.freeze", "cgroup.kill", NULL });
	put_file("2/x/cgroup.events", "populated 1\nfrozen 1\n");
	put_group("freezer", (const char *const[]){ "freezer.state", NULL });
	host = open_host((const char *const[]){ "freezer", "2", NULL });
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_freeze(cgroup, true, &err) == 0, "%s", err.msg);
	expect_file("2/x/cgroup.freeze", "1");
	expect_file("freezer/x/freezer.state", "");
	ck_assert_int_eq(cgroup_is_frozen(cgroup, &is_frozen, &err), 0);
	ck_assert(is_frozen);
	ck_assert_int_eq(cgroup_freeze(cgroup, false, &err), 0);
	expect_file("2/x/cgroup.freeze", "0");
	ck_assert_int_eq(cgroup_signal_all(cgroup, 9, &err), 0);
	expect_file("2/x/cgroup.kill", "1");
	teardown(host, cgroup);
}
END_TEST

START_TEST(reads_v2_statistics)
{
	struct cgroup_stats s;
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_group("2", (const char *const[]){ NULL });
	put_file("2/cgroup.controllers", "cpu io memory pids\n");
	put_file("2/x/memory.current", "4096\n");
	put_file("2/x/memory.max", "max\n");
	put_file("2/x/memory.stat", "anon 1\nfile 1024\n");
	put_file("2/x/memory.events", "low 0\noom 2\noom_kill 3\n");
	put_file("2/x/cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\n"
				 "nr_throttled 4\nthrottled_usec 3000\n");
	put_file("2/x/pids.current", "2\n");
	put_file("2/x/pids.max", "100\n");
	put_file("2/x/io.stat", "8:0 rbytes=7 wbytes=8 rios=1 wios=1\n");
	host = open_host((const char *const[]){ "2", NULL });
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_stats_read(cgroup, &s, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(s.memory_current, 4096);
	ck_assert_uint_eq(s.memory_peak, 0); /* older kernels have no memory.peak */
	ck_assert_uint_eq(s.memory_limit, UINT64_MAX);
	ck_assert_uint_eq(s.memory_file, 1024);
	ck_assert_uint_eq(s.oom_kills, 3);
	ck_assert_uint_eq(s.cpu_usage_us, 30);
	ck_assert_uint_eq(s.cpu_user_us, 20);
	ck_assert_uint_eq(s.cpu_system_us, 10);
	ck_assert_uint_eq(s.cpu_periods, 5);
	ck_assert_uint_eq(s.cpu_throttled_periods, 4);
	ck_assert_uint_eq(s.cpu_throttled_us, 3000);
	ck_assert_uint_eq(s.pids_current, 2);
	ck_assert_uint_eq(s.pids_limit, 100);
	ck_assert_uint_eq(s.io_read_bytes, 7);
	ck_assert_uint_eq(s.io_write_bytes, 8);
	teardown(host, cgroup);
}
END_TEST

START_TEST(reads_v1_statistics)
{
	struct cgroup_stats s;
	struct error err = { 0 };
	struct cgroup *cgroup = NULL;
	struct cgroup_host *host;

	setup();
	put_v1_groups();
	put_file("memory/x/memory.usage_in_bytes", "8192\n");
	put_file("memory/x/memory.max_usage_in_bytes", "9000\n");
	put_file("memory/x/memory.limit_in_bytes", "9223372036854771712\n");
	put_file("memory/x/memory.stat", "cache 1\ntotal_cache 512\ntotal_swap 64\n");
	put_file("memory/x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	put_dir("memory/x/below");
	put_file("memory/x/below/memory.oom_control", "oom_kill_disable 0\noom_kill 2\n");
	put_file("cpu,cpuacct/x/cpuacct.usage", "5000000\n");
	put_file("cpu,cpuacct/x/cpuacct.stat", "user 3\nsystem 4\n");
	put_file("cpu,cpuacct/x/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 7000\n");
	put_file("pids/x/pids.current", "1\n");
	put_file("pids/x/pids.max", "max\n");
	host = open_host(v1_words);
	ck_assert_int_eq(cgroup_open(host, "x", &cgroup, &err), 0);
	ck_assert_msg(cgroup_stats_read(cgroup, &s, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(s.memory_current, 8192);
	ck_assert_uint_eq(s.memory_peak, 9000);
	ck_assert_uint_eq(s.memory_limit, UINT64_MAX);
	ck_assert_uint_eq(s.memory_file, 512);
	ck_assert_uint_eq(s.memory_swap, 64);
	ck_assert_uint_eq(s.oom_kills, 3);
	ck_assert_uint_eq(s.cpu_usage_us, 5000);
	ck_assert_uint_eq(s.cpu_user_us, 3000000 / (uint64_t)sysconf(_SC_CLK_TCK));
	ck_assert_uint_eq(s.cpu_system_us, 4000000 / (uint64_t)sysconf(_SC_CLK_TCK));
	ck_assert_uint_eq(s.cpu_periods, 9);
	ck_assert_uint_eq(s.cpu_throttled_periods, 2);
	ck_assert_uint_eq(s.cpu_throttled_us, 7);
	ck_assert_uint_eq(s.pids_current, 1);
	ck_assert_uint_eq(s.pids_limit, UINT64_MAX);
	ck_assert_uint_eq(s.io_read_bytes, 0); /* no blkio group was needed */
	teardown(host, cgroup);
}
END_TEST

TEST_MAIN("cgroups/cgroup", cleans_paths, refuses_long_paths, makes_only_what_is_needed,
	  makes_a_group_below, destroys_what_is_nested, writes_limits_where_they_belong,
	  records_its_steps, updates_a_live_group, accepts_a_host_without_swap_accounting,
	  falls_back_to_the_files_of_bfq, completes_a_half_given_pair, refuses_a_group_in_use,
	  leaves_nothing_after_a_failure, does_not_follow_links, fills_v1_cpusets_from_the_parent,
	  lists_processes_below_too, freezes_by_v2_where_there_is_one, reads_v2_statistics,
	  reads_v1_statistics)
