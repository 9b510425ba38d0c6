/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

START_TEST(cleans)
{
	static const struct {
		const char *path, *clean;
	} cases[] = {
		{ "/", "/" },           { "", "." },         { "a//b/./c/", "a/b/c" },
		{ "/a/../../b", "/b" }, { "a/../..", ".." }, { "../../a", "../../a" },
		{ "a/..", "." },        { "/..", "/" },      { "...", "..." },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *clean = path_clean(cases[i].path);

		ck_assert_str_eq(clean, cases[i].clean);
	}
}
END_TEST

START_TEST(joins)
{
	static const struct {
		const char *base, *name, *joined;
	} cases[] = {
		{ "/a", "b", "/a/b" }, { "/a/", "b", "/a/b" }, { "/a", "/b", "/b" },
		{ "/a", "", "/a" },    { "", "b", "b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *joined = path_join(cases[i].base, cases[i].name);

		ck_assert_str_eq(joined, cases[i].joined);
	}
}
END_TEST

START_TEST(knows_what_is_below)
{
	ck_assert(path_is_below("/a/b", "/a"));
	ck_assert(path_is_below("/a", "/a"));
	ck_assert(!path_is_below("/ab", "/a"));
	ck_assert(path_is_below("/ab", "/"));
}
END_TEST

START_TEST(stays_in_the_root)
{
	struct temp temp;
	struct error err = { 0 };
	struct stat host, inside;
	int fd;

	temp_make(&temp);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "etc", 0755), 0);
	ck_assert_int_eq(symlinkat("/etc", temp.dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("../../../../etc", temp.dir.fd, "up"), 0);
	ck_assert_int_eq(fstatat(temp.dir.fd, "etc", &host, 0), 0);

	fd = open_in_root(&temp.dir, "link", O_PATH | O_DIRECTORY, 0, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &inside), 0);
	ck_assert_uint_eq(inside.st_ino, host.st_ino);
	close_fd(&fd);

	fd = open_in_root(&temp.dir, "../up", O_PATH | O_DIRECTORY, 0, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &inside), 0);
	ck_assert_uint_eq(inside.st_ino, host.st_ino);
	close_fd(&fd);

	ck_assert_int_eq(open_in_root(&temp.dir, "link/passwd", O_PATH, 0, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "open 'link/passwd' in '/tmp/minictr-unit-"));
	temp_remove(&temp);
}
END_TEST

START_TEST(makes_directories_inside)
{
	struct temp temp;
	struct error err = { 0 };
	struct stat st;
	int fd;

	temp_make(&temp);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "real", 0755), 0);
	ck_assert_int_eq(symlinkat("/real", temp.dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("/tmp/minictr-not-there", temp.dir.fd, "dangling"), 0);

	fd = make_dirs_in_root(&temp.dir, "/link/a/../a/b", 0755, &err);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(fstatat(temp.dir.fd, "real/a/b", &st, 0), 0);

	/* A symlink that dangles leads into the root, too. */
	fd = make_dirs_in_root(&temp.dir, "dangling/x", 0755, &err);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(access("/tmp/minictr-not-there", F_OK), -1);
	ck_assert_int_eq(fstatat(temp.dir.fd, "tmp/minictr-not-there/x", &st, 0), 0);

	fd = make_file_in_root(&temp.dir, "/link/c/file", 0644, &err);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(fstatat(temp.dir.fd, "real/c/file", &st, 0), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(make_dirs_in_root(&temp.dir, "real/c/file/x", 0755, &err), -ENOTDIR);
	temp_remove(&temp);
}
END_TEST

START_TEST(makes_what_symlinks_lead_to)
{
	static const struct {
		const char *link, *target, *path, *made;
	} rows[] = {
		{ "a", "/run/x", "/a", "run/x" },
		{ "b", "../../../run/y/../z", "/b", "run/z" },
		{ "c", "a", "/c", "run/x" },
		{ "d", "/etc", "/d/../d/resolv.conf", "etc/resolv.conf" },
		{ "e", ".", "/e/file", "file" },
	};
	struct temp temp;
	struct error err = { 0 };
	struct stat st;

	temp_make(&temp);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd;

		ck_assert_int_eq(symlinkat(rows[i].target, temp.dir.fd, rows[i].link), 0);
		fd = make_file_in_root(&temp.dir, rows[i].path, 0644, &err);
		ck_assert_msg(fd >= 0, "%s: %s", rows[i].path, err.msg);
		close_fd(&fd);
		ck_assert_int_eq(fstatat(temp.dir.fd, rows[i].made, &st, AT_SYMLINK_NOFOLLOW), 0);
		ck_assert(S_ISREG(st.st_mode));
	}
	ck_assert_int_eq(symlinkat("loop", temp.dir.fd, "loop"), 0);
	ck_assert_int_eq(make_file_in_root(&temp.dir, "/loop", 0644, &err), -ELOOP);
	ck_assert_int_eq(make_dirs_in_root(&temp.dir, "/loop/x", 0755, &err), -ELOOP);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("base/path", cleans, joins, knows_what_is_below, stays_in_the_root,
	  makes_directories_inside, makes_what_symlinks_lead_to)
