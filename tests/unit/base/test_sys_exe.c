/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys_exe.h"
#include "tests/unit/test.h"

#define ROLE "TEST_SYS_EXE_ROLE"

static char own_path[4096];

START_TEST(knows_its_own_path)
{
	auto_free char *path = NULL;

	(void)unsetenv(SYS_EXE_MARK);
	sys_exe_begin();
	path = sys_exe_path();
	ck_assert_ptr_nonnull(path);
	ck_assert_str_eq(path, own_path);
}
END_TEST

/* Programs are looked for beside that path: nobody may name another by a variable. */
START_TEST(does_not_believe_a_variable)
{
	auto_free char *path = NULL;

	ck_assert_int_eq(setenv(SYS_EXE_MARK, "/tmp/minictr", 1), 0);
	sys_exe_begin();
	ck_assert_ptr_null(getenv(SYS_EXE_MARK));
	path = sys_exe_path();
	ck_assert_str_eq(path, own_path);
}
END_TEST

static int run_as(const char *role, const char *mark)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)setenv(ROLE, role, 1);
		if (mark)
			(void)setenv(SYS_EXE_MARK, mark, 1);
		(void)execl(own_path, own_path, "first", "", "third", NULL);
		_exit(100);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(runs_from_a_copy_and_knows_of_what)
{
	ck_assert_int_eq(run_as("be protected", NULL), 0);
}
END_TEST

START_TEST(is_protected_whatever_the_variable_says)
{
	ck_assert_int_eq(run_as("be protected", "/tmp/minictr"), 0);
	ck_assert_int_eq(run_as("be protected", own_path), 0);
	ck_assert_int_eq(run_as("be protected", ""), 0);
}
END_TEST

/* 0: all is as it should be. */
static int be_protected(int argc, char **argv)
{
	int fd, seals;
	struct statvfs fs;
	struct error err = { 0 };
	auto_free char *path = NULL;

	sys_exe_begin();
	if (sys_exe_protect(&err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	path = sys_exe_path();
	if (!path || strcmp(path, own_path) != 0)
		return 2;
	if (getenv(SYS_EXE_MARK))
		return 3;
	if (argc != 4 || strcmp(argv[1], "first") != 0 || *argv[2] || strcmp(argv[3], "third") != 0)
		return 4;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	seals = fcntl(fd, F_GET_SEALS);
	if (seals >= 0)
		return seals & F_SEAL_WRITE ? 0 : 5;
	return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY ? 0 : 6;
}

/* Once it is a copy that is executed, the kernel does not tell. */
static void find_own_path(void)
{
	const char *given = getenv(ROLE "_PATH");

	if (given)
		(void)snprintf(own_path, sizeof(own_path), "%s", given);
	else if (readlink("/proc/self/exe", own_path, sizeof(own_path) - 1) > 0)
		(void)setenv(ROLE "_PATH", own_path, 1);
}

int main(int argc, char **argv)
{
	const TTest *const tests[] = {
		knows_its_own_path,
		does_not_believe_a_variable,
		runs_from_a_copy_and_knows_of_what,
		is_protected_whatever_the_variable_says,
	};

	find_own_path();
	if (getenv(ROLE))
		return be_protected(argc, argv);
	return test_main("base/sys_exe", tests, ARRAY_LEN(tests));
}
