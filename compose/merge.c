/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/merge.h"

#include <string.h>

#include "base/mem.h"

/* @child becomes a member of @base, in the place of one of that name. */
static void move_member(struct node *base, struct node *child)
{
	auto_free char *key = xstrdup(child->key);

	(void)node_detach(child);
	node_set(base, key, child);
}

static bool has_text(const struct node *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++) {
		if (str_eq(list->items[i]->text, text))
			return true;
	}
	return false;
}

static void merge_texts(struct node *base, struct node *over)
{
	for (size_t i = 0; i < over->n; i++) {
		if (!has_text(base, over->items[i]->text))
			node_add(base, node_copy(over->items[i]));
	}
}

static struct node *find_same(const struct key *key, const struct node *list,
			      const struct node *item)
{
	auto_free char *wanted = key->identity ? key->identity(item) : NULL;

	for (size_t i = 0; wanted && i < list->n; i++) {
		auto_free char *identity = key->identity(list->items[i]);

		if (strcmp(identity, wanted) == 0)
			return list->items[i];
	}
	return NULL;
}

static void merge_items(const struct key *key, struct node *base, const struct node *over)
{
	for (size_t i = 0; i < over->n; i++) {
		struct node *same = find_same(key, base, over->items[i]);
		struct node *copy = node_copy(over->items[i]);

		if (same)
			node_replace(same, copy);
		else
			node_add(base, copy);
	}
}

static void merge_member(const struct key *key, struct node *base, struct node *child)
{
	struct node *old = node_get(base, child->key);
	bool is_collection = !node_is_scalar(child) && old && old->kind == child->kind &&
			     old->mark != NODE_RESETS;

	if (old && child->mark == NODE_RESETS) {
		node_free(node_detach(old));
	} else if (!is_collection || child->mark == NODE_REPLACES || !key) {
		move_member(base, child);
	} else {
		merge(key, old, child);
	}
}

static bool is_replaced(const struct key *key, const struct node *base, const struct node *over)
{
	const char *driver = node_get_text(base, "driver");
	const char *other = node_get_text(over, "driver");

	if (key->merge == MERGE_REPLACES)
		return true;
	return key->merge == MERGE_SAME && driver && other && strcmp(driver, other) != 0;
}

static void replace_content(struct node *base, struct node *over)
{
	while (base->n)
		node_free(node_detach(base->items[base->n - 1]));
	for (size_t i = 0; i < over->n; i++) {
		struct node *copy = node_copy(over->items[i]);

		copy->key = xstrdup(over->items[i]->key);
		node_add(base, copy);
	}
}

/* Members of a map; their rows are by name, or the same for all. */
static void merge_map(const struct key *key, struct node *base, struct node *over)
{
	const struct key entry = { .kind = KEY_MAP, .keys = key->keys };
	static const struct key pair = { .kind = KEY_TEXT };
	size_t i = 0;

	while (i < over->n) {
		struct node *child = over->items[i];
		size_t n = over->n;
		const struct key *row = key->kind == KEY_MAP     ? key_find(key->keys, child->key)
					: key->kind == KEY_PAIRS ? &pair
								 : &entry;

		merge_member(row, base, child);
		i += over->n == n;
	}
}

void merge(const struct key *key, struct node *base, struct node *over)
{
	if (is_replaced(key, base, over)) {
		replace_content(base, over);
		return;
	}
	switch (key->kind) {
	case KEY_LIST:
	case KEY_TEXTS:
	case KEY_COMMAND:
		merge_texts(base, over);
		break;
	case KEY_ITEMS:
		merge_items(key, base, over);
		break;
	case KEY_PAIRS:
	case KEY_MAP:
	case KEY_NAMED:
	case KEY_NAMES:
		merge_map(key, base, over);
		break;
	case KEY_ANY:
		replace_content(base, over);
		break;
	case KEY_TEXT:
	case KEY_WORD:
	case KEY_BOOL:
	case KEY_INT:
	case KEY_NUMBER:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_CPUS:
		break;
	}
}

void merge_finish(struct node *node)
{
	size_t i = 0;

	while (i < node->n) {
		struct node *child = node->items[i];

		if (child->mark == NODE_RESETS) {
			node_free(node_detach(child));
			continue;
		}
		child->mark = NODE_MERGES;
		merge_finish(child);
		i++;
	}
}
