/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net/dns_server.h"

/* Inside of net/dns_*.c only. */

/* Somebody who waits for an answer: a UDP sender, or a TCP client. */
struct dns_client;

struct dns_asker {
	struct sockaddr_storage address; /* UDP */
	socklen_t address_len;
	struct dns_client *client; /* TCP; NULL: UDP */
	uint16_t udp_size;         /* UDP: what it takes */
};

struct dns_forward; /* a query on its way */

struct dns_server {
	struct dns_config config;
	struct dns_forward *forwards; /* a list */
	size_t n_forwards;
	struct dns_client *clients; /* a list, the youngest first */
	size_t n_clients;
	unsigned int turn;
};

/* Answers at once: the length of what is in @answer, or 0 if it has to be asked upstream. */
size_t dns_answer(struct dns_server *server, const uint8_t *asked, size_t len,
		  const struct dns_query *query, uint8_t *answer, size_t room);

/* ---- dns_forward.c */

/* Sends it on for @asker, who is told in any case, later. */
void dns_forward_start(struct dns_server *server, const uint8_t *asked, size_t len,
		       const struct dns_asker *asker);
void dns_forward_forget(struct dns_server *server, const struct dns_client *client);
void dns_forward_free_all(struct dns_server *server);

/* ---- dns_tcp.c */
int dns_tcp_start(struct dns_server *server, struct error *err);
void dns_tcp_answer(struct dns_client *client, const uint8_t *answer, size_t len);
void dns_tcp_free_all(struct dns_server *server);
