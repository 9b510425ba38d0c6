/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sys_ns.h"
#include "net/dns_internal.h"

/* Taken and answered with one system call each. */
#define BATCH 32

/* Then others on the loop have their turn. */
#define BATCHES_MAX 8

/* ---- answers ---------------------------------------------------------------------------------- */

static void add_addresses(struct dns_server *s, const struct dns_query *q,
			  const struct dns_addresses *found, struct dns_reply *reply)
{
	bool wants_v4 = q->type == DNS_A || q->type == DNS_ANY;
	bool wants_v6 = q->type == DNS_AAAA || q->type == DNS_ANY;
	unsigned int turn = s->turn++;

	for (size_t i = 0; wants_v4 && i < found->n_v4; i++)
		dns_reply_add_a(reply, found->v4[(turn + i) % found->n_v4], s->config.ttl);
	for (size_t i = 0; wants_v6 && i < found->n_v6; i++)
		dns_reply_add_aaaa(reply, &found->v6[(turn + i) % found->n_v6], s->config.ttl);
}

static bool answer_name(struct dns_server *s, const struct dns_query *q, struct dns_reply *reply)
{
	struct dns_addresses found;

	found.n_v4 = found.n_v6 = 0;
	if (q->is_odd || !*q->name || !s->config.lookup(s->config.arg, q->name, &found))
		return false;
	add_addresses(s, q, &found, reply);
	return true;
}

static bool answer_reverse(const struct dns_server *s, const struct dns_query *q,
			   struct dns_reply *reply)
{
	char name[DNS_NAME_MAX];
	struct in_addr address;

	if (q->type != DNS_PTR || !s->config.reverse || !dns_reverse_parse(q->name, &address) ||
	    !s->config.reverse(s->config.arg, address, name))
		return false;
	dns_reply_add_ptr(reply, name, s->config.ttl);
	return true;
}

static size_t refuse(const uint8_t *asked, const struct dns_query *q, enum dns_rcode rcode,
		     uint8_t *answer, size_t room)
{
	struct dns_reply reply;

	dns_reply_begin(&reply, answer, room, asked, q, rcode);
	return dns_reply_end(&reply);
}

size_t dns_answer(struct dns_server *s, const uint8_t *asked, size_t len, const struct dns_query *q,
		  uint8_t *answer, size_t room)
{
	struct dns_reply reply;

	(void)len;
	dns_reply_begin(&reply, answer, room, asked, q, DNS_NOERROR);
	if (answer_name(s, q, &reply) || answer_reverse(s, q, &reply))
		return dns_reply_end(&reply);
	if (s->config.n_upstreams)
		return 0;
	/* Nobody else may be asked: then it does not exist, and nobody waits. */
	return refuse(asked, q, DNS_NXDOMAIN, answer, room);
}

/* ---- UDP -------------------------------------------------------------------------------------- */

struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_data[BATCH], out_data[BATCH];
	struct sockaddr_storage from[BATCH];
	uint8_t asked[BATCH][DNS_UDP_MAX];
	uint8_t answers[BATCH][DNS_UDP_MAX];
};

/* Shared by all servers of the process: used within one call only. */
static struct batch batch;

/* The length of the answer to message @i, or 0 if there is none now. */
static size_t handle(struct dns_server *s, int i)
{
	const struct msghdr *header = &batch.in[i].msg_hdr;
	const uint8_t *asked = batch.asked[i];
	size_t len = batch.in[i].msg_len;
	struct dns_query q;
	struct dns_asker asker;
	size_t answer;
	int rc = dns_query_parse(asked, len, &q);

	if (rc < 0)
		return 0;
	if (header->msg_flags & MSG_TRUNC) {
		q.question_end = 0;
		rc = DNS_FORMERR;
	}
	if (rc > 0)
		return refuse(asked, &q, (enum dns_rcode)rc, batch.answers[i], q.udp_size);
	answer = dns_answer(s, asked, len, &q, batch.answers[i], q.udp_size);
	if (answer)
		return answer;
	asker = (struct dns_asker){
		.address_len = header->msg_namelen,
		.udp_size = q.udp_size,
	};
	memcpy(&asker.address, &batch.from[i], header->msg_namelen);
	dns_forward_start(s, asked, len, &asker);
	return 0;
}

static void send_answers(const struct dns_server *s, unsigned int n)
{
	unsigned int sent = 0;

	while (sent < n) {
		int rc = sendmmsg(s->config.udp, batch.out + sent, n - sent, MSG_DONTWAIT);

		if (rc < 0 && errno == EINTR)
			continue;
		/* One that cannot be sent is lost, as UDP is. */
		sent += rc < 0 ? 1 : (unsigned int)rc;
	}
}

