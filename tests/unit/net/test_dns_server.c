/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/dns_server.h"
#include "tests/unit/test.h"

/* ---- the world: a server, and upstream servers of the test's own, all on one loop -------------- */

enum manner {
	UP_ANSWERS, /* 192.0.2.1 for everything */
	UP_SILENT,
	UP_FORGES, /* first wrong ids and questions, then the answer */
	UP_BIG,    /* 60 addresses */
	UP_SLOW,   /* nothing now: upstream_answer_all() */
};

struct upstream {
	struct world *world;
	enum manner manner;
	int udp, tcp, client;
	uint16_t port;
	int asked;
	struct {
		struct sockaddr_in from;
		uint8_t data[512];
		size_t len;
	} kept;
};

struct world {
	struct loop *loop;
	struct dns_server *server;
	uint16_t port;
	struct upstream up[2];
	size_t n_up;
};

static bool lookup(void *arg, const char *name, struct dns_addresses *ret)
{
	(void)arg;
	ret->n_v4 = str_eq(name, "one")     ? 1
		    : str_eq(name, "three") ? 3
		    : str_eq(name, "many")  ? 64
					    : 0;
	for (size_t i = 0; i < ret->n_v4; i++)
		ret->v4[i].s_addr = htonl((uint32_t)(0x0a000001 + i));
	return ret->n_v4 || str_eq(name, "none");
}

static bool reverse(void *arg, struct in_addr address, char ret[DNS_NAME_MAX])
{
	(void)arg;
	(void)snprintf(ret, DNS_NAME_MAX, "one.stack");
	return address.s_addr == htonl(0x0a000001);
}

static size_t make_answer(const struct upstream *u, const uint8_t *asked, size_t len, uint8_t *data)
{
	struct dns_reply reply;
	struct dns_query q;

	ck_assert_int_eq(dns_query_parse(asked, len, &q), 0);
	dns_reply_begin(&reply, data, 4096, asked, &q, DNS_NOERROR);
	for (int i = 0; i < (u->manner == UP_BIG ? 60 : 1); i++)
		dns_reply_add_a(&reply, (struct in_addr){ htonl(0xc0000201) }, 60);
	return dns_reply_end(&reply);
}

static void upstream_send(struct upstream *u, const uint8_t *data, size_t len)
{
	ck_assert_int_eq(sendto(u->udp, data, len, 0, (const struct sockaddr *)&u->kept.from,
				sizeof(u->kept.from)),
			 (ssize_t)len);
}

static void upstream_answer(struct upstream *u)
{
	uint8_t data[4096];
	size_t len = make_answer(u, u->kept.data, u->kept.len, data);

	if (u->manner == UP_FORGES) {
		data[0] ^= 1;
		upstream_send(u, data, len);
		data[0] ^= 1;
		data[13] ^= 1;
		upstream_send(u, data, len);
		data[13] ^= 1;
		upstream_send(u, data, 5);
	}
	upstream_send(u, data, len);
}

static void on_upstream_udp(void *arg, uint32_t events)
{
	struct upstream *u = arg;
	socklen_t size = sizeof(u->kept.from);
	ssize_t n = recvfrom(u->udp, u->kept.data, sizeof(u->kept.data), 0,
			     (struct sockaddr *)&u->kept.from, &size);

	(void)events;
	ck_assert_int_gt(n, 0);
	u->kept.len = (size_t)n;
	u->asked++;
	if (u->manner != UP_SILENT && u->manner != UP_SLOW)
		upstream_answer(u);
}

static void on_upstream_query(void *arg, uint32_t events)
{
	struct upstream *u = arg;
	uint8_t asked[600], data[4200];
	ssize_t n = recv(u->client, asked, sizeof(asked), 0);
	size_t len;

	(void)events;
	if (n > 2) {
		u->asked++;
		len = make_answer(u, asked + 2, (size_t)n - 2, data + 2);
		data[0] = (uint8_t)(len >> 8);
		data[1] = (uint8_t)len;
		/* In two pieces. */
		ck_assert_int_eq(send(u->client, data, 5, MSG_NOSIGNAL), 5);
		(void)usleep(2000);
		ck_assert_int_eq(send(u->client, data + 5, len - 3, MSG_NOSIGNAL),
				 (ssize_t)len - 3);
	}
	loop_remove(u->world->loop, u->client);
	close_fd(&u->client);
}

