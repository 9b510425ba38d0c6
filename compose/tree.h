/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/*
 * What a project file says, whether it was written in YAML or JSON: a tree whose nodes know where
 * they stand, through merging and interpolation, so that whatever is wrong with a value later is
 * told as "stack.yaml:12:7: services.web.ports[0]: ...".
 */
enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_TEXT, NODE_LIST, NODE_MAP };

/* How a value takes part in a merge (compose-spec "Merge"): as usual, removes, or replaces. */
enum node_mark { NODE_MERGES, NODE_RESETS, NODE_REPLACES };

struct node {
	enum node_kind kind;
	enum node_mark mark;
	char *text; /* owned; of a scalar, as it was written but for quotes and escapes */

	struct node *up; /* NULL: the root */
	char *key;       /* owned; NULL: no member of a map */
	size_t index;    /* in @up */

	struct node **items; /* owned: what a list or map has, in the order of the file */
	size_t n;

	const char *file; /* borrowed: outlives the tree */
	int line, column; /* from 1, in characters */
	int key_line, key_column;
};

/* What a single file may have; more is refused while it is read. */
#define TREE_MAX_SIZE  (1U << 20) /* bytes of a file */
#define TREE_MAX_DEPTH 64
#define TREE_MAX_NODES 100000 /* aliases expanded */
#define TREE_MAX_ITEMS 4096   /* of one list or map */
#define TREE_MAX_KEY   1024   /* bytes */

/* @like tells the place; it may be NULL.  @text is copied. */
struct node *node_new(enum node_kind kind, const char *text, const struct node *like);
struct node *node_copy(const struct node *node);
void node_free(struct node *node);
void free_node(struct node **node);

#define auto_node __attribute__((cleanup(free_node)))

bool node_is_scalar(const struct node *node);

/* Puts @child, which is taken over, at the end. */
void node_add(struct node *list, struct node *child);

/* The member of that name, or NULL (also if @map is NULL or no map). */
struct node *node_get(const struct node *map, const char *key);
const char *node_get_text(const struct node *map, const char *key); /* NULL: not there, or null */

/* Adds or replaces a member; @child is taken over.  The key stands where the child does if the
 * child has no place of its key yet. */
void node_set(struct node *map, const char *key, struct node *child);
void node_set_text(struct node *map, const char *key, const char *text); /* placed as @map is */

/* Puts @with, which is taken over, where @node was, under its key; @node is freed. */
void node_replace(struct node *node, struct node *with);

/* Takes it out of its list or map; the caller owns it. */
struct node *node_detach(struct node *node);

/* "services.web.ports[0]"; caller frees. */
char *node_path(const struct node *node);

/* -EINVAL with "<file>:<line>:<column>: <path>: <text>"; at_key: the place of its key. */
int node_error(const struct node *node, struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
int node_error_at_key(const struct node *node, struct error *err, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Puts the place and path of @node in front of what @err says. */
int node_wrap(const struct node *node, struct error *err);

/* A warning in the same form, added to @warnings. */
void node_warn(const struct node *node, struct strv *warnings, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* What it is, in words: "a list", "'yes'"; caller frees. */
char *node_describe(const struct node *node);

/* -EINVAL with "expected <wanted>, got ...". */
int node_wrong(const struct node *node, const char *wanted, struct error *err);

/* Members of all maps by name; what stands on the first level keeps its order. */
void node_sort(struct node *node);

/* The same content, wherever it stands. */
bool node_equal(const struct node *a, const struct node *b);

/* Takes over into JSON; numbers by their value. */
json_t *node_to_json(const struct node *node);

/* The other way round, without places. */
struct node *node_from_json(const json_t *value);

/* As YAML that reads back the same. */
void node_to_yaml(const struct node *node, struct str *ret);

/* Doubles the dollar signs of all values, so that no variable is looked for in what is printed. */
void node_double_dollars(struct node *node);
