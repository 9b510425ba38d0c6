/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/controllers.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static const char pure_v2[] =
	"22 28 0:20 / /proc rw,nosuid - proc proc rw\n"
	"23 28 0:21 / /sys rw,nosuid - sysfs sysfs rw\n"
	"26 23 0:24 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "
	"rw,nsdelegate,memory_recursiveprot\n"
	"28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";

static const char hybrid[] =
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 master:2 - cgroup cgroup "
	"rw,cpu,cpuacct\n"
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	"38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
	"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
	"42 31 0:40 / /sys/fs/cgroup/net_cls rw,relatime - cgroup cgroup rw,net_cls,net_prio\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

static const char v1_only[] =
	"25 18 0:22 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,mode=755\n"
	"26 25 0:23 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,name=systemd\n"
	"27 25 0:24 / /sys/fs/cgroup/devices rw shared:10 - cgroup cgroup rw,devices\n"
	"28 25 0:25 / /sys/fs/cgroup/freezer rw shared:11 - cgroup cgroup rw,freezer\n";

/* As docker shows it to a container without a cgroup namespace; with a space in a name. */
static const char subtrees[] =
	"50 49 0:32 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n"
	"51 49 0:33 /docker/abc /my\\040groups/pids\\134x ro - cgroup cgroup rw,pids\n"
	"52 49 0:33 / /host/pids rw - cgroup cgroup rw,pids\n";

#define BITS(a, b) (CGROUP_BIT(CGROUP_##a) | CGROUP_BIT(CGROUP_##b))