static void on_upstream_tcp(void *arg, uint32_t events)
{
	struct upstream *u = arg;
	struct error err;

	(void)events;
	u->client = accept4(u->tcp, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(u->client, 0);
	ck_assert_int_eq(loop_add(u->world->loop, u->client, EPOLLIN, on_upstream_query, u, &err),
			 0);
}

static void world_open(struct world *w, size_t n_up, const enum manner *manners)
{
	const struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	struct dns_config config = {
		.lookup = lookup,
		.reverse = reverse,
		.ttl = 3,
		.n_upstreams = n_up,
		.upstream_netns = -1,
		.upstream_ms = 100,
	};
	struct error err = { 0 };

	*w = (struct world){ .loop = loop_new(&err), .n_up = n_up };
	for (size_t i = 0; i < n_up; i++) {
		struct upstream *u = &w->up[i];
		struct sockaddr_in *address = (struct sockaddr_in *)&config.upstreams[i];

		*u = (struct upstream){ .world = w, .manner = manners[i], .client = -1 };
		ck_assert_msg(dns_sockets_open(-1, loopback, 0, &u->udp, &u->tcp, &u->port, &err) ==
				      0,
			      "%s", err.msg);
		*address = (struct sockaddr_in){ .sin_family = AF_INET,
						 .sin_port = htons(u->port),
						 .sin_addr = loopback };
		ck_assert_int_eq(loop_add(w->loop, u->udp, EPOLLIN, on_upstream_udp, u, &err), 0);
		ck_assert_int_eq(loop_add(w->loop, u->tcp, EPOLLIN, on_upstream_tcp, u, &err), 0);
	}
	config.loop = w->loop;
	ck_assert_int_eq(
		dns_sockets_open(-1, loopback, 0, &config.udp, &config.tcp, &w->port, &err), 0);
	w->server = dns_server_new(&config, &err);
	ck_assert_ptr_nonnull(w->server);
}

static void upstream_close(struct upstream *u)
{
	if (u->udp < 0)
		return;
	loop_remove(u->world->loop, u->udp);
	loop_remove(u->world->loop, u->tcp);
	close_fd(&u->udp);
	close_fd(&u->tcp);
	if (u->client >= 0)
		loop_remove(u->world->loop, u->client);
	close_fd(&u->client);
}

static void world_close(struct world *w)
{
	dns_server_free(w->server);
	for (size_t i = 0; i < w->n_up; i++)
		upstream_close(&w->up[i]);
	loop_free(w->loop);
}

/* ---- somebody who asks ------------------------------------------------------------------------ */

static int dial(const struct world *w, int type)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(w->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void on_readable(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg, 1);
}

static void on_late(void *arg)
{
	loop_stop(arg, 0);
}

/* Runs the world until @fd can be read from: false after @ms. */
static bool await(const struct world *w, int fd, int ms)
{
	struct error err;
	int timer = loop_timer(w->loop, ms, on_late, w->loop);
	int rc;

	ck_assert_int_eq(loop_add(w->loop, fd, EPOLLIN, on_readable, w->loop, &err), 0);
	rc = loop_run(w->loop, &err);
	loop_remove(w->loop, fd);
	if (rc)
		loop_timer_cancel(w->loop, timer);
	return rc;
}

/* "NOERROR 10.0.0.1 10.0.0.2", "NXDOMAIN", "NOERROR cut" */
static void describe(const uint8_t *data, size_t len, struct str *ret)
{
	static const char *const rcodes[] = { "NOERROR",  "FORMERR", "SERVFAIL",
					      "NXDOMAIN", "NOTIMP",  "REFUSED" };
	size_t at = 12;
	char name[DNS_NAME_MAX], text[INET_ADDRSTRLEN];
	bool is_odd;

	ck_assert_uint_ge(len, 12);
	ck_assert_int_lt(data[3] & 0xf, (int)ARRAY_LEN(rcodes));
	str_add(ret, rcodes[data[3] & 0xf]);
	if (data[2] & 2)
		str_add(ret, " cut");
	if (data[5])
		ck_assert(dns_name_read(data, len, &at, name, &is_odd));
	at += data[5] ? 4 : 0;
	for (int i = 0; i < data[7]; i++) {
		ck_assert(dns_name_read(data, len, &at, name, &is_odd));
		at += 10;
		if (data[at - 9] == DNS_A) {
			str_addf(ret, " %s", inet_ntop(AF_INET, data + at, text, sizeof(text)));
		} else {
			size_t begin = at;

			ck_assert(dns_name_read(data, len, &begin, name, &is_odd));
			str_addf(ret, " %s", name);
		}
		at += (size_t)data[at - 2] << 8 | data[at - 1];
	}
}

static size_t query(uint8_t *data, uint16_t id, const char *name, enum dns_type type, bool has_edns)
{
	size_t len = dns_query_make(data, 512, id, name, type);

	ck_assert_uint_gt(len, 0);
	if (!has_edns) {
		data[11] = 0;
		len -= 11;
	}
	return len;
}

static void expect_udp(const struct world *w, const char *name, enum dns_type type, bool has_edns,
		       const char *wanted)
{
	uint8_t data[4096];
	auto_str struct str text = { 0 };
	auto_fd int fd = dial(w, SOCK_DGRAM);
	size_t len = query(data, 0x4711, name, type, has_edns);
	ssize_t n;

	ck_assert_int_eq(send(fd, data, len, 0), (ssize_t)len);
	ck_assert_msg(await(w, fd, 3000), "no answer about '%s'", name);
	n = recv(fd, data, sizeof(data), 0);
	ck_assert_int_eq(data[0] << 8 | data[1], 0x4711);
	describe(data, (size_t)n, &text);
	ck_assert_str_eq(text.text, wanted);
}

static void send_tcp(int fd, const char *name, uint16_t id)
{
	uint8_t data[600];
	size_t len = query(data + 2, id, name, DNS_A, true);

	data[0] = 0;
	data[1] = (uint8_t)len;
	ck_assert_int_eq(send(fd, data, len + 2, MSG_NOSIGNAL), (ssize_t)len + 2);
}

static void receive_tcp(const struct world *w, int fd, uint16_t id, const char *wanted)
{
	uint8_t data[4096];
	auto_str struct str text = { 0 };
	size_t len = 0;

	while (len < 2 || len < 2 + ((size_t)data[0] << 8 | data[1])) {
		ssize_t n;

		ck_assert(await(w, fd, 3000));
		n = recv(fd, data + len,
			 len < 2 ? 2 - len : 2 + ((size_t)data[0] << 8 | data[1]) - len, 0);
		ck_assert_int_gt(n, 0);
		len += (size_t)n;
	}
	ck_assert_int_eq(data[2] << 8 | data[3], id);
	describe(data + 2, len - 2, &text);
	ck_assert_str_eq(text.text, wanted);
}

/* ---- tests ------------------------------------------------------------------------------------ */

START_TEST(answers_for_ours)
{
	struct world w;

	world_open(&w, 0, NULL);
	expect_udp(&w, "one", DNS_A, true, "NOERROR 10.0.0.1");
	expect_udp(&w, "ONE", DNS_A, false, "NOERROR 10.0.0.1");
	expect_udp(&w, "one", DNS_AAAA, true, "NOERROR");
	expect_udp(&w, "one", DNS_ANY, true, "NOERROR 10.0.0.1");
	expect_udp(&w, "one", 15, true, "NOERROR");
	expect_udp(&w, "none", DNS_A, true, "NOERROR");
	expect_udp(&w, "other", DNS_A, true, "NXDOMAIN");
	expect_udp(&w, "one.other", DNS_A, true, "NXDOMAIN");
	expect_udp(&w, "1.0.0.10.in-addr.arpa", DNS_PTR, true, "NOERROR one.stack");
	expect_udp(&w, "2.0.0.10.in-addr.arpa", DNS_PTR, true, "NXDOMAIN");
	world_close(&w);
}
END_TEST

START_TEST(takes_turns)
{
	struct world w;

	world_open(&w, 0, NULL);
	expect_udp(&w, "three", DNS_A, true, "NOERROR 10.0.0.1 10.0.0.2 10.0.0.3");
	expect_udp(&w, "three", DNS_A, true, "NOERROR 10.0.0.2 10.0.0.3 10.0.0.1");
	expect_udp(&w, "three", DNS_A, true, "NOERROR 10.0.0.3 10.0.0.1 10.0.0.2");
	expect_udp(&w, "three", DNS_A, true, "NOERROR 10.0.0.1 10.0.0.2 10.0.0.3");
	world_close(&w);
}
END_TEST

START_TEST(cuts_by_what_the_asker_takes)
{
	uint8_t data[4096];
	struct world w;
	auto_fd int fd = -1, tcp = -1;
	size_t len;

	world_open(&w, 0, NULL);
	fd = dial(&w, SOCK_DGRAM);
	len = query(data, 7, "many", DNS_A, false);
	ck_assert_int_eq(send(fd, data, len, 0), (ssize_t)len);
	ck_assert(await(&w, fd, 3000));
	ck_assert_int_le(recv(fd, data, sizeof(data), 0), 512);
	ck_assert(data[2] & 2);
	len = query(data, 7, "many", DNS_A, true);
	ck_assert_int_eq(send(fd, data, len, 0), (ssize_t)len);
	ck_assert(await(&w, fd, 3000));
	ck_assert_int_le(recv(fd, data, sizeof(data), 0), 1232);
	ck_assert(!(data[2] & 2));
	ck_assert_int_eq(data[7], 64);

	/* All of it over TCP, one query behind the other. */
	tcp = dial(&w, SOCK_STREAM);
	send_tcp(tcp, "one", 1);
	send_tcp(tcp, "other", 2);
	send_tcp(tcp, "three", 3);
	receive_tcp(&w, tcp, 1, "NOERROR 10.0.0.1");
	receive_tcp(&w, tcp, 2, "NXDOMAIN");
	receive_tcp(&w, tcp, 3, "NOERROR 10.0.0.1 10.0.0.2 10.0.0.3");
	world_close(&w);
}
END_TEST

START_TEST(asks_upstream)
{
	static const enum manner manners[] = { UP_ANSWERS };
	struct world w;
	auto_fd int tcp = -1;

	world_open(&w, 1, manners);
	expect_udp(&w, "example.org", DNS_A, true, "NOERROR 192.0.2.1");
	expect_udp(&w, "one", DNS_A, true, "NOERROR 10.0.0.1");
	/* Ours, whatever of it is asked. */
	expect_udp(&w, "one", DNS_AAAA, true, "NOERROR");
	ck_assert_int_eq(w.up[0].asked, 1);
	w.up[0].manner = UP_FORGES;
	expect_udp(&w, "example.org", DNS_A, true, "NOERROR 192.0.2.1");
	w.up[0].manner = UP_BIG;
	expect_udp(&w, "example.org", DNS_A, false, "NOERROR cut");
	tcp = dial(&w, SOCK_STREAM);
	send_tcp(tcp, "example.org", 9);
	w.up[0].manner = UP_ANSWERS;
	receive_tcp(&w, tcp, 9, "NOERROR 192.0.2.1");
	send_tcp(tcp, "one", 10);
	receive_tcp(&w, tcp, 10, "NOERROR 10.0.0.1");

	dns_server_set_upstreams(w.server, NULL, 0);
	expect_udp(&w, "example.org", DNS_A, true, "NXDOMAIN");
	world_close(&w);
}
END_TEST

START_TEST(asks_the_next)
{
	static const enum manner manners[] = { UP_SILENT, UP_ANSWERS };
	struct world w;
	auto_fd int tcp = -1;

	world_open(&w, 2, manners);
	expect_udp(&w, "example.org", DNS_A, true, "NOERROR 192.0.2.1");
	ck_assert_int_eq(w.up[0].asked, 1);
	/* Nobody at the port: told at once. */
	upstream_close(&w.up[0]);
	expect_udp(&w, "example.org", DNS_A, true, "NOERROR 192.0.2.1");
	tcp = dial(&w, SOCK_STREAM);
	send_tcp(tcp, "example.org", 9);
	receive_tcp(&w, tcp, 9, "NOERROR 192.0.2.1");
	/* None answers: each is asked twice. */
	w.up[1].manner = UP_SILENT;
	w.up[1].asked = 0;
	expect_udp(&w, "example.org", DNS_A, true, "SERVFAIL");
	ck_assert_int_eq(w.up[1].asked, 2);
	world_close(&w);
}
END_TEST

START_TEST(bounds_what_is_on_its_way)
{
	static const enum manner manners[] = { UP_SLOW };
	uint8_t data[600];
	struct world w;
	auto_fd int fd = -1, quiet = -1;
	int failed = 0;

	world_open(&w, 1, manners);
	fd = dial(&w, SOCK_DGRAM);
	quiet = dial(&w, SOCK_DGRAM);
	for (int i = 0; i < 300; i++) {
		size_t len = query(data, (uint16_t)i, "example.org", DNS_A, true);

		ck_assert_int_eq(send(fd, data, len, 0), (ssize_t)len);
		/* Not more than the sockets' buffers hold. */
		if (i % 32 == 0)
			(void)await(&w, quiet, 1);
	}
	while (failed < 44 && await(&w, fd, 3000)) {
		while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0) {
			ck_assert_int_eq(data[3] & 0xf, DNS_SERVFAIL);
			failed++;
		}
	}
	ck_assert_int_ge(failed, 44);
	/* Freed with all that is on its way. */
	world_close(&w);
}
END_TEST

