/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/sock.h"
#include "image/load_internal.h"

int load_send(int sock, const struct load_message *message, int fd, struct error *err)
{
	return sock_send(sock, message, sizeof(*message), &fd, fd >= 0, err);
}

int load_receive(int sock, struct load_message *ret, int *ret_fd, struct error *err)
{
	ssize_t n = sock_recv(sock, ret, sizeof(*ret), ret_fd, 1, err);

	if (n <= 0)
		return (int)n;
	if ((size_t)n != sizeof(*ret)) {
		close_fd(ret_fd);
		return err_set(err, EPROTO, "receive a message: it has %zd bytes", n);
	}
	/* It comes from where strangers' bytes are parsed: texts end where they have to. */
	ret->blob.digest[DIGEST_TEXT - 1] = '\0';
	ret->blob.diff_id[DIGEST_TEXT - 1] = '\0';
	ret->err.msg[sizeof(ret->err.msg) - 1] = '\0';
	return 1;
}

void load_send_failure(int sock, const struct error *err)
{
	const struct load_message message = { .kind = LOAD_FAILED, .err = *err };
	struct error ignored = { 0 };

	(void)load_send(sock, &message, -1, &ignored);
}
