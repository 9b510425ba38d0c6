/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/sock.h"
#include "runtime/state.h"

int notify_connect(const char *path, struct notify *ret, struct error *err)
{
	ret->path = path;
	ret->sock = sock_connect(ret->path, SOCK_STREAM, err);
	return ret->sock < 0 ? err_wrap(err, "linux.seccomp.listenerPath") : 0;
}

/* The number that the caller has in the pid namespace of the procfs that is mounted on /proc. */
static int own_pid(pid_t *ret, struct error *err)
{
	char text[16] = "";
	int64_t pid = 0;

	if (readlink("/proc/self", text, sizeof(text) - 1) < 0)
		return err_sys(err, "read the link '/proc/self'");
	if (parse_int64(text, 1, INT32_MAX, &pid, err) < 0)
		return err_wrap(err, "read the link '/proc/self'");
	*ret = (pid_t)pid;
	return 0;
}

int notify_prepare(struct notify *notify, const char *metadata, const struct container_state *state,
		   struct error *err)
{
	struct container_state now = *state;
	auto_json json_t *text = NULL;
	auto_free char *json = NULL;
	auto_free char *quoted = NULL;
	pid_t pid = 0;
	int rc;

	if (notify->sock < 0)
		return 0;
	rc = own_pid(&pid, err);
	if (rc < 0)
		return rc;
	if (!now.pid)
		now.pid = pid;
	json = state_json(&now, 0);
	text = json_text(metadata ? metadata : "");
	quoted = json_to_text(text, JSON_ENCODE_ANY);
	str_addf(&notify->message,
		 "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":%d,\"metadata\":%s,"
		 "\"state\":%s}",
		 pid, quoted, json);
	return 0;
}

int notify_send(struct notify *notify, int filter, struct error *err)
{
	auto_fd int fd = filter;
	int rc = sock_send(notify->sock, notify->message.text, notify->message.len, &fd, 1, err);

	close_fd(&notify->sock);
	return rc < 0 ? err_wrap(err, "send the seccomp filter to '%s'", notify->path) : 0;
}

void notify_fini(struct notify *notify)
{
	close_fd(&notify->sock);
	str_fini(&notify->message);
}
