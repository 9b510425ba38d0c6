/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "compose/tree.h"
#include "compose/yaml.h"

/* Text that any reader of YAML, old or new, takes as this very text. */
static bool is_plain(const char *text)
{
	static const char *const old_words[] = { "yes", "no", "on", "off", "y", "n" };
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/.";
	static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_/.+@:-";

	if (!*text || !strchr(first, *text) || text[strspn(text, rest)])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(old_words); i++) {
		if (strcasecmp(text, old_words[i]) == 0)
			return false;
	}
	return yaml_kind_of(text) == NODE_TEXT && !str_ends(text, ":");
}

static void add_text(struct str *ret, const char *text)
{
	auto_json json_t *json = NULL;
	auto_free char *quoted = NULL;

	if (is_plain(text)) {
		str_add(ret, text);
		return;
	}
	/* JSON's quoted strings are YAML's. */
	json = json_text(text);
	quoted = json_to_text(json, JSON_ENCODE_ANY);
	str_add(ret, quoted);
}

static void add_indent(struct str *ret, size_t level)
{
	for (size_t i = 0; i < level; i++)
		str_add(ret, "  ");
}

static void add_node(struct str *ret, const struct node *node, size_t level);

/* The value behind "key:" or "-"; a collection begins on a line of its own, but in a list. */
static void add_value(struct str *ret, const struct node *node, size_t level)
{
	if (node_is_scalar(node)) {
		str_add(ret, " ");
		if (node->kind == NODE_TEXT)
			add_text(ret, node->text);
		else
			str_add(ret, node->kind == NODE_NULL ? "null" : node->text);
		str_add(ret, "\n");
	} else if (node->n == 0) {
		str_add(ret, node->kind == NODE_MAP ? " {}\n" : " []\n");
	} else {
		str_add(ret, "\n");
		add_node(ret, node, level);
	}
}

static void add_node(struct str *ret, const struct node *node, size_t level)
{
	for (size_t i = 0; i < node->n; i++) {
		const struct node *item = node->items[i];

		if (node->kind == NODE_LIST && item->kind == NODE_MAP && item->n) {
			/* "- a: 1", the others below the a. */
			size_t begin = ret->len;

			add_node(ret, item, level + 1);
			ret->text[begin + 2 * level] = '-';
			continue;
		}
		add_indent(ret, level);
		if (node->kind == NODE_MAP) {
			add_text(ret, item->key);
			str_add(ret, ":");
			add_value(ret, item, level + 1);
		} else {
			str_add(ret, "-");
			add_value(ret, item, level + 1);
		}
	}
}

void node_to_yaml(const struct node *node, struct str *ret)
{
	add_node(ret, node, 0);
}
