/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/output.h"
#include "tests/unit/test.h"

struct row {
	const char *id, *image;
	int pid;
	bool is_up;
	uint64_t size;
	struct strv ports, label;
};

static const struct column columns[] = {
	{ "ID", "CONTAINER ID", COLUMN_TEXT, offsetof(struct row, id) },
	{ "Image", "IMAGE", COLUMN_TEXT, offsetof(struct row, image) },
	{ "Pid", "PID", COLUMN_INT, offsetof(struct row, pid) },
	{ "Up", "UP", COLUMN_BOOL, offsetof(struct row, is_up), .is_extra = true },
	{ "Size", "SIZE", COLUMN_UINT64, offsetof(struct row, size), .is_extra = true },
	{ "Ports", "PORTS", COLUMN_STRINGS, offsetof(struct row, ports) },
	{ "Label", "LABEL", COLUMN_PAIRS, offsetof(struct row, label), .is_extra = true },
	{ NULL },
};

static const struct row rows[] = {
	{ "4f66ad9a0b2e",
	  "debian:12",
	  4711,
	  true,
	  1 << 20,
	  { (char *[]){ (char[]){ "80->80/tcp" }, (char[]){ "53/udp" }, NULL }, 2 },
	  { (char *[]){ (char[]){ "tier=db" }, NULL }, 1 } },
	{ "b0", "gr\xc3\xbc\xc3\x9f\x65\x1b[2J", 5, false, 0, { NULL, 0 } },
};

