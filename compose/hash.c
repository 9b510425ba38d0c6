/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/hash.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "compose/schema.h"
#include "image/digest.h"

void node_hash(const struct node *node, char ret[65])
{
	auto_json json_t *json = node_to_json(node);
	auto_free char *text = json_to_text(json, JSON_SORT_KEYS | JSON_COMPACT);
	char digest[DIGEST_TEXT];

	digest_of(text, strlen(text), digest);
	memcpy(ret, digest_hex(digest), DIGEST_HEX + 1);
}

/* Takes out of @map what does not make a container another one. */
static void drop_next(struct node *map, const struct key *keys)
{
	size_t i = 0;

	while (i < map->n) {
		struct node *child = map->items[i];
		const struct key *key = key_find(keys, child->key);

		if (!key || key->change == CHANGE_NOTHING) {
			node_free(node_detach(child));
			continue;
		}
		if (key->kind == KEY_MAP) {
			drop_next(child, key->keys);
			if (child->n == 0) {
				node_free(node_detach(child));
				continue;
			}
		}
		i++;
	}
}

struct node *service_config(const struct node *service)
{
	struct node *copy = node_copy(service);

	drop_next(copy, schema_service);
	return copy;
}

void service_hash(const struct node *service, char ret[65])
{
	auto_node struct node *config = service_config(service);

	node_hash(config, ret);
}
