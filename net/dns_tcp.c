/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/dns_internal.h"

#define CLIENTS_MAX 64

/* For a whole query, and for taking the answer. */
#define PATIENCE_MS 5000

/*
 * A client sends its length in two bytes, then the query (RFC 1035 4.2.2); one at a time is looked
 * at, and the next one when the answer is out.
 */
struct dns_client {
	struct dns_server *server;
	struct dns_client *next;
	int fd;
	int timer;
	uint8_t *in; /* grows to what is announced */
	size_t in_len, in_room;
	uint8_t *out;
	size_t out_len, out_at;
	bool is_waiting; /* for an upstream server */
};

static void client_free(struct dns_client *c)
{
	struct dns_server *s = c->server;
	struct dns_client **at = &s->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	s->n_clients--;
	dns_forward_forget(s, c);
	loop_timer_cancel(s->config.loop, c->timer);
	loop_remove(s->config.loop, c->fd);
	close_fd(&c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void on_late(void *arg)
{
	struct dns_client *c = arg;

	/* Its timer has gone already. */
	c->timer = 0;
	client_free(c);
}

static void restart_timer(struct dns_client *c)
{
	loop_timer_cancel(c->server->config.loop, c->timer);
	c->timer = loop_timer(c->server->config.loop, PATIENCE_MS, on_late, c);
}

static size_t announced(const struct dns_client *c)
{
	return c->in_len < 2 ? 0 : (size_t)c->in[0] << 8 | c->in[1];
}

/* Watches for what is needed next: false if that failed, and the client is gone. */
static bool watch(struct dns_client *c)
{
	struct error ignored;
	/* While an answer is on its way only a broken connection is looked at. */
	uint32_t events = c->out ? EPOLLOUT : c->is_waiting ? 0 : EPOLLIN;

	if (loop_modify(c->server->config.loop, c->fd, events, &ignored) == 0)
		return true;
	client_free(c);
	return false;
}

/* False if the client is gone. */
static bool send_answer(struct dns_client *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return watch(c);
		if (n < 0) {
			client_free(c);
			return false;
		}
		c->out_at += (size_t)n;
	}
	free(take_ptr(c->out));
	restart_timer(c);
	return watch(c);
}

void dns_tcp_answer(struct dns_client *c, const uint8_t *answer, size_t len)
{
	c->is_waiting = false;
	c->out = xmalloc(len + 2);
	c->out[0] = (uint8_t)(len >> 8);
	c->out[1] = (uint8_t)len;
	memcpy(c->out + 2, answer, len);
	c->out_len = len + 2;
	c->out_at = 0;
	(void)send_answer(c);
}

/* Takes the query out of the input, and answers it or asks upstream. */
static void handle(struct dns_client *c)
{
	static uint8_t answer[DNS_MESSAGE_MAX];
	struct dns_server *s = c->server;
	auto_free uint8_t *asked = take_ptr(c->in);
	const size_t len = c->in_len - 2;
	struct dns_asker asker = { .client = c };
	struct dns_query q;
	struct dns_reply reply;
	size_t n = 0;
	int rc = dns_query_parse(asked + 2, len, &q);

	c->in_len = c->in_room = 0;
	if (rc < 0) {
		client_free(c);
		return;
	}
	if (rc > 0) {
		dns_reply_begin(&reply, answer, sizeof(answer), asked + 2, &q, (enum dns_rcode)rc);
		n = dns_reply_end(&reply);
	} else {
		n = dns_answer(s, asked + 2, len, &q, answer, sizeof(answer));
	}
	if (n) {
		dns_tcp_answer(c, answer, n);
		return;
	}
	c->is_waiting = true;
	if (watch(c))
		dns_forward_start(s, asked + 2, len, &asker);
}

static void read_query(struct dns_client *c)
{
	size_t wanted = c->in_len < 2 ? 2 : 2 + announced(c);
	ssize_t n;

	if (wanted > c->in_room) {
		c->in = xrealloc(c->in, wanted, 1);
		c->in_room = wanted;
	}
	n = recv(c->fd, c->in + c->in_len, wanted - c->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	c->in_len += (size_t)n;
	if (c->in_len >= 2 && c->in_len == 2 + announced(c))
		handle(c);
}

static void on_client(void *arg, uint32_t events)
{
	struct dns_client *c = arg;

	if (c->out && (events & EPOLLOUT))
		(void)send_answer(c);
	else if (!c->out && !c->is_waiting && (events & EPOLLIN))
		read_query(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		client_free(c);
}

static struct dns_client *oldest(const struct dns_server *s)
{
	struct dns_client *c = s->clients;

	while (c->next)
		c = c->next;
	return c;
}

static void add_client(struct dns_server *s, int fd)
{
	struct dns_client *c = xcalloc(1, sizeof(*c));
	struct error ignored;

	if (s->n_clients == CLIENTS_MAX)
		client_free(oldest(s));
	*c = (struct dns_client){ .server = s, .next = s->clients, .fd = fd };
	s->clients = c;
	s->n_clients++;
	c->timer = loop_timer(s->config.loop, PATIENCE_MS, on_late, c);
	if (loop_add(s->config.loop, fd, EPOLLIN, on_client, c, &ignored) < 0)
		client_free(c);
}

static void on_connection(void *arg, uint32_t events)
{
	struct dns_server *s = arg;

	(void)events;
	/* Not more at once than there are places. */
	for (int i = 0; i < CLIENTS_MAX; i++) {
		int fd = accept4(s->config.tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		add_client(s, fd);
	}
}

int dns_tcp_start(struct dns_server *s, struct error *err)
{
	return loop_add(s->config.loop, s->config.tcp, EPOLLIN, on_connection, s, err);
}

void dns_tcp_free_all(struct dns_server *s)
{
	while (s->clients)
		client_free(s->clients);
}
