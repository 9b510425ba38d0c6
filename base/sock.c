/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define FDS_MAX 4

/* Room and alignment for the fds of one message, cmsg(3). */
union control {
	char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int sock_pair(int ret[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return err_sys(err, "make a socket pair");
	return 0;
}

int sock_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds,
	      struct error *err)
{
	char *bytes = NULL;
	union control control = { 0 };
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > FDS_MAX)
		return err_set(err, EINVAL, "send a message: more than %d descriptors", FDS_MAX);

	/* sendmsg(2) only reads what iov_base points to, which its type cannot say. */
	memcpy(&bytes, &data, sizeof(bytes));
	iov.iov_base = bytes;
	if (n_fds) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	for (;;) {
		ssize_t n = sendmsg(sock, &msg, MSG_NOSIGNAL);

		if (n >= 0)
			return (size_t)n == len ? 0
						: err_set(err, EIO, "send a message: cut short");
		if (errno != EINTR)
			return err_sys(err, "send a message");
	}
}

/* Hands out the first @max received fds and closes the others. */
static void take_fds(struct msghdr *msg, int *ret_fds, size_t max)
{
	size_t taken = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (taken < max)
				ret_fds[taken++] = fd;
			else
				(void)close(fd);
		}
	}
}

ssize_t sock_recv(int sock, void *data, size_t size, int *ret_fds, size_t max_fds,
		  struct error *err)
{
	union control control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	for (size_t i = 0; i < max_fds; i++)
		ret_fds[i] = -1;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "receive a message");

	take_fds(&msg, ret_fds, max_fds);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < max_fds; i++)
			close_fd(&ret_fds[i]);
		return err_set(err, EMSGSIZE, "receive a message: longer than %zu bytes", size);
	}
	return n;
}

/*
 * An address for @path.  sun_path has 108 bytes: a longer path is reached by way of its directory,
 * held open in *ret_dir while the address is used (unix(7), "BUGS").
 */
static int make_address(const char *path, struct sockaddr_un *ret, int *ret_dir, struct error *err)
{
	const char *name = path_base(path);
	auto_free char *parent = NULL;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_dir = -1;
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path));
		return 0;
	}

	parent = xstrndup(path, (size_t)(name - path));
	*ret_dir = open(*parent ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return err_sys(err, "open directory '%s'", parent);
	if (snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", *ret_dir, name) >=
	    (int)sizeof(ret->sun_path)) {
		close_fd(ret_dir);
		return err_set(err, ENAMETOOLONG, "use socket '%s': name too long", path);
	}
	return 0;
}

int sock_listen(const char *path, struct error *err)
{
	struct sockaddr_un address;
	auto_fd int dir = -1;
	auto_fd int sock = -1;
	int rc = make_address(path, &address, &dir, err);

	if (rc < 0)
		return rc;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return err_sys(err, "make socket '%s'", path);
	/* The mode of the inode: set before bind(2) makes it, so that it is never wider. */
	if (fchmod(sock, 0600) < 0 ||
	    bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(sock, 128) < 0)
		return err_sys(err, "listen on socket '%s'", path);
	return take_fd(&sock);
}

int sock_connect(const char *path, int type, struct error *err)
{
	struct sockaddr_un address;
	auto_fd int dir = -1;
	auto_fd int sock = -1;
	int rc = make_address(path, &address, &dir, err);

	if (rc < 0)
		return rc;
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(err, "make a socket for '%s'", path);
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect to socket '%s'", path);
	return take_fd(&sock);
}
