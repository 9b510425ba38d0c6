/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	char *text;
	struct strv list;
};

/* One member of every type; the names are short, so that the fuzzer finds them. */
struct outer {
	char *text;
	bool flag;
	int64_t i64;
	uint64_t u64;
	uint32_t u32;
	int i;
	double real;
	struct strv list, pairs;
	struct inner inner;
	struct inner *items;
	size_t n_items;
};

static const struct json_field inner_fields[] = {
	JSON_FIELD(struct inner, text, JSON_FIELD_STRING, "s"),
	JSON_FIELD(struct inner, list, JSON_FIELD_STRINGS, "l"),
	JSON_FIELDS_END,
};

static int read_items(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct outer *outer = container_of(field, struct outer, items);

	return json_read_array(reader, value, sizeof(*outer->items), inner_fields,
			       (void **)&outer->items, &outer->n_items, err);
}

static const struct json_field outer_fields[] = {
	JSON_FIELD(struct outer, text, JSON_FIELD_STRING, "s"),
	JSON_FIELD(struct outer, flag, JSON_FIELD_BOOL, "b"),
	JSON_FIELD(struct outer, i64, JSON_FIELD_INT64, "j"),
	JSON_FIELD(struct outer, u64, JSON_FIELD_UINT64, "u"),
	JSON_FIELD(struct outer, u32, JSON_FIELD_UINT32, "v"),
	JSON_FIELD(struct outer, i, JSON_FIELD_INT, "i"),
	JSON_FIELD(struct outer, real, JSON_FIELD_DOUBLE, "r"),
	JSON_FIELD(struct outer, list, JSON_FIELD_STRINGS, "l"),
	JSON_FIELD(struct outer, pairs, JSON_FIELD_PAIRS, "p"),
	JSON_FIELD_TABLE(struct outer, inner, "o", inner_fields),
	JSON_FIELD_BY(struct outer, items, "a", read_items),
	JSON_FIELDS_END,
};

static void inner_fini(struct inner *inner)
{
	free(inner->text);
	strv_fini(&inner->list);
}

static void read_outer(const struct json_doc *doc)
{
	struct outer outer = { 0 };
	struct error err = { 0 };

	/* Whatever is wrong stands somewhere: "fuzz:LINE:COLUMN: ...". */
	if (json_read(doc, outer_fields, &outer, &err) < 0 && !str_starts(err.msg, "fuzz:"))
		abort();
	free(outer.text);
	strv_fini(&outer.list);
	strv_fini(&outer.pairs);
	inner_fini(&outer.inner);
	for (size_t i = 0; i < outer.n_items; i++)
		inner_fini(&outer.items[i]);
	free(outer.items);
}

/* Every value of a document that parses has a place in its text. */
static void look_at(const struct json_doc *doc, json_t *value)
{
	int line = 0, column = 0;
	const char *key;
	json_t *item;
	size_t i;

	if (!json_doc_place(doc, value, NULL, &line, &column) || line < 1 || column < 1)
		abort();
	json_object_foreach(value, key, item)
		look_at(doc, item);
	json_array_foreach(value, i, item)
		look_at(doc, item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct error err = { 0 };

	if (json_doc_parse(&doc, "fuzz", (const char *)data, size, &err) < 0) {
		if (err.msg[0] == '\0')
			abort(); /* a failure without words */
		return 0;
	}
	/* The search is linear: keep it from being what takes the time. */
	if (size < 4096)
		look_at(&doc, doc.root);
	read_outer(&doc);
	return 0;
}
