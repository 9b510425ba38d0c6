/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct node *node_new(enum node_kind kind, const char *text, const struct node *like)
{
	struct node *node = xcalloc(1, sizeof(*node));

	node->kind = kind;
	node->text = xstrdup(text);
	if (like) {
		node->file = like->file;
		node->line = like->line;
		node->column = like->column;
	}
	return node;
}

struct node *node_copy(const struct node *node)
{
	struct node *copy = node_new(node->kind, node->text, node);

	copy->mark = node->mark;
	copy->key_line = node->key_line;
	copy->key_column = node->key_column;
	for (size_t i = 0; i < node->n; i++) {
		struct node *item = node_copy(node->items[i]);

		item->key = xstrdup(node->items[i]->key);
		node_add(copy, item);
	}
	return copy;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n; i++)
		node_free(node->items[i]);
	free(node->items);
	free(node->text);
	free(node->key);
	free(node);
}

void free_node(struct node **node)
{
	node_free(*node);
	*node = NULL;
}

bool node_is_scalar(const struct node *node)
{
	return node->kind != NODE_LIST && node->kind != NODE_MAP;
}

void node_add(struct node *list, struct node *child)
{
	list->items = xrealloc(list->items, list->n + 1, sizeof(*list->items));
	child->up = list;
	child->index = list->n;
	list->items[list->n++] = child;
}

struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++) {
		if (strcmp(map->items[i]->key, key) == 0)
			return map->items[i];
	}
	return NULL;
}

const char *node_get_text(const struct node *map, const char *key)
{
	const struct node *node = node_get(map, key);

	return node && node->kind != NODE_NULL ? node->text : NULL;
}

void node_replace(struct node *node, struct node *with)
{
	free(with->key);
	with->key = take_ptr(node->key);
	with->up = node->up;
	with->index = node->index;
	if (!with->key_line) {
		with->key_line = node->key_line;
		with->key_column = node->key_column;
	}
	if (node->up)
		node->up->items[node->index] = with;
	node_free(node);
}

void node_set(struct node *map, const char *key, struct node *child)
{
	struct node *old = node_get(map, key);

	if (!child->key_line) {
		child->key_line = child->line;
		child->key_column = child->column;
	}
	if (old) {
		node_replace(old, child);
		return;
	}
	free(child->key);
	child->key = xstrdup(key);
	node_add(map, child);
}

void node_set_text(struct node *map, const char *key, const char *text)
{
	node_set(map, key, node_new(NODE_TEXT, text, map));
}

struct node *node_detach(struct node *node)
{
	struct node *up = node->up;

	for (size_t i = node->index; i + 1 < up->n; i++) {
		up->items[i] = up->items[i + 1];
		up->items[i]->index = i;
	}
	up->n--;
	node->up = NULL;
	node->index = 0;
	return node;
}

static void add_path(struct str *path, const struct node *node)
{
	if (node->up)
		add_path(path, node->up);
	if (node->key)
		str_addf(path, "%s%s", path->len ? "." : "", node->key);
	else if (node->up)
		str_addf(path, "[%zu]", node->index);
}

char *node_path(const struct node *node)
{
	struct str path = { 0 };

	add_path(&path, node);
	return str_take(&path);
}

/* "stack.yaml:3:5: services.web: ", what is too long cut. */
static char *place_text(const struct node *node, bool is_key)
{
	auto_free char *path = node_path(node);
	auto_free char *shown = str_escape(path);
	auto_free char *file = str_escape(node->file ? node->file : "<project>");
	char place[32] = "";
	int line = is_key ? node->key_line : node->line;
	int column = is_key ? node->key_column : node->column;

	if (line)
		(void)snprintf(place, sizeof(place), ":%d:%d", line, column);
	return xasprintf("%.200s%s: %.200s%s", file, place, shown, *shown ? ": " : "");
}

static int verror(const struct node *node, bool is_key, struct error *err, const char *fmt,
		  va_list ap) PRINTF_LIKE(4, 0);

static int verror(const struct node *node, bool is_key, struct error *err, const char *fmt,
		  va_list ap)
{
	auto_free char *place = place_text(node, is_key);
	auto_free char *shown = NULL;
	char text[600];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	shown = str_escape(text);
	return err_set(err, EINVAL, "%s%s", place, shown);
}

int node_error(const struct node *node, struct error *err, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = verror(node, false, err, fmt, ap);
	va_end(ap);
	return rc;
}

int node_error_at_key(const struct node *node, struct error *err, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = verror(node, node->key_line > 0, err, fmt, ap);
	va_end(ap);
	return rc;
}

int node_wrap(const struct node *node, struct error *err)
{
	struct error inner = *err;

	return node_error(node, err, "%s", inner.msg);
}

void node_warn(const struct node *node, struct strv *warnings, const char *fmt, ...)
{
	struct error err = { 0 };
	va_list ap;

	va_start(ap, fmt);
	(void)verror(node, false, &err, fmt, ap);
	va_end(ap);
	if (!strv_has(warnings, err.msg))
		strv_add(warnings, err.msg);
}

char *node_describe(const struct node *node)
{
	switch (node->kind) {
	case NODE_LIST:
		return xstrdup("a list");
	case NODE_MAP:
		return xstrdup("a map");
	case NODE_NULL:
		return xstrdup("nothing");
	case NODE_BOOL:
	case NODE_INT:
	case NODE_FLOAT:
	case NODE_TEXT:
		break;
	}
	return xasprintf("'%.60s'", node->text);
}

int node_wrong(const struct node *node, const char *wanted, struct error *err)
{
	auto_free char *got = node_describe(node);

	return node_error(node, err, "expected %s, got %s", wanted, got);
}

static int by_key(const void *a, const void *b)
{
	const struct node *const *left = a;
	const struct node *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

void node_sort(struct node *node)
{
	if (node->kind == NODE_MAP && node->up && node->n)
		qsort(node->items, node->n, sizeof(struct node *), by_key);
	for (size_t i = 0; i < node->n; i++) {
		node->items[i]->index = i;
		node_sort(node->items[i]);
	}
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->n != b->n || !str_eq(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct node *other =
			a->kind == NODE_MAP ? node_get(b, a->items[i]->key) : b->items[i];

		if (!other || !node_equal(a->items[i], other))
			return false;
	}
	return true;
}

void node_double_dollars(struct node *node)
{
	struct str out = { 0 };

	for (size_t i = 0; i < node->n; i++)
		node_double_dollars(node->items[i]);
	if (!node->text || !strchr(node->text, '$'))
		return;
	for (const char *p = node->text; *p; p++)
		str_add(&out, (const char[]){ *p, *p == '$' ? '$' : '\0', '\0' });
	free(node->text);
	node->text = str_take(&out);
}
