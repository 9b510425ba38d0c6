/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sys_ns.h"
#include "net/dns_internal.h"

#define FORWARDS_MAX 256

/* All servers are asked, and once more. */
#define ROUNDS 2

/*
 * A query that an upstream server is asked: by UDP for a UDP client, by TCP for a TCP client.  Each
 * has a socket of its own, connected to the server, and an id of ours: who wants to forge an answer
 * has to guess port and id (RFC 5452).
 */
struct dns_forward {
	struct dns_server *server;
	struct dns_forward *next;
	struct dns_asker asker;
	uint16_t id; /* the asker's */
	uint8_t *asked;
	size_t asked_len; /* with our id; TCP: the length stands two bytes before it */
	unsigned int tries;
	int fd, timer;

	/* TCP */
	size_t sent;
	uint8_t *in;
	size_t in_len;
};

static void ask(struct dns_forward *f);

static void leave_server(struct dns_forward *f)
{
	struct loop *loop = f->server->config.loop;

	if (f->timer)
		loop_timer_cancel(loop, f->timer);
	f->timer = 0;
	if (f->fd >= 0)
		loop_remove(loop, f->fd);
	close_fd(&f->fd);
	free(take_ptr(f->in));
	f->in_len = f->sent = 0;
}

static void forward_free(struct dns_forward *f)
{
	struct dns_server *s = f->server;
	struct dns_forward **at = &s->forwards;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	s->n_forwards--;
	leave_server(f);
	free(f->asked);
	free(f);
}

/* @answer has our id, and gets the asker's. */
static void pass_on(struct dns_server *s, const struct dns_asker *asker, uint16_t id,
		    uint8_t *answer, size_t len)
{
	dns_set_id(answer, id);
	if (asker->client) {
		dns_tcp_answer(asker->client, answer, len);
		return;
	}
	if (len > asker->udp_size)
		len = dns_answer_cut(answer, len);
	(void)sendto(s->config.udp, answer, len, MSG_DONTWAIT,
		     (const struct sockaddr *)&asker->address, asker->address_len);
}

static void finish(struct dns_forward *f, uint8_t *answer, size_t len)
{
	struct dns_server *s = f->server;
	struct dns_asker asker = f->asker;
	uint16_t id = f->id;

	/* The answer may be in what is freed. */
	uint8_t *kept = take_ptr(f->in);

	forward_free(f);
	pass_on(s, &asker, id, answer, len);
	free(kept);
}

static void fail(struct dns_server *s, const struct dns_asker *asker, uint16_t id,
		 const uint8_t *asked, size_t len)
{
	uint8_t answer[DNS_UDP_MIN];
	struct dns_reply reply;
	struct dns_query q;

	(void)dns_query_parse(asked, len, &q);
	dns_reply_begin(&reply, answer, sizeof(answer), asked, &q, DNS_SERVFAIL);
	pass_on(s, asker, id, answer, dns_reply_end(&reply));
}

static const uint8_t *query_of(const struct dns_forward *f)
{
	return f->asked + 2;
}

/* The next server, or nobody answers. */
static void give_up(struct dns_forward *f)
{
	struct dns_server *s = f->server;

	leave_server(f);
	if (++f->tries < s->config.n_upstreams * ROUNDS) {
		ask(f);
		return;
	}
	fail(s, &f->asker, f->id, query_of(f), f->asked_len);
	forward_free(f);
}

static void on_late(void *arg)
{
	struct dns_forward *f = arg;

	f->timer = 0;
	give_up(f);
}

/* ---- UDP -------------------------------------------------------------------------------------- */

static void on_udp_answer(void *arg, uint32_t events)
{
	static uint8_t answer[DNS_MESSAGE_MAX];
	struct dns_forward *f = arg;
	ssize_t n = recv(f->fd, answer, sizeof(answer), 0);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* The server's host says that nobody is there. */
	if (n < 0) {
		give_up(f);
		return;
	}
	/* What is no answer to this is not the last word. */
	if (dns_answer_matches(answer, (size_t)n, query_of(f), f->asked_len))
		finish(f, answer, (size_t)n);
}

/* ---- TCP -------------------------------------------------------------------------------------- */

