/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "compose/merge.h"
#include "compose/model_internal.h"
#include "compose/schema.h"

/* Services being extended, from the one that was asked for on. */
struct chain {
	const struct chain *up;
	const char *file;
	const char *service;
};

static const struct key service_key = { "", KEY_MAP, schema_service };

void loader_fini(struct loader *loader)
{
	for (size_t i = 0; i < loader->n_extended; i++) {
		free(loader->extended[i].path);
		node_free(loader->extended[i].tree);
	}
	free(loader->extended);
}

static void add_chain(struct str *text, const struct chain *chain)
{
	if (chain->up) {
		add_chain(text, chain->up);
		str_add(text, " -> ");
	}
	str_add(text, chain->service);
}

static int check_cycle(const struct chain *chain, const struct node *node, struct error *err)
{
	auto_str struct str text = { 0 };

	for (const struct chain *c = chain->up; c; c = c->up) {
		if (c->file == chain->file && strcmp(c->service, chain->service) == 0) {
			add_chain(&text, chain);
			return node_error(node, err, "a cycle: %s", text.text);
		}
	}
	return 0;
}

static size_t count_nodes(const struct node *node)
{
	size_t n = 1;

	for (size_t i = 0; i < node->n; i++)
		n += count_nodes(node->items[i]);
	return n;
}

/* The tree of another file; each is read once. */
static int load_extended(struct loader *loader, const char *path, const struct node *node,
			 struct node **ret, struct error *err)
{
	auto_free char *directory = NULL;
	struct node *tree = NULL;
	const char *slash;
	int rc;

	for (size_t i = 0; i < loader->n_extended; i++) {
		if (strcmp(loader->extended[i].path, path) == 0) {
			*ret = loader->extended[i].tree;
			return 0;
		}
	}
	if (loader->n_extended == 256)
		return node_error(node, err, "limit: more than 256 files");
	slash = strrchr(path, '/');
	directory = xstrndup(path, slash && slash > path ? (size_t)(slash - path) : 1);
	rc = load_file(loader, path, directory, &tree, err);
	if (rc < 0)
		return rc;
	loader->extended =
		xrealloc(loader->extended, loader->n_extended + 1, sizeof(*loader->extended));
	loader->extended[loader->n_extended++] =
		(struct extended){ .path = xstrdup(path), .tree = tree };
	*ret = tree;
	return 0;
}

static int extend(struct loader *loader, struct node *tree, const char *name,
		  const struct chain *up, struct error *err);

/* @service over a copy of what it extends. */
static int put_over(struct loader *loader, struct node *service, const struct node *base,
		    struct error *err)
{
	struct node *copy;

	loader->n_nodes += count_nodes(base);
	if (loader->n_nodes > TREE_MAX_NODES)
		return node_error(service, err, "limit: more than %d values are extended",
				  TREE_MAX_NODES);
	copy = node_copy(base);
	copy->file = service->file;
	copy->line = service->line;
	copy->column = service->column;
	copy->key_line = service->key_line;
	copy->key_column = service->key_column;
	copy->mark = service->mark;
	merge(&service_key, copy, service);
	node_replace(service, copy);
	return 0;
}

static int extend_by(struct loader *loader, struct node *tree, struct node *service,
		     const struct chain *chain, struct error *err)
{
	auto_node struct node *extends = node_detach(node_get(service, "extends"));
	const struct node *file = node_get(extends, "file");
	const char *name = node_get_text(extends, "service");
	const struct node *base;
	int rc;

	/* For messages it stands where it stood. */
	extends->up = service;
	if (!name)
		return node_error(extends, err, "'service' is missing");
	if (file && !file->text)
		return node_wrong(file, "text", err);
	rc = file ? load_extended(loader, file->text, file, &tree, err) : 0;
	if (rc < 0)
		return rc;
	if (!node_get(node_get(tree, "services"), name))
		return node_error(node_get(extends, "service"), err,
				  "there is no service '%.100s'%s%s", name, file ? " in " : "",
				  file ? file->text : "");
	rc = extend(loader, tree, name, chain, err);
	if (rc < 0)
		return rc;
	base = node_get(node_get(tree, "services"), name);
	extends->up = NULL;
	return put_over(loader, service, base, err);
}

static int extend(struct loader *loader, struct node *tree, const char *name,
		  const struct chain *up, struct error *err)
{
	struct node *service = node_get(node_get(tree, "services"), name);
	const struct node *extends = node_get(service, "extends");
	const struct chain chain = { .up = up, .file = tree->file, .service = name };
	int rc = check_cycle(&chain, service, err);

	/* What is marked !reset was not looked at, and goes when files are merged. */
	if (rc < 0 || !extends || extends->mark == NODE_RESETS || service->mark == NODE_RESETS)
		return rc;
	return extend_by(loader, tree, service, &chain, err);
}

int extend_services(struct loader *loader, struct node *tree, struct error *err)
{
	const struct node *services = node_get(tree, "services");
	int rc = 0;

	if (!services || services->mark == NODE_RESETS)
		return 0;
	for (size_t i = 0; rc == 0 && i < services->n; i++) {
		auto_free char *name = xstrdup(services->items[i]->key);

		if (services->items[i]->kind == NODE_MAP)
			rc = extend(loader, tree, name, NULL, err);
	}
	return rc;
}
