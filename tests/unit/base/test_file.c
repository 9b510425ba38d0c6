/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

START_TEST(replaces_and_reads_back)
{
	struct temp temp;
	struct error err = { 0 };
	auto_free char *text = NULL;
	struct stat st;
	size_t len = 0;

	temp_make(&temp);
	ck_assert_int_eq(file_replace_at(&temp.dir, "f", "one", 3, 0600, FILE_FAST, &err), 0);
	ck_assert_int_eq(file_replace_at(&temp.dir, "f", "two\0x", 5, 0600, FILE_DURABLE, &err), 0);
	ck_assert_int_eq(file_read_at(&temp.dir, "f", 100, &text, &len, &err), 0);
	ck_assert_uint_eq(len, 5);
	ck_assert_int_eq(memcmp(text, "two\0x", 6), 0);
	ck_assert_int_eq(fstatat(temp.dir.fd, "f", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	temp_remove(&temp);
}
END_TEST

START_TEST(refuses_what_is_no_plain_file)
{
	struct temp temp;
	struct error err = { 0 };
	char *text = NULL;

	temp_make(&temp);
	ck_assert_int_eq(mkfifoat(temp.dir.fd, "fifo", 0600), 0);
	ck_assert_int_eq(file_read_at(&temp.dir, "fifo", 10, &text, NULL, &err), -EINVAL);
	ck_assert_int_eq(file_read_at(&temp.dir, ".", 10, &text, NULL, &err), -EISDIR);
	ck_assert_int_eq(file_replace_at(&temp.dir, "big", "12345", 5, 0600, FILE_FAST, &err), 0);
	ck_assert_int_eq(file_read_at(&temp.dir, "big", 4, &text, NULL, &err), -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "/big': file too large"));
	ck_assert_int_eq(file_read("/nowhere/x", 4, &text, NULL, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "read '/nowhere/x': no such file or directory");
	temp_remove(&temp);
}
END_TEST

START_TEST(reads_files_of_unknown_size)
{
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len = 0;

	ck_assert_int_eq(file_read("/proc/self/status", 65536, &text, &len, &err), 0);
	ck_assert_uint_gt(len, 100);
	ck_assert_ptr_nonnull(strstr(text, "Name:"));
}
END_TEST

START_TEST(makes_parents)
{
	struct temp temp;
	struct error err = { 0 };
	struct stat st;
	char path[128];
	int fd;

	temp_make(&temp);
	(void)snprintf(path, sizeof(path), "%s/a/b//c", temp.path);
	fd = dir_make_open(path, 0755, &err);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(fstatat(temp.dir.fd, "a/b", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(fstatat(temp.dir.fd, "a/b/c", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	fd = dir_make_open_at(&temp.dir, "a/b/c", 0755, &err);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	temp_remove(&temp);
}
END_TEST

START_TEST(removes_a_tree_but_not_what_links_point_to)
{
	struct temp temp, other;
	struct error err = { 0 };
	int fd;

	temp_make(&temp);
	temp_make(&other);
	ck_assert_int_eq(file_replace_at(&other.dir, "keep", "x", 1, 0600, FILE_FAST, &err), 0);
	fd = dir_make_open_at(&temp.dir, "t/a/b", 0700, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(symlinkat(other.path, fd, "link"), 0);
	ck_assert_int_eq(mkfifoat(fd, "fifo", 0600), 0);
	close_fd(&fd);

	ck_assert_int_eq(tree_remove_at(&temp.dir, "t", &err), 0);
	ck_assert_int_eq(tree_remove_at(&temp.dir, "t", &err), 0);
	ck_assert_int_eq(faccessat(temp.dir.fd, "t", F_OK, 0), -1);
	ck_assert_int_eq(faccessat(other.dir.fd, "keep", F_OK, 0), 0);
	temp_remove(&temp);
	temp_remove(&other);
}
END_TEST

/* Deeper than there may be open files, and with names in the way. */
START_TEST(removes_a_deep_tree)
{
	const struct rlimit limit = { .rlim_cur = 200, .rlim_max = 200 };
	struct temp temp;
	struct error err;
	auto_fd int fd = -1;
	int top;

	temp_make(&temp);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "tree", 0755), 0);
	fd = top = openat(temp.dir.fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(top, ".removed-0", 0755), 0);
	ck_assert_int_eq(mknodat(top, ".removed-1", S_IFREG | 0600, 0), 0);
	top = dup(top);
	for (int i = 0; i < 1000; i++) {
		int child;

		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		ck_assert_int_eq(mkdirat(fd, "e", 0755), 0);
		ck_assert_int_eq(mknodat(fd, "f", S_IFREG | 0600, 0), 0);
		child = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(child, 0);
		close_fd(&fd);
		fd = child;
	}
	close_fd(&fd);
	close_fd(&top);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_msg(tree_remove_at(&temp.dir, "tree", &err) == 0, "%s", err.msg);
	ck_assert_int_lt(faccessat(temp.dir.fd, "tree", F_OK, 0), 0);
	temp_remove(&temp);
}
END_TEST

START_TEST(lists_names)
{
	auto_strv struct strv names = { 0 };
	struct temp temp;
	struct error err = { 0 };
	int fd;

	temp_make(&temp);
	fd = dir_make_open_at(&temp.dir, "d/two", 0700, &err);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(file_replace_at(&temp.dir, "d/one", "x", 1, 0600, FILE_FAST, &err), 0);
	ck_assert_int_eq(file_replace_at(&temp.dir, "d/.dot", "x", 1, 0600, FILE_FAST, &err), 0);
	strv_add(&names, "z");
	ck_assert_int_eq(dir_names_at(&temp.dir, "d", &names, &err), 0);
	ck_assert_uint_eq(names.n, 4);
	ck_assert_str_eq(names.items[0], "z");
	ck_assert_str_eq(names.items[1], ".dot");
	ck_assert_str_eq(names.items[2], "one");
	ck_assert_str_eq(names.items[3], "two");

	ck_assert_int_eq(symlinkat("d", temp.dir.fd, "link"), 0);
	ck_assert_int_eq(dir_names_at(&temp.dir, "link", &names, &err), -ENOTDIR);
	ck_assert_int_eq(dir_names_at(&temp.dir, "none", &names, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/none': no such file or directory"));
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("base/file", replaces_and_reads_back, refuses_what_is_no_plain_file,
	  reads_files_of_unknown_size, makes_parents, lists_names,
	  removes_a_tree_but_not_what_links_point_to, removes_a_deep_tree)
