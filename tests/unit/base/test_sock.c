/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

START_TEST(passes_messages_and_descriptors)
{
	struct error err = { 0 };
	char buf[16];
	int pair[2], fds[2];
	int pipes[2];

	ck_assert_int_eq(sock_pair(pair, &err), 0);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(sock_send(pair[0], "hello", 6, pipes, 1, &err), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), fds, 2, &err), 6);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(fds[1], -1);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(write(pipes[1], "x", 1), 1);
	ck_assert_int_eq(read(fds[0], buf, 1), 1);

	ck_assert_int_eq(sock_send(pair[0], "much longer than that", 22, NULL, 0, &err), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, 0, &err), -EMSGSIZE);
	close_fd(&pair[0]);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, 0, &err), 0);
	ck_assert_int_eq(sock_send(pair[1], "x", 1, NULL, 0, &err), -EPIPE);
}
END_TEST

START_TEST(listens_below_long_paths_too)
{
	struct temp temp;
	struct error err = { 0 };
	char path[300];
	struct stat st;
	int server, client;

	temp_make(&temp);
	(void)snprintf(path, sizeof(path), "%s/%0150d", temp.path, 7);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	strcat(path, "/sock");
	server = sock_listen(path, &err);
	ck_assert_msg(server >= 0, "%s", err.msg);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	client = sock_connect(path, SOCK_SEQPACKET, &err);
	ck_assert_msg(client >= 0, "%s", err.msg);
	close_fd(&server);
	close_fd(&client);
	ck_assert_int_eq(sock_connect(path, SOCK_SEQPACKET, &err), -ECONNREFUSED);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("base/sock", passes_messages_and_descriptors, listens_below_long_paths_too)
