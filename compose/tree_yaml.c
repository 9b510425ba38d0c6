/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

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

/* One character of UTF-8; its length, or 0 if the bytes are none. */
static size_t decode(const char *text, unsigned int *ret)
{
	static const unsigned int smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	unsigned int code = len == 1 ? p[0] : p[0] & (0xffU >> (len + 1));

	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	*ret = code;
	return code < smallest[len] || code > 0x10ffff ? 0 : len;
}

/* What YAML takes as it stands, and a terminal does no harm with. */
static bool is_printable(unsigned int code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '"' || code == '\\')
		return false;
	if ((code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069) || code == 0x61c || code == 0xfeff)
		return false;
	return !(code >= 0xd800 && code <= 0xdfff) && (code & 0xfffe) != 0xfffe;
}

static void add_escape(struct str *ret, unsigned int code)
{
	static const char letters[] = "\"\\\n\t\r\b";
	static const char names[] = "\"\\ntrb";
	const char *letter = code && code < 0x80 ? strchr(letters, (int)code) : NULL;

	if (letter)
		str_addf(ret, "\\%c", names[letter - letters]);
	else if (code < 0x100)
		str_addf(ret, "\\x%02x", code);
	else
		str_addf(ret, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
}

static void add_text(struct str *ret, const char *text)
{
	if (is_plain(text)) {
		str_add(ret, text);
		return;
	}
	str_add(ret, "\"");
	while (*text) {
		unsigned int code = (unsigned char)*text;
		size_t len = decode(text, &code);

		if (len && is_printable(code))
			str_add_len(ret, text, len);
		else
			add_escape(ret, len ? code : (unsigned char)*text);
		text += len ? len : 1;
	}
	str_add(ret, "\"");
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
