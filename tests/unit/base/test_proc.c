/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "tests/unit/test.h"

static int run(struct str *output, struct error *err, const char *input, int timeout_ms,
	       const char *script)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, strdup(script), NULL };
	const struct helper h = {
		.argv = argv,
		.input = input,
		.timeout_ms = timeout_ms,
		.output = output,
	};
	int rc = helper_run(&h, err);

	free(argv[2]);
	return rc;
}

START_TEST(runs_a_helper)
{
	auto_str struct str out = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(run(&out, &err, "some text", 5000, "cat; echo; echo more"), 0);
	ck_assert_str_eq(out.text, "some text\nmore\n");
}
END_TEST

START_TEST(reports_what_a_helper_says)
{
	struct error err = { 0 };

	ck_assert_int_eq(run(NULL, &err, NULL, 5000, "echo 'bad thing' >&2; exit 3"), 3);
	ck_assert_str_eq(err.msg, "sh: bad thing");
	ck_assert_int_eq(run(NULL, &err, NULL, 5000, "kill -9 $$"), 137);
}
END_TEST

START_TEST(names_a_missing_program)
{
	char *const argv[] = { (char[]){ "minictr-no-such-program" }, NULL };
	const struct helper h = { .argv = argv };
	struct error err = { 0 };

	ck_assert_int_eq(helper_run(&h, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "run 'minictr-no-such-program': no such file or directory");
}
END_TEST

START_TEST(ends_a_helper_that_hangs_with_its_children)
{
	struct error err = { 0 };

	ck_assert_int_eq(run(NULL, &err, NULL, 200, "sleep 50 & sleep 60"), -ETIMEDOUT);
	ck_assert_str_eq(err.msg, "run 'sh': no end within 200 ms");
}
END_TEST

START_TEST(does_not_mind_an_unread_input)
{
	struct error err = { 0 };
	char *big = calloc(1, 1 << 20);

	memset(big, 'x', (1 << 20) - 1);
	ck_assert_int_eq(run(NULL, &err, big, 5000, "exit 0"), 0);
	free(big);
}
END_TEST

START_TEST(knows_a_process_by_its_start)
{
	struct error err = { 0 };
	uint64_t began = 0;
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	ck_assert_int_eq(proc_start_time(pid, &began, &err), 0);
	ck_assert_uint_gt(began, 0);
	ck_assert_int_eq(proc_open(pid, began + 1, &err), -ESRCH);
	fd = proc_open(pid, began, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(proc_wait_end(fd, 0, &err), 0);
	ck_assert_int_eq(proc_signal(fd, SIGKILL, &err), 0);
	ck_assert_int_eq(proc_wait_end(fd, 5000, &err), 1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(proc_signal(fd, SIGKILL, &err), -ESRCH);
	close_fd(&fd);
}
END_TEST

START_TEST(reads_the_boot_id)
{
	char id[37];

	proc_boot_id(id);
	ck_assert_uint_eq(strlen(id), 36);
}
END_TEST

START_TEST(makes_exit_codes)
{
	ck_assert_int_eq(proc_exit_code(CLD_EXITED, 3), 3);
	ck_assert_int_eq(proc_exit_code(CLD_KILLED, SIGKILL), 137);
	ck_assert_int_eq(proc_exit_code(CLD_DUMPED, SIGSEGV), 139);
}
END_TEST

TEST_MAIN("base/proc", runs_a_helper, reports_what_a_helper_says, names_a_missing_program,
	  ends_a_helper_that_hangs_with_its_children, does_not_mind_an_unread_input,
	  knows_a_process_by_its_start, reads_the_boot_id, makes_exit_codes)
