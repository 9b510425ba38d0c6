/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compose/dotenv.h"
#include "tests/unit/test.h"

START_TEST(reads)
{
	static const struct {
		const char *text, *result;
	} rows[] = {
		{ "", "" },
		{ "\n\n# A=b\n  # c\n", "" },
		{ "A=b", "A=b|" },
		{ "A=b\nC = d \n", "A=b|C=d|" },
		{ "A=b\r\nC=d\r\n", "A=b|C=d|" },
		{ "\xef\xbb\xbf"
		  "A=b",
		  "A=b|" },
		{ "export A=b\nexport\tB=c\nexported=d", "A=b|B=c|exported=d|" },
		{ "A: b", "A=b|" },
		{ "A=\nB=", "A=|B=|" },
		{ "A=b # comment\nB=b#none\nC=#all\nD=a=b=c", "A=b|B=b#none|C=|D=a=b=c|" },
		{ "A='b # $X \\n'\nB='it\\'s'", "A=b # $X \\n|B=it's|" },
		{ "A=\"b\\n\\t\\\"\\\\ \\$HOST\" # c", "A=b\n\t\"\\ $HOST|" },
		{ "A=\"two\nlines\"\nB='and\nthree\n'\nC=c", "A=two\nlines|B=and\nthree\n|C=c|" },
		{ "A=a\nB=${A}b\nC=\"$B$HOST\"\nD='$A'", "A=a|B=ab|C=abhost|D=$A|" },
		{ "HOST=mine\nA=$HOST", "HOST=mine|A=host|" }, /* the environment counts more */
		{ "A=${NONE:-x}$NONE", "A=x|" },
		{ "HOST\nNONE\nA=b", "HOST=host|A=b|" },
		{ "A=b\nA=c", "A=c|" },
		{ "A=p$ss$5w${rd", "A=p$5w${rd|" },
		{ "A=pa$$word", "A=pa$word|" },
		{ "a.b-c_D1=x", "a.b-c_D1=x|" },
		{ "A=\"\"\nB=''", "A=|B=|" },
		{ "A=b c  d", "A=b c  d|" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv env = { 0 };
		auto_strv struct strv pairs = { 0 };
		auto_str struct str got = { 0 };
		struct error err = { 0 };
		int rc;

		strv_add(&env, "HOST=host");
		rc = dotenv_parse(".env", rows[i].text, strlen(rows[i].text), &env, &pairs, &err);
		ck_assert_msg(rc == 0, "%s: %s", rows[i].text, err.msg);
		for (size_t j = 0; j < pairs.n; j++)
			str_addf(&got, "%s|", pairs.items[j]);
		ck_assert_str_eq(got.text ? got.text : "", rows[i].result);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "A=b\n=c", ".env:2: a line must begin with NAME=" },
		{ "A=b\n\n\n\"x\"=c", ".env:4: a line must begin with NAME=" },
		{ "A B=c", ".env:1: 'A' is followed by 'B', not by '='" },
		{ "A='b", ".env:1: the quotes are not closed" },
		{ "X='a\nb\nc'\nA=\"b\nc", ".env:4: the quotes are not closed" },
		{ "A='b'c", ".env:1: the closing quote is followed by 'c'" },
		{ "A=${B:?give me B}", ".env:1: the variable 'B' is required: give me B" },
		{ "A=${B:x}", ".env:1: '${B:x}' is no variable: see ${NAME:-default}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv env = { 0 };
		auto_strv struct strv pairs = { 0 };
		struct error err = { 0 };
		int rc = dotenv_parse(".env", rows[i].text, strlen(rows[i].text), &env, &pairs,
				      &err);

		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_uint_eq(pairs.n, 0);
	}
	{
		auto_strv struct strv env = { 0 };
		auto_strv struct strv pairs = { 0 };
		struct error err = { 0 };

		ck_assert_int_lt(dotenv_parse(".env", "A=b\0c", 5, &env, &pairs, &err), 0);
		ck_assert_str_eq(err.msg, ".env: has a NUL byte in it");
	}
}
END_TEST

START_TEST(refuses_bombs)
{
	auto_strv struct strv env = { 0 };
	auto_strv struct strv pairs = { 0 };
	auto_str struct str text = { 0 };
	struct error err = { 0 };

	str_add(&text, "A0=xxxxxxxxxx\n");
	for (int i = 1; i < 30; i++)
		str_addf(&text, "A%d=$A%d$A%d\n", i, i - 1, i - 1);
	ck_assert_int_lt(dotenv_parse(".env", text.text, text.len, &env, &pairs, &err), 0);
	ck_assert_str_eq(err.msg, ".env:19: limit: variables make more than 4 MiB of it");

	str_clear(&text);
	for (int i = 0; i < 5000; i++)
		str_addf(&text, "A%d=x\n", i);
	ck_assert_int_lt(dotenv_parse(".env", text.text, text.len, &env, &pairs, &err), 0);
	ck_assert_str_eq(err.msg, ".env:4097: limit: more than 4096 variables");
}
END_TEST

TEST_MAIN("compose/dotenv", reads, refuses, refuses_bombs)