START_TEST(reads_mountinfo)
{
	static const struct {
		const char *text;
		struct {
			enum cgroup_version version;
			unsigned int controllers;
			const char *root, *point;
		} mounts[4];
		size_t n;
	} rows[] = {
		{ pure_v2, { { CGROUP_V2, 0, "/", "/sys/fs/cgroup" } }, 1 },
		{ hybrid,
		  {
			  { CGROUP_V1, BITS(CPU, CPUACCT), "/", "/sys/fs/cgroup/cpu,cpuacct" },
			  { CGROUP_V1, BITS(MEMORY, MEMORY), "/", "/sys/fs/cgroup/memory" },
			  { CGROUP_V1, BITS(IO, IO), "/", "/sys/fs/cgroup/blkio" },
			  { CGROUP_V2, 0, "/", "/sys/fs/cgroup/unified" },
		  },
		  4 },
		{ v1_only,
		  {
			  { CGROUP_V1, BITS(DEVICES, DEVICES), "/", "/sys/fs/cgroup/devices" },
			  { CGROUP_V1, BITS(FREEZER, FREEZER), "/", "/sys/fs/cgroup/freezer" },
		  },
		  2 },
		{ subtrees,
		  {
			  { CGROUP_V1, BITS(MEMORY, MEMORY), "/docker/abc",
			    "/sys/fs/cgroup/memory" },
			  { CGROUP_V1, BITS(PIDS, PIDS), "/docker/abc", "/my groups/pids\\x" },
			  { CGROUP_V1, BITS(PIDS, PIDS), "/", "/host/pids" },
		  },
		  3 },
		{ "", { { 0 } }, 0 },
		{ "rubbish - cgroup2 x\n1 2 0:3 /only-a-root - cgroup2\n - cgroup \n",
		  { { 0 } },
		  0 },
		{ "1 2 0:3 / /a rw - cgroup\n1 2 0:3 / /a rw - cgroup x\n", { { 0 } }, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cgroup_mounts got;

		cgroup_mounts_parse(rows[i].text, &got);
		ck_assert_uint_eq(got.n, rows[i].n);
		for (size_t m = 0; m < got.n; m++) {
			ck_assert_int_eq(got.items[m].version, rows[i].mounts[m].version);
			ck_assert_uint_eq(got.items[m].controllers, rows[i].mounts[m].controllers);
			ck_assert_str_eq(got.items[m].root, rows[i].mounts[m].root);
			ck_assert_str_eq(got.items[m].point, rows[i].mounts[m].point);
		}
		cgroup_mounts_fini(&got);
	}
}
END_TEST

START_TEST(reads_device_numbers)
{
	struct cgroup_mounts mounts;

	cgroup_mounts_parse("32 31 0:29 / /a rw - cgroup cgroup rw,cpu\n", &mounts);
	ck_assert_uint_eq(mounts.n, 1);
	ck_assert_uint_eq(mounts.items[0].dev, makedev(0, 29));
	cgroup_mounts_fini(&mounts);
}
END_TEST

START_TEST(reads_controller_names)
{
	static const struct {
		const char *text;
		unsigned int bits;
	} rows[] = {
		{ "cpuset cpu io memory hugetlb pids rdma misc\n",
		  BITS(CPUSET, CPU) | BITS(IO, MEMORY) | BITS(HUGETLB, PIDS) | BITS(RDMA, RDMA) },
		{ "", 0 },
		{ "\n", 0 },
		{ "cpusets mem cpux", 0 },
		{ "blkio", BITS(IO, IO) },
		{ "devices freezer", BITS(DEVICES, FREEZER) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_uint_eq(cgroup_controllers_parse(rows[i].text, " \n"), rows[i].bits);
}
END_TEST

/* ---- hosts, with directories of a temporary one in the place of mount points */

static struct temp temp;

static void setup_dir(const char *name)
{
	ck_assert_int_eq(mkdirat(temp.dir.fd, name, 0755), 0);
}

static void setup_file(const char *name, const char *text)
{
	auto_fd int fd = openat(temp.dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static char *read_text(const char *name)
{
	struct error err = { 0 };
	char *text = NULL;

	ck_assert_msg(file_read_at(&temp.dir, name, 4096, &text, NULL, &err) == 0, "%s", err.msg);
	return text;
}

/* "ROOT NAME TYPE OPTIONS" */
struct mount_row {
	const char *root, *name, *type, *options;
};

static char *mountinfo_of(const struct mount_row *rows, size_t n)
{
	struct str text = { 0 };

	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%zu 1 0:%zu %s %s/%s rw - %s none rw,%s\n", i + 10, i + 10,
			 rows[i].root, temp.path, rows[i].name, rows[i].type, rows[i].options);
	return str_take(&text);
}

static struct cgroup_host *open_host(const struct mount_row *rows, size_t n)
{
	auto_free char *text = mountinfo_of(rows, n);
	struct cgroup_host *host = NULL;
	struct error err = { 0 };

	ck_assert_msg(cgroup_host_open_text(text, false, &host, &err) == 0, "%s", err.msg);
	return host;
}

START_TEST(finds_controllers_where_they_live)
{
	static const struct mount_row rows[] = {
		{ "/", "cpu", "cgroup", "cpu,cpuacct" },
		{ "/", "gone", "cgroup", "pids" }, /* covered by another mount: not to be opened */
		{ "/sub", "part", "cgroup", "memory" },
		{ "/", "memory", "cgroup", "memory" },
		{ "/", "unified", "cgroup2", "x" },
		{ "/", "again", "cgroup2", "x" },
	};
	static const char *const wanted[CGROUP_CONTROLLERS] = {
		[CGROUP_MEMORY] = "memory",   [CGROUP_CPU] = "cpu",
		[CGROUP_CPUACCT] = "cpu",     [CGROUP_HUGETLB] = "unified",
		[CGROUP_FREEZER] = "unified", [CGROUP_DEVICES] = "unified",
	};
	struct cgroup_host *host;

	temp_make(&temp);
	setup_dir("cpu");
	setup_dir("part");
	setup_dir("memory");
	setup_dir("unified");
	setup_dir("again");
	setup_file("unified/cgroup.controllers", "hugetlb cpu\n");
	host = open_host(rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *name = "";

		if (host->of[i] >= 0)
			name = host->items[host->of[i]].point + strlen(temp.path) + 1;
		ck_assert_msg(str_eq(name, wanted[i] ? wanted[i] : ""), "%s is at '%s'",
			      cgroup_controller_name((enum cgroup_controller)i), name);
	}
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_CPU), CGROUP_V1);
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_HUGETLB), CGROUP_V2);
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_PIDS), CGROUP_ABSENT);
	ck_assert(!cgroup_host_is_unified(host));
	cgroup_host_free(host);
	temp_remove(&temp);
}
END_TEST

