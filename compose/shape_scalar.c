/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "compose/shape_internal.h"
#include "compose/yaml.h"

char *duration_text(int64_t ns)
{
	static const struct {
		int64_t size;
		const char *name;
	} units[] = {
		{ 3600000000000, "h" }, { 60000000000, "m" }, { 1000000000, "s" },
		{ 1000000, "ms" },      { 1000, "us" },       { 1, "ns" },
	};
	struct str out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (ns >= units[i].size)
			str_addf(&out, "%" PRId64 "%s", ns / units[i].size, units[i].name);
		ns %= units[i].size;
	}
	if (!out.len)
		str_add(&out, "0s");
	return str_take(&out);
}

static char *cpus_text(int64_t nano)
{
	auto_free char *text =
		xasprintf("%" PRId64 ".%09" PRId64, nano / 1000000000, nano % 1000000000);
	size_t len = strlen(text);

	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	return xstrndup(text, len);
}

static char *word_list(const char *const *words)
{
	struct str list = { 0 };

	for (size_t i = 0; words[i]; i++)
		str_addf(&list, "%s%s", i ? ", " : "", words[i]);
	return str_take(&list);
}

static int check_word(const struct key *key, const struct node *node, struct error *err)
{
	auto_free char *list = NULL;

	for (size_t i = 0; key->words[i]; i++) {
		if (strcmp(key->words[i], node->text) == 0)
			return 0;
	}
	list = word_list(key->words);
	return node_error(node, err, "'%.60s' is none of %s", node->text, list);
}

/* The new text of a scalar, in @ret, and its kind. */
static int parse(const struct key *key, const char *text, char **ret, enum node_kind *ret_kind,
		 struct error *err)
{
	int64_t number = 0;
	uint64_t bytes = 0;
	bool is_true = false;
	int rc;

	switch (key->kind) {
	case KEY_BOOL:
		rc = parse_bool(text, &is_true, err);
		*ret = xstrdup(is_true ? "true" : "false");
		*ret_kind = NODE_BOOL;
		return rc;
	case KEY_INT:
		rc = parse_int64(text, key->min, key->max ? key->max : INT64_MAX, &number, err);
		*ret = xasprintf("%" PRId64, number);
		*ret_kind = NODE_INT;
		return rc;
	case KEY_SIZE:
		if (key->min < 0 && strcmp(text, "-1") == 0) {
			*ret = xstrdup(text);
			return 0;
		}
		rc = parse_size(text, &bytes, err);
		*ret = xasprintf("%" PRIu64, bytes);
		return rc;
	case KEY_DURATION:
		rc = parse_duration(text, &number, err);
		*ret = duration_text(number);
		return rc;
	case KEY_CPUS:
		rc = parse_cpus(text, &number, err);
		*ret = cpus_text(number);
		*ret_kind = yaml_kind_of(*ret);
		return rc;
	case KEY_TEXT:
	case KEY_WORD:
	case KEY_NUMBER:
	case KEY_LIST:
	case KEY_TEXTS:
	case KEY_PAIRS:
	case KEY_COMMAND:
	case KEY_MAP:
	case KEY_NAMED:
	case KEY_NAMES:
	case KEY_ITEMS:
	case KEY_ANY:
		break;
	}
	*ret = xstrdup(text);
	return 0;
}

static const char *wanted(enum key_kind kind)
{
	switch (kind) {
	case KEY_BOOL:
		return "true or false";
	case KEY_INT:
	case KEY_NUMBER:
	case KEY_CPUS:
		return "a number";
	case KEY_SIZE:
		return "a size like 64m";
	case KEY_DURATION:
		return "a duration like 1m30s";
	case KEY_TEXT:
	case KEY_WORD:
	case KEY_LIST:
	case KEY_TEXTS:
	case KEY_PAIRS:
	case KEY_COMMAND:
	case KEY_MAP:
	case KEY_NAMED:
	case KEY_NAMES:
	case KEY_ITEMS:
	case KEY_ANY:
		break;
	}
	return "text";
}

int shape_scalar(const struct key *key, struct node *node, struct error *err)
{
	enum node_kind kind = NODE_TEXT;
	char *text = NULL;
	int rc;

	/* Nobody calls a host "true"; a colon was forgotten, or quotes. */
	if (!node_is_scalar(node) || (node->kind == NODE_BOOL && key->kind != KEY_BOOL))
		return node_wrong(node, wanted(key->kind), err);
	if (key->kind == KEY_WORD)
		return check_word(key, node, err);
	if (key->kind == KEY_NUMBER) {
		kind = yaml_kind_of(node->text);
		if (kind != NODE_INT && kind != NODE_FLOAT)
			return node_wrong(node, "a number", err);
	}
	rc = parse(key, node->text, &text, &kind, err);
	if (rc < 0) {
		free(text);
		return node_wrap(node, err);
	}
	free(node->text);
	node->text = text;
	node->kind = kind;
	return 0;
}
