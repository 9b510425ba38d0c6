/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "image/http.h"
#include "tests/unit/test.h"

static void take(struct http_request *request, const char *line)
{
	http_take_header(request, line, strlen(line));
}

START_TEST(keeps_headers)
{
	struct http_request r = { .retry_after = -1 };
	auto_free char *large = xmalloc(9000);

	take(&r, "LOCATION:\t/a b \r\n");
	take(&r, "Content-Type: text/html; charset=x\r\n");
	take(&r, "content-type: a/b");
	take(&r, "Docker-Content-Digest: d\r\n");
	take(&r, "Content-Range: bytes 100-199/1000\r\n");
	take(&r, "Retry-After: 12\r\n");
	take(&r, "Locations: /other\r\n");
	take(&r, "X");
	take(&r, "");
	ck_assert_str_eq(r.location, "/a b");
	ck_assert_str_eq(r.content_type, "a/b");
	ck_assert_str_eq(r.digest, "d");
	ck_assert(r.has_range);
	ck_assert_uint_eq(r.range_start, 100);
	ck_assert_int_eq(r.retry_after, 12);

	/* What is no number, and what is too long. */
	http_request_again(&r);
	take(&r, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n");
	take(&r, "Retry-After: 99999999999\r\n");
	take(&r, "Retry-After: -1\r\n");
	take(&r, "Content-Range: bytes */1000\r\n");
	take(&r, "Content-Range: bytes 99999999999999999999-1/2\r\n");
	memset(large, 'x', 9000);
	memcpy(large, "Location:", 9);
	http_take_header(&r, large, 9000);
	http_take_header(&r, "Location: a\0b", 13);
	ck_assert_int_eq(r.retry_after, -1);
	ck_assert(!r.has_range);
	ck_assert_ptr_null(r.location);

	/* A challenge that can be answered is not hidden by another. */
	take(&r, "WWW-Authenticate: Bearer realm=x\r\n");
	take(&r, "WWW-Authenticate: Negotiate\r\n");
	ck_assert_str_eq(r.challenge, "Bearer realm=x");
	http_request_fini(&r);
}
END_TEST

START_TEST(tells_origins_apart)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} rows[] = {
		{ "https://a/x", "https://a/y?z", true }, { "https://a/x", "https://A:443/", true },
		{ "https://a", "http://a", false },       { "https://a", "https://a:444", false },
		{ "https://a", "https://a.b", false },    { "https://a", "https://b@a", true },
		{ "https://a", "https://a@b", false },    { "https://a", "https://a\\@b", false },
		{ "https://a", "nonsense", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(http_same_origin(rows[i].a, rows[i].b) == rows[i].is_same, "%s %s",
			      rows[i].a, rows[i].b);
}
END_TEST

START_TEST(follows_only_http)
{
	static const struct {
		const char *from, *location, *to;
	} rows[] = {
		{ "https://a/b/c", "/d", "https://a/d" },
		{ "https://a/b/c", "d?e", "https://a/b/d?e" },
		{ "http://a/", "https://b/", "https://b/" },
		{ "http://a/", "http://b:5000/x", "http://b:5000/x" },
		{ "https://a/", "//b/x", "https://b/x" },
		{ "https://a/", "https://me:secret@b/x", "https://b/x" },
		{ "https://a/", "http://b/", NULL },
		{ "https://a/", "http://a/", NULL },
		{ "https://a/", "file:///etc/passwd", NULL },
		{ "https://a/", "gopher://b/", NULL },
		{ "https://a/", "https://", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *to = NULL;
		struct error err = { 0 };
		int rc = http_redirect(rows[i].from, rows[i].location, &to, &err);

		ck_assert_msg(rc == (rows[i].to ? 0 : -EINVAL), "%s", rows[i].location);
		ck_assert_pstr_eq(to, rows[i].to);
	}
}
END_TEST

TEST_MAIN("image/http", keeps_headers, tells_origins_apart, follows_only_http)