START_TEST(knows_a_pure_v2_host)
{
	static const struct mount_row rows[] = { { "/", "unified", "cgroup2", "x" } };
	struct cgroup_host *host;

	temp_make(&temp);
	setup_dir("unified");
	setup_file("unified/cgroup.controllers", "cpuset cpu io memory pids\n");
	host = open_host(rows, 1);
	ck_assert(cgroup_host_is_unified(host));
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_MEMORY), CGROUP_V2);
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_DEVICES), CGROUP_V2);
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_CPUACCT), CGROUP_V2);
	ck_assert_int_eq(cgroup_host_controller(host, CGROUP_RDMA), CGROUP_ABSENT);
	cgroup_host_free(host);
	temp_remove(&temp);
}
END_TEST

START_TEST(trusts_file_systems_not_directories)
{
	struct cgroup_host *host = NULL;
	struct error err = { 0 };
	auto_free char *text = NULL;

	/* mountinfo speaks of a cgroup mount, but what is to be found there is none. */
	temp_make(&temp);
	text = xasprintf("9 1 0:5 / %s rw - cgroup cgroup rw,memory\n"
			 "9 1 0:6 / %s rw - cgroup2 cgroup2 rw\n",
			 temp.path, temp.path);
	ck_assert_int_eq(cgroup_host_open_text(text, true, &host, &err), -ENODEV);
	ck_assert_str_eq(err.msg, "find control groups: no cgroup file system is mounted");
	temp_remove(&temp);
}
END_TEST

