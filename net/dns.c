/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define HEADER    12
#define LABEL_MAX 63
#define WIRE_MAX  255 /* of a name, RFC 1035 2.3.4 */
#define OPT_LEN   11
#define CLASS_IN  1
#define CLASS_ANY 255

/* Header, second 16 bits. */
#define FLAG_QR       0x8000
#define FLAG_TC       0x0200
#define FLAG_RD       0x0100
#define FLAG_RA       0x0080
#define OPCODE(flags) ((flags) >> 11 & 0xf)

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value & 0xffff);
}

void dns_set_id(uint8_t *data, uint16_t id)
{
	put16(data, id);
}

/* ---- names ------------------------------------------------------------------------------------ */

/* What names of hosts and services are made of; the rest is nobody that we know. */
static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static uint8_t to_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

struct text {
	char *at;
	size_t len;
	bool is_odd;
};

static void add_label(struct text *text, const uint8_t *label, size_t n)
{
	if (text->len)
		text->at[text->len++] = '.';
	for (size_t i = 0; i < n; i++) {
		uint8_t c = to_lower(label[i]);

		text->is_odd = text->is_odd || !is_plain(c);
		text->at[text->len++] = (char)c;
	}
	text->at[text->len] = '\0';
}

bool dns_name_read(const uint8_t *data, size_t len, size_t *at, char ret[DNS_NAME_MAX],
		   bool *ret_odd)
{
	struct text text = { .at = ret };
	size_t pos = *at;
	size_t end = 0;      /* behind the name where it stands; 0: no pointer met yet */
	size_t lowest = pos; /* each pointer goes further back than all before: there is an end */
	size_t wire = 0;

	ret[0] = '\0';
	for (;;) {
		size_t n;

		if (pos >= len)
			return false;
		n = data[pos];
		if ((n & 0xc0) == 0xc0) {
			size_t target;

			if (pos + 1 >= len)
				return false;
			target = (n & 0x3f) << 8 | data[pos + 1];
			end = end ? end : pos + 2;
			if (target >= lowest || target < HEADER)
				return false;
			lowest = pos = target;
			continue;
		}
		/* 01 and 10 are no kinds of label (RFC 6891 5). */
		if (n > LABEL_MAX)
			return false;
		wire += n + 1;
		if (wire > WIRE_MAX || pos + 1 + n > len)
			return false;
		if (n == 0)
			break;
		add_label(&text, data + pos + 1, n);
		pos += n + 1;
	}
	*at = end ? end : pos + 1;
	*ret_odd = text.is_odd;
	if (text.is_odd)
		ret[0] = '\0';
	return true;
}

/* The name's length on the wire, 0 if it is none or does not fit. */
static size_t write_name(uint8_t *data, size_t room, const char *name)
{
	size_t at = 0;

	while (*name) {
		size_t n = strcspn(name, ".");

		if (n == 0 || n > LABEL_MAX || at + n + 2 > MIN(room, WIRE_MAX))
			return 0;
		data[at++] = (uint8_t)n;
		memcpy(data + at, name, n);
		at += n;
		name += n;
		if (*name == '.')
			name++;
	}
	if (at + 1 > room)
		return 0;
	data[at++] = 0;
	return at;
}

bool dns_reverse_parse(const char *name, struct in_addr *ret)
{
	unsigned int parts[4];
	int end = 0;
	char again[32];

	if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", &parts[3], &parts[2], &parts[1],
		   &parts[0], &end) != 4 ||
	    end == 0 || name[end])
		return false;
	for (int i = 0; i < 4; i++) {
		if (parts[i] > 255)
			return false;
	}
	/* sscanf() also takes signs, blanks and leading zeros. */
	(void)snprintf(again, sizeof(again), "%u.%u.%u.%u.", parts[3], parts[2], parts[1],
		       parts[0]);
	if (strncmp(name, again, strlen(again)) != 0)
		return false;
	ret->s_addr = htonl(parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]);
	return true;
}

/* ---- records ---------------------------------------------------------------------------------- */

struct record {
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_len;
	bool is_root;
};

