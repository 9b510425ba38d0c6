/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/sock.h"

#define AUTH_LINE_MAX 512

void dbus_set_timeout(struct dbus *bus, int timeout_ms)
{
	bus->deadline_ns = clock_boot_ns() + (int64_t)timeout_ms * 1000000;
}

/* Waits until the socket can be read or written. */
static int await(const struct dbus *bus, short events, struct error *err)
{
	struct pollfd fd = { .fd = bus->sock, .events = events };

	for (;;) {
		int64_t left_ns = bus->deadline_ns - clock_boot_ns();
		int n;

		if (left_ns <= 0)
			return err_set(err, ETIMEDOUT, "%s does not answer", bus->name);
		n = poll(&fd, 1, (int)(left_ns / 1000000 + 1));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(err, "wait for %s", bus->name);
	}
}

static int send_all(const struct dbus *bus, const char *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t n = send(bus->sock, data, len, MSG_NOSIGNAL);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			int rc = await(bus, POLLOUT, err);

			if (rc < 0)
				return rc;
		} else if (errno != EINTR) {
			return err_sys(err, "talk to %s", bus->name);
		}
	}
	return 0;
}

/* At least one byte, at most @size. */
static ssize_t receive_some(const struct dbus *bus, void *data, size_t size, struct error *err)
{
	for (;;) {
		ssize_t n;
		int rc = await(bus, POLLIN, err);

		if (rc < 0)
			return rc;
		n = recv(bus->sock, data, size, 0);
		if (n > 0)
			return n;
		if (n == 0)
			return err_set(err, EPIPE, "%s has hung up", bus->name);
		if (errno != EINTR && errno != EAGAIN)
			return err_sys(err, "talk to %s", bus->name);
	}
}

static int receive_all(const struct dbus *bus, char *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t n = receive_some(bus, data, len, err);

		if (n < 0)
			return (int)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * D-Bus specification, "Authentication Protocol": a NUL byte, then lines.  EXTERNAL means that the
 * other side looks at the socket's credentials; what we claim to be is the user id in hexadecimal.
 *
 * "BEGIN" goes along at once, as libsystemd sends it, and nothing behind it until the answer is here:
 * a call that systemd reads together with "BEGIN" waits there until more comes.
 */
static int authenticate(const struct dbus *bus, struct error *err)
{
	char line[AUTH_LINE_MAX + 1] = "";
	auto_str struct str hello = { 0 };
	char uid[16];
	size_t n = 0;
	int rc;

	(void)snprintf(uid, sizeof(uid), "%u", geteuid());
	str_add_len(&hello, "", 1);
	str_add(&hello, "AUTH EXTERNAL ");
	for (const char *p = uid; *p; p++)
		str_addf(&hello, "%02x", (unsigned int)*p);
	str_add(&hello, "\r\nBEGIN\r\n");
	rc = send_all(bus, hello.text, hello.len, err);
	while (rc == 0 && !memchr(line, '\n', n)) {
		ssize_t got = n == AUTH_LINE_MAX
				      ? err_set(err, EPROTO, "%s speaks no D-Bus", bus->name)
				      : receive_some(bus, line + n, AUTH_LINE_MAX - n, err);

		if (got < 0)
			return (int)got;
		n += (size_t)got;
	}
	if (rc == 0 && (!str_starts(line, "OK ") || line[n - 1] != '\n'))
		return err_set(err, EACCES, "%s does not let us in", bus->name);
	return rc;
}

static int greet(struct dbus *bus, struct error *err)
{
	const struct dbus_call hello = {
		.destination = "org.freedesktop.DBus",
		.path = "/org/freedesktop/DBus",
		.interface = "org.freedesktop.DBus",
		.member = "Hello",
	};

	return dbus_call(bus, &hello, NULL, err);
}

int dbus_open(struct dbus *bus, const char *path, bool is_bus, const char *name, int timeout_ms,
	      struct error *err)
{
	int rc;

	*bus = (struct dbus){ .name = name };
	dbus_set_timeout(bus, timeout_ms);
	bus->sock = sock_connect(path, SOCK_STREAM | SOCK_NONBLOCK, err);
	if (bus->sock < 0)
		return bus->sock;
	rc = authenticate(bus, err);
	if (rc == 0 && is_bus)
		rc = greet(bus, err);
	if (rc < 0)
		dbus_close(bus);
	return rc;
}

void dbus_close(struct dbus *bus)
{
	close_fd(&bus->sock);
	str_fini(&bus->in);
}

int dbus_receive(struct dbus *bus, struct dbus_message *ret, struct error *err)
{
	char head[DBUS_HEAD];
	size_t len;
	int rc = receive_all(bus, head, sizeof(head), err);

	if (rc < 0)
		return rc;
	len = dbus_message_length((const unsigned char *)head);
	if (len == 0)
		return err_set(err, EPROTO, "%s sent what is no D-Bus message", bus->name);
	str_clear(&bus->in);
	str_add_len(&bus->in, head, sizeof(head));
	for (size_t left = len - sizeof(head); left > 0;) {
		char part[4096];
		size_t n = MIN(left, sizeof(part));

		rc = receive_all(bus, part, n, err);
		if (rc < 0)
			return rc;
		str_add_len(&bus->in, part, n);
		left -= n;
	}
	if (!dbus_message_parse((const unsigned char *)bus->in.text, bus->in.len, ret))
		return err_set(err, EPROTO, "%s sent a message that cannot be read", bus->name);
	return 0;
}

/* By convention the text for people is an error's first value. */
static int tell_refusal(struct dbus *bus, struct dbus_message *m, struct error *err)
{
	const char *text = m->error_name;
	auto_free char *clean = NULL;

	(void)snprintf(bus->error_name, sizeof(bus->error_name), "%s", m->error_name);
	if (*m->signature == 's')
		(void)dbus_get_string(&m->body, &text);
	clean = str_escape(text);
	return err_set(err, EREMOTEIO, "%s", clean);
}

int dbus_call(struct dbus *bus, const struct dbus_call *call, struct dbus_message *ret,
	      struct error *err)
{
	auto_str struct str out = { 0 };
	struct dbus_message m;
	int rc;

	bus->error_name[0] = '\0';
	dbus_call_build(call, ++bus->serial, &out);
	rc = send_all(bus, out.text, out.len, err);
	do {
		if (rc == 0)
			rc = dbus_receive(bus, &m, err);
		if (rc < 0)
			return rc;
	} while ((m.type != DBUS_REPLY && m.type != DBUS_ERROR) || m.reply_serial != bus->serial);
	if (m.type == DBUS_ERROR)
		return tell_refusal(bus, &m, err);
	if (ret)
		*ret = m;
	return 0;
}
