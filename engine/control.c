/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sock.h"

int control_send(int sock, const struct control_message *message, int fd, struct error *err)
{
	struct control_message sent = *message;

	sent.version = CONTROL_VERSION;
	return sock_send(sock, &sent, sizeof(sent), &fd, fd >= 0, err);
}

int control_receive(int sock, struct control_message *ret, int *ret_fd, struct error *err)
{
	auto_fd int fd = -1;
	ssize_t n = sock_recv(sock, ret, sizeof(*ret), &fd, 1, err);

	/* Who died with messages of ours unread resets the connection. */
	if (n == 0 || n == -ECONNRESET)
		return err_set(err, EPIPE, "the other end has gone");
	if (n < 0 && n != -EMSGSIZE)
		return (int)n;
	if (n != (ssize_t)sizeof(*ret) || ret->version != CONTROL_VERSION)
		return err_set(err, EPROTO,
			       "receive a message: it is of another version of minictr");
	ret->error.msg[sizeof(ret->error.msg) - 1] = '\0';
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 0;
}

/* ---- the socket ------------------------------------------------------------------------------- */

static char *socket_path(const struct engine_dirs *dirs, const char *id)
{
	return xasprintf("%s/control/%s", dirs->state, id);
}

int control_listen(const struct engine_dirs *dirs, const char *id, struct error *err)
{
	auto_free char *path = socket_path(dirs, id);
	auto_free char *parent = path_join(dirs->state, "control");
	auto_fd int fd = dir_make_open(parent, 0700, err);

	if (fd < 0)
		return fd;
	/* One that was killed may have left its own. */
	(void)unlinkat(fd, id, 0);
	return sock_listen(path, err);
}

int control_connect(const struct engine_dirs *dirs, const char *id, struct error *err)
{
	auto_free char *path = socket_path(dirs, id);

	return sock_connect(path, SOCK_SEQPACKET, err);
}

void control_remove(const struct engine_dirs *dirs, const char *id)
{
	auto_free char *path = socket_path(dirs, id);

	(void)unlink(path);
}
