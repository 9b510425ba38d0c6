/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/mem.h"
#include "engine/logs.h"
#include "engine/pump.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static struct loop *loop;
static struct pump pump;
static int ends;

static void on_end(void *arg)
{
	(void)arg;
	ends++;
	loop_stop(loop, 0);
}

static void begin(int from, int to)
{
	struct error err;

	(void)signal(SIGPIPE, SIG_IGN);
	loop = loop_new(&err);
	ck_assert_ptr_nonnull(loop);
	ck_assert_msg(pump_start(&pump, loop, from, to, on_end, NULL, &err) == 0, "%s", err.msg);
}

static void run(void)
{
	struct error err;

	ck_assert_int_eq(loop_run(loop, &err), 0);
}

/* A child that writes @len bytes of a pattern to @fd, or checks that it reads them from there. */
static pid_t start_child(int fd, size_t len, bool is_writer)
{
	pid_t pid = fork();
	unsigned char buf[7919];
	size_t done = 0;

	if (pid != 0)
		return pid;
	while (done < len) {
		size_t n = len - done < sizeof(buf) ? len - done : sizeof(buf);
		ssize_t moved;

		for (size_t i = 0; is_writer && i < n; i++)
			buf[i] = (unsigned char)((done + i) * 31 / 7);
		moved = is_writer ? write(fd, buf, n) : read(fd, buf, n);
		if (moved <= 0)
			_exit(1);
		for (size_t i = 0; i < (size_t)moved; i++) {
			if (buf[i] != (unsigned char)((done + i) * 31 / 7))
				_exit(2);
		}
		done += (size_t)moved;
		if (!is_writer && done % 3 == 0)
			(void)usleep(100);
	}
	_exit(!is_writer && read(fd, buf, 1) != 0 ? 3 : 0);
}

static void check_child(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

#define MUCH (3U << 20)

/* From a pipe to @sink, read at its other end @reader (-1: by nobody but the caller). */
static void carry_much(int sink, int reader)
{
	int inner, outer;
	pid_t writer, checker;
	struct error err;

	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	writer = start_child(inner, MUCH, true);
	close_fd(&inner);
	checker = fork();
	if (checker == 0) {
		close_fd(&sink);
		close_fd(&outer);
		check_child(start_child(reader, MUCH, false));
		_exit(0);
	}
	close_fd(&reader);
	begin(outer, sink);
	close_fd(&sink);
	run();
	ck_assert_int_eq(ends, 1);
	check_child(writer);
	check_child(checker);
	loop_free(loop);
}

START_TEST(carries_to_a_pipe)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	carry_much(fds[1], fds[0]);
}
END_TEST

START_TEST(carries_to_a_socket)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	carry_much(fds[1], fds[0]);
}
END_TEST

START_TEST(carries_to_a_file)
{
	int inner, outer;
	struct temp temp;
	int file, again;
	struct error err;
	pid_t writer;

	temp_make(&temp);
	file = openat(temp.dir.fd, "out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(file, "", 0), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	writer = start_child(inner, MUCH, true);
	close_fd(&inner);
	begin(outer, file);
	run();
	check_child(writer);
	/* The offset is the one that others see, too. */
	ck_assert_int_eq(lseek(file, 0, SEEK_CUR), MUCH);
	again = openat(temp.dir.fd, "out", O_RDONLY | O_CLOEXEC);
	check_child(start_child(again, MUCH, false));
	close_fd(&again);
	close_fd(&file);
	loop_free(loop);
	temp_remove(&temp);
}
END_TEST

START_TEST(leaves_the_callers_pipe_as_it_was)
{
	int inner, outer, fds[2];
	struct error err;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	begin(outer, fds[1]);
	ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(inner, F_GETFL) & O_NONBLOCK, 0);
	pump_stop(&pump);
	loop_free(loop);
}
END_TEST

