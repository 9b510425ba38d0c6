/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/file.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "compose/yaml.h"

/* Walks what jansson read and the places of its values side by side. */
struct walk {
	const struct json_doc *doc;
	const char *file;
	const size_t *offsets;
	size_t n_offsets, next;
	size_t n_nodes;

	/* As far as lines were counted. */
	size_t at;
	int line, column;
};

static void move_to(struct walk *w, size_t offset)
{
	for (; w->at < offset; w->at++) {
		char c = w->doc->text[w->at];

		if (c == '\n') {
			w->line++;
			w->column = 1;
		} else if (((unsigned char)c & 0xc0) != 0x80) {
			w->column++;
		}
	}
}

/* The offset of the next key or value, which becomes the current place. */
static size_t next_place(struct walk *w)
{
	if (w->next < w->n_offsets)
		move_to(w, w->offsets[w->next++]);
	return w->at;
}

static enum node_kind kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return NODE_MAP;
	case JSON_ARRAY:
		return NODE_LIST;
	case JSON_STRING:
		return NODE_TEXT;
	case JSON_INTEGER:
		return NODE_INT;
	case JSON_REAL:
		return NODE_FLOAT;
	case JSON_TRUE:
	case JSON_FALSE:
		return NODE_BOOL;
	case JSON_NULL:
		break;
	}
	return NODE_NULL;
}

/* What is no string is taken as it was written: 0.50, 18446744073709551615. */
static char *text_of(const struct walk *w, const json_t *value, size_t offset)
{
	const char *text = w->doc->text;
	size_t len = 0;

	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	while (offset + len < w->doc->len && !strchr(",]} \t\r\n", text[offset + len]))
		len++;
	return xstrndup(text + offset, len);
}

static int check_limits(struct walk *w, const struct node *node, size_t items, size_t depth,
			struct error *err)
{
	if (++w->n_nodes > TREE_MAX_NODES)
		return node_error(node, err, "limit: more than %d values", TREE_MAX_NODES);
	if (depth > TREE_MAX_DEPTH)
		return node_error(node, err, "limit: nested deeper than %d levels", TREE_MAX_DEPTH);
	if (items > TREE_MAX_ITEMS)
		return node_error(node, err, "limit: more than %d values in one list or map",
				  TREE_MAX_ITEMS);
	return 0;
}

static int convert(struct walk *w, const json_t *value, size_t depth, struct node **ret,
		   struct error *err);

static int convert_object(struct walk *w, const json_t *value, size_t depth, struct node *map,
			  struct error *err)
{
	json_t *members = (json_t *)(uintptr_t)value; /* json_object_iter(3) wants no const */

	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
		const char *key = json_object_iter_key(i);
		struct node *child = NULL;
		int rc, line, column;

		(void)next_place(w);
		line = w->line;
		column = w->column;
		if (strlen(key) > TREE_MAX_KEY)
			return node_error(map, err, "limit: a key of more than %d bytes",
					  TREE_MAX_KEY);
		rc = convert(w, json_object_iter_value(i), depth, &child, err);
		if (rc < 0)
			return rc;
		child->key_line = line;
		child->key_column = column;
		node_set(map, key, child);
	}
	return 0;
}

static int convert(struct walk *w, const json_t *value, size_t depth, struct node **ret,
		   struct error *err)
{
	size_t offset = next_place(w);
	const struct node here = { .file = w->file, .line = w->line, .column = w->column };
	enum node_kind kind = kind_of(value);
	size_t items = kind == NODE_MAP ? json_object_size(value) : json_array_size(value);
	bool has_text = kind != NODE_MAP && kind != NODE_LIST;
	auto_free char *text = has_text ? text_of(w, value, offset) : NULL;
	auto_node struct node *node = node_new(kind, text, &here);
	int rc = check_limits(w, node, items, depth, err);

	if (rc == 0 && kind == NODE_MAP)
		rc = convert_object(w, value, depth + 1, node, err);
	for (size_t i = 0; rc == 0 && kind == NODE_LIST && i < items; i++) {
		struct node *child = NULL;

		rc = convert(w, json_array_get(value, i), depth + 1, &child, err);
		if (rc == 0)
			node_add(node, child);
	}
	if (rc == 0)
		*ret = take_ptr(node);
	return rc;
}

static int json_parse(const char *file, const char *text, size_t len, struct node **ret,
		      struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct walk walk = { .doc = &doc, .file = file, .line = 1, .column = 1 };
	auto_free size_t *offsets = NULL;
	int rc;

	if (len > TREE_MAX_SIZE)
		return err_set(err, EFBIG, "%s: limit: larger than %u KiB", file,
			       TREE_MAX_SIZE >> 10);
	rc = json_doc_parse(&doc, file, text, len, err);
	if (rc < 0)
		return rc;
	walk.offsets = offsets = json_doc_offsets(&doc, &walk.n_offsets);
	return convert(&walk, doc.root, 1, ret, err);
}

int file_parse(const char *file, const char *text, size_t len, struct node **ret, struct error *err)
{
	bool is_input = file[0] == '<';
	bool is_json =
		str_ends(file, ".json") || (is_input && text[strspn(text, " \t\r\n")] == '{');
	auto_node struct node *node = NULL;
	int rc = (is_json ? json_parse : yaml_parse)(file, text, len, &node, err);

	if (rc < 0)
		return rc;
	if (node->kind == NODE_NULL)
		return err_set(err, EINVAL, "%s: is empty", file);
	if (node->kind != NODE_MAP)
		return node_wrong(node, "a map", err);
	*ret = take_ptr(node);
	return 0;
}
