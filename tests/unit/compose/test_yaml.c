/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "compose/yaml.h"
#include "tests/unit/test.h"

/* The tree as one line of JSON. */
static char *dump(const struct node *node)
{
	auto_json json_t *json = node_to_json(node);

	return json_to_text(json, JSON_ENCODE_ANY | JSON_COMPACT);
}

START_TEST(reads)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
		{ "", "null" },
		{ "# nothing\n", "null" },
		{ "a: 1\nb: two\n", "{\"a\":1,\"b\":\"two\"}" },
		{ "a: [1, -2, +3, 0x1f, 0o17, 010]", "{\"a\":[1,-2,3,31,15,10]}" },
		{ "a: [1.5, 1e3, .5, 1., 0.25]", "{\"a\":[1.5,1000.0,0.5,1.0,0.25]}" },
		{ "a: [.inf, -.Inf, .nan]", "{\"a\":[\".inf\",\"-.Inf\",\".nan\"]}" },
		/* What YAML 1.1 made of these surprised people. */
		{ "a: [yes, no, on, off, y, 12:30:45, 1_000, 0b1, 2001-01-01]",
		  "{\"a\":[\"yes\",\"no\",\"on\",\"off\",\"y\",\"12:30:45\",\"1_000\",\"0b1\","
		  "\"2001-01-01\"]}" },
		{ "a: [true, True, FALSE, ~, null, ]", "{\"a\":[true,true,false,null,null]}" },
		{ "a:\nb: ''\nc: \"\"", "{\"a\":null,\"b\":\"\",\"c\":\"\"}" },
		{ "a: ['1', \"true\", 'it''s', \"\\u00e9\\n\\t\"]",
		  "{\"a\":[\"1\",\"true\",\"it's\",\"é\\n\\t\"]}" },
		{ "a: |\n  one\n   two\n\nb: >\n  one\n  two\n\n  three\nc: |-\n  x\nd: >+\n  y\n\n",
		  "{\"a\":\"one\\n two\\n\",\"b\":\"one two\\nthree\\n\",\"c\":\"x\",\"d\":\"y\\n\\n\"}" },
		{ "a: several\n  lines of\n  text", "{\"a\":\"several lines of text\"}" },
		{ "- a\n-\n  - b\n- {c: d, e: [f]}",
		  "[\"a\",[\"b\"],{\"c\":\"d\",\"e\":[\"f\"]}]" },
		{ "a: &x {b: 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
		{ "a: &x [1]\nb: &x [2]\nc: *x", "{\"a\":[1],\"b\":[2],\"c\":[2]}" },
		{ "&k a: 1\nb: *k\n*k : 2", NULL },
		{ "a: &x k\n? *x\n: 2", "{\"a\":\"k\",\"k\":2}" },
		{ "x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n  c: 4",
		  "{\"x\":{\"a\":1,\"b\":2},\"y\":{\"b\":3,\"c\":4,\"a\":1}}" },
		{ "x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz:\n  <<: [*x, *y]",
		  "{\"x\":{\"a\":1},\"y\":{\"a\":2,\"b\":3},\"z\":{\"a\":1,\"b\":3}}" },
		{ "z:\n  <<: &in {a: 1}\n  b: *in", "{\"z\":{\"b\":{\"a\":1},\"a\":1}}" },
		{ "z: {\"<<\": 1}", "{\"z\":{\"<<\":1}}" },
		{ "a: !!str 1\nb: !!int '2'\nc: !!float 3\nd: !!null ''\ne: !!seq []\nf: !!map {}\n"
		  "g: ! 4\nh: !!bool 'true'",
		  "{\"a\":\"1\",\"b\":2,\"c\":3.0,\"d\":null,\"e\":[],\"f\":{},\"g\":\"4\",\"h\":true}" },
		{ "%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}" },
		{ "\xef\xbb\xbf"
		  "a: 1",
		  "{\"a\":1}" },
		{ "80: x\ntrue: y", "{\"80\":\"x\",\"true\":\"y\"}" },
		{ "a: 99999999999999999999", "{\"a\":\"99999999999999999999\"}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_node struct node *node = NULL;
		auto_free char *got = NULL;
		struct error err = { 0 };
		int rc = yaml_parse("f", rows[i].yaml, strlen(rows[i].yaml), &node, &err);

		if (!rows[i].json) {
			ck_assert_str_eq(err.msg, "f:3:1: the key 'a' stands twice in one map");
			continue;
		}
		ck_assert_msg(rc == 0, "%s: %s", rows[i].yaml, err.msg);
		got = dump(node);
		ck_assert_str_eq(got, rows[i].json);
	}
}
END_TEST

