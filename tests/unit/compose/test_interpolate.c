/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compose/interpolate.h"
#include "compose/yaml.h"
#include "tests/unit/test.h"

static void fill_env(struct strv *env)
{
	strv_add(env, "SET=value");
	strv_add(env, "EMPTY=");
	strv_add(env, "OTHER=b");
	strv_add(env, "DOLLAR=$SET");
	strv_add(env, "_9=under");
}

START_TEST(expands)
{
	static const struct {
		const char *text, *result, *unset;
	} rows[] = {
		{ "", "", "" },
		{ "plain", "plain", "" },
		{ "$SET", "value", "" },
		{ "a${SET}b", "avalueb", "" },
		{ "$SET-$OTHER.$_9", "value-b.under", "" },
		{ "$$SET $$$$ ${SET}$$", "$SET $$ value$", "" },
		{ "[$UNSET]", "[]", "UNSET" },
		{ "${UNSET}${UNSET} $TOO", " ", "UNSET TOO" },
		{ "${EMPTY}", "", "" },
		{ "${UNSET:-x}", "x", "" },
		{ "${EMPTY:-x}", "x", "" },
		{ "${SET:-x}", "value", "" },
		{ "${UNSET-x}", "x", "" },
		{ "${EMPTY-x}", "", "" },
		{ "${UNSET:-}${UNSET-}", "", "" },
		{ "${SET:+x}", "x", "" },
		{ "${EMPTY:+x}", "", "" },
		{ "${UNSET:+x}", "", "" },
		{ "${EMPTY+x}", "x", "" },
		{ "${UNSET+x}", "", "" },
		{ "${SET:?no}", "value", "" },
		{ "${EMPTY?no}", "", "" },
		{ "${UNSET:-${SET}}", "value", "" },
		{ "${UNSET:-${EMPTY:-${OTHER}x}y}z", "bxyz", "" },
		{ "${UNSET:-a $OTHER $$ {c\\}}", "a b $ {c\\}", "" },
		{ "${UNSET:-http://x:80/?a=b}", "http://x:80/?a=b", "" },
		{ "${SET:+${OTHER}}", "b", "" },
		{ "${UNSET:-$NOT}", "", "NOT" },
		{ "$DOLLAR", "$SET", "" }, /* a value is not looked at again */
		{ "} { }", "} { }", "" },
	};
	auto_strv struct strv env = { 0 };

	fill_env(&env);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv unset = { 0 };
		auto_str struct str names = { 0 };
		auto_free char *got = NULL;
		size_t budget = 1000;
		struct variables v = { .env = &env, .unset = &unset, .budget = &budget };
		struct error err = { 0 };
		int rc = interpolate(rows[i].text, &v, &got, &err);

		ck_assert_msg(rc == 0, "%s: %s", rows[i].text, err.msg);
		ck_assert_str_eq(got, rows[i].result);
		for (size_t j = 0; j < unset.n; j++)
			str_addf(&names, "%s%s", j ? " " : "", unset.items[j]);
		ck_assert_str_eq(names.text ? names.text : "", rows[i].unset);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "a $", "'$' begins no variable: write '$$' for a dollar sign" },
		{ "$5 each", "'$5 each' begins no variable: write '$$' for a dollar sign" },
		{ "$(pwd)", "'$(pwd)' begins no variable: write '$$' for a dollar sign" },
		{ "x ${SET", "'${SET' has no closing brace" },
		{ "${SET:-${OTHER}", "'${SET:-${OTHER}' has no closing brace" },
		{ "${}", "'${}' is no variable: see ${NAME:-default}" },
		{ "${5}", "'${5}' is no variable: see ${NAME:-default}" },
		{ "${SET x}", "'${SET x}' is no variable: see ${NAME:-default}" },
		{ "${SET:}", "'${SET:}' is no variable: see ${NAME:-default}" },
		{ "${SET:=x}", "'${SET:=x}' is no variable: see ${NAME:-default}" },
		{ "${SET/a/b}", "'${SET/a/b}' is no variable: see ${NAME:-default}" },
		{ "${UNSET:?}", "the variable 'UNSET' is required, and not set" },
		{ "${UNSET?}", "the variable 'UNSET' is required, and not set" },
		{ "${EMPTY:?set me}", "the variable 'EMPTY' is required: set me" },
		{ "${UNSET?see $OTHER}", "the variable 'UNSET' is required: see b" },
		{ "${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-"
		  "${A:-x}}}}}}}}}}}}}}}}}",
		  "limit: variables nested deeper than 16" },
		{ "$SET$SET$SET", "limit: variables make more than 4 MiB of it" },
	};
	auto_strv struct strv env = { 0 };

	fill_env(&env);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *got = NULL;
		size_t budget = 12;
		struct variables v = { .env = &env, .budget = &budget };
		struct error err = { 0 };

		ck_assert_int_lt(interpolate(rows[i].text, &v, &got, &err), 0);
		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_ptr_null(got);
	}
}
END_TEST

START_TEST(expands_a_tree)
{
	static const char text[] = "a: ${SET}\n"
				   "b:\n"
				   "  - $NONE\n"
				   "  - x: \"${NONE}$ALSO\"\n"
				   "$SET: '$$'\n"
				   "c: 5\n";
	auto_node struct node *root = NULL;
	auto_strv struct strv env = { 0 };
	auto_strv struct strv warnings = { 0 };
	auto_str struct str out = { 0 };
	struct error err = { 0 };

	fill_env(&env);
	ck_assert_int_eq(yaml_parse("f", text, strlen(text), &root, &err), 0);
	ck_assert_int_eq(interpolate_tree(root, &env, &warnings, &err), 0);
	node_to_yaml(root, &out);
	ck_assert_str_eq(out.text, "a: value\nb:\n  - \"\"\n  - x: \"\"\n\"$SET\": \"$\"\nc: 5\n");
	ck_assert_uint_eq(warnings.n, 2);
	ck_assert_str_eq(warnings.items[0],
			 "f:3:5: b[0]: the variable 'NONE' is not set, and stands for nothing");
	ck_assert_str_eq(warnings.items[1],
			 "f:4:8: b[1].x: the variable 'ALSO' is not set, and stands for nothing");
}
END_TEST

START_TEST(tells_where)
{
	static const char text[] = "services:\n  web:\n    command: [x, 'cost: $5']\n";
	auto_node struct node *root = NULL;
	auto_strv struct strv env = { 0 };
	auto_strv struct strv warnings = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(yaml_parse("f", text, strlen(text), &root, &err), 0);
	ck_assert_int_eq(interpolate_tree(root, &env, &warnings, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "f:3:18: services.web.command[1]: '$5' begins no variable: write "
				  "'$$' for a dollar sign");
}
END_TEST

TEST_MAIN("compose/interpolate", expands, refuses, expands_a_tree, tells_where)
