/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sock.h"
#include "image/load_internal.h"

int load_send(int sock, const struct load_message *message, int fd, struct error *err)
{
	return sock_send(sock, message, sizeof(*message), &fd, fd >= 0, err);
}

int load_send_fds(int sock, const struct load_message *message, const int *fds, size_t n,
		  struct error *err)
{
	return sock_send(sock, message, sizeof(*message), fds, n, err);
}

/*
 * One that ends with words of ours unread resets the connection: that is told once, and before what it
 * has sent itself (unix(7), sock_error() in the kernel's net/core/datagram.c).
 */
static ssize_t receive(int sock, struct load_message *ret, int *ret_fds, size_t max_fds,
		       struct error *err)
{
	ssize_t n = sock_recv(sock, ret, sizeof(*ret), ret_fds, max_fds, err);

	return n == -ECONNRESET ? sock_recv(sock, ret, sizeof(*ret), ret_fds, max_fds, err) : n;
}

static int check(struct load_message *ret, ssize_t n, struct error *err)
{
	if ((size_t)n != sizeof(*ret))
		return err_set(err, EPROTO, "receive a message: it has %zd bytes", n);
	/* It comes from where strangers' bytes are parsed: texts end where they have to. */
	ret->blob.digest[DIGEST_TEXT - 1] = '\0';
	ret->blob.diff_id[DIGEST_TEXT - 1] = '\0';
	ret->err.msg[sizeof(ret->err.msg) - 1] = '\0';
	return 1;
}

int load_receive_fds(int sock, struct load_message *ret, int ret_fds[LOAD_MAX_FDS],
		     struct error *err)
{
	ssize_t n = receive(sock, ret, ret_fds, LOAD_MAX_FDS, err);
	int rc = n <= 0 ? (int)n : check(ret, n, err);

	for (size_t i = 0; n > 0 && rc < 0 && i < LOAD_MAX_FDS; i++)
		close_fd(&ret_fds[i]);
	return rc;
}

int load_receive(int sock, struct load_message *ret, int *ret_fd, struct error *err)
{
	ssize_t n = receive(sock, ret, ret_fd, 1, err);
	int rc = n <= 0 ? (int)n : check(ret, n, err);

	if (n > 0 && rc < 0)
		close_fd(ret_fd);
	return rc;
}

int load_send_text(int sock, enum load_kind kind, const char *text, size_t len, const char *digest,
		   struct error *err)
{
	struct load_message message = { .kind = kind, .blob = { .size = len } };
	auto_fd int fd = memfd_create("blob", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "make a memory file");
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "write a memory file");
		done += (size_t)MAX(n, 0);
	}
	(void)strcpy(message.blob.digest, digest);
	return load_send(sock, &message, fd, err);
}

void load_send_failure(int sock, const struct error *err)
{
	const struct load_message message = { .kind = LOAD_FAILED, .err = *err };
	struct error ignored = { 0 };

	(void)load_send(sock, &message, -1, &ignored);
}
