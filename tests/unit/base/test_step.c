/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/step.h"
#include "tests/unit/test.h"

static int make_sink(void)
{
	int fd = memfd_create("steps", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
	step_record_to(fd);
	return fd;
}

START_TEST(reads_back_what_was_recorded)
{
	auto_fd int fd = make_sink();
	struct step_record *records = NULL;
	char *const argv[] = { (char[]){ "nft" }, (char[]){ "-f" }, (char[]){ "-" }, NULL };
	size_t n = 0;
	struct step step;

	step_phase("cgroup");
	step = step_begin();
	step_end_write(&step, -ENOENT, "42", "/cg", "pids.max");
	step_acting_as(STEP_INIT);
	step_phase("network");
	step_end(&step, 0, "ip", "link", "add", NULL);
	step_end_argv(&step, 0, STEP_INPUT, argv, "table inet x {\n}\n");
	step_note("seccomp: %d syscalls", 7);

	ck_assert_int_eq(step_records_read(fd, &records, &n), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(records[0].kind, STEP_WRITE);
	ck_assert_int_eq(records[0].who, STEP_HOST);
	ck_assert_int_eq(records[0].rc, -ENOENT);
	ck_assert_str_eq(records[0].phase, "cgroup");
	ck_assert_str_eq(records[0].argv[0], "42");
	ck_assert_str_eq(records[0].argv[1], "/cg/pids.max");
	ck_assert_int_eq(records[1].who, STEP_INIT);
	ck_assert_str_eq(records[1].argv[2], "add");
	ck_assert_ptr_null(records[1].argv[3]);
	ck_assert_str_eq(records[2].input, "table inet x {\n}\n");
	ck_assert(!records[2].is_announced);
	ck_assert(records[3].is_announced);
	ck_assert_str_eq(records[3].argv[0], "seccomp: 7 syscalls");
	step_records_free(records, n);
}
END_TEST

START_TEST(a_clone_stands_before_the_steps_of_its_child)
{
	auto_fd int fd = make_sink();
	struct step_record *records = NULL;
	struct step step = step_begin();
	char *const argv[] = { (char[]){ "unshare" }, NULL };
	size_t n = 0;

	step_end(&step, 0, "mkdir", NULL);
	step_acting_as(STEP_INIT); /* the child was quicker */
	step_end(&step, 0, "mount", NULL);
	step_end(&step, 0, "pivot_root", NULL);
	step_acting_as(STEP_HOST);
	step_end_argv(&step, 0, STEP_CLONE, argv, NULL);
	step_acting_as(STEP_INIT);
	step_end(&step, 0, "umount", NULL);

	ck_assert_int_eq(step_records_read(fd, &records, &n), 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_str_eq(records[0].argv[0], "mkdir");
	ck_assert_str_eq(records[1].argv[0], "unshare");
	ck_assert_str_eq(records[2].argv[0], "mount");
	ck_assert_str_eq(records[3].argv[0], "pivot_root");
	ck_assert_str_eq(records[4].argv[0], "umount");
	step_records_free(records, n);
}
END_TEST

START_TEST(who_stops_has_told_enough)
{
	struct error err = { 0 };
	int fd = step_sink(&err);
	int kept = dup(fd);
	struct step_record *records = NULL;
	struct step step;
	size_t n = 0;

	ck_assert_int_ge(fd, 0);
	step_record_to(fd);
	step = step_begin();
	step_end(&step, 0, "true", NULL);
	step_stop();
	ck_assert(!step_is_on());
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	step_end(&step, 0, "false", NULL);
	ck_assert_int_eq(step_records_read(kept, &records, &n), 0);
	ck_assert_uint_eq(n, 1);
	step_records_free(records, n);
	close_fd(&kept);
}
END_TEST

START_TEST(off_records_nothing)
{
	struct step step = step_begin();

	ck_assert(!step_is_on());
	ck_assert_int_eq(step.begun.tv_sec, 0);
	step_end(&step, 0, "true", NULL);
	step_note("nothing");
}
END_TEST

START_TEST(records_of_several_processes_stay_whole)
{
	auto_fd int fd = make_sink();
	struct step_record *records = NULL;
	size_t n = 0;

	for (int writer = 0; writer < 4; writer++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 500; i++) {
			struct step step = step_begin();
			char number[16];

			(void)snprintf(number, sizeof(number), "%d", i);
			step_end(&step, 0, "echo", number, "some more words", NULL);
		}
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	ck_assert_int_eq(step_records_read(fd, &records, &n), 0);
	ck_assert_uint_eq(n, 2000);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(records[i].argv[2], "some more words");
	step_records_free(records, n);
}
END_TEST

START_TEST(leaves_a_torn_record_out)
{
	auto_fd int fd = make_sink();
	struct step_record *records = NULL;
	struct step step = step_begin();
	size_t n = 0;

	step_end(&step, 0, "first", NULL);
	step_end(&step, 0, "second", NULL);
	ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - 3), 0);
	ck_assert_int_eq(step_records_read(fd, &records, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(records[0].argv[0], "first");
	step_records_free(records, n);
}
END_TEST

TEST_MAIN("base/step", reads_back_what_was_recorded, a_clone_stands_before_the_steps_of_its_child,
	  who_stops_has_told_enough, off_records_nothing, records_of_several_processes_stay_whole,
	  leaves_a_torn_record_out)