START_TEST(knows_places)
{
	static const char text[] = "services:\n"
				   "  web:\n"
				   "    ports: [80, \"443\"]\n"
				   "    é: {a: b}\n"
				   "    base: &base\n"
				   "      - x\n"
				   "  db:\n"
				   "    copy: *base\n";
	static const struct {
		const char *service, *key;
		size_t index; /* 1 + that of an item */
		const char *error;
	} rows[] = {
		{ "web", NULL, 0, "f:2:3: services.web: here" },
		{ "web", "ports", 0, "f:3:12: services.web.ports: here" },
		{ "web", "ports", 1, "f:3:13: services.web.ports[0]: here" },
		{ "web", "ports", 2, "f:3:17: services.web.ports[1]: here" },
		{ "web", "é", 1, "f:4:12: services.web.é.a: here" },
		{ "web", "base", 0, "f:5:5: services.web.base: here" },
		/* A copy stands where it was written, and has the path that it has. */
		{ "db", "copy", 1, "f:6:9: services.db.copy[0]: here" },
	};
	auto_node struct node *root = NULL;
	struct error err = { 0 };

	ck_assert_int_eq(yaml_parse("f", text, strlen(text), &root, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct node *node = node_get(node_get(root, "services"), rows[i].service);

		if (rows[i].key)
			node = node_get(node, rows[i].key);
		if (rows[i].index)
			node = node->items[rows[i].index - 1];
		ck_assert_int_eq(node_error(node, &err, "here"), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
	(void)node_error_at_key(node_get(node_get(root, "services"), "db"), &err, "key");
	ck_assert_str_eq(err.msg, "f:7:3: services.db: key");
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *yaml, *error;
	} rows[] = {
		{ "a: [1",
		  "f:2:1: while parsing a flow sequence, did not find expected ',' or ']'" },
		{ "a: b: c", "f:1:5: mapping values are not allowed in this context" },
		{ "a:\n\t- b",
		  "f:2:1: while scanning for the next token, found character that cannot start any "
		  "token" },
		{ "a: 1\nb: 2\na: 3", "f:3:1: the key 'a' stands twice in one map" },
		{ "a: {b: 1, 'b': 2}", "f:1:11: the key 'b' stands twice in one map" },
		{ "a: *x", "f:1:4: alias '*x': no anchor of this name" },
		{ "a: &x [*x]", "f:1:8: alias '*x' stands inside of itself" },
		{ "a: &x\n  b: {c: *x}", "f:2:10: alias '*x' stands inside of itself" },
		{ "a: &x\n  <<: *x", "f:2:7: alias '*x' stands inside of itself" },
		{ "a: !!python/object:os.system x",
		  "f:1:4: unknown tag 'tag:yaml.org,2002:python/object:os.system'" },
		{ "a: !secret x", "f:1:4: unknown tag '!secret'" },
		{ "a: !!binary aGk=", "f:1:4: unknown tag 'tag:yaml.org,2002:binary'" },
		{ "a: !!int x", "f:1:4: the value is no '!!int'" },
		{ "a: !!seq {}", "f:1:4: the value is no '!!seq'" },
		{ "? [a]\n: 1", "f:1:3: a key must be text, not a list or map" },
		{ "? {a: b}\n: 1", "f:1:3: a key must be text, not a list or map" },
		{ "x: &x [1]\n? *x\n: 1", "f:2:3: a key must be text, not a list or map" },
		{ "a: 1\n---\nb: 2", "f:2:1: a second document in one file" },
		{ "x: 1\ny:\n  <<: 1", "f:3:7: '<<' takes a map or a list of maps" },
		{ "x: 1\ny:\n  <<: [[]]", "f:3:8: '<<' takes a map or a list of maps" },
		{ "y:\n  <<: {a: 1}\n  <<: {b: 2}", "f:3:7: the key '<<' stands twice in one map" },
		{ "a: \"\\0\"", "f:1:4: a NUL byte in a text" },
		{ "a: \xff", "f: byte 3: invalid leading UTF-8 octet" },
		{ "a: \x01", "f: byte 3: control characters are not allowed" },
		{ "a: @x",
		  "f:1:4: while scanning for the next token, found character that cannot start any "
		  "token" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_node struct node *node = NULL;
		struct error err = { 0 };
		int rc = yaml_parse("f", rows[i].yaml, strlen(rows[i].yaml), &node, &err);

		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_ptr_null(node);
	}
}
END_TEST

static void refuse_made(struct str *text, const char *error)
{
	auto_node struct node *node = NULL;
	struct error err = { 0 };

	ck_assert_int_lt(yaml_parse("f", text->text, text->len, &node, &err), 0);
	ck_assert_str_eq(err.msg, error);
	str_fini(text);
}

START_TEST(refuses_bombs)
{
	struct str text = { 0 };

	/* A billion laughs: each line has ten times what the one above has. */
	str_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		str_addf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			str_addf(&text, "%s*a%d", j ? ", " : "", i - 1);
		str_add(&text, "]\n");
	}
	refuse_made(&text, "f:5:45: limit: more than 100000 values, aliases expanded");

	/* The same by merge keys. */
	str_add(&text, "m: &m {");
	for (int i = 0; i < 3000; i++)
		str_addf(&text, "k%d: 1, ", i);
	str_add(&text, "}\n");
	for (int i = 0; i < 40; i++)
		str_addf(&text, "n%d: {<<: *m}\n", i);
	refuse_made(&text, "f:17:13: limit: more than 100000 values, aliases expanded");

	/* Deep, by itself and by aliases. */
	str_add(&text, "a: ");
	for (int i = 0; i < 100; i++)
		str_add(&text, "[");
	refuse_made(&text, "f:1:67: limit: nested deeper than 64 levels");
	str_add(&text, "a0: &a0 [[[[[[[[x]]]]]]]]\n");
	for (int i = 1; i < 10; i++)
		str_addf(&text, "a%d: &a%d [[[[[[[[*a%d]]]]]]]]\n", i, i, i - 1);
	refuse_made(&text, "f:8:17: limit: nested deeper than 64 levels");

	for (int i = 0; i < 5000; i++)
		str_addf(&text, "- %d\n", i);
	refuse_made(&text, "f:4097:3: limit: more than 4096 values in one list or map");

	for (int i = 0; i < 5000; i++)
		str_addf(&text, "%s&a%d x%s", i % 1000 ? "" : "- [", i,
			 i % 1000 < 999 ? ", " : "]\n");
	refuse_made(&text, "f:5:964: limit: more than 4096 anchors");

	str_add(&text, "? ");
	for (int i = 0; i < 1000000; i++)
		str_add(&text, "k");
	str_add(&text, "\n: 1\n");
	refuse_made(&text, "f:1:3: limit: a key of more than 1024 bytes");

	for (int i = 0; i < (1 << 20) + 1; i++)
		str_add(&text, "\n");
	refuse_made(&text, "f: limit: larger than 1024 KiB");
}
END_TEST

/* What is written is read as what it was. */
START_TEST(writes)
{
	static const char text[] =
		"a: [1, 'yes', 'n', '1', '1.5', 'true', '~', '', '- x', 'a: b', '#x', ' lead', \"\\t\\n\\\"\"]\n"
		"b: {c: {}, d: [], e: {f: [[1, [2]], {g: {h: 1}, i: [x]}]}, 'on': 1, 'k: l': 2}\n"
		"c: [plain, /a/b, a-b_c.d@e, 'é', '$HOME', '*x', '&x', '!x', '%x', '@x', '`', '<<']\n"
		"e: [\"\\x7f\\u0085\\uFEFF\\u202e\\U0001F600\\\\\\e\"]\n"
		"d: [true, null, 1.50, 0x1f, '12:30', '2001-01-01', '---']\n";
	static const char written[] = "a:\n"
				      "  - 1\n"
				      "  - \"yes\"\n"
				      "  - \"n\"\n";
	auto_node struct node *root = NULL;
	auto_node struct node *again = NULL;
	auto_str struct str out = { 0 };
	auto_str struct str doubled = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(yaml_parse("f", text, strlen(text), &root, &err), 0);
	node_to_yaml(root, &out);
	ck_assert(str_starts(out.text, written));
	ck_assert_ptr_nonnull(
		strstr(out.text, "- \"\\x7f\\x85\\ufeff\\u202e\xf0\x9f\x98\x80\\\\\\x1b\"\n"));
	ck_assert_ptr_nonnull(
		strstr(out.text, "      - g:\n          h: 1\n        i:\n          - x\n"));
	ck_assert_msg(yaml_parse("f", out.text, out.len, &again, &err) == 0, "%s", err.msg);
	ck_assert_msg(node_equal(root, again), "%s", out.text);
	node_double_dollars(root);
	node_to_yaml(root, &doubled);
	ck_assert_ptr_nonnull(strstr(doubled.text, "- \"$$HOME\"\n"));
}
END_TEST

START_TEST(edits)
{
	static const char text[] = "b: 1\na: {z: 1, y: [3, 2, 1]}\nc: 2\n";
	auto_node struct node *root = NULL;
	auto_node struct node *copy = NULL;
	auto_free char *got = NULL;
	struct error err = { 0 };

	ck_assert_int_eq(yaml_parse("f", text, strlen(text), &root, &err), 0);
	copy = node_copy(root);
	ck_assert(node_equal(root, copy));
	node_sort(root); /* the first level stays */
	node_free(node_detach(node_get(node_get(root, "a"), "y")->items[1]));
	node_set_text(root, "c", "new");
	node_set_text(root, "d", "added");
	got = dump(root);
	ck_assert_str_eq(got,
			 "{\"b\":1,\"a\":{\"y\":[3,1],\"z\":1},\"c\":\"new\",\"d\":\"added\"}");
	ck_assert_uint_eq(node_get(node_get(root, "a"), "y")->items[1]->index, 1);
	ck_assert(!node_equal(root, copy));
}
END_TEST

TEST_MAIN("compose/yaml", reads, knows_places, refuses, refuses_bombs, writes, edits)
