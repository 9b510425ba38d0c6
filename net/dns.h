/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * DNS messages (RFC 1035, 3596, 6891), as far as a container's resolver needs them: queries are
 * read, answers with addresses and names are written, what upstream servers say is checked and
 * passed on.  Pure: all of it is strangers' bytes.
 */

/* A name as text: 253 characters, and NUL. */
#define DNS_NAME_MAX 256

/* A message over UDP without EDNS0; the most that we send and take with it (RFC 9715: no fragments). */
#define DNS_UDP_MIN 512
#define DNS_UDP_MAX 1232

/* A message over TCP. */
#define DNS_MESSAGE_MAX 65535

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_OPT = 41, DNS_ANY = 255 };

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16, /* needs EDNS0 */
};

struct dns_query {
	uint16_t id;
	bool wants_recursion;
	uint16_t type, class;
	/*
	 * In lower case, without the dot at the end ("" is the root).  Empty too, with is_odd, if it
	 * has bytes that a host's name has not: nothing that we would know.
	 */
	char name[DNS_NAME_MAX];
	bool is_odd;
	size_t question_end; /* of header and question; 0: there is no question that can be repeated */
	bool has_edns;
	uint16_t udp_size; /* what the asker takes */
};

/*
 * Reads a query.  Returns DNS_NOERROR, the rcode to answer it with, or -EPROTO for what is not to be
 * answered at all: too short for a header, or itself an answer.
 */
int dns_query_parse(const uint8_t *data, size_t len, struct dns_query *ret);

/* An answer that grows in @data[0..room). */
struct dns_reply {
	uint8_t *data;
	size_t room, len;
	const struct dns_query *query;
	enum dns_rcode rcode;
	uint16_t answers;
	bool is_cut;
};

/* @room: at least DNS_UDP_MIN; @asked is the query's bytes, whose question is repeated. */
void dns_reply_begin(struct dns_reply *reply, uint8_t *data, size_t room, const uint8_t *asked,
		     const struct dns_query *query, enum dns_rcode rcode);
/* What does not fit is left out, and the answer says that it is cut. */
void dns_reply_add_a(struct dns_reply *reply, struct in_addr address, uint32_t ttl);
void dns_reply_add_aaaa(struct dns_reply *reply, const struct in6_addr *address, uint32_t ttl);
void dns_reply_add_ptr(struct dns_reply *reply, const char *name, uint32_t ttl);
size_t dns_reply_end(struct dns_reply *reply); /* its length */

/* A whole query of our own, with EDNS0; its length, or 0 if @name is none. */
size_t dns_query_make(uint8_t *data, size_t room, uint16_t id, const char *name,
		      enum dns_type type);

/*
 * True if @data is a well-formed answer to the query @asked[0..asked_len): same id and question
 * (case counts, as RFC 5452 9.1 likes it), every record within the message, names without loops.
 */
bool dns_answer_matches(const uint8_t *data, size_t len, const uint8_t *asked, size_t asked_len);

/* Cuts an answer to header and question, with the bit that says so; its new length. */
size_t dns_answer_cut(uint8_t *data, size_t len);

void dns_set_id(uint8_t *data, uint16_t id);

/*
 * Reads the name at *at of the message, following pointers; *at is behind it then.  Text in lower
 * case.  False if it is malformed; *ret_odd as in struct dns_query.
 */
bool dns_name_read(const uint8_t *data, size_t len, size_t *at, char ret[DNS_NAME_MAX],
		   bool *ret_odd);

/* "4.3.2.1.in-addr.arpa" -> 1.2.3.4 */
bool dns_reverse_parse(const char *name, struct in_addr *ret);
