/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every value of a document that parses has a place in its text. */
static void look_at(const struct json_doc *doc, json_t *value)
{
	int line = 0, column = 0;
	const char *key;
	json_t *item;
	size_t i;

	if (json_doc_place(doc, value, NULL, &line, &column) && (line < 1 || column < 1))
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

	if (json_doc_parse(&doc, "fuzz", (const char *)data, size, &err) == 0)
		look_at(&doc, doc.root);
	else if (err.msg[0] == '\0')
		abort(); /* a failure without words */
	return 0;
}
