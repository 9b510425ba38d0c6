/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages: what can be read can be answered, and the answer is one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const uint8_t *asked, size_t len)
{
	uint8_t data[DNS_UDP_MAX];
	struct in6_addr v6 = { 0 };
	struct in_addr v4 = { 0 };
	struct dns_reply reply;
	struct dns_query q;
	size_t n;
	int rc = dns_query_parse(asked, len, &q);

	if (rc < 0)
		return;
	if (memchr(q.name, '\0', sizeof(q.name)) == NULL || q.udp_size < DNS_UDP_MIN ||
	    q.udp_size > DNS_UDP_MAX || q.question_end > len || (q.is_odd && *q.name))
		abort();
	(void)dns_reverse_parse(q.name, &v4);
	dns_reply_begin(&reply, data, q.udp_size, asked, &q, (enum dns_rcode)rc);
	for (int i = 0; i < 20; i++) {
		dns_reply_add_a(&reply, v4, (uint32_t)i);
		dns_reply_add_aaaa(&reply, &v6, 1);
		dns_reply_add_ptr(&reply, q.name, 1);
	}
	n = dns_reply_end(&reply);
	if (n > q.udp_size)
		abort();
	if (q.question_end && rc == DNS_NOERROR && !dns_answer_matches(data, n, asked, len))
		abort();
	n = dns_answer_cut(data, n);
	if (q.question_end && rc == DNS_NOERROR && !dns_answer_matches(data, n, asked, len))
		abort();
}

static void read_names(const uint8_t *data, size_t size)
{
	for (size_t begin = 0; begin < size && begin < 64; begin++) {
		char name[DNS_NAME_MAX];
		size_t at = begin;
		bool is_odd;

		if (!dns_name_read(data, size, &at, name, &is_odd))
			continue;
		if (at > size || at <= begin || strlen(name) > 253)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t copy[4096];
	size_t half = size / 2;

	if (size > sizeof(copy))
		return 0;
	answer(data, size);
	read_names(data, size);
	/* The first half is asked, the second one the answer. */
	(void)dns_answer_matches(data + half, size - half, data, half);
	memcpy(copy, data, size);
	if (dns_answer_cut(copy, size) > size)
		abort();
	return 0;
}