START_TEST(tells_where_hierarchies_are)
{
	static const struct mount_row rows[] = {
		{ "/", "cpu", "cgroup", "cpu,cpuacct" },
		{ "/", "io", "cgroup", "blkio" },
		{ "/", "memory", "cgroup", "memory" },
		{ "/", "unified", "cgroup2", "x" },
	};
	auto_cgroup_host struct cgroup_host *host = NULL;
	struct cgroup_host *again = NULL;
	struct cgroup_mounts mounts;
	auto_free char *text = NULL;
	struct error err = { 0 };
	struct stat st;

	temp_make(&temp);
	setup_dir("cpu");
	setup_dir("io");
	setup_dir("memory");
	setup_dir("unified");
	host = open_host(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(stat(temp.path, &st), 0);

	text = cgroup_mounts_text(host);
	ck_assert_ptr_nonnull(text);
	cgroup_mounts_parse(text, &mounts);
	ck_assert_uint_eq(mounts.n, ARRAY_LEN(rows));
	for (size_t i = 0; i < mounts.n; i++) {
		const struct cgroup_mount *mount = &mounts.items[i];
		const struct mount_row *row = &rows[i];

		ck_assert_str_eq(mount->root, "/");
		ck_assert_str_eq(strrchr(mount->point, '/') + 1, row->name);
		ck_assert_uint_eq(mount->dev, st.st_dev);
		ck_assert_uint_eq(mount->controllers,
				  i == 3 ? 0 : cgroup_controllers_parse(row->options, ","));
	}

	cgroup_mounts_fini(&mounts);
	/* These are directories; nobody mounted a cgroup file system there. */
	ck_assert_int_eq(cgroup_host_open_known(text, &again, &err), -ESTALE);
	ck_assert_ptr_null(again);
	ck_assert_int_eq(cgroup_host_open_known("", &again, &err), -ESTALE);
	temp_remove(&temp);
}
END_TEST

/* ---- enabling controllers on v2 */

static const struct mount_row v2_row[] = { { "/", "g", "cgroup2", "x" } };

static struct cgroup_host *open_v2(const char *controllers)
{
	temp_make(&temp);
	setup_dir("g");
	setup_dir("g/a");
	setup_dir("g/a/b");
	setup_file("g/cgroup.controllers", controllers);
	setup_file("g/cgroup.subtree_control", "");
	setup_file("g/a/cgroup.subtree_control", "");
	return open_host(v2_row, 1);
}

START_TEST(enables_controllers_from_the_top)
{
	struct cgroup_host *host = open_v2("cpu io memory pids\n");
	auto_free char *top = NULL, *middle = NULL, *again = NULL;
	struct error err = { 0 };

	/* hugetlb is not offered by the root, so it is not asked for */
	ck_assert_int_eq(cgroup_controllers_enable(&host->items[0], "a/b", BITS(MEMORY, HUGETLB),
						   BITS(PIDS, CPU), &err),
			 0);
	top = read_text("g/cgroup.subtree_control");
	middle = read_text("g/a/cgroup.subtree_control");
	ck_assert_str_eq(top, "+memory +cpu +pids");
	ck_assert_str_eq(middle, "+memory +cpu +pids");

	/* the parent says that all is on: the directories above are not looked at */
	setup_file("g/a/cgroup.subtree_control", "cpu memory pids\n");
	setup_file("g/cgroup.subtree_control", "");
	ck_assert_int_eq(cgroup_controllers_enable(&host->items[0], "a/b", BITS(MEMORY, MEMORY),
						   BITS(PIDS, CPU), &err),
			 0);
	again = read_text("g/cgroup.subtree_control");
	ck_assert_str_eq(again, "");
	cgroup_host_free(host);
	temp_remove(&temp);
}
END_TEST

START_TEST(adds_only_what_is_missing)
{
	struct cgroup_host *host = open_v2("cpu io memory pids\n");
	auto_free char *middle = NULL;
	struct error err = { 0 };

	setup_file("g/cgroup.subtree_control", "cpu io memory pids\n");
	setup_file("g/a/cgroup.subtree_control", "cpu pids\n");
	ck_assert_int_eq(
		cgroup_controllers_enable(&host->items[0], "a/b", BITS(CPU, MEMORY), 0, &err), 0);
	middle = read_text("g/a/cgroup.subtree_control");
	ck_assert_str_eq(middle, "+memorys\n"); /* a plain file keeps the rest of what it had */
	cgroup_host_free(host);
	temp_remove(&temp);
}
END_TEST

START_TEST(reports_a_missing_parent)
{
	struct cgroup_host *host = open_v2("memory\n");
	auto_free char *wanted =
		xasprintf("open cgroup '%s/g/x': no such file or directory", temp.path);
	struct error err = { 0 };

	ck_assert_int_eq(cgroup_controllers_enable(&host->items[0], "x/y", BITS(MEMORY, MEMORY), 0,
						   &err),
			 -ENOENT);
	ck_assert_str_eq(err.msg, wanted);
	cgroup_host_free(host);
	temp_remove(&temp);
}
END_TEST

/* Only for who asks, only where not all is v2, and once. */
START_TEST(finds_systemds_hierarchy)
{
	static const struct mount_row rows[] = {
		{ "/", "memory", "cgroup", "memory" },
		{ "/", "systemd", "cgroup", "xattr,name=systemd" },
		{ "/", "other", "cgroup", "name=other" },
		{ "/", "unified", "cgroup2", "x" },
	};
	struct cgroup_host *host;
	auto_free char *text = NULL;
	size_t n;

	temp_make(&temp);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		setup_dir(rows[i].name);
	text = mountinfo_of(rows, ARRAY_LEN(rows));
	host = open_host(rows, ARRAY_LEN(rows));
	n = host->n;
	for (int times = 0; times < 2; times++) {
		cgroup_host_add_systemd_text(host, text, false);
		ck_assert_uint_eq(host->n, n + 1);
	}
	ck_assert(str_ends(host->items[n].point, "/systemd"));
	ck_assert_int_eq(host->items[n].version, CGROUP_V1);
	ck_assert_uint_eq(host->items[n].controllers, 0);
	ck_assert(!cgroup_host_is_unified(host));
	cgroup_host_free(host);

	/* On a pure v2 host somebody else mounted it. */
	host = open_host(rows + 3, 1);
	cgroup_host_add_systemd_text(host, text, false);
	ck_assert_uint_eq(host->n, 1);
	ck_assert(cgroup_host_is_unified(host));
	cgroup_host_free(host);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("cgroups/controllers", reads_mountinfo, reads_device_numbers, reads_controller_names,
	  finds_controllers_where_they_live, finds_systemds_hierarchy, knows_a_pure_v2_host,
	  trusts_file_systems_not_directories, tells_where_hierarchies_are,
	  enables_controllers_from_the_top, adds_only_what_is_missing, reports_a_missing_parent)
