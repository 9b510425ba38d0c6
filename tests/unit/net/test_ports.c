/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "net/ports.h"
#include "tests/unit/test.h"

static struct port_mapping mapping_for(uint16_t port, uint16_t count, uint8_t protocol)
{
	return (struct port_mapping){ .host_ip = "127.0.0.1",
				      .host_port = port,
				      .container_port = 80,
				      .count = count,
				      .protocol = protocol };
}

/* As a program does that wants to serve on 127.0.0.1; 0 or the errno. */
static int try_to_serve(uint16_t port, int type)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr = { htonl(INADDR_LOOPBACK) } };
	auto_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	const int on = 1;

	ck_assert_int_ge(fd, 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno;
	return type == SOCK_STREAM && listen(fd, 1) < 0 ? errno : 0;
}

START_TEST(keeps_others_off)
{
	static const struct {
		uint8_t protocol;
		int type;
	} rows[] = { { IPPROTO_TCP, SOCK_STREAM }, { IPPROTO_UDP, SOCK_DGRAM } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct port_mapping mapping = mapping_for(0, 3, rows[i].protocol);
		struct port_mapping again;
		struct held_ports held = { 0 };
		struct error err = { 0 };

		ck_assert_msg(ports_hold(&mapping, false, &held, &err) == 0, "%s", err.msg);
		ck_assert_uint_ne(mapping.host_port, 0);
		ck_assert_uint_eq(held.n, 3);
		for (uint16_t j = 0; j < 3; j++)
			ck_assert_int_eq(try_to_serve(mapping.host_port + j, rows[i].type),
					 EADDRINUSE);
		again = mapping_for(mapping.host_port, 1, rows[i].protocol);
		(void)strcpy(again.host_ip, "");
		if (rows[i].protocol == IPPROTO_UDP)
			ck_assert_int_eq(ports_hold(&again, false, &held, &err), -EADDRINUSE);

		held_ports_fini(&held);
		ck_assert_int_eq(try_to_serve(mapping.host_port, rows[i].type), 0);
	}
}
END_TEST

/* Others who share it hold it, too; nobody else does, also when the first has let it go. */
START_TEST(shares_what_is_shared)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		struct port_mapping mapping = mapping_for(0, 2, protocols[i]);
		int type = protocols[i] == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
		struct held_ports first = { 0 };
		struct held_ports second = { 0 };
		struct held_ports third = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(ports_hold(&mapping, true, &first, &err), 0);
		ck_assert_int_eq(ports_hold(&mapping, true, &second, &err), 0);
		ck_assert_int_eq(ports_hold(&mapping, false, &third, &err), -EADDRINUSE);
		held_ports_fini(&first);
		ck_assert_int_eq(try_to_serve(mapping.host_port, type), EADDRINUSE);
		held_ports_fini(&second);
		ck_assert_int_eq(try_to_serve(mapping.host_port, type), 0);
	}
}
END_TEST

/* Who listens is told by the port; what was bound before it is let go. */
START_TEST(names_what_is_taken)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct held_ports held = { 0 };
	struct error err = { 0 };
	struct port_mapping mapping;
	char text[64];

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	mapping = mapping_for(ntohs(address.sin_port) - 2, 3, IPPROTO_TCP);
	ck_assert_int_eq(ports_hold(&mapping, false, &held, &err), -EADDRINUSE);
	(void)snprintf(text, sizeof(text), "port %u/tcp is in use by a program of this host",
		       ntohs(address.sin_port));
	ck_assert_str_eq(err.msg, text);
	ck_assert_uint_eq(held.n, 0);

	/* The same by the address of all. */
	(void)strcpy(mapping.host_ip, "");
	ck_assert_int_eq(ports_hold(&mapping, false, &held, &err), -EADDRINUSE);
	held_ports_fini(&held);
	close_fd(&fd);
}
END_TEST

START_TEST(refuses_foreign_addresses)
{
	struct port_mapping mapping = mapping_for(7000, 1, IPPROTO_TCP);
	struct held_ports held = { 0 };
	struct error err = { 0 };

	(void)strcpy(mapping.host_ip, "203.0.113.9");
	ck_assert_int_eq(ports_hold(&mapping, false, &held, &err), -EADDRNOTAVAIL);
	ck_assert_str_eq(err.msg, "reserve port 203.0.113.9:7000/tcp: cannot assign requested "
				  "address");
	held_ports_fini(&held);
}
END_TEST

TEST_MAIN("net/ports", keeps_others_off, shares_what_is_shared, names_what_is_taken,
	  refuses_foreign_addresses)
