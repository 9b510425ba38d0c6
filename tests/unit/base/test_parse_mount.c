/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tests/unit/test.h"

/* A row is good (no error text) or bad. */
#define EXPECT_FAILURE(rc, err, row)                       \
	do {                                               \
		ck_assert_int_lt(rc, 0);                   \
		ck_assert_int_eq(rc, -(err).code);         \
		ck_assert_str_eq((err).msg, (row)->error); \
	} while (0)
#define EXPECT_SUCCESS(rc, err, row) ck_assert_msg((rc) == 0, "'%s': %s", (row)->text, (err).msg)

typedef int mount_parser(const char *text, struct mount_request *ret, struct error *err);

struct mount_row {
	const char *text;
	enum mount_kind kind;
	const char *source, *target, *options; /* joined by ',' */
	const char *error;
};

static char *joined(const struct strv *v)
{
	struct str text = { 0 };

	for (size_t i = 0; i < v->n; i++)
		str_addf(&text, "%s%s", i ? "," : "", v->items[i]);
	return str_take(&text);
}

static void check_mounts(mount_parser *parse, const struct mount_row *rows, size_t n)
{
	for (const struct mount_row *row = rows; row < rows + n; row++) {
		struct mount_request value = { 0 };
		struct error err = { 0 };
		auto_free char *options = NULL;
		int rc = parse(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			ck_assert_ptr_null(value.target);
			continue;
		}
		EXPECT_SUCCESS(rc, err, row);
		options = joined(&value.options);
		ck_assert_int_eq(value.kind, row->kind);
		ck_assert_pstr_eq(value.source, row->source);
		ck_assert_str_eq(value.target, row->target);
		ck_assert_str_eq(options, row->options);
		mount_request_fini(&value);
	}
}

START_TEST(parses_volumes)
{
	static const struct mount_row rows[] = {
		{ "/a:/b", MOUNT_KIND_BIND, "/a", "/b", "rbind,rprivate" },
		{ "/a/../c/:/b//d/", MOUNT_KIND_BIND, "/c", "/b/d", "rbind,rprivate" },
		{ "/a:/b:ro", MOUNT_KIND_BIND, "/a", "/b", "rbind,rprivate,ro,rro" },
		{ "/a:/b:rw", MOUNT_KIND_BIND, "/a", "/b", "rbind,rprivate" },
		{ "/a:/b:ro,Z,rslave", MOUNT_KIND_BIND, "/a", "/b", "rbind,rslave,ro,rro" },
		{ "./a:/b", MOUNT_KIND_BIND, "/usr/a", "/b", "rbind,rprivate" },
		{ "../a:/b", MOUNT_KIND_BIND, "/a", "/b", "rbind,rprivate" },
		{ ".:/b", MOUNT_KIND_BIND, "/usr", "/b", "rbind,rprivate" },
		{ "data:/b", MOUNT_KIND_VOLUME, "data", "/b", "rbind,rprivate" },
		{ "data:/b:nocopy", MOUNT_KIND_VOLUME, "data", "/b", "rbind,rprivate" },
		{ "/b", MOUNT_KIND_VOLUME, NULL, "/b", "rbind,rprivate" },
		{ "/a:/b:/c", 0, NULL, NULL, NULL, "parse volume '/a:/b:/c': unknown option '/c'" },
		{ "/a:/b:ro,rw", 0, NULL, NULL, NULL,
		  "parse volume '/a:/b:ro,rw': 'ro' or 'rw' given twice" },
		{ "/a:/b:shared,slave", 0, NULL, NULL, NULL,
		  "parse volume '/a:/b:shared,slave': both 'shared' and 'slave'" },
		{ "/a:/b:nocopy", 0, NULL, NULL, NULL,
		  "parse volume '/a:/b:nocopy': unknown option 'nocopy'" },
		{ "/a:/b:", 0, NULL, NULL, NULL, "parse volume '/a:/b:': unknown option ''" },
		{ "/a:/b:ro:x", 0, NULL, NULL, NULL,
		  "parse volume '/a:/b:ro:x': more than two colons" },
		{ "/a:b", 0, NULL, NULL, NULL, "parse volume '/a:b': target 'b' is not absolute" },
		{ "/a:/", 0, NULL, NULL, NULL, "parse volume '/a:/': target must not be '/'" },
		{ "/a:/b/..", 0, NULL, NULL, NULL,
		  "parse volume '/a:/b/..': target must not be '/'" },
		{ "/a:", 0, NULL, NULL, NULL, "parse volume '/a:': no target" },
		{ ":/b", 0, NULL, NULL, NULL, "parse volume ':/b': no source" },
		{ "", 0, NULL, NULL, NULL, "parse volume '': no target" },
		{ "a b:/c", 0, NULL, NULL, NULL,
		  "parse volume 'a b:/c': 'a b' is neither the name of a volume nor an absolute path" },
		{ "a/b:/c", 0, NULL, NULL, NULL,
		  "parse volume 'a/b:/c': 'a/b' is neither the name of a volume nor an absolute path" },
	};
	struct mount_request value = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(chdir("/usr"), 0);
	check_mounts(parse_volume, rows, ARRAY_LEN(rows));

	ck_assert_int_eq(parse_volume("/a:/b", &value, &err), 0);
	ck_assert(value.is_source_made);
	mount_request_fini(&value);
	ck_assert_int_eq(parse_volume("a:/b:nocopy", &value, &err), 0);
	ck_assert(!value.is_source_made && value.is_not_copied);
	mount_request_fini(&value);
}
END_TEST

