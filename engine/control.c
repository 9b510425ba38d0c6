/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/control.h"

#include <errno.h>

#include "base/fd.h"
#include "base/sock.h"

int control_send(int sock, const struct control_message *message, int fd, struct error *err)
{
	return sock_send(sock, message, sizeof(*message), &fd, fd >= 0, err);
}

int control_receive(int sock, struct control_message *ret, int *ret_fd, struct error *err)
{
	auto_fd int fd = -1;
	ssize_t n = sock_recv(sock, ret, sizeof(*ret), &fd, 1, err);

	/* Who died with messages of ours unread resets the connection. */
	if (n == 0 || n == -ECONNRESET)
		return err_set(err, EPIPE, "the other end has gone");
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(*ret))
		return err_set(err, EPROTO, "receive a message: cut short");
	ret->error.msg[sizeof(ret->error.msg) - 1] = '\0';
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 0;
}
