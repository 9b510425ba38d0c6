/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/shape.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/word.h"
#include "compose/merge.h"
#include "compose/shape_internal.h"
#include "compose/words.h"

const struct key *key_find(const struct key *keys, const char *name)
{
	for (; keys && keys->name; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

static int unknown_key(const struct key *keys, const struct node *node, struct error *err)
{
	const struct key *best = NULL;

	for (; keys->name; keys++) {
		if (word_is_close(node->key, keys->name) &&
		    (!best ||
		     word_distance(node->key, keys->name) < word_distance(node->key, best->name)))
			best = keys;
	}
	if (best)
		return node_error_at_key(node, err, "unknown key: did you mean '%s'?", best->name);
	return node_error_at_key(node, err, "unknown key");
}

int shape_path(struct shaper *s, const struct node *node, const char *path, char **ret,
	       struct error *err)
{
	auto_free char *full = NULL;

	if (!*path)
		return node_error(node, err, "an empty path");
	if (path[0] == '~' && (!path[1] || path[1] == '/')) {
		if (!s->home || s->home[0] != '/')
			return node_error(node, err, "'%.200s': there is no home directory", path);
		full = path_join(s->home, path[1] ? path + 2 : ".");
	} else {
		full = path_join(s->directory, path);
	}
	*ret = path_clean(full);
	return 0;
}

struct node *shape_new_map(struct node **node)
{
	struct node *map = node_new(NODE_MAP, NULL, *node);

	node_replace(*node, map);
	*node = map;
	return map;
}

static int shape_list(struct node **node, bool is_single, struct error *err)
{
	struct node *list;

	if (is_single && node_is_scalar(*node)) {
		list = node_new(NODE_LIST, NULL, *node);
		node_add(list, node_new(NODE_TEXT, (*node)->text, *node));
		node_replace(*node, list);
		*node = list;
		return 0;
	}
	if ((*node)->kind != NODE_LIST)
		return node_wrong(*node, is_single ? "text or a list of texts" : "a list of texts",
				  err);
	for (size_t i = 0; i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];

		if (!node_is_scalar(item) || item->kind == NODE_NULL)
			return node_wrong(item, "text", err);
		item->kind = NODE_TEXT;
	}
	return 0;
}

/* NAME=VALUE items -> members. */
static int pairs_from_list(struct node **node, struct error *err)
{
	auto_node struct node *map = node_new(NODE_MAP, NULL, *node);

	for (size_t i = 0; i < (*node)->n; i++) {
		const struct node *item = (*node)->items[i];
		auto_free char *name = NULL;
		const char *equals;

		if (!node_is_scalar(item) || item->kind == NODE_NULL)
			return node_wrong(item, "NAME=VALUE", err);
		equals = strchr(item->text, '=');
		name = xstrndup(item->text, strcspn(item->text, "="));
		if (!*name)
			return node_error(item, err, "no name in front of '='");
		node_set(map, name,
			 node_new(equals ? NODE_TEXT : NODE_NULL, equals ? equals + 1 : "", item));
	}
	node_replace(*node, map);
	*node = take_ptr(map);
	return 0;
}

static int shape_pairs(struct node **node, struct error *err)
{
	if ((*node)->kind == NODE_LIST)
		return pairs_from_list(node, err);
	if ((*node)->kind != NODE_MAP)
		return node_wrong(*node, "a map, or a list of NAME=VALUE", err);
	for (size_t i = 0; i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];

		if (!*item->key || strchr(item->key, '='))
			return node_error_at_key(item, err,
						 "a name must not be empty or have a '='");
		if (!node_is_scalar(item))
			return node_wrong(item, "text", err);
		if (item->kind != NODE_NULL)
			item->kind = NODE_TEXT;
	}
	return 0;
}

static int shape_command(struct node **node, struct error *err)
{
	auto_strv struct strv words = { 0 };
	struct node *list;
	int rc;

	if (!node_is_scalar(*node))
		return shape_list(node, false, err);
	rc = words_split((*node)->text, &words, err);
	if (rc < 0)
		return node_wrap(*node, err);
	list = node_new(NODE_LIST, NULL, *node);
	for (size_t i = 0; i < words.n; i++)
		node_add(list, node_new(NODE_TEXT, words.items[i], *node));
	node_replace(*node, list);
	*node = list;
	return 0;
}

static bool is_extension(const char *key)
{
	return str_starts(key, "x-");
}

static int check_required(const struct key *keys, const struct node *map, struct error *err)
{
	for (; keys->name; keys++) {
		if (keys->is_required && !node_get(map, keys->name))
			return node_error(map, err, "'%s' is missing", keys->name);
	}
	return 0;
}

static int shape_map(struct shaper *s, const struct key *keys, struct node *map, struct error *err)
{
	size_t i = 0;

	if (map->kind != NODE_MAP)
		return node_wrong(map, "a map", err);
	while (i < map->n) {
		struct node *child = map->items[i];
		const struct key *key = key_find(keys, child->key);
		int rc;

		if (!key && !is_extension(child->key))
			return unknown_key(keys, child, err);
		if (key && child->kind == NODE_NULL && child->mark == NODE_MERGES &&
		    key->kind != KEY_ANY) {
			node_free(node_detach(child));
			continue;
		}
		rc = key ? shape(s, key, &child, err) : 0;
		if (rc < 0)
			return rc;
		i++;
	}
	return check_required(keys, map, err);
}

