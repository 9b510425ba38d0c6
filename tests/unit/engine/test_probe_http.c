/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "engine/health.h"
#include "engine/probe_http.h"
#include "tests/unit/test.h"

START_TEST(asks)
{
	char authority[] = "localhost:80", path[] = "/x?y";
	const struct health_target target = { .authority = authority, .path = path };
	auto_free char *text = probe_http_request(&target);

	ck_assert_str_eq(text, "GET /x?y HTTP/1.1\r\nHost: localhost:80\r\n"
			       "User-Agent: minictr-healthcheck\r\nAccept: */*\r\n"
			       "Connection: close\r\n\r\n");
}
END_TEST

static const struct {
	const char *text;
	int status;
} rows[] = {
	{ "HTTP/1.1 200 OK\r\n", 200 },
	{ "HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody", 404 },
	{ "HTTP/1.1 204 \r\n", 204 },
	{ "HTTP/1.1 204\r\n", 204 },
	{ "HTTP/1.1 302 Found\n", 302 },
	{ "HTTP/1.1 599 \xc3\xa9\r\n", 599 },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 200 },
	{ "HTTP/1.1 103 Early\r\nLink: a\r\nLink: b\r\n\r\nHTTP/1.1 500 x\r\n", 500 },
	{ "HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\n", 200 },
	{ "HTTP/1.1 100 Continue\r\nX: y\r\n", 0 },
	{ "HTTP/1.1 100 Continue\r\n\r\n", 0 },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2", 0 },
	{ "HTTP/1.1 200 OK", 0 },
	{ "HTTP/1.", 0 },
	{ "H", 0 },
	{ "HTTP/1.1 600 x\r\n", -EPROTO },
	{ "HTTP/1.1 099 x\r\n", -EPROTO },
	{ "HTTP/1.1 20 OK\r\n", -EPROTO },
	{ "HTTP/1.1 2000 OK\r\n", -EPROTO },
	{ "HTTP/1.1 -20 OK\r\n", -EPROTO },
	{ "HTTP/1.1  200 OK\r\n", -EPROTO },
	{ "HTTP/1.1\t200 OK\r\n", -EPROTO },
	{ "HTTP/1.1 200\tOK\r\n", -EPROTO },
	{ "HTTP/1.1 200 O\033K\r\n", -EPROTO },
	{ "HTTP/1.1 200 O\rK\r\n", -EPROTO },
	{ "HTTP/2 200\r\n", -EPROTO },
	{ "HTTP/1.x 200 OK\r\n", -EPROTO },
	{ "http/1.1 200 OK\r\n", -EPROTO },
	{ "SSH-2.0-OpenSSH\r\n", -EPROTO },
	{ "S", -EPROTO },
	{ "\r\n", -EPROTO },
	{ "HTTP/1.1 100 x\r\n\r\nnonsense", -EPROTO },
};

START_TEST(understands_answers)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(probe_http_status(rows[i].text, strlen(rows[i].text)) ==
				      rows[i].status,
			      "'%s'", rows[i].text);
}
END_TEST

/* In pieces as in one: before the last byte that matters nothing else is told than in the end. */
START_TEST(understands_pieces)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 1; len < strlen(rows[i].text); len++) {
			int status = probe_http_status(rows[i].text, len);

			ck_assert_msg(status == 0 || status == rows[i].status, "'%.*s': %d",
				      (int)len, rows[i].text, status);
		}
	}
}
END_TEST

START_TEST(gives_up)
{
	static char text[PROBE_HTTP_MAX];

	memset(text, 'x', sizeof(text));
	memcpy(text, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 "));
	ck_assert_int_eq(probe_http_status(text, sizeof(text) - 1), 0);
	ck_assert_int_eq(probe_http_status(text, sizeof(text)), -EPROTO);
	memcpy(text, "HTTP/1.1 100 \r\nX: ", strlen("HTTP/1.1 100 \r\nX: "));
	ck_assert_int_eq(probe_http_status(text, sizeof(text) - 1), 0);
	ck_assert_int_eq(probe_http_status(text, sizeof(text)), -EPROTO);
}
END_TEST

TEST_MAIN("engine/probe_http", asks, understands_answers, understands_pieces, gives_up)
