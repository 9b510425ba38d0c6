/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/dns.h"
#include "tests/unit/test.h"

/* A message in words: "1234" is bytes, ".web." labels, "@12" a pointer, "=n" that many zeros. */
static size_t assemble(const char *text, uint8_t *data)
{
	size_t n = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (*text == '.') {
			for (const char *at = text + 1; at < text + len;) {
				size_t label = strcspn(at, ".");

				data[n++] = (uint8_t)label;
				memcpy(data + n, at, label);
				n += label;
				at += label + 1;
			}
			data[n++] = 0;
		} else if (*text == '@') {
			int target = atoi(text + 1);

			data[n++] = (uint8_t)(0xc0 | target >> 8);
			data[n++] = (uint8_t)target;
		} else if (*text == '=') {
			memset(data + n, 0, (size_t)atoi(text + 1));
			n += (size_t)atoi(text + 1);
		} else {
			for (size_t i = 0; i < len; i += 2) {
				unsigned int byte = 0;

				(void)sscanf(text + i, "%2x", &byte);
				data[n++] = (uint8_t)byte;
			}
		}
		text += len;
		text += strspn(text, " ");
	}
	return n;
}

/* id 1234, recursion desired, one question */
#define HEAD(additional) "1234 0100 0001 0000 0000 00" additional " "

START_TEST(reads_queries)
{
	static const struct {
		const char *message;
		int rc;
		const char *name;
		unsigned int type;
		bool is_odd;
		unsigned int udp_size;
	} rows[] = {
		{ HEAD("00") ".web. 0001 0001", 0, "web", 1, false, 512 },
		{ HEAD("00") ".WeB.Stack-1_x. 001c 0001", 0, "web.stack-1_x", 28, false, 512 },
		{ HEAD("00") "00 0002 0001", 0, "", 2, false, 512 },
		{ HEAD("00") ".a.b.c.d. 0001 00ff", 0, "a.b.c.d", 1, false, 512 },
		{ HEAD("00") "03 612062 00 0001 0001", 0, "", 1, true, 512 },
		{ HEAD("00") "03 610062 00 0001 0001", 0, "", 1, true, 512 },
		{ HEAD("01") ".web. 0001 0001 00 0029 04d0 00000000 0000", 0, "web", 1, false,
		  1232 },
		{ HEAD("01") ".web. 0001 0001 00 0029 ffff 00008000 0000", 0, "web", 1, false,
		  1232 },
		{ HEAD("01") ".web. 0001 0001 00 0029 0000 00000000 0000", 0, "web", 1, false,
		  512 },
		{ HEAD("01") ".web. 0001 0001 00 0029 04d0 00000000 0004 000a0000", 0, "web", 1,
		  false, 1232 },
		/* EDNS of a later version; two of them; not of the root */
		{ HEAD("01") ".web. 0001 0001 00 0029 04d0 00010000 0000", DNS_BADVERS, "web", 1,
		  false, 1232 },
		{ HEAD("02") ".w. 0001 0001 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000",
		  DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("01") ".w. 0001 0001 .x. 0029 04d0 00000000 0000", DNS_FORMERR, NULL, 0,
		  false, 0 },
		/* another class, another opcode, no or two questions, an answer in it */
		{ HEAD("00") ".web. 0001 0003", DNS_NOTIMP, NULL, 0, false, 0 },
		{ "1234 2800 0001 0000 0000 0000 .web. 0006 0001", DNS_NOTIMP, NULL, 0, false, 0 },
		{ "1234 0100 0000 0000 0000 0000", DNS_FORMERR, NULL, 0, false, 0 },
		{ "1234 0100 0002 0000 0000 0000 .a. 0001 0001 .b. 0001 0001", DNS_FORMERR, NULL, 0,
		  false, 0 },
		{ "1234 0100 0001 0001 0000 0000 .a. 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		/* cut and longer */
		{ HEAD("00"), DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") "03 77", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") ".web. 0001 00", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") ".web. 0001 0001 00", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("01") ".web. 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("01") ".web. 0001 0001 00 0029 04d0 00000000 0001", DNS_FORMERR, NULL, 0,
		  false, 0 },
		/* pointers in a question, to itself, ahead, into the header; kinds of labels */
		{ HEAD("00") "@12 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") "@0 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") "@14 .web. 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") "01 61 @12 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") "40 61 00 0001 0001", DNS_FORMERR, NULL, 0, false, 0 },
		{ HEAD("00") "c0", DNS_FORMERR, NULL, 0, false, 0 },
		/* no query at all */
		{ "1234 0100 0001 0000 0000 00", -EPROTO, NULL, 0, false, 0 },
		{ "1234 8180 0001 0000 0000 0000 .web. 0001 0001", -EPROTO, NULL, 0, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t data[512];
		size_t len = assemble(rows[i].message, data);
		struct dns_query q;
		int rc = dns_query_parse(data, len, &q);

		ck_assert_msg(rc == rows[i].rc, "'%s': %d", rows[i].message, rc);
		if (rc >= 0)
			ck_assert_int_eq(q.id, 0x1234);
		if (!rows[i].name)
			continue;
		ck_assert_str_eq(q.name, rows[i].name);
		ck_assert_int_eq(q.type, rows[i].type);
		ck_assert_int_eq(q.is_odd, rows[i].is_odd);
		ck_assert_int_eq(q.udp_size, rows[i].udp_size);
		ck_assert(q.wants_recursion);
	}
}
END_TEST

