/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <sys/mount.h>

#include "base/mem.h"
#include "runtime/mount_opts.h"
#include "tests/unit/test.h"

/* Options, separated by '|', as a list. */
static void split(const char *text, struct strv *ret)
{
	if (*text)
		strv_split(ret, text, '|');
}

static void add_hex(struct str *out, const char *name, uint64_t value)
{
	if (value)
		str_addf(out, "%s%s=%" PRIx64, out->len ? " " : "", name, value);
}

static void add_word(struct str *out, bool is_set, const char *name)
{
	if (is_set)
		str_addf(out, "%s%s", out->len ? " " : "", name);
}

static char *parsed(const char *text)
{
	struct mount_options o = { 0 };
	auto_strv struct strv options = { 0 };
	struct str out = { 0 };
	struct error err = { 0 };

	split(text, &options);
	if (mount_options_parse(&options, &o, &err) < 0)
		return xstrdup(err.msg);
	add_word(&out, o.is_bind, o.is_recursive ? "rbind" : "bind");
	add_hex(&out, "set", o.attr_set);
	add_hex(&out, "clr", o.attr_clr);
	add_hex(&out, "rset", o.rec_attr_set);
	add_hex(&out, "rclr", o.rec_attr_clr);
	add_hex(&out, o.is_propagation_recursive ? "rpropagation" : "propagation", o.propagation);
	add_word(&out, o.is_tmpcopyup, "copyup");
	add_word(&out, o.is_idmapped, o.is_idmap_recursive ? "ridmap" : "idmap");
	add_word(&out, o.is_fs_read_only, "fs-ro");
	for (size_t i = 0; i < o.data.n; i++)
		str_addf(&out, "%s'%s'", out.len ? " " : "", o.data.items[i]);
	mount_options_fini(&o);
	return str_take(&out);
}

struct row {
	const char *options, *wanted;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_free char *got = parsed(rows[i].options);

		ck_assert_msg(str_eq(got, rows[i].wanted), "'%s': got '%s', wanted '%s'",
			      rows[i].options, got, rows[i].wanted);
	}
}

/* MOUNT_ATTR_*: RDONLY 1, NOSUID 2, NODEV 4, NOEXEC 8, NOATIME 10, STRICTATIME 20, the field of
 * access times 70, NODIRATIME 80, NOSYMFOLLOW 200000. */
START_TEST(attributes)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "defaults", "" },
		{ "ro", "set=1 fs-ro" },
		{ "rw", "clr=1" },
		{ "ro|rw", "clr=1" },
		{ "rw|ro", "set=1 fs-ro" },
		{ "nosuid|nodev|noexec", "set=e" },
		{ "nosuid|suid", "clr=2" },
		{ "nodev|dev|noexec|exec", "clr=c" },
		{ "nosymfollow", "set=200000" },
		{ "nosymfollow|symfollow", "clr=200000" },
		{ "nodiratime", "set=80" },
		{ "diratime", "clr=80" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(access_times_are_one_field)
{
	static const struct row rows[] = {
		{ "noatime", "set=10 clr=70" },
		{ "strictatime", "set=20 clr=70" },
		{ "noatime|strictatime", "set=20 clr=70" },
		{ "strictatime|noatime", "set=10 clr=70" },
		{ "noatime|relatime", "clr=70" },
		{ "noatime|atime", "clr=70" },
		{ "relatime|nosuid", "set=2 clr=70" },
		{ "norelatime", "" },
		{ "noatime|nodiratime", "set=90 clr=70" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(recursive_attributes)
{
	static const struct row rows[] = {
		{ "rbind|rro", "rbind rset=1" },   { "rbind|ro|rrw", "rbind set=1 rclr=1 fs-ro" },
		{ "rro|rrw", "rclr=1" },           { "rnosuid|rnodev|rnoexec", "rset=e" },
		{ "rnoatime", "rset=10 rclr=70" }, { "rnoatime|rrelatime", "rclr=70" },
		{ "rnosymfollow", "rset=200000" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(binds_and_propagation)
{
	static const struct row rows[] = {
		{ "bind", "bind" },
		{ "rbind", "rbind" },
		{ "bind|rbind", "rbind" },
		{ "rbind|bind", "rbind" },
		{ "private", "propagation=40000" },
		{ "rprivate", "rpropagation=40000" },
		{ "slave", "propagation=80000" },
		{ "rslave", "rpropagation=80000" },
		{ "shared", "propagation=100000" },
		{ "rshared", "rpropagation=100000" },
		{ "unbindable", "propagation=20000" },
		{ "runbindable", "rpropagation=20000" },
		{ "rshared|private", "propagation=40000" },
		{ "bind|idmap", "bind idmap" },
		{ "rbind|ridmap", "rbind ridmap" },
		{ "tmpcopyup", "copyup" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(the_rest_is_for_the_file_system)
{
	static const struct row rows[] = {
		{ "size=64m|mode=1777", "'size=64m' 'mode=1777'" },
		{ "newinstance|ptmxmode=0666|gid=5", "'newinstance' 'ptmxmode=0666' 'gid=5'" },
		{ "sync|dirsync|lazytime", "'sync' 'dirsync' 'lazytime'" },
		{ "async|nomand|loud|silent", "" },
		{ "RO", "'RO'" },
		{ "ro ", "'ro '" },
		{ "a=b=c", "'a=b=c'" },
		{ "ro,rw", "mount option 'ro,rw': holds a comma" },
		{ "size=64m,mode=1777", "mount option 'size=64m,mode=1777': holds a comma" },
		{ "nosuid||ro", "mount option '': is empty" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(lists_its_names)
{
	auto_strv struct strv names = { 0 };
	const char *name;

	for (size_t i = 0; (name = mount_option_name(i)); i++) {
		ck_assert_msg(!strv_has(&names, name), "'%s' is listed twice", name);
		strv_add(&names, name);
	}
	ck_assert_ptr_null(mount_option_name(names.n + 100));
	/* What containerd and dockerd look for in `features`. */
	ck_assert(strv_has(&names, "rro"));
	ck_assert(strv_has(&names, "rbind"));
	ck_assert(strv_has(&names, "tmpcopyup"));
}
END_TEST

TEST_MAIN("runtime/mount_opts", attributes, access_times_are_one_field, recursive_attributes,
	  binds_and_propagation, the_rest_is_for_the_file_system, lists_its_names)
