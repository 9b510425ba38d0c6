/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "image/challenge.h"
#include "tests/unit/test.h"

START_TEST(understands)
{
	static const struct {
		const char *text;
		enum challenge_kind kind;
		const char *realm, *service, *scope;
	} rows[] = {
		{ "Basic realm=\"x\"", CHALLENGE_BASIC, "x", NULL, NULL },
		{ "basic", CHALLENGE_BASIC, NULL, NULL, NULL },
		{ "Bearer realm=\"https://a/t\",service=\"r\",scope=\"repository:a/b:pull\"",
		  CHALLENGE_BEARER, "https://a/t", "r", "repository:a/b:pull" },
		{ "BEARER  REALM = x, realm=https://a/t ,  service=r", CHALLENGE_NONE, NULL, NULL,
		  NULL },
		{ "bearer realm=https://a/t , service=r", CHALLENGE_BEARER, "https://a/t", "r",
		  NULL },
		{ "Bearer realm=\"https://a/\\\"t\"", CHALLENGE_BEARER, "https://a/\"t", NULL,
		  NULL },
		{ "Negotiate, Basic realm=\"x\"", CHALLENGE_BASIC, "x", NULL, NULL },
		{ "Bearer realm=\"file:///t\", Basic realm=\"y\"", CHALLENGE_BASIC, "y", NULL,
		  NULL },
		{ "", CHALLENGE_NONE, NULL, NULL, NULL },
		{ "Negotiate", CHALLENGE_NONE, NULL, NULL, NULL },
		{ "Bearer", CHALLENGE_NONE, NULL, NULL, NULL },
		{ "Bearer realm=\"https://a", CHALLENGE_NONE, NULL, NULL, NULL },
		{ "Bearer realm=\"https://a\\", CHALLENGE_NONE, NULL, NULL, NULL },
		{ "Bearer realm=", CHALLENGE_NONE, NULL, NULL, NULL },
		{ ",,,", CHALLENGE_NONE, NULL, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_challenge struct challenge c = { 0 };
		struct error err = { 0 };
		int rc = challenge_parse(rows[i].text, &c, &err);

		ck_assert_msg(rc == (rows[i].kind ? 0 : -EINVAL), "%s", rows[i].text);
		ck_assert_int_eq(c.kind, rows[i].kind);
		ck_assert_pstr_eq(c.realm, rows[i].realm);
		ck_assert_pstr_eq(c.service, rows[i].service);
		ck_assert_pstr_eq(c.scope, rows[i].scope);
	}
}
END_TEST

START_TEST(makes_addresses)
{
	static char realm[] = "https://a/t", asked[] = "https://a/t?x=1", service[] = "a b&c";
	struct challenge c = { .kind = CHALLENGE_BEARER, .realm = realm };
	char *url = challenge_token_url(&c, NULL);

	ck_assert_str_eq(url, "https://a/t");
	free(url);
	c.service = service;
	url = challenge_token_url(&c, "repository:a/b:pull,push");
	ck_assert_str_eq(url, "https://a/t?service=a%20b%26c&scope=repository:a/b:pull,push");
	free(url);
	c.realm = asked;
	c.scope = service;
	url = challenge_token_url(&c, "other");
	ck_assert_str_eq(url, "https://a/t?x=1&service=a%20b%26c&scope=a%20b%26c");
	free(url);
}
END_TEST

TEST_MAIN("image/challenge", understands, makes_addresses)
