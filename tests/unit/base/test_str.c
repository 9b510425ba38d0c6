/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/test.h"

START_TEST(builds_text)
{
	auto_str struct str s = { 0 };
	auto_free char *text = NULL;

	str_add(&s, "a");
	str_addf(&s, "%d-%s", 12, "b");
	for (int i = 0; i < 1000; i++)
		str_add(&s, "x");
	ck_assert_uint_eq(s.len, 1005);
	text = str_take(&s);
	ck_assert_int_eq(strncmp(text, "a12-bxx", 7), 0);
	ck_assert_uint_eq(s.len, 0);
}
END_TEST

/* Whether there is room for it or not. */
START_TEST(formats_at_any_length)
{
	for (int len = 0; len < 200; len++) {
		auto_str struct str s = { 0 };

		str_addf(&s, "%*s", len, "");
		str_addf(&s, "%*s|", len / 2, "x");
		str_addf(&s, "%s", "");
		ck_assert_uint_eq(s.len, len + (len / 2 ? len / 2 : 1) + 1);
		ck_assert_uint_eq(strlen(s.text), s.len);
		ck_assert_ptr_eq(strchr(s.text, 'x'), s.text + s.len - 2);
	}
}
END_TEST

START_TEST(lists_grow)
{
	auto_strv struct strv v = { 0 };
	struct strv copy = { 0 };

	for (int i = 0; i < 1000; i++) {
		strv_addf(&v, "%d", i);
		ck_assert_uint_eq(v.n, i + 1);
		ck_assert_ptr_null(v.items[v.n]);
	}
	ck_assert_str_eq(v.items[0], "0");
	ck_assert_str_eq(v.items[999], "999");

	/* Items that were made elsewhere. */
	copy.items = xcalloc(2, sizeof(*copy.items));
	copy.items[0] = xstrdup("a");
	copy.n = 1;
	strv_add(&copy, "b");
	ck_assert_str_eq(copy.items[1], "b");
	ck_assert_ptr_null(copy.items[2]);
	strv_fini(&copy);
}
END_TEST

START_TEST(takes_an_empty_text)
{
	struct str s = { 0 };
	auto_free char *text = str_take(&s);

	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(sets_variables_in_place)
{
	auto_strv struct strv v = { 0 };

	strv_add(&v, "A=1");
	strv_add(&v, "AB=2");
	strv_setenv(&v, "A", "3");
	strv_setenv(&v, "C", "");
	ck_assert_uint_eq(v.n, 3);
	ck_assert_str_eq(v.items[0], "A=3");
	ck_assert_str_eq(strv_getenv(&v, "AB"), "2");
	ck_assert_str_eq(strv_getenv(&v, "C"), "");
	ck_assert_ptr_null(strv_getenv(&v, "B"));
	ck_assert_ptr_null(v.items[3]);
}
END_TEST

START_TEST(splits_and_keeps_empty_fields)
{
	auto_strv struct strv v = { 0 };

	strv_split(&v, "a::b:", ':');
	ck_assert_uint_eq(v.n, 4);
	ck_assert_str_eq(v.items[1], "");
	ck_assert_str_eq(v.items[2], "b");
	ck_assert_str_eq(v.items[3], "");
	ck_assert(strv_has(&v, "b"));
	ck_assert(!strv_has(&v, "c"));
}
END_TEST

START_TEST(an_empty_list_is_still_a_list)
{
	struct strv v = { 0 };

	ck_assert_ptr_nonnull(strv_items(&v));
	ck_assert_ptr_null(strv_items(&v)[0]);
}
END_TEST

START_TEST(removes_from_a_list)
{
	auto_strv struct strv v = { 0 };

	strv_split(&v, "a,b,c", ',');
	strv_remove(&v, 1);
	ck_assert_uint_eq(v.n, 2);
	ck_assert_str_eq(v.items[1], "c");
	ck_assert_ptr_null(v.items[2]);
	strv_remove(&v, 1);
	strv_remove(&v, 0);
	ck_assert_uint_eq(v.n, 0);
	ck_assert_ptr_null(v.items[0]);
}
END_TEST

START_TEST(escapes_what_a_terminal_would_obey)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "plain text", "plain text" },
		{ "a\033[31mb\n", "a\\x1b[31mb\\x0a" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xc2\x9b"
		  "1m",
		  "\\xc2\\x9b1m" },                         /* C1 CSI */
		{ "x\xe2\x80\xaey", "x\\xe2\\x80\\xaey" },  /* right-to-left override */
		{ "\xff\xc3", "\\xff\\xc3" },               /* broken */
		{ "\xc0\xaf", "\\xc0\\xaf" },               /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },      /* surrogate */
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" }, /* beyond the BMP */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *shown = str_escape(cases[i].text);

		ck_assert_str_eq(shown, cases[i].shown);
	}
}
END_TEST

START_TEST(compares)
{
	ck_assert(str_eq(NULL, NULL));
	ck_assert(!str_eq(NULL, "a"));
	ck_assert(str_eq("a", "a"));
	ck_assert(str_starts("abc", "ab"));
	ck_assert(!str_starts("a", "ab"));
	ck_assert(str_ends("abc", "bc"));
	ck_assert(!str_ends("c", "bc"));
}
END_TEST

TEST_MAIN("base/str", builds_text, formats_at_any_length, lists_grow, takes_an_empty_text,
	  sets_variables_in_place, splits_and_keeps_empty_fields, an_empty_list_is_still_a_list,
	  removes_from_a_list, escapes_what_a_terminal_would_obey, compares)
