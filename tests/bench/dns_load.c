/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_load [-s] PORT SECONDS
 *
 * -s: a container's resolver (net/dns_server.h) that knows 20 names, on 127.0.0.1:PORT, for ever.
 * Otherwise: asks whoever is there as fast as answers come, 64 queries at a time on two sockets, and
 * prints how many of them were answered, and how many rightly.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/dns_server.h"

enum { NAMES = 20, WINDOW = 32, SOCKETS = 2 };

static bool lookup(void *arg, const char *name, struct dns_addresses *ret)
{
	unsigned int number;

	(void)arg;
	if (sscanf(name, "service-%u", &number) != 1 || number >= NAMES)
		return false;
	ret->v4[0].s_addr = htonl(0x0a000000 + number);
	ret->n_v4 = 1;
	return true;
}

static int serve(uint16_t port)
{
	struct error err = { 0 };
	struct dns_config config = { .loop = loop_new(&err),
				     .lookup = lookup,
				     .upstream_netns = -1 };
	uint16_t bound;

	if (dns_sockets_open(-1, (struct in_addr){ htonl(INADDR_LOOPBACK) }, port, &config.udp,
			     &config.tcp, &bound, &err) < 0 ||
	    !dns_server_new(&config, &err) || loop_run(config.loop, &err) < 0) {
		(void)fprintf(stderr, "dns_load: %s\n", err.msg);
		return 1;
	}
	return 0;
}

struct asker {
	int fd;
	unsigned int next;
	int in_flight;
};

static void ask(struct asker *a)
{
	uint8_t data[WINDOW][128];
	struct iovec parts[WINDOW];
	struct mmsghdr messages[WINDOW] = { 0 };
	int n = WINDOW - a->in_flight;

	for (int i = 0; i < n; i++, a->next++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "service-%u", a->next % NAMES);
		parts[i] = (struct iovec){ data[i], dns_query_make(data[i], sizeof(data[i]),
								   (uint16_t)(a->next % NAMES),
								   name, DNS_A) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	n = sendmmsg(a->fd, messages, (unsigned int)n, 0);
	a->in_flight += n > 0 ? n : 0;
}

/* The id says which number the address has to end with. */
static void take(struct asker *a, long *answered, long *right)
{
	static uint8_t data[WINDOW][512];
	struct iovec parts[WINDOW];
	struct mmsghdr messages[WINDOW] = { 0 };
	int n;

	for (int i = 0; i < WINDOW; i++) {
		parts[i] = (struct iovec){ data[i], sizeof(data[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(a->fd, messages, WINDOW, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		size_t len = messages[i].msg_len;

		/* Behind the address there is the OPT record. */
		*right += len > 20 && data[i][7] == 1 && data[i][len - 12] == data[i][1];
	}
	*answered += n > 0 ? n : 0;
	a->in_flight -= n > 0 ? n : 0;
}

static int load(uint16_t port, int seconds)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct asker askers[SOCKETS] = { 0 };
	struct pollfd fds[SOCKETS];
	long answered = 0, right = 0;
	int64_t begun = clock_boot_ns();
	int64_t end = begun + seconds * INT64_C(1000000000);
	int64_t now;

	for (int i = 0; i < SOCKETS; i++) {
		askers[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (connect(askers[i].fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
			return 1;
		fds[i] = (struct pollfd){ .fd = askers[i].fd, .events = POLLIN };
	}
	while ((now = clock_boot_ns()) < end) {
		for (int i = 0; i < SOCKETS; i++)
			ask(&askers[i]);
		/* One that is lost is not waited for. */
		if (poll(fds, SOCKETS, 100) == 0)
			askers[0].in_flight = askers[1].in_flight = 0;
		for (int i = 0; i < SOCKETS; i++) {
			if (fds[i].revents)
				take(&askers[i], &answered, &right);
		}
	}
	(void)printf("%.0f answered, %.0f right, a second\n",
		     (double)answered * 1e9 / (double)(now - begun),
		     (double)right * 1e9 / (double)(now - begun));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "-s") == 0)
		return serve((uint16_t)atoi(argv[2]));
	if (argc == 3)
		return load((uint16_t)atoi(argv[1]), atoi(argv[2]));
	(void)fprintf(stderr, "usage: dns_load [-s] PORT SECONDS\n");
	return 2;
}
