/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layer_tree.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/human.h"
#include "image/digest.h"

/*
 * A place in the tree: the first @depth layers of an image, which others may have as well.  Which of
 * the images it is does not matter.
 */
struct node {
	const struct layer_image *image;
	size_t depth;
};

void layer_images_free(struct layer_image *images, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(images[i].names);
		strv_fini(&images[i].layers);
	}
	free(images);
}

static bool is_on(const struct layer_image *image, const struct node *node)
{
	if (image->layers.n < node->depth)
		return false;
	for (size_t i = 0; i < node->depth; i++)
		if (!str_eq(image->layers.items[i], node->image->layers.items[i]))
			return false;
	return true;
}

static size_t count_sharing(const struct layer_tree *tree, const char *diff_id)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++)
		n += strv_has(&tree->images[i].layers, diff_id);
	return n;
}

static void add_line(const struct layer_tree *tree, const struct node *node, const char *prefix,
		     bool is_last, struct str *ret)
{
	const char *diff_id = node->image->layers.items[node->depth - 1];
	auto_free char *size = human_size(tree->size(tree->arg, diff_id));
	size_t n = count_sharing(tree, diff_id);
	bool has_top = false;

	str_addf(ret, "%s%s ID: %.12s Size: %7s", prefix, is_last ? "└── " : "├── ",
		 digest_hex(diff_id), size);
	if (n > 1)
		str_addf(ret, " Shared by: %zu images", n);
	for (size_t i = 0; i < tree->n; i++) {
		const struct layer_image *image = &tree->images[i];

		if (image->layers.n != node->depth || !is_on(image, node))
			continue;
		str_addf(ret, "%s%s", has_top ? " " : " Top Layer of: ", image->names);
		has_top = true;
	}
	str_add(ret, "\n");
}

void layer_tree_of(const struct layer_tree *tree, size_t at, struct str *ret)
{
	struct node node = { .image = &tree->images[at] };

	for (node.depth = 1; node.depth <= node.image->layers.n; node.depth++)
		add_line(tree, &node, "", node.depth == node.image->layers.n, ret);
}

/* The layers that come next on top of @node, one of each; how many.  *ret is owned by the caller. */
static size_t next_nodes(const struct layer_tree *tree, const struct node *node, struct node **ret)
{
	struct node *next = xcalloc(tree->n + 1, sizeof(*next));
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++) {
		const struct layer_image *image = &tree->images[i];
		bool is_new = image->layers.n > node->depth && is_on(image, node);

		for (size_t j = 0; is_new && j < n; j++)
			is_new = !is_on(image, &next[j]);
		if (is_new)
			next[n++] = (struct node){ image, node->depth + 1 };
	}
	*ret = next;
	return n;
}

static void add_above(const struct layer_tree *tree, const struct node *node, const char *prefix,
		      struct str *ret)
{
	struct node *next = NULL;
	size_t n = next_nodes(tree, node, &next);

	/* One after the other, until they part. */
	while (n == 1) {
		const struct node only = next[0];

		free(next);
		n = next_nodes(tree, &only, &next);
		add_line(tree, &only, prefix, n != 1, ret);
		if (n > 1) {
			auto_free char *deeper = xasprintf("%s    ", prefix);

			free(next);
			add_above(tree, &only, deeper, ret);
			return;
		}
	}
	for (size_t i = 0; i < n; i++) {
		auto_free char *deeper = xasprintf("%s%s", prefix, i + 1 < n ? "│   " : "    ");

		add_line(tree, &next[i], prefix, i + 1 == n, ret);
		add_above(tree, &next[i], deeper, ret);
	}
	free(next);
}

void layer_tree_above(const struct layer_tree *tree, size_t at, struct str *ret)
{
	const struct node top = { .image = &tree->images[at], .depth = tree->images[at].layers.n };

	if (top.depth)
		add_line(tree, &top, "", true, ret);
	add_above(tree, &top, top.depth ? "    " : "", ret);
}
