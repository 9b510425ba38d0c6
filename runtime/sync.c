/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sync.h"

#include <errno.h>

#include "base/fd.h"
#include "base/sock.h"

int sync_send(int sock, enum sync_type type, int fd, struct error *err)
{
	const struct sync_message message = { .type = (uint32_t)type };

	return sock_send(sock, &message, sizeof(message), &fd, fd >= 0 ? 1 : 0, err);
}

void sync_send_error(int sock, const struct error *error)
{
	const struct sync_message message = { .type = SYNC_ERROR, .error = *error };
	struct error ignored;

	(void)sock_send(sock, &message, sizeof(message), NULL, 0, &ignored);
}

/* 1 and a message, 0 at the end of the connection. */
static int receive(int sock, struct sync_message *ret, int *ret_fd, struct error *err)
{
	ssize_t n = sock_recv(sock, ret, sizeof(*ret), ret_fd, 1, err);

	if (n == -ECONNRESET)
		return 0;
	if (n < 0)
		return (int)n;
	if (n == 0)
		return 0;
	if ((size_t)n != sizeof(*ret))
		return err_set(err, EPROTO, "receive a message: %zd bytes", n);
	ret->error.msg[sizeof(ret->error.msg) - 1] = '\0';
	return 1;
}

int sync_expect(int sock, enum sync_type type, int *ret_fd, struct error *err)
{
	struct sync_message message;
	auto_fd int fd = -1;
	int rc = receive(sock, &message, &fd, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, EPIPE, "the other side has ended");
	if (message.type == SYNC_ERROR) {
		*err = message.error;
		return -(err->code ? err->code : EPROTO);
	}
	if (message.type != (uint32_t)type)
		return err_set(err, EPROTO, "expected message %d, got %u", type, message.type);
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 0;
}

int sync_expect_end(int sock, struct error *err)
{
	struct sync_message message;
	auto_fd int fd = -1;
	int rc = receive(sock, &message, &fd, err);

	if (rc <= 0)
		return rc;
	if (message.type == SYNC_ERROR) {
		*err = message.error;
		return -(err->code ? err->code : EPROTO);
	}
	return err_set(err, EPROTO, "expected the end, got message %u", message.type);
}