static int receive(const struct dns_server *s)
{
	for (int i = 0; i < BATCH; i++) {
		batch.in_data[i] = (struct iovec){ batch.asked[i], sizeof(batch.asked[i]) };
		batch.in[i].msg_hdr = (struct msghdr){
			.msg_name = &batch.from[i],
			.msg_namelen = sizeof(batch.from[i]),
			.msg_iov = &batch.in_data[i],
			.msg_iovlen = 1,
		};
	}
	return recvmmsg(s->config.udp, batch.in, BATCH, MSG_DONTWAIT, NULL);
}

static void on_udp(void *arg, uint32_t events)
{
	struct dns_server *s = arg;
	int n = BATCH;

	(void)events;
	for (int round = 0; round < BATCHES_MAX && n == BATCH; round++) {
		unsigned int answers = 0;

		n = receive(s);
		for (int i = 0; i < n; i++) {
			size_t len = handle(s, i);

			if (!len)
				continue;
			batch.out_data[answers] = (struct iovec){ batch.answers[i], len };
			batch.out[answers].msg_hdr = batch.in[i].msg_hdr;
			batch.out[answers].msg_hdr.msg_iov = &batch.out_data[answers];
			answers++;
		}
		send_answers(s, answers);
	}
}

/* ---- interface -------------------------------------------------------------------------------- */

struct dns_server *dns_server_new(const struct dns_config *config, struct error *err)
{
	struct dns_server *s = xcalloc(1, sizeof(*s));
	int rc = 0;

	s->config = *config;
	if (s->config.upstream_ms <= 0)
		s->config.upstream_ms = 2000;
	if (s->config.udp >= 0)
		rc = loop_add(s->config.loop, s->config.udp, EPOLLIN, on_udp, s, err);
	if (rc == 0 && s->config.tcp >= 0)
		rc = dns_tcp_start(s, err);
	if (rc == 0)
		return s;
	dns_server_free(s);
	return NULL;
}

void dns_server_free(struct dns_server *s)
{
	if (!s)
		return;
	dns_forward_free_all(s);
	dns_tcp_free_all(s);
	if (s->config.udp >= 0)
		loop_remove(s->config.loop, s->config.udp);
	if (s->config.tcp >= 0)
		loop_remove(s->config.loop, s->config.tcp);
	close_fd(&s->config.udp);
	close_fd(&s->config.tcp);
	free(s);
}

void dns_server_set_upstreams(struct dns_server *s, const struct sockaddr_storage *upstreams,
			      size_t n)
{
	s->config.n_upstreams = MIN(n, (size_t)DNS_UPSTREAMS_MAX);
	for (size_t i = 0; i < s->config.n_upstreams; i++)
		s->config.upstreams[i] = upstreams[i];
}

/* ---- sockets ---------------------------------------------------------------------------------- */

static int open_pair(int netns_fd, const struct sockaddr_in *wanted, int ret[2], struct error *err)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	struct sockaddr_in address = *wanted;
	socklen_t len = sizeof(address);
	const int on = 1;

	for (int i = 0; i < 2; i++) {
		ret[i] = sys_socket_in(netns_fd, AF_INET, types[i] | SOCK_NONBLOCK, 0, err);
		if (ret[i] < 0)
			return ret[i];
		/* Interfaces of a new namespace may not be up yet. */
		(void)setsockopt(ret[i], IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
		if (types[i] == SOCK_STREAM)
			(void)setsockopt(ret[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(ret[i], (const struct sockaddr *)&address, sizeof(address)) < 0)
			return err_sys(err, "bind the resolver to port %u",
				       ntohs(address.sin_port));
		/* The other one takes the same port. */
		if (getsockname(ret[i], (struct sockaddr *)&address, &len) < 0)
			return err_sys(err, "bind the resolver");
	}
	return listen(ret[0], 64) < 0 ? err_sys(err, "listen for the resolver")
				      : ntohs(address.sin_port);
}

int dns_sockets_open(int netns_fd, struct in_addr address, uint16_t port, int *ret_udp,
		     int *ret_tcp, uint16_t *ret_port, struct error *err)
{
	const struct sockaddr_in wanted = {
		.sin_family = AF_INET,
		.sin_addr = address,
		.sin_port = htons(port),
	};
	int rc = -EADDRINUSE;

	/* A free TCP port may be somebody's UDP port. */
	for (int i = 0; rc == -EADDRINUSE && i < (port ? 1 : 16); i++) {
		int fds[2] = { -1, -1 };

		rc = open_pair(netns_fd, &wanted, fds, err);
		if (rc >= 0) {
			*ret_tcp = fds[0];
			*ret_udp = fds[1];
			*ret_port = (uint16_t)rc;
			return 0;
		}
		close_fd(&fds[0]);
		close_fd(&fds[1]);
	}
	return rc;
}
