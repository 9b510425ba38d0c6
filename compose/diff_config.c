/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "compose/diff.h"
#include "compose/schema.h"

struct compare {
	struct strv *keys;
	struct str path;
	enum change found;
};

static size_t enter(struct compare *c, const char *name)
{
	size_t len = c->path.len;

	str_addf(&c->path, "%s%s", len ? "." : "", name);
	return len;
}

static void leave(struct compare *c, size_t len)
{
	c->path.len = len;
	c->path.text[len] = '\0';
}

static void note(struct compare *c, enum key_change change)
{
	enum change found = change == CHANGE_UPDATES ? DIFF_UPDATES : DIFF_RECREATES;

	c->found = MAX(c->found, found);
	strv_add(c->keys, c->path.text);
}

static void compare_value(struct compare *c, const struct key *key, enum key_change change,
			  const struct node *old, const struct node *now);

/* What an entry of the map is; NULL: of no row of its own, and compared as a whole. */
static const struct key *entry_key(const struct key *key, const char *name)
{
	static const struct key pair = { "", KEY_TEXT };

	if (key->kind == KEY_MAP)
		return key_find(key->keys, name);
	return key->kind == KEY_PAIRS ? &pair : NULL;
}

static void compare_entry(struct compare *c, const struct key *key, enum key_change change,
			  const char *name, const struct node *old, const struct node *now)
{
	const struct key *row = entry_key(key, name);
	size_t len = enter(c, name);

	/* What may be done to the whole may be done to its parts. */
	if (change == CHANGE_RECREATES && row)
		change = row->change;
	compare_value(c, row, change, old, now);
	leave(c, len);
}

static void compare_maps(struct compare *c, const struct key *key, enum key_change change,
			 const struct node *old, const struct node *now)
{
	for (size_t i = 0; i < old->n; i++)
		compare_entry(c, key, change, old->items[i]->key, old->items[i],
			      node_get(now, old->items[i]->key));
	for (size_t i = 0; i < now->n; i++) {
		if (!node_get(old, now->items[i]->key))
			compare_entry(c, key, change, now->items[i]->key, NULL, now->items[i]);
	}
}

static void compare_value(struct compare *c, const struct key *key, enum key_change change,
			  const struct node *old, const struct node *now)
{
	static const struct node empty = { .kind = NODE_MAP };
	bool are_maps = (!old || old->kind == NODE_MAP) && (!now || now->kind == NODE_MAP);

	if (old && now && node_equal(old, now))
		return;
	if (key && are_maps && (key->kind == KEY_MAP || key->kind == KEY_PAIRS))
		compare_maps(c, key, change, old ? old : &empty, now ? now : &empty);
	else
		note(c, change);
}

enum change diff_config(const struct node *old, const struct node *now, struct strv *keys)
{
	static const struct key service = { "", KEY_MAP, schema_service };
	struct compare c = { .keys = keys };

	str_add(&c.path, "");
	compare_value(&c, &service, CHANGE_RECREATES, old, now);
	str_fini(&c.path);
	return c.found;
}