static bool read_record(const uint8_t *data, size_t len, size_t *at, struct record *ret)
{
	char name[DNS_NAME_MAX];
	size_t begin = *at;
	bool is_odd;

	if (!dns_name_read(data, len, at, name, &is_odd) || len - *at < 10)
		return false;
	ret->is_root = *at == begin + 1;
	ret->type = get16(data + *at);
	ret->class = get16(data + *at + 2);
	ret->ttl = (uint32_t)get16(data + *at + 4) << 16 | get16(data + *at + 6);
	ret->data_len = get16(data + *at + 8);
	ret->data = *at + 10;
	if (len - ret->data < ret->data_len)
		return false;
	*at = ret->data + ret->data_len;
	return true;
}

/* ---- queries ---------------------------------------------------------------------------------- */

static int take_opt(const struct record *opt, struct dns_query *q)
{
	/* RFC 6891 6.1.1: one, and of the root. */
	if (q->has_edns || !opt->is_root)
		return DNS_FORMERR;
	q->has_edns = true;
	q->udp_size = (uint16_t)MIN(MAX(opt->class, DNS_UDP_MIN), DNS_UDP_MAX);
	return opt->ttl >> 16 & 0xff ? DNS_BADVERS : DNS_NOERROR;
}

static int read_additional(const uint8_t *data, size_t len, size_t at, struct dns_query *q)
{
	int rc = DNS_NOERROR;

	for (unsigned int i = get16(data + 10); i > 0; i--) {
		struct record record;

		if (!read_record(data, len, &at, &record))
			return DNS_FORMERR;
		if (record.type == DNS_OPT && rc == DNS_NOERROR)
			rc = take_opt(&record, q);
	}
	return at == len ? rc : DNS_FORMERR;
}

static int read_question(const uint8_t *data, size_t len, struct dns_query *q)
{
	size_t at = HEADER;

	/* A pointer has nothing to point to: dns_name_read() refuses it. */
	if (!dns_name_read(data, len, &at, q->name, &q->is_odd) || len - at < 4)
		return DNS_FORMERR;
	q->type = get16(data + at);
	q->class = get16(data + at + 2);
	q->question_end = at + 4;
	return DNS_NOERROR;
}

int dns_query_parse(const uint8_t *data, size_t len, struct dns_query *ret)
{
	unsigned int flags;
	int rc;

	*ret = (struct dns_query){ .udp_size = DNS_UDP_MIN };
	if (len < HEADER)
		return -EPROTO;
	flags = get16(data + 2);
	if (flags & FLAG_QR)
		return -EPROTO;
	ret->id = get16(data);
	ret->wants_recursion = flags & FLAG_RD;
	if (OPCODE(flags) != 0)
		return DNS_NOTIMP;
	/* One question, no answers. */
	if (get16(data + 4) != 1 || get16(data + 6) || get16(data + 8))
		return DNS_FORMERR;
	rc = read_question(data, len, ret);
	if (rc == DNS_NOERROR)
		rc = read_additional(data, len, ret->question_end, ret);
	if (rc == DNS_NOERROR && ret->class != CLASS_IN && ret->class != CLASS_ANY)
		rc = DNS_NOTIMP;
	return rc;
}

size_t dns_query_make(uint8_t *data, size_t room, uint16_t id, const char *name, enum dns_type type)
{
	size_t n, at = HEADER;

	if (room < HEADER + 1 + 4 + OPT_LEN)
		return 0;
	n = write_name(data + at, room - at - 4 - OPT_LEN, name);
	if (n == 0)
		return 0;
	memset(data, 0, HEADER);
	put16(data, id);
	put16(data + 2, FLAG_RD);
	put16(data + 4, 1);
	put16(data + 10, 1);
	at += n;
	put16(data + at, type);
	put16(data + at + 2, CLASS_IN);
	at += 4;
	memset(data + at, 0, OPT_LEN);
	put16(data + at + 1, DNS_OPT);
	put16(data + at + 3, DNS_UDP_MAX);
	return at + OPT_LEN;
}

/* ---- answers ---------------------------------------------------------------------------------- */