START_TEST(parses_mounts)
{
	static const struct mount_row rows[] = {
		{ "type=bind,source=/a,target=/b", MOUNT_KIND_BIND, "/a", "/b", "rbind,rprivate" },
		{ "TYPE=BIND,src=/a,dst=/b,readonly", MOUNT_KIND_BIND, "/a", "/b",
		  "rbind,rprivate,ro,rro" },
		{ "type=bind,src=/a,destination=/b,ro=true", MOUNT_KIND_BIND, "/a", "/b",
		  "rbind,rprivate,ro,rro" },
		{ "type=bind,src=/a,dst=/b,ro=0", MOUNT_KIND_BIND, "/a", "/b", "rbind,rprivate" },
		{ "type=bind,src=./a,dst=/b", MOUNT_KIND_BIND, "/usr/a", "/b", "rbind,rprivate" },
		{ "type=bind,src=/a,dst=/b,ro,bind-recursive=writable", MOUNT_KIND_BIND, "/a", "/b",
		  "rbind,rprivate,ro" },
		{ "type=bind,src=/a,dst=/b,ro,bind-recursive=disabled", MOUNT_KIND_BIND, "/a", "/b",
		  "bind,rprivate,ro" },
		{ "type=bind,src=/a,dst=/b,bind-nonrecursive", MOUNT_KIND_BIND, "/a", "/b",
		  "bind,rprivate" },
		{ "type=bind,src=/a,dst=/b,bind-propagation=rshared", MOUNT_KIND_BIND, "/a", "/b",
		  "rbind,rshared" },
		{ "type=bind,\"src=/a,\"\"b\",dst=/b", MOUNT_KIND_BIND, "/a,\"b", "/b",
		  "rbind,rprivate" },
		{ "src=data,dst=/b", MOUNT_KIND_VOLUME, "data", "/b", "rbind,rprivate" },
		{ "type=volume,dst=/b,volume-nocopy", MOUNT_KIND_VOLUME, NULL, "/b",
		  "rbind,rprivate" },
		{ "type=tmpfs,dst=/t", MOUNT_KIND_TMPFS, NULL, "/t", "nosuid,nodev,noexec" },
		{ "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770", MOUNT_KIND_TMPFS, NULL, "/t",
		  "nosuid,nodev,noexec,size=65536k,mode=1770" },
		{ "type=tmpfs,dst=/t,tmpfs-size=1000,ro", MOUNT_KIND_TMPFS, NULL, "/t",
		  "nosuid,nodev,noexec,size=1000,ro" },
		{ "", 0, NULL, NULL, NULL, "parse mount '': unknown key ''" },
		{ "type=nfs,dst=/b", 0, NULL, NULL, NULL,
		  "parse mount 'type=nfs,dst=/b': type 'nfs' is none of bind, volume, tmpfs" },
		{ "type=bind,src=/a", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,src=/a': no target" },
		{ "type=bind,dst=/a", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,dst=/a': no source" },
		{ "type=bind,src,dst=/a", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,src,dst=/a': 'src' needs a value" },
		{ "type=tmpfs,src=/a,dst=/b", 0, NULL, NULL, NULL,
		  "parse mount 'type=tmpfs,src=/a,dst=/b': a tmpfs has no source" },
		{ "src=/a,dst=/b", 0, NULL, NULL, NULL,
		  "parse mount 'src=/a,dst=/b': '/a' is neither the name of a volume nor an absolute path" },
		{ "type=bind,src=/a,dst=/b,tmpfs-size=1m", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,src=/a,dst=/b,tmpfs-size=1m': tmpfs-* options do not go "
		  "with type 'bind'" },
		{ "type=tmpfs,dst=/b,bind-propagation=shared", 0, NULL, NULL, NULL,
		  "parse mount 'type=tmpfs,dst=/b,bind-propagation=shared': bind-* options do not "
		  "go with type 'tmpfs'" },
		{ "type=tmpfs,dst=/b,tmpfs-mode=9", 0, NULL, NULL, NULL,
		  "parse mount 'type=tmpfs,dst=/b,tmpfs-mode=9': tmpfs-mode '9' is no octal mode" },
		{ "type=tmpfs,dst=/b,tmpfs-size=x", 0, NULL, NULL, NULL,
		  "parse mount 'type=tmpfs,dst=/b,tmpfs-size=x': parse size 'x': not a size like "
		  "512k, 64m or 1.5g" },
		{ "type=bind,src=/a,dst=/b,ro=maybe", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,src=/a,dst=/b,ro=maybe': parse 'maybe': neither true nor "
		  "false" },
		{ "type=bind,src=/a,dst=/b,bind-propagation=no", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,src=/a,dst=/b,bind-propagation=no': unknown propagation "
		  "'no'" },
		{ "type=bind,\"src=/a", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,\"src=/a': a quote is not closed" },
		{ "type=bind,color=red", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,color=red': unknown key 'color'" },
		{ "type=bind,src=/a,dst=/b,", 0, NULL, NULL, NULL,
		  "parse mount 'type=bind,src=/a,dst=/b,': unknown key ''" },
	};

	ck_assert_int_eq(chdir("/usr"), 0);
	check_mounts(parse_mount, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(parses_tmpfs)
{
	static const struct mount_row rows[] = {
		{ "/t", MOUNT_KIND_TMPFS, NULL, "/t", "nosuid,nodev,noexec" },
		{ "/t:size=64m,mode=1777", MOUNT_KIND_TMPFS, NULL, "/t",
		  "nosuid,nodev,noexec,size=64m,mode=1777" },
		{ "/t:exec,size=50%", MOUNT_KIND_TMPFS, NULL, "/t", "nosuid,nodev,exec,size=50%" },
		{ "/t:noexec,suid", MOUNT_KIND_TMPFS, NULL, "/t", "nodev,noexec,suid" },
		{ "/t:rw,ro,size=1k,size=2k", MOUNT_KIND_TMPFS, NULL, "/t",
		  "nosuid,nodev,noexec,ro,size=2k" },
		{ "/t:exec,noexec", MOUNT_KIND_TMPFS, NULL, "/t", "nosuid,nodev,noexec" },
		{ "/t:uid=1000,gid=1000,nr_inodes=5k,noatime", MOUNT_KIND_TMPFS, NULL, "/t",
		  "nosuid,nodev,noexec,uid=1000,gid=1000,nr_inodes=5k,noatime" },
		{ "t", 0, NULL, NULL, NULL, "parse tmpfs 't': target 't' is not absolute" },
		{ "/", 0, NULL, NULL, NULL, "parse tmpfs '/': target must not be '/'" },
		{ "/t:", 0, NULL, NULL, NULL, "parse tmpfs '/t:': unknown option ''" },
		{ "/t:size", 0, NULL, NULL, NULL, "parse tmpfs '/t:size': unknown option 'size'" },
		{ "/t:size=", 0, NULL, NULL, NULL,
		  "parse tmpfs '/t:size=': invalid option 'size='" },
		{ "/t:size=1mm", 0, NULL, NULL, NULL,
		  "parse tmpfs '/t:size=1mm': invalid option 'size=1mm'" },
		{ "/t:mode=8", 0, NULL, NULL, NULL,
		  "parse tmpfs '/t:mode=8': invalid option 'mode=8'" },
		{ "/t:bind", 0, NULL, NULL, NULL, "parse tmpfs '/t:bind': unknown option 'bind'" },
	};

	check_mounts(parse_tmpfs, rows, ARRAY_LEN(rows));
}
END_TEST

TEST_MAIN("base/parse_mount", parses_volumes, parses_mounts, parses_tmpfs)
