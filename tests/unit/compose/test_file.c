/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "compose/file.h"
#include "tests/unit/test.h"

static int parse(const char *file, const char *text, struct node **ret, struct error *err)
{
	return file_parse(file, text, strlen(text), ret, err);
}

/* JSON and YAML of the same content become the same tree. */
START_TEST(json_and_yaml_agree)
{
	static const char json[] = "{\"services\": {\"web\": {\"image\": \"a\\/b\\ud83d\\ude00\",\n"
				   "  \"ports\": [80, \"443\"], \"cpus\": 0.50, \"tty\": true,\n"
				   "  \"command\": null}}}";
	static const char yaml[] = "services:\n  web:\n    image: \"a/b\\U0001F600\"\n"
				   "    ports: [80, '443']\n    cpus: 0.50\n    tty: true\n"
				   "    command: null\n";
	auto_node struct node *a = NULL;
	auto_node struct node *b = NULL;
	auto_node struct node *c = NULL;
	struct error err = { 0 };

	ck_assert_msg(parse("a.json", json, &a, &err) == 0, "%s", err.msg);
	ck_assert_msg(parse("b.yaml", yaml, &b, &err) == 0, "%s", err.msg);
	ck_assert_msg(parse("<stdin>", json, &c, &err) == 0, "%s", err.msg);
	ck_assert(node_equal(a, b));
	ck_assert(node_equal(a, c));
}
END_TEST

START_TEST(json_has_places)
{
	static const char text[] =
		"{\n  \"services\": {\n    \"w\": {\"é\": [1, {\"x\": 2}]}\n  }\n}";
	auto_node struct node *root = NULL;
	struct error err = { 0 };
	const struct node *list;

	ck_assert_int_eq(parse("s.json", text, &root, &err), 0);
	list = node_get(node_get(node_get(root, "services"), "w"), "é");
	(void)node_error(list, &err, "here");
	ck_assert_str_eq(err.msg, "s.json:3:16: services.w.é: here");
	(void)node_error_at_key(list, &err, "here");
	ck_assert_str_eq(err.msg, "s.json:3:11: services.w.é: here");
	(void)node_error(node_get(list->items[1], "x"), &err, "here");
	ck_assert_str_eq(err.msg, "s.json:3:26: services.w.é[1].x: here");
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *file, *text, *error;
	} rows[] = {
		{ "f.yaml", "", "f.yaml: is empty" },
		{ "f.yaml", "~", "f.yaml: is empty" },
		{ "f.yaml", "- a", "f.yaml:1:1: expected a map, got a list" },
		{ "f.yaml", "just text", "f.yaml:1:1: expected a map, got 'just text'" },
		{ "f.json", "[]", "f.json:1:1: expected a map, got a list" },
		{ "f.json", "{\"a\": 1, \"a\": 2}",
		  "f.json:1:12: duplicate object key near '\"a\"'" },
		{ "f.json", "{\"a\": }", "f.json:1:7: unexpected token near '}'" },
		{ "f.json", "{'a': 1}", "f.json:1:2: string or '}' expected near '''" },
		{ "<stdin>", " {\"a\": }", "<stdin>:1:8: unexpected token near '}'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_node struct node *node = NULL;
		struct error err = { 0 };

		ck_assert_int_eq(parse(rows[i].file, rows[i].text, &node, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

static void refuse_made(struct str *text, const char *error)
{
	auto_node struct node *node = NULL;
	struct error err = { 0 };

	ck_assert_int_lt(file_parse("f.json", text->text, text->len, &node, &err), 0);
	ck_assert_str_eq(err.msg, error);
	str_fini(text);
}

START_TEST(refuses_bombs)
{
	struct str text = { 0 };

	for (int i = 0; i < 100; i++)
		str_add(&text, "{\"a\":");
	str_add(&text, "1");
	for (int i = 0; i < 100; i++)
		str_add(&text, "}");
	refuse_made(&text, "f.json:1:321: limit: nested deeper than 64 levels");
	str_add(&text, "{\"a\": [0");
	for (int i = 0; i < 5000; i++)
		str_add(&text, ",0");
	str_add(&text, "]}");
	refuse_made(&text, "f.json:1:7: limit: more than 4096 values in one list or map");

	str_add(&text, "{\"");
	for (int i = 0; i < 1000000; i++)
		str_add(&text, "k");
	str_add(&text, "\": 1}");
	refuse_made(&text, "f.json:1:1: limit: a key of more than 1024 bytes");

	for (int i = 0; i < (1 << 20) + 1; i++)
		str_add(&text, " ");
	refuse_made(&text, "f.json: limit: larger than 1024 KiB");
}
END_TEST

TEST_MAIN("compose/file", json_and_yaml_agree, json_has_places, refuses, refuses_bombs)