START_TEST(knows_how_long_names_are)
{
	uint8_t data[600] = { 0x12, 0x34, 1, 0, 0, 1 };
	struct dns_query q;
	size_t at = 12;

	/* 63 + 63 + 63 + 61 and four lengths and the end: 255 */
	for (int i = 0; i < 4; i++) {
		size_t n = i < 3 ? 63 : 61;

		data[at++] = (uint8_t)n;
		memset(data + at, 'a' + i, n);
		at += n;
	}
	memcpy(data + at, "\0\0\1\0\1", 5);
	ck_assert_int_eq(dns_query_parse(data, at + 5, &q), 0);
	ck_assert_uint_eq(strlen(q.name), 253);

	/* One more is too long. */
	data[12 + 3 * 64] = 62;
	data[at] = 'd';
	memcpy(data + at + 1, "\0\0\1\0\1", 5);
	ck_assert_int_eq(dns_query_parse(data, at + 6, &q), DNS_FORMERR);
}
END_TEST

START_TEST(reads_names)
{
	static const struct {
		const char *message; /* behind a header of zeros */
		size_t at;
		const char *name; /* NULL: malformed */
		size_t behind;
	} rows[] = {
		{ ".a.bc.", 12, "a.bc", 18 },
		{ ".a.bc. @12", 18, "a.bc", 20 },
		{ ".a.bc. 0178 @14", 18, "x.bc", 22 },
		/* by way of a pointer to a pointer */
		{ ".bc. 0161 @12 0178 @16", 20, "x.a.bc", 24 },
		/* loops: to itself, to each other, back and on into itself */
		{ "@12", 12, NULL, 0 },
		{ "@14 @12", 14, NULL, 0 },
		{ "0161 @12", 12, NULL, 0 },
		{ "0161 0162 @12", 14, NULL, 0 },
		{ ".bc. @18", 16, NULL, 0 },
		{ ".bc. @4095", 16, NULL, 0 },
		{ ".bc. c0", 16, NULL, 0 },
		{ ".bc. 0561", 16, NULL, 0 },
		{ "80", 12, NULL, 0 },
		{ "", 12, NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t data[300] = { 0 };
		size_t len = 12 + assemble(rows[i].message, data + 12);
		size_t at = rows[i].at;
		char name[DNS_NAME_MAX];
		bool is_odd;
		bool is_good = dns_name_read(data, len, &at, name, &is_odd);

		ck_assert_msg(is_good == (rows[i].name != NULL), "'%s'", rows[i].message);
		if (!is_good)
			continue;
		ck_assert_str_eq(name, rows[i].name);
		ck_assert_uint_eq(at, rows[i].behind);
	}
}
END_TEST

START_TEST(writes_answers)
{
	uint8_t asked[512], data[DNS_UDP_MAX], wanted[512];
	size_t len = assemble(HEAD("00") ".WEB. 0001 0001", asked);
	struct in6_addr v6;
	struct dns_reply reply;
	struct dns_query q;

	ck_assert_int_eq(dns_query_parse(asked, len, &q), 0);
	dns_reply_begin(&reply, data, sizeof(data), asked, &q, DNS_NOERROR);
	dns_reply_add_a(&reply, (struct in_addr){ htonl(0x0a000002) }, 600);
	ck_assert_int_eq(inet_pton(AF_INET6, "fd00::1", &v6), 1);
	dns_reply_add_aaaa(&reply, &v6, 0);
	len = dns_reply_end(&reply);
	/* The question's letters are as they were asked. */
	ck_assert_uint_eq(len, assemble("1234 8180 0001 0002 0000 0000 .WEB. 0001 0001 "
					"@12 0001 0001 00000258 0004 0a000002 "
					"@12 001c 0001 00000000 0010 fd00 =12 0001",
					wanted));
	ck_assert_int_eq(memcmp(data, wanted, len), 0);

	/* With EDNS0, refused. */
	len = assemble(HEAD("01") ".web. 0001 0001 00 0029 04d0 00010000 0000", asked);
	ck_assert_int_eq(dns_query_parse(asked, len, &q), DNS_BADVERS);
	dns_reply_begin(&reply, data, sizeof(data), asked, &q, DNS_BADVERS);
	len = dns_reply_end(&reply);
	ck_assert_uint_eq(len, assemble("1234 8180 0001 0000 0000 0001 .web. 0001 0001 "
					"00 0029 04d0 01000000 0000",
					wanted));
	ck_assert_int_eq(memcmp(data, wanted, len), 0);

	/* A question that could not be read is not repeated. */
	len = assemble(HEAD("00") "@12", asked);
	ck_assert_int_eq(dns_query_parse(asked, len, &q), DNS_FORMERR);
	dns_reply_begin(&reply, data, sizeof(data), asked, &q, DNS_FORMERR);
	len = dns_reply_end(&reply);
	ck_assert_uint_eq(len, assemble("1234 8181 0000 0000 0000 0000", wanted));
	ck_assert_int_eq(memcmp(data, wanted, len), 0);
}
END_TEST

START_TEST(writes_names)
{
	uint8_t asked[512], data[DNS_UDP_MAX], wanted[512];
	size_t len = dns_query_make(asked, sizeof(asked), 0x1234, "2.0.0.10.in-addr.arpa", DNS_PTR);
	struct dns_reply reply;
	struct dns_query q;

	ck_assert_int_eq(dns_query_parse(asked, len, &q), 0);
	ck_assert(q.has_edns);
	ck_assert_str_eq(q.name, "2.0.0.10.in-addr.arpa");
	dns_reply_begin(&reply, data, q.udp_size, asked, &q, DNS_NOERROR);
	dns_reply_add_ptr(&reply, "web.stack", 5);
	dns_reply_add_ptr(&reply, "not..a.name", 5);
	len = dns_reply_end(&reply);
	ck_assert_uint_eq(len, assemble("1234 8180 0001 0001 0000 0001 "
					".2.0.0.10.in-addr.arpa. 000c 0001 "
					"@12 000c 0001 00000005 000b .web.stack. "
					"00 0029 04d0 00000000 0000",
					wanted));
	ck_assert_int_eq(memcmp(data, wanted, len), 0);
	ck_assert_uint_eq(dns_query_make(asked, 20, 1, "web.stack", DNS_A), 0);
	ck_assert_uint_eq(dns_query_make(asked, sizeof(asked), 1, "a..b", DNS_A), 0);
	ck_assert_uint_eq(dns_query_make(asked, sizeof(asked), 1, ".", DNS_A), 0);
}
END_TEST

START_TEST(says_that_it_is_cut)
{
	uint8_t asked[512], data[DNS_UDP_MAX];
	size_t len = assemble(HEAD("00") ".web. 0001 0001", asked);
	struct dns_reply reply;
	struct dns_query q;

	ck_assert_int_eq(dns_query_parse(asked, len, &q), 0);
	dns_reply_begin(&reply, data, q.udp_size, asked, &q, DNS_NOERROR);
	for (unsigned int i = 0; i < 64; i++)
		dns_reply_add_a(&reply, (struct in_addr){ i }, 1);
	len = dns_reply_end(&reply);
	/* (512 - 21) / 16 */
	ck_assert_int_eq(data[7], 30);
	ck_assert_uint_eq(len, 21 + 30 * 16);
	ck_assert(data[2] & 2);
	ck_assert(dns_answer_matches(data, len, asked, 21));

	len = dns_answer_cut(data, len);
	ck_assert_uint_eq(len, 21);
	ck_assert_int_eq(data[7], 0);
	ck_assert(dns_answer_matches(data, len, asked, 21));
}
END_TEST

START_TEST(checks_answers)
{
	static const char good[] = "1234 8180 0001 0001 0000 0000 .web. 0001 0001 "
				   "@12 0001 0001 00000258 0004 0a000002";
	static const char *const bad[] = {
		/* id, no answer, opcode, questions */
		"1235 8180 0001 0000 0000 0000 .web. 0001 0001",
		"1234 0180 0001 0000 0000 0000 .web. 0001 0001",
		"1234 a980 0001 0000 0000 0000 .web. 0001 0001",
		"1234 8180 0000 0000 0000 0000",
		"1234 8180 0002 0000 0000 0000 .web. 0001 0001 .web. 0001 0001",
		/* another question */
		"1234 8180 0001 0000 0000 0000 .wab. 0001 0001",
		"1234 8180 0001 0000 0000 0000 .WEB. 0001 0001",
		"1234 8180 0001 0000 0000 0000 .web. 001c 0001",
		"1234 8180 0001 0000 0000 0000 .we. 0001 0001",
		/* records that are not there, or end behind the message; bytes that are none */
		"1234 8180 0001 0001 0000 0000 .web. 0001 0001",
		"1234 8180 0001 ffff 0000 0000 .web. 0001 0001 @12 0001 0001 00000258 0004 0a000002",
		"1234 8180 0001 0001 0000 0000 .web. 0001 0001 @12 0001 0001 00000258 0005 0a000002",
		"1234 8180 0001 0001 0000 0000 .web. 0001 0001 @12 0001 0001 00000258 00",
		"1234 8180 0001 0000 0000 0000 .web. 0001 0001 00",
		"1234 8180 0001 0001 0000 0000 .web. 0001 0001 @21 0001 0001 00000258 0004 0a000002",
		"1234 81",
		"",
	};
	uint8_t asked[100], data[300];
	size_t asked_len = assemble(HEAD("00") ".web. 0001 0001", asked);

	ck_assert(dns_answer_matches(data, assemble(good, data), asked, asked_len));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!dns_answer_matches(data, assemble(bad[i], data), asked, asked_len),
			      "'%s'", bad[i]);
}
END_TEST

START_TEST(reads_reverse_names)
{
	static const char *const bad[] = {
		"",
		"in-addr.arpa",
		"1.2.3.in-addr.arpa",
		"1.2.3.4.5.in-addr.arpa",
		"256.2.3.4.in-addr.arpa",
		"01.2.3.4.in-addr.arpa",
		"+1.2.3.4.in-addr.arpa",
		"-1.2.3.4.in-addr.arpa",
		" 1.2.3.4.in-addr.arpa",
		"1.2.3.4.in-addr.arpa.x",
		"1.2.3.4.ip6.arpa",
		"1.2.3.4",
	};
	struct in_addr address;

	ck_assert(dns_reverse_parse("4.3.2.1.in-addr.arpa", &address));
	ck_assert_int_eq(address.s_addr, htonl(0x01020304));
	ck_assert(dns_reverse_parse("255.0.0.10.in-addr.arpa", &address));
	ck_assert_int_eq(address.s_addr, htonl(0x0a0000ff));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!dns_reverse_parse(bad[i], &address), "'%s'", bad[i]);
}
END_TEST

TEST_MAIN("net/dns", reads_queries, knows_how_long_names_are, reads_names, writes_answers,
	  writes_names, says_that_it_is_cut, checks_answers, reads_reverse_names)