START_TEST(prints_rows)
{
#define OBJECT_1                                                                             \
	"{\"ID\": \"4f66ad9a0b2e\", \"Image\": \"debian:12\", \"Pid\": 4711, \"Up\": true, " \
	"\"Size\": 1048576, \"Ports\": [\"80->80/tcp\", \"53/udp\"]}"
#define OBJECT_2                                                                                   \
	"{\"ID\": \"b0\", \"Image\": \"gr\\u00FC\\u00DFe\\u001B[2J\", \"Pid\": 5, \"Up\": false, " \
	"\"Size\": 0, \"Ports\": []}"
	static const struct {
		const char *format, *expected;
	} forms[] = {
		{ NULL, "CONTAINER ID   IMAGE          PID       PORTS\n"
			"4f66ad9a0b2e   debian:12      4711      80->80/tcp, 53/udp\n"
			"b0             gr\xc3\xbc\xc3\x9f\x65\\x1b[2J   5         \n" },
		{ "jsonl", OBJECT_1 "\n" OBJECT_2 "\n" },
		{ "json", "[" OBJECT_1 ",\n" OBJECT_2 "]\n" },
		{ "{{.ID}}", "4f66ad9a0b2e\nb0\n" },
		{ "{{ .Pid }}\\t{{.Up}}!", "4711\ttrue!\n5\tfalse!\n" },
		{ "table {{.ID}}\\t{{.Size}}",
		  "CONTAINER ID   SIZE\n4f66ad9a0b2e   1048576\nb0             0\n" },
		{ "{{json .Ports}} {{ json  .ID }}",
		  "[\"80->80/tcp\", \"53/udp\"] \"4f66ad9a0b2e\"\n[] \"b0\"\n" },
		{ "plain\\n\\x", "plain\n\\x\nplain\n\\x\n" },
		{ "{{.ID | upper}}", "4F66AD9A0B2E\nB0\n" },
		{ "{{.Label \"tier\"}}/{{.Label \"x\"}}", "db/\n/\n" },
		{ "table {{.Label \"tier\"}}\\t{{.ID}}",
		  "tier      CONTAINER ID\ndb        4f66ad9a0b2e\n          b0\n" },
		{ "table {{range (split .ID \"a\")}}{{.}};{{end}}",
		  "CONTAINER ID;\n4f66;d9;0b2e;\nb0;\n" },
		{ "{{if .Up}}{{json .ID}}{{end}}", "\"4f66ad9a0b2e\"\n\n" },
		{ "", "\n\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		auto_str struct str text = { 0 };
		struct error err = { 0 };
		int rc = output_rows(forms[i].format, columns, rows, ARRAY_LEN(rows),
				     sizeof(rows[0]), &text, &err);

		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_str_eq(text.text, forms[i].expected);
	}
}
END_TEST

START_TEST(prints_no_rows)
{
	auto_str struct str text = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(output_rows("{{.ID}}", columns, NULL, 0, sizeof(rows[0]), &text, &err), 0);
	ck_assert_uint_eq(text.len, 0);
	ck_assert_int_eq(output_rows(NULL, columns, NULL, 0, sizeof(rows[0]), &text, &err), 0);
	ck_assert_str_eq(text.text, "CONTAINER ID   IMAGE     PID       PORTS\n");
	str_clear(&text);
	ck_assert_int_eq(output_rows("json", columns, NULL, 0, sizeof(rows[0]), &text, &err), 0);
	ck_assert_str_eq(text.text, "[]\n");
}
END_TEST

START_TEST(refuses_formats)
{
	static const struct {
		const char *format, *error;
	} forms[] = {
		{ "{{.Nope}}", "format '{{.Nope}}': there is no '.Nope'" },
		{ "table {{.ID.x}}", "format '{{.ID.x}}': there is no '.ID.x'" },
		{ "{{upper .Nope}}", "format '{{upper .Nope}}': there is no '.Nope'" },
		{ "{{.ID", "format '{{.ID': '{{' without '}}'" },
		{ "{{ID}}", "format '{{ID}}': '{{ID}}' is not understood" },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		auto_str struct str text = { 0 };
		struct error err = { 0 };

		/* Also without a row that could show it. */
		ck_assert_int_eq(output_rows(forms[i].format, columns, NULL, 0, sizeof(rows[0]),
					     &text, &err),
				 -EINVAL);
		ck_assert_str_eq(err.msg, forms[i].error);
		ck_assert_uint_eq(text.len, 0);
	}
}
END_TEST

START_TEST(prints_a_tree)
{
	static const struct {
		const char *format, *expected;
	} forms[] = {
		{ NULL,
		  "{\n    \"State\": {\n        \"Pid\": 7,\n        \"Error\": null\n    }\n}\n" },
		{ "{{.State.Pid}}", "7\n" },
		{ "{{.State.Error}}", "null\n" },
		{ "{{.State}}", "{\"Pid\": 7, \"Error\": null}\n" },
		{ "{{json .}}", "{\"State\": {\"Pid\": 7, \"Error\": null}}\n" },
	};
	auto_json json_t *tree = json_object_new();
	json_t *state = json_object_new();

	json_put_int(state, "Pid", 7);
	json_put(state, "Error", json_null());
	json_put(tree, "State", state);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		auto_str struct str text = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(output_value(forms[i].format, tree, &text, &err), 0);
		ck_assert_str_eq(text.text, forms[i].expected);
	}
}
END_TEST

START_TEST(aligns)
{
	static const struct {
		const char *lines, *expected;
	} tables[] = {
		{ "", "" },
		{ "a\tb\n", "a         b\n" },
		{ "a\tb\tc\nabcdefghij\t\td\n",
		  "a            b         c\nabcdefghij             d\n" },
		{ "a\n\nb\tc\n", "a\n\nb         c\n" },
		{ "\xc3\xa4\xc3\xa4\tb\n", "\xc3\xa4\xc3\xa4        b\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct str text = { 0 };
		auto_free char *got = NULL;

		output_align(tables[i].lines, &text);
		got = str_take(&text);
		ck_assert_str_eq(got, tables[i].expected);
	}
}
END_TEST

TEST_MAIN("cli/output", prints_rows, prints_no_rows, refuses_formats, prints_a_tree, aligns)
