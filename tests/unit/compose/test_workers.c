/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/loop.h"
#include "compose/workers.h"
#include "tests/unit/test.h"

struct outcome {
	struct loop *loop;
	int rc;
	struct error err;
	int fd; /* open in the command */
};

static void note(void *arg, int rc, const struct error *err)
{
	struct outcome *outcome = arg;

	outcome->rc = rc;
	outcome->err = *err;
	loop_stop(outcome->loop, 0);
}

static int succeed(void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	return 7;
}

static int refuse(void *arg, struct error *err)
{
	(void)arg;
	return err_set(err, ENOENT, "no such thing");
}

static int die(void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	(void)raise(SIGKILL);
	return 0;
}

static int look_at_fd(void *arg, struct error *err)
{
	const struct outcome *outcome = arg;

	(void)err;
	return fcntl(outcome->fd, F_GETFD) < 0 ? 1 : 2;
}

static int wait_for_ever(void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	for (;;)
		(void)pause();
	return 0;
}

static struct outcome run_keeping(worker_job *job, bool keeps)
{
	struct error err;
	auto_loop struct loop *loop = loop_new(&err);
	struct outcome outcome = { .loop = loop, .fd = open("/dev/null", O_RDONLY) };
	int fd = keeps ? outcome.fd : -1;

	ck_assert_ptr_nonnull(worker_start_keeping(loop, job, note, &outcome, fd, &err));
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	(void)close(outcome.fd);
	return outcome;
}

static struct outcome run(worker_job *job)
{
	return run_keeping(job, false);
}

START_TEST(a_worker_reports)
{
	struct outcome outcome = run(succeed);

	ck_assert_int_eq(outcome.rc, 7);
	outcome = run(refuse);
	ck_assert_int_eq(outcome.rc, -ENOENT);
	ck_assert_str_eq(outcome.err.msg, "no such thing");
}
END_TEST

START_TEST(one_that_is_killed_is_a_failure)
{
	ck_assert_int_eq(run(die).rc, -EPIPE);
}
END_TEST

START_TEST(descriptors_stay_with_the_command)
{
	ck_assert_int_eq(run(look_at_fd).rc, 1);
	ck_assert_int_eq(run_keeping(look_at_fd, true).rc, 2);
}
END_TEST

START_TEST(a_freed_one_is_gone)
{
	struct error err;
	auto_loop struct loop *loop = loop_new(&err);
	struct outcome outcome = { .loop = loop };
	struct worker *worker = worker_start(loop, wait_for_ever, note, &outcome, &err);

	ck_assert_ptr_nonnull(worker);
	worker_free(worker);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	worker_free(NULL);
}
END_TEST

TEST_MAIN("compose/workers", a_worker_reports, one_that_is_killed_is_a_failure,
	  descriptors_stay_with_the_command, a_freed_one_is_gone)
