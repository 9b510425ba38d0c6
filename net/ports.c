/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/ipam.h"

enum { TRIES_MAX = 100 };

void held_ports_fini(struct held_ports *held)
{
	for (size_t i = 0; i < held->n; i++)
		close_fd(&held->fds[i]);
	free(held->fds);
	*held = (struct held_ports){ 0 };
}

static void drop_from(struct held_ports *held, size_t n)
{
	while (held->n > n)
		close_fd(&held->fds[--held->n]);
}

/*
 * Connections in TIME_WAIT are no obstacle to a socket with SO_REUSEADDR, but another such socket
 * is none either on kernels before 6.2, whatever this one's option says later: it is bound without
 * the option if that can be, with it only where somebody has, or had, the port.  Switched off
 * afterwards, nobody can listen beside us.  UDP has no such state.
 */
static int bind_to(int fd, const struct sockaddr_in *address, bool is_tcp)
{
	const int on = 1;
	const int off = 0;
	int rc;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE || !is_tcp)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	rc = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	if (rc == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off)) < 0)
		rc = -errno;
	return rc;
}

static int bind_one(const struct port_mapping *mapping, bool is_shared, uint16_t port,
		    uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int type = mapping->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	socklen_t len = sizeof(address);
	auto_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC, mapping->protocol);
	const int on = 1;
	int rc;

	if (fd < 0)
		return -errno;
	if (*mapping->host_ip && inet_pton(AF_INET, mapping->host_ip, &address.sin_addr) != 1)
		return -EAFNOSUPPORT;
	if (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	rc = bind_to(fd, &address, type == SOCK_STREAM);
	if (rc < 0)
		return rc;
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	*ret_port = ntohs(address.sin_port);
	return take_fd(&fd);
}

static int hold_from(const struct port_mapping *mapping, bool is_shared, uint16_t first,
		     struct held_ports *held, uint16_t *ret_refused)
{
	for (unsigned int i = 0; i < mapping->count; i++) {
		uint16_t port = (uint16_t)(first + i);
		int fd = bind_one(mapping, is_shared, port, &port);

		/* The kernel has no such protocol: no program of the host can have the port. */
		if (fd == -EPROTONOSUPPORT || fd == -ESOCKTNOSUPPORT)
			return 0;
		*ret_refused = port;
		if (fd < 0)
			return fd;
		held->fds = xrealloc(held->fds, held->n + 1, sizeof(*held->fds));
		held->fds[held->n++] = fd;
	}
	return 0;
}

/* The kernel names one free port; those behind it may be taken. */
static int hold_any(struct port_mapping *mapping, bool is_shared, struct held_ports *held)
{
	size_t before = held->n;
	int rc = -EADDRINUSE;

	for (int i = 0; i < TRIES_MAX && rc == -EADDRINUSE; i++) {
		uint16_t first = 0;
		uint16_t refused;
		int fd = bind_one(mapping, is_shared, 0, &first);

		if (fd < 0)
			return fd;
		close_fd(&fd);
		if (first + mapping->count - 1 > UINT16_MAX)
			continue;
		rc = hold_from(mapping, is_shared, first, held, &refused);
		if (rc < 0)
			drop_from(held, before);
		else
			mapping->host_port = first;
	}
	return rc;
}

int ports_hold(struct port_mapping *mapping, bool is_shared, struct held_ports *held,
	       struct error *err)
{
	uint16_t refused = mapping->host_port;
	size_t before = held->n;
	int rc = mapping->host_port
			 ? hold_from(mapping, is_shared, mapping->host_port, held, &refused)
			 : hold_any(mapping, is_shared, held);

	if (rc == 0)
		return 0;
	drop_from(held, before);
	if (rc == -EADDRINUSE && !mapping->host_port)
		return err_set(err, EADDRINUSE, "%u free %s ports in a row are not to be found",
			       mapping->count, port_protocol(mapping->protocol));
	if (rc == -EADDRINUSE)
		return err_set(err, EADDRINUSE, "port %u/%s is in use by a program of this host",
			       refused, port_protocol(mapping->protocol));
	return err_set(err, -rc, "reserve port %s%s%u/%s: %s", mapping->host_ip,
		       *mapping->host_ip ? ":" : "", refused, port_protocol(mapping->protocol),
		       err_text(-rc));
}