static int check_name(const struct node *node, const char *name, bool is_key, struct error *err)
{
	static const char text[] =
		"'%.100s' is no name: a letter or digit, then up to 127 of those and _.+-";

	if (is_valid_name(name))
		return 0;
	return is_key ? node_error_at_key(node, err, text, name)
		      : node_error(node, err, text, name);
}

static int names_from_list(struct node **node, struct error *err)
{
	auto_node struct node *map = node_new(NODE_MAP, NULL, *node);

	for (size_t i = 0; i < (*node)->n; i++) {
		const struct node *item = (*node)->items[i];

		if (!node_is_scalar(item) || item->kind == NODE_NULL)
			return node_wrong(item, "a name", err);
		if (check_name(item, item->text, false, err) < 0)
			return -EINVAL;
		if (node_get(map, item->text))
			return node_error(item, err, "'%s' stands twice", item->text);
		node_set(map, item->text, node_new(NODE_NULL, "", item));
	}
	node_replace(*node, map);
	*node = take_ptr(map);
	return 0;
}

static int shape_named(struct shaper *s, const struct key *key, struct node **node,
		       struct error *err)
{
	int rc = 0;

	if (key->kind == KEY_NAMES && (*node)->kind == NODE_LIST)
		rc = names_from_list(node, err);
	else if ((*node)->kind != NODE_MAP)
		rc = node_wrong(
			*node, key->kind == KEY_NAMES ? "a map, or a list of names" : "a map", err);
	for (size_t i = 0; rc == 0 && i < (*node)->n; i++) {
		struct node *child = (*node)->items[i];

		rc = check_name(child, child->key, true, err);
		if (rc == 0 && child->kind == NODE_NULL && child->mark == NODE_MERGES)
			child = shape_new_map(&child);
		if (rc == 0 && child->mark != NODE_RESETS)
			rc = shape_map(s, key->keys, child, err);
	}
	return rc;
}

/* Items that are meant to be the same: whole repetitions are dropped, others refused. */
static int check_identity(const struct key *key, struct node *list, struct error *err)
{
	auto_strv struct strv seen = { 0 };
	size_t i = 0;

	while (key->identity && i < list->n) {
		auto_free char *identity = key->identity(list->items[i]);
		size_t j;

		for (j = 0; j < seen.n && strcmp(seen.items[j], identity) != 0; j++)
			;
		if (j == seen.n) {
			strv_take(&seen, take_ptr(identity));
			i++;
		} else if (node_equal(list->items[j], list->items[i])) {
			node_free(node_detach(list->items[i]));
		} else {
			return node_error(list->items[i], err, "'%s' stands twice", identity);
		}
	}
	return 0;
}

static int shape_items(struct shaper *s, const struct key *key, struct node *list,
		       struct error *err)
{
	if (list->kind != NODE_LIST)
		return node_wrong(list, "a list", err);
	for (size_t i = 0; i < list->n; i++) {
		struct node *item = list->items[i];
		int rc;

		/* Items are replaced as a whole: there is nothing to reset in them. */
		merge_finish(item);
		rc = key->item ? key->item(s, &item, err) : 0;
		if (rc == 0)
			rc = shape_map(s, key->keys, item, err);
		if (rc < 0)
			return rc;
	}
	return check_identity(key, list, err);
}

static int shape_by_kind(struct shaper *s, const struct key *key, struct node **node,
			 struct error *err)
{
	switch (key->kind) {
	case KEY_TEXT:
	case KEY_WORD:
	case KEY_BOOL:
	case KEY_INT:
	case KEY_NUMBER:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_CPUS:
		return shape_scalar(key, *node, err);
	case KEY_LIST:
		return shape_list(node, false, err);
	case KEY_TEXTS:
		return shape_list(node, true, err);
	case KEY_PAIRS:
		return shape_pairs(node, err);
	case KEY_COMMAND:
		return shape_command(node, err);
	case KEY_MAP:
		return shape_map(s, key->keys, *node, err);
	case KEY_NAMED:
	case KEY_NAMES:
		return shape_named(s, key, node, err);
	case KEY_ITEMS:
		return shape_items(s, key, *node, err);
	case KEY_ANY:
		break;
	}
	return 0;
}

int shape(struct shaper *s, const struct key *key, struct node **node, struct error *err)
{
	enum node_mark mark = (*node)->mark;
	int rc = 0;

	if (mark == NODE_RESETS)
		return 0;
	if (key->before)
		rc = key->before(s, node, err);
	if (rc == 0)
		rc = shape_by_kind(s, key, node, err);
	if (rc == 0 && key->after)
		rc = key->after(s, node, err);
	(*node)->mark = mark;
	return rc;
}