void dns_reply_begin(struct dns_reply *reply, uint8_t *data, size_t room, const uint8_t *asked,
		     const struct dns_query *query, enum dns_rcode rcode)
{
	*reply = (struct dns_reply){
		.data = data, .room = room, .len = HEADER, .query = query, .rcode = rcode
	};
	if (query->question_end) {
		memcpy(data, asked, query->question_end);
		reply->len = query->question_end;
	}
	if (query->has_edns)
		reply->room -= OPT_LEN;
}

/* The beginning of an answer about the name that was asked for; NULL if it does not fit. */
static uint8_t *add_record(struct dns_reply *reply, enum dns_type type, uint32_t ttl, size_t len)
{
	uint8_t *at = reply->data + reply->len;

	if (reply->is_cut || reply->len + 12 + len > reply->room) {
		reply->is_cut = true;
		return NULL;
	}
	put16(at, 0xc000 | HEADER); /* the name in the question */
	put16(at + 2, type);
	put16(at + 4, CLASS_IN);
	put32(at + 6, ttl);
	put16(at + 10, (unsigned int)len);
	reply->len += 12 + len;
	reply->answers++;
	return at + 12;
}

void dns_reply_add_a(struct dns_reply *reply, struct in_addr address, uint32_t ttl)
{
	uint8_t *at = add_record(reply, DNS_A, ttl, sizeof(address));

	if (at)
		memcpy(at, &address, sizeof(address));
}

void dns_reply_add_aaaa(struct dns_reply *reply, const struct in6_addr *address, uint32_t ttl)
{
	uint8_t *at = add_record(reply, DNS_AAAA, ttl, sizeof(*address));

	if (at)
		memcpy(at, address, sizeof(*address));
}

void dns_reply_add_ptr(struct dns_reply *reply, const char *name, uint32_t ttl)
{
	uint8_t wire[WIRE_MAX + 1];
	size_t len = write_name(wire, sizeof(wire), name);
	uint8_t *at = len ? add_record(reply, DNS_PTR, ttl, len) : NULL;

	if (at)
		memcpy(at, wire, len);
}

size_t dns_reply_end(struct dns_reply *reply)
{
	const struct dns_query *q = reply->query;
	uint8_t *data = reply->data;

	put16(data, q->id);
	put16(data + 2, FLAG_QR | FLAG_RA | (q->wants_recursion ? FLAG_RD : 0U) |
				(reply->is_cut ? FLAG_TC : 0U) | (reply->rcode & 0xfU));
	put16(data + 4, q->question_end ? 1 : 0);
	put16(data + 6, reply->answers);
	put16(data + 8, 0);
	put16(data + 10, q->has_edns ? 1 : 0);
	if (q->has_edns) {
		uint8_t *at = data + reply->len;

		memset(at, 0, OPT_LEN);
		put16(at + 1, DNS_OPT);
		put16(at + 3, DNS_UDP_MAX);
		at[5] = (uint8_t)(reply->rcode >> 4);
		reply->len += OPT_LEN;
	}
	return reply->len;
}

bool dns_answer_matches(const uint8_t *data, size_t len, const uint8_t *asked, size_t asked_len)
{
	struct dns_query q;
	unsigned int records;
	size_t at;

	if (len < HEADER || dns_query_parse(asked, asked_len, &q) < 0 || !q.question_end)
		return false;
	if (get16(data) != q.id || !(get16(data + 2) & FLAG_QR) || OPCODE(get16(data + 2)) != 0 ||
	    get16(data + 4) != 1 || len < q.question_end)
		return false;
	if (memcmp(data + HEADER, asked + HEADER, q.question_end - HEADER) != 0)
		return false;
	at = q.question_end;
	records = (unsigned int)get16(data + 6) + get16(data + 8) + get16(data + 10);
	for (; records > 0; records--) {
		struct record record;

		if (!read_record(data, len, &at, &record))
			return false;
	}
	return at == len;
}

size_t dns_answer_cut(uint8_t *data, size_t len)
{
	char name[DNS_NAME_MAX];
	size_t at = HEADER;
	bool is_odd;

	if (len < HEADER || get16(data + 4) != 1 || !dns_name_read(data, len, &at, name, &is_odd) ||
	    len - at < 4)
		return len;
	put16(data + 2, get16(data + 2) | FLAG_TC);
	memset(data + 6, 0, 6);
	return at + 4;
}