/* False when nothing more is to be done now. */
static bool send_query(struct dns_forward *f)
{
	size_t len = f->asked_len + 2;
	struct error ignored;
	ssize_t n = send(f->fd, f->asked + f->sent, len - f->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) {
		give_up(f);
		return false;
	}
	f->sent += (size_t)n;
	if (f->sent == len && loop_modify(f->server->config.loop, f->fd, EPOLLIN, &ignored) < 0)
		give_up(f);
	return false;
}

static void read_answer(struct dns_forward *f)
{
	size_t wanted = f->in_len < 2 ? 2 : 2 + ((size_t)f->in[0] << 8 | f->in[1]);
	ssize_t n;

	f->in = xrealloc(f->in, wanted, 1);
	n = recv(f->fd, f->in + f->in_len, wanted - f->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		give_up(f);
		return;
	}
	f->in_len += (size_t)n;
	if (f->in_len < 2 || f->in_len < 2 + ((size_t)f->in[0] << 8 | f->in[1]))
		return;
	if (dns_answer_matches(f->in + 2, f->in_len - 2, query_of(f), f->asked_len))
		finish(f, f->in + 2, f->in_len - 2);
	else
		give_up(f);
}

static void on_tcp(void *arg, uint32_t events)
{
	struct dns_forward *f = arg;

	if (f->sent < f->asked_len + 2) {
		if (events & (EPOLLERR | EPOLLHUP))
			give_up(f);
		else
			(void)send_query(f);
		return;
	}
	read_answer(f);
}

/* ---- both ------------------------------------------------------------------------------------- */

static int open_upstream(struct dns_forward *f, struct error *err)
{
	const struct dns_config *config = &f->server->config;
	const struct sockaddr_storage *to = &config->upstreams[f->tries % config->n_upstreams];
	bool is_tcp = f->asker.client;
	socklen_t len = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);

	f->fd = sys_socket_in(config->upstream_netns, to->ss_family,
			      (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0, err);
	if (f->fd < 0)
		return f->fd;
	if (connect(f->fd, (const struct sockaddr *)to, len) < 0 && errno != EINPROGRESS)
		return err_sys(err, "connect to a name server");
	if (!is_tcp && send(f->fd, query_of(f), f->asked_len, 0) < 0)
		return err_sys(err, "ask a name server");
	return loop_add(config->loop, f->fd, is_tcp ? EPOLLOUT : EPOLLIN,
			is_tcp ? on_tcp : on_udp_answer, f, err);
}

static void ask(struct dns_forward *f)
{
	const struct dns_config *config = &f->server->config;
	struct error ignored;
	uint16_t id;

	if (getrandom(&id, sizeof(id), 0) == (ssize_t)sizeof(id))
		dns_set_id(f->asked + 2, id);
	/* One that cannot be asked has its time all the same: no recursion, no storm. */
	if (open_upstream(f, &ignored) < 0)
		close_fd(&f->fd);
	f->timer = loop_timer(config->loop, f->fd < 0 ? 10 : config->upstream_ms, on_late, f);
}

void dns_forward_start(struct dns_server *s, const uint8_t *asked, size_t len,
		       const struct dns_asker *asker)
{
	uint16_t id = (uint16_t)(asked[0] << 8 | asked[1]);
	struct dns_forward *f;

	if (s->n_forwards == FORWARDS_MAX) {
		fail(s, asker, id, asked, len);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	*f = (struct dns_forward){
		.server = s,
		.next = s->forwards,
		.asker = *asker,
		.id = id,
		.asked = xmalloc(len + 2),
		.asked_len = len,
		.fd = -1,
	};
	f->asked[0] = (uint8_t)(len >> 8);
	f->asked[1] = (uint8_t)len;
	memcpy(f->asked + 2, asked, len);
	s->forwards = f;
	s->n_forwards++;
	ask(f);
}

void dns_forward_forget(struct dns_server *s, const struct dns_client *client)
{
	struct dns_forward *next;

	for (struct dns_forward *f = s->forwards; f; f = next) {
		next = f->next;
		if (f->asker.client == client)
			forward_free(f);
	}
}

void dns_forward_free_all(struct dns_server *s)
{
	while (s->forwards)
		forward_free(s->forwards);
}
