/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "image/registry_tags.h"
#include "tests/unit/test.h"

#define URL "https://host/v2/x/tags/list?n=1"

START_TEST(finds_the_next_page)
{
	static const struct {
		const char *link, *next;
	} rows[] = {
		{ "</v2/x/tags/list?n=1&last=a>; rel=\"next\"",
		  "https://host/v2/x/tags/list?n=1&last=a" },
		{ "<list?last=a>;rel=next", "https://host/v2/x/tags/list?last=a" },
		{ "<https://host:443/b>; title=\"x\"; REL = \"NEXT\"", "https://host:443/b" },
		{ "</a>; rel=\"prev\", </b>; rel=\"next\"", "https://host/b" },
		{ "</a>; rel=\"prev next\"", "https://host/a" },
		{ "</a>; rel=\"next\", </b>; rel=\"next\"", "https://host/a" },
		{ "</a>; rel=\"prev\"", NULL },
		{ "</a>; rel=\"nextnext\"", NULL },
		{ "</a>; relative=next", NULL },
		{ "</a>; title=next", NULL },
		{ "</a>", NULL },
		{ "</a; rel=next", NULL },
		{ "a; rel=next", NULL },
		{ "<", NULL },
		{ "<>", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *next = NULL;
		struct error err = { 0 };
		int rc = registry_next_page(URL, rows[i].link, &next, &err);

		ck_assert_msg(rc == (rows[i].next != NULL), "%s: %d %s", rows[i].link, rc, err.msg);
		ck_assert_pstr_eq(next, rows[i].next);
	}
}
END_TEST

START_TEST(stays_where_it_is)
{
	static const struct {
		const char *link;
		int code;
		const char *why;
	} rows[] = {
		{ "<https://other/v2/x/tags/list>; rel=next", EPROTO, "on another host" },
		{ "<//other/v2>; rel=next", EPROTO, "on another host" },
		{ "<https://host:444/v2>; rel=next", EPROTO, "on another host" },
		{ "<http://host/v2>; rel=next", EINVAL, "not followed" },
		{ "<file:///etc/passwd>; rel=next", EINVAL, "not followed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *next = NULL;
		struct error err = { 0 };

		ck_assert_int_eq(registry_next_page(URL, rows[i].link, &next, &err), -rows[i].code);
		ck_assert_msg(strstr(err.msg, rows[i].why), "%s", err.msg);
		ck_assert_ptr_null(next);
	}
}
END_TEST

TEST_MAIN("image/registry_tags", finds_the_next_page, stays_where_it_is)
