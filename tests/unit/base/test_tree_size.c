/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static void make_file(const struct temp *temp, const char *name, off_t size)
{
	auto_fd int fd = openat(temp->dir.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(ftruncate(fd, size), 0);
}

START_TEST(counts_each_file_once)
{
	struct error err = { 0 };
	struct temp temp;
	uint64_t size = 77;

	temp_make(&temp);
	ck_assert_int_eq(tree_size_at(&temp.dir, ".", &size, &err), 0);
	ck_assert_uint_eq(size, 0);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "a", 0700), 0);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "a/b", 0700), 0);
	make_file(&temp, "one", 10);
	make_file(&temp, "a/two", 200);
	make_file(&temp, "a/b/three", 3000);
	/* Another name of a file, a link to one, one to the outside, and what is no file. */
	ck_assert_int_eq(linkat(temp.dir.fd, "a/two", temp.dir.fd, "a/b/same", 0), 0);
	ck_assert_int_eq(symlinkat("one", temp.dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("/usr", temp.dir.fd, "out"), 0);
	ck_assert_int_eq(mkfifoat(temp.dir.fd, "pipe", 0600), 0);
	ck_assert_int_eq(tree_size_at(&temp.dir, ".", &size, &err), 0);
	ck_assert_uint_eq(size, 3210);
	ck_assert_int_eq(tree_size_at(&temp.dir, "a/b", &size, &err), 0);
	ck_assert_uint_eq(size, 3200);

	ck_assert_int_eq(tree_size_at(&temp.dir, "none", &size, &err), -ENOENT);
	ck_assert_int_eq(tree_size_at(&temp.dir, "out", &size, &err), -ENOTDIR);
	ck_assert_int_eq(tree_size_at(&temp.dir, "one", &size, &err), -ENOTDIR);
	ck_assert_uint_eq(size, 3200);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("base/tree_size", counts_each_file_once)
