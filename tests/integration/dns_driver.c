/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_driver PID ADDRESS PORT [@UPSTREAM-PORT] NAME=ADDRESS[,ADDRESS...]...
 *
 * A resolver at ADDRESS:PORT in the network namespace of the process PID (0: ours) that knows these
 * names, and asks 127.0.0.1:UPSTREAM-PORT of ours for others.  Says "ready" and runs for ever.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/dns_server.h"

/* NAME=ADDRESSES */
static bool lookup(void *arg, const char *name, struct dns_addresses *ret)
{
	const struct strv *names = arg;
	const char *text = strv_getenv(names, name);
	auto_strv struct strv addresses = { 0 };

	if (!text)
		return false;
	strv_split(&addresses, text, ',');
	for (size_t i = 0; i < addresses.n; i++)
		ret->n_v4 += inet_pton(AF_INET, addresses.items[i], &ret->v4[ret->n_v4]) == 1;
	return true;
}

static int serve(char **argv, struct error *err)
{
	auto_free char *path = xasprintf("/proc/%s/ns/net", argv[0]);
	auto_fd int netns = strcmp(argv[0], "0") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	auto_loop struct loop *loop = loop_new(err);
	auto_strv struct strv names = { 0 };
	struct dns_config config = {
		.loop = loop, .lookup = lookup, .arg = &names, .upstream_netns = -1
	};
	struct sockaddr_in *upstream = (struct sockaddr_in *)&config.upstreams[0];
	struct dns_server *server;
	struct in_addr address;
	uint16_t port;
	int rc;

	if (inet_pton(AF_INET, argv[1], &address) != 1)
		return err_set(err, 22, "address '%s'", argv[1]);
	for (char **word = argv + 3; *word; word++) {
		if (**word != '@') {
			strv_add(&names, *word);
			continue;
		}
		*upstream = (struct sockaddr_in){ .sin_family = AF_INET,
						  .sin_port = htons((uint16_t)atoi(*word + 1)),
						  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		config.n_upstreams = 1;
	}
	rc = dns_sockets_open(netns, address, (uint16_t)atoi(argv[2]), &config.udp, &config.tcp,
			      &port, err);
	if (rc < 0)
		return rc;
	server = dns_server_new(&config, err);
	if (!server)
		return -err->code;
	(void)puts("ready");
	(void)fflush(stdout);
	rc = loop_run(loop, err);
	dns_server_free(server);
	return rc;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (argc < 4)
		return 2;
	if (serve(argv + 1, &err) < 0)
		(void)fprintf(stderr, "dns_driver: %s\n", err.msg);
	return 1;
}