/* The writer hears of it as it would without us in between: EPIPE. */
START_TEST(a_reader_that_goes_breaks_the_pipe)
{
	int inner, outer, fds[2];
	struct error err;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	begin(outer, fds[1]);
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	ck_assert_int_eq(write(inner, "x", 1), 1);
	run();
	ck_assert_int_eq(ends, 1);
	ck_assert_int_eq(write(inner, "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	loop_free(loop);
}
END_TEST

static void on_time(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

/* A reader that does not read holds the writer up; what it wrote is carried when it does. */
START_TEST(waits_for_a_slow_reader)
{
	int inner, outer, fds[2];
	char buf[4096] = { 0 };
	size_t written = 0, got = 0;
	struct error err;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	begin(outer, fds[1]);
	close_fd(&fds[1]);
	ck_assert_int_ge(fcntl(inner, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 20; i++) {
		ssize_t n;

		while ((n = write(inner, buf, sizeof(buf))) > 0)
			written += (size_t)n;
		(void)loop_timer(loop, 5, on_time, NULL);
		run();
	}
	ck_assert_uint_lt(written, 512U << 10);
	close_fd(&inner);
	pump_drain(&pump);
	ck_assert_int_eq(ends, 0);
	while (got < written) {
		ssize_t n = read(fds[0], buf, sizeof(buf));

		ck_assert_int_gt(n, 0);
		got += (size_t)n;
		(void)loop_timer(loop, 0, on_time, NULL);
		run();
	}
	while (ends == 0)
		run();
	ck_assert_int_eq(read(fds[0], buf, sizeof(buf)), 0);
	loop_free(loop);
}
END_TEST

/* Somebody else still has the writing end: what is there is all, all the same. */
START_TEST(drains_without_an_end)
{
	int inner, outer, fds[2];
	char buf[16];
	struct error err;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	begin(outer, fds[1]);
	ck_assert_int_eq(write(inner, "last words", 10), 10);
	pump_drain(&pump);
	ck_assert_int_eq(ends, 1);
	ck_assert_int_eq(read(fds[0], buf, sizeof(buf)), 10);
	loop_free(loop);
}
END_TEST

START_TEST(drops_what_nobody_wants)
{
	int inner, outer, fds[2];
	struct error err;
	pid_t writer;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	writer = start_child(inner, MUCH, true);
	close_fd(&inner);
	begin(outer, fds[1]);
	pump_drop(&pump);
	run();
	ck_assert_int_eq(ends, 1);
	check_child(writer);
	loop_free(loop);
}
END_TEST

START_TEST(a_terminal_ends_with_its_users)
{
	int master, slave, fds[2];
	char buf[16] = { 0 };

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_ge(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	begin(master, fds[1]);
	ck_assert_int_eq(write(slave, "bye\n", 4), 4);
	close_fd(&slave);
	run();
	ck_assert_int_eq(ends, 1);
	ck_assert_int_eq(read(fds[0], buf, sizeof(buf)), 5);
	ck_assert_str_eq(buf, "bye\r\n");
	loop_free(loop);
}
END_TEST

/* Whoever else takes it or does not: the log has it, and the last line too if that has no end. */
START_TEST(logs_what_comes)
{
	const char *wanted[] = { "\"log\":\"one\\n\",\"stream\":\"stderr\"", "\"log\":\"two\\n\"",
				 "\"log\":\"rest\"" };
	struct log_writer *log = NULL;
	int inner, outer, fds[2];
	struct temp temp;
	char *text = NULL;
	char buf[16] = { 0 };
	struct error err;

	temp_make(&temp);
	ck_assert_int_eq(log_writer_open(&temp.dir, &log_limits_default, &log, &err), 0);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_pipe(false, &inner, &outer, &err), 0);
	begin(outer, fds[1]);
	pump_log(&pump, log, LOG_STDERR);
	ck_assert_int_eq(write(inner, "one\n", 4), 4);
	(void)loop_timer(loop, 50, on_time, NULL);
	run();
	ck_assert_int_eq(read(fds[0], buf, sizeof(buf)), 4);
	pump_drop(&pump);
	ck_assert_int_eq(write(inner, "two\nrest", 8), 8);
	close_fd(&inner);
	run();
	ck_assert_int_eq(ends, 1);
	log_writer_free(log);
	ck_assert_int_eq(file_read_at(&temp.dir, LOG_FILE, 4096, &text, NULL, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_msg(strstr(text, wanted[i]), "%s in %s", wanted[i], text);
	free(text);
	loop_free(loop);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("engine/pump", carries_to_a_pipe, carries_to_a_socket, carries_to_a_file,
	  leaves_the_callers_pipe_as_it_was, a_reader_that_goes_breaks_the_pipe,
	  waits_for_a_slow_reader, drains_without_an_end, drops_what_nobody_wants,
	  a_terminal_ends_with_its_users, logs_what_comes)