START_TEST(survives_idle_clients)
{
	int fds[80];
	struct world w;
	char c;

	world_open(&w, 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(&w, SOCK_STREAM);
		ck_assert_int_eq(send(fds[i], "\0", 1, MSG_NOSIGNAL), 1);
		(void)await(&w, fds[i], 1);
	}
	expect_udp(&w, "one", DNS_A, true, "NOERROR 10.0.0.1");
	/* The oldest have been sent away, the youngest are served. */
	for (size_t i = 0; i < 16; i++)
		ck_assert_int_eq(recv(fds[i], &c, 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(recv(fds[16], &c, 1, MSG_DONTWAIT), -1);
	close_fd(&fds[79]);
	fds[79] = dial(&w, SOCK_STREAM);
	send_tcp(fds[79], "one", 5);
	receive_tcp(&w, fds[79], 5, "NOERROR 10.0.0.1");
	/* And none of them for ever. */
	ck_assert(await(&w, fds[70], 7000));
	ck_assert_int_eq(recv(fds[70], &c, 1, MSG_DONTWAIT), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close_fd(&fds[i]);
	world_close(&w);
}
END_TEST

START_TEST(puts_up_with_nonsense)
{
	static const enum manner manners[] = { UP_SLOW };
	static const char *const nonsense[] = { "", "x", "\0\0\0\0\0\0\0\0\0\0\0\0",
						"GET / HTTP/1.1\r\n\r\n" };
	uint8_t data[2000] = { 0x12, 0x34, 1, 0, 0, 1 };
	struct world w;
	auto_fd int fd = -1;
	int tcp;
	ssize_t n;

	world_open(&w, 1, manners);
	fd = dial(&w, SOCK_DGRAM);
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
		ck_assert_int_ge(send(fd, nonsense[i], i == 2 ? 12 : strlen(nonsense[i]), 0), 0);
	/* An answer instead of a query is not answered; a query without question is, and a long one. */
	ck_assert(await(&w, fd, 3000));
	n = recv(fd, data + 100, 1000, 0);
	ck_assert_int_eq(n, 12);
	ck_assert_int_eq(data[103] & 0xf, DNS_FORMERR);
	(void)await(&w, fd, 50);
	while (recv(fd, data + 100, 1000, MSG_DONTWAIT) > 0)
		;
	memset(data + 12, 0, 1500);
	ck_assert_int_eq(send(fd, data, 1500, 0), 1500);
	ck_assert(await(&w, fd, 3000));
	ck_assert_int_eq(recv(fd, data + 100, 1000, 0), 12);
	ck_assert_int_eq(data[103] & 0xf, DNS_FORMERR);

	/* A client that goes while its query is on its way. */
	tcp = dial(&w, SOCK_STREAM);
	send_tcp(tcp, "example.org", 1);
	(void)await(&w, fd, 20);
	close_fd(&tcp);
	(void)await(&w, fd, 20);
	/* One that resets. */
	tcp = dial(&w, SOCK_STREAM);
	send_tcp(tcp, "example.org", 1);
	(void)await(&w, fd, 20);
	ck_assert_int_eq(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
				    sizeof(struct linger)),
			 0);
	close_fd(&tcp);
	(void)await(&w, fd, 20);
	/* One that announces much and is an answer. */
	tcp = dial(&w, SOCK_STREAM);
	ck_assert_int_eq(send(tcp, "\xff\xff", 2, MSG_NOSIGNAL), 2);
	(void)await(&w, fd, 20);
	close_fd(&tcp);
	tcp = dial(&w, SOCK_STREAM);
	ck_assert_int_eq(send(tcp, "\0\1x", 3, MSG_NOSIGNAL), 3);
	ck_assert(await(&w, tcp, 3000));
	ck_assert_int_eq(recv(tcp, data, 10, 0), 0);
	close_fd(&tcp);
	expect_udp(&w, "one", DNS_A, true, "NOERROR 10.0.0.1");
	world_close(&w);
	dns_server_free(NULL);
}
END_TEST

TEST_MAIN("net/dns_server", answers_for_ours, takes_turns, cuts_by_what_the_asker_takes,
	  asks_upstream, asks_the_next, bounds_what_is_on_its_way, survives_idle_clients,
	  puts_up_with_nonsense)
