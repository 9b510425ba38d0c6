/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "compose/words.h"
#include "tests/unit/test.h"

START_TEST(splits)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "" },
		{ "  \t\n", "" },
		{ "a b  c", "<a><b><c>" },
		{ "a 'b c' d", "<a><b c><d>" },
		{ "a \"b 'c'\" d", "<a><b 'c'><d>" },
		{ "a'b'\"c\"d", "<abcd>" },
		{ "'' \"\"", "<><>" },
		{ "a\\ b \\'c", "<a b><'c>" },
		{ "\"a\\\"b\\\\c\\nd\\$e\"", "<a\"b\\c\\nd$e>" },
		{ "'a\\b'", "<a\\b>" },
		{ "a \\\n b\\\nc", "<a><bc>" },
		{ "sh -c 'echo \"$A\" && b' > x | y", "<sh><-c><echo \"$A\" && b><>><x><|><y>" },
		{ "a\\", "<a\\>" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv words = { 0 };
		auto_str struct str got = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(words_split(rows[i].text, &words, &err), 0);
		for (size_t j = 0; j < words.n; j++)
			str_addf(&got, "<%s>", words.items[j]);
		ck_assert_str_eq(got.text ? got.text : "", rows[i].words);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "a 'b", "a quote ' is not closed" },
		{ "a \"b\\\"", "a quote \" is not closed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv words = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(words_split(rows[i].text, &words, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_uint_eq(words.n, 0);
	}
}
END_TEST

TEST_MAIN("compose/words", splits, refuses)
