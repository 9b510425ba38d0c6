/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "runtime/sync.h"
#include "tests/unit/test.h"

static void make_pair(int pair[2])
{
	struct error err = { 0 };

	ck_assert_int_eq(sock_pair(pair, &err), 0);
}

static void close_pair(int pair[2])
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

START_TEST(messages_come_in_order)
{
	struct error err = { 0 };
	int pair[2];

	make_pair(pair);
	ck_assert_int_eq(sync_send(pair[0], SYNC_GO, -1, &err), 0);
	ck_assert_int_eq(sync_send(pair[0], SYNC_HOOKS_DONE, -1, &err), 0);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_GO, NULL, &err), 0);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_HOOKS_DONE, NULL, &err), 0);
	close_pair(pair);
}
END_TEST

START_TEST(descriptors_cross)
{
	struct error err = { 0 };
	int pair[2], ends[2];
	int fd = -1;
	char byte = 'x';

	make_pair(pair);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(sync_send(pair[0], SYNC_CREATED, ends[1], &err), 0);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_CREATED, &fd, &err), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(fd, &byte, 1), 1);
	byte = 0;
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');

	/* One that nobody asked for is closed: the next has the same number. */
	close_fd(&fd);
	ck_assert_int_eq(sync_send(pair[0], SYNC_CREATED, ends[1], &err), 0);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_CREATED, NULL, &err), 0);
	close_pair(ends);
	ck_assert_int_eq(sync_send(pair[0], SYNC_CREATED, -1, &err), 0);
	fd = 5;
	ck_assert_int_eq(sync_expect(pair[1], SYNC_CREATED, &fd, &err), 0);
	ck_assert_int_eq(fd, -1);
	close_pair(pair);
}
END_TEST

START_TEST(errors_cross_whole)
{
	struct error sent = { .code = ENOENT, .status = 127 };
	struct error got = { 0 };
	int pair[2];

	memset(sent.msg, 'm', sizeof(sent.msg) - 1);
	make_pair(pair);
	sync_send_error(pair[0], &sent);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_CREATED, NULL, &got), -ENOENT);
	ck_assert_mem_eq(&got, &sent, sizeof(sent));

	/* As an answer to "has it ended?" too, and never as success. */
	sent = (struct error){ .msg = "no code" };
	sync_send_error(pair[0], &sent);
	ck_assert_int_eq(sync_expect_end(pair[1], &got), -EPROTO);
	ck_assert_str_eq(got.msg, "no code");
	close_pair(pair);
}
END_TEST

START_TEST(the_end_is_told)
{
	struct error err = { 0 };
	int pair[2];

	make_pair(pair);
	close_fd(&pair[0]);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_CREATED, NULL, &err), -EPIPE);
	ck_assert_str_eq(err.msg, "the other side has ended");
	ck_assert_int_eq(sync_expect_end(pair[1], &err), 0);
	ck_assert_int_eq(sync_send(pair[1], SYNC_GO, -1, &err), -EPIPE);
	sync_send_error(pair[1], &err); /* nobody there: no signal either */
	close_pair(pair);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	struct error err = { 0 };
	int pair[2];

	make_pair(pair);
	ck_assert_int_eq(sync_send(pair[0], SYNC_START, -1, &err), 0);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_GO, NULL, &err), -EPROTO);
	ck_assert_str_eq(err.msg, "expected message 2, got 6");
	ck_assert_int_eq(sync_send(pair[0], SYNC_GO, -1, &err), 0);
	ck_assert_int_eq(sync_expect_end(pair[1], &err), -EPROTO);
	ck_assert_str_eq(err.msg, "expected the end, got message 2");
	ck_assert_int_eq(write(pair[0], "abc", 3), 3);
	ck_assert_int_eq(sync_expect(pair[1], SYNC_GO, NULL, &err), -EPROTO);
	ck_assert_str_eq(err.msg, "receive a message: 3 bytes");
	close_pair(pair);
}
END_TEST

TEST_MAIN("runtime/sync", messages_come_in_order, descriptors_cross, errors_cross_whole,
	  the_end_is_told, nonsense_is_refused)
