/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "compose/tree.h"

/* "0o17" and "0x1f" are of YAML; too large a number stays text. */
static json_t *integer(const char *text)
{
	const char *digits = text + (*text == '+' || *text == '-');
	int base = str_starts(digits, "0o") ? 8 : str_starts(digits, "0x") ? 16 : 10;
	char *end = NULL;
	long long value;

	errno = 0;
	value = base == 10 ? strtoll(text, &end, 10) : strtoll(digits + 2, &end, base);
	return errno || *end ? json_text(text) : json_integer(value);
}

json_t *node_to_json(const struct node *node)
{
	json_t *value = NULL;
	char *end = NULL;
	double real;

	switch (node->kind) {
	case NODE_NULL:
		return json_null();
	case NODE_BOOL:
		return json_boolean(node->text[0] == 't' || node->text[0] == 'T');
	case NODE_INT:
		return integer(node->text);
	case NODE_FLOAT:
		real = strtod(node->text, &end);
		value = isfinite(real) && !*end ? json_real(real) : NULL;
		return value ? value : json_text(node->text);
	case NODE_TEXT:
		return json_text(node->text);
	case NODE_LIST:
		value = json_array_new();
		for (size_t i = 0; i < node->n; i++)
			json_add(value, node_to_json(node->items[i]));
		return value;
	case NODE_MAP:
		break;
	}
	value = json_object_new();
	for (size_t i = 0; i < node->n; i++)
		json_put(value, node->items[i]->key, node_to_json(node->items[i]));
	return value;
}

static struct node *scalar_from_json(const json_t *value)
{
	auto_free char *text = NULL;

	if (json_is_string(value))
		return node_new(NODE_TEXT, json_string_value(value), NULL);
	if (json_is_boolean(value))
		return node_new(NODE_BOOL, json_is_true(value) ? "true" : "false", NULL);
	if (json_is_null(value))
		return node_new(NODE_NULL, "null", NULL);
	text = json_to_text(value, JSON_ENCODE_ANY);
	return node_new(json_is_integer(value) ? NODE_INT : NODE_FLOAT, text, NULL);
}

struct node *node_from_json(const json_t *value)
{
	json_t *members = (json_t *)(uintptr_t)value; /* json_object_iter(3) wants no const */
	struct node *node;

	if (json_is_array(value)) {
		node = node_new(NODE_LIST, NULL, NULL);
		for (size_t i = 0; i < json_array_size(value); i++)
			node_add(node, node_from_json(json_array_get(value, i)));
		return node;
	}
	if (!json_is_object(value))
		return scalar_from_json(value);
	node = node_new(NODE_MAP, NULL, NULL);
	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i))
		node_set(node, json_object_iter_key(i), node_from_json(json_object_iter_value(i)));
	return node;
}
