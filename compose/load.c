/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "compose/file.h"
#include "compose/graph.h"
#include "compose/interpolate.h"
#include "compose/merge.h"
#include "compose/model_internal.h"
#include "compose/schema.h"

void project_input_fini(struct project_input *input)
{
	strv_fini(&input->files);
	strv_fini(&input->env);
	strv_fini(&input->profiles);
	strv_fini(&input->services);
	free(input->directory);
	free(input->name);
}

bool is_project_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return *text && *text != '_' && *text != '-' && strlen(text) <= 64 &&
	       !text[strspn(text, letters)];
}

char *project_name_of(const char *directory)
{
	struct str name = { 0 };

	for (const char *p = path_base(directory); *p && name.len < 64; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
		bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (is_word || (name.len && (c == '_' || c == '-')))
			str_add_len(&name, &c, 1);
	}
	return str_take(&name);
}

/* Reads and parses; the name of the file stays with the project, for the places of its values. */
static int parse_file(struct loader *loader, const char *path, struct node **ret, struct error *err)
{
	struct project *project = loader->project;
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = loader->input->read(loader->input->read_data, path, &text, &len, err);

	if (rc < 0)
		return rc;
	strv_add(&project->files, strcmp(path, "-") == 0 ? "<stdin>" : path);
	return file_parse(project->files.items[project->files.n - 1], text, len, ret, err);
}

static int shape_tree(struct loader *loader, struct node **tree, const char *directory,
		      struct error *err)
{
	struct project *project = loader->project;
	struct shaper shaper = {
		.directory = directory,
		.home = strv_getenv(&project->env, "HOME"),
		.warnings = &project->warnings,
	};

	return shape(&shaper, &schema_file, tree, err);
}

static int shape_file(struct loader *loader, struct node **tree, const char *directory,
		      struct error *err)
{
	struct project *project = loader->project;
	int rc = interpolate_tree(*tree, &project->env, &project->warnings, err);

	return rc < 0 ? rc : shape_tree(loader, tree, directory, err);
}

int load_file(struct loader *loader, const char *path, const char *directory, struct node **ret,
	      struct error *err)
{
	auto_node struct node *tree = NULL;
	int rc = parse_file(loader, path, &tree, err);

	if (rc == 0)
		rc = shape_file(loader, &tree, directory, err);
	if (rc == 0)
		*ret = take_ptr(tree);
	return rc;
}

/* The last `name:` of the files counts; it may have variables. */
static int name_from_files(struct loader *loader, struct node *const *trees, size_t n, char **ret,
			   struct error *err)
{
	struct project *project = loader->project;

	for (size_t i = n; i > 0; i--) {
		struct node *node = node_get(trees[i - 1], "name");
		int rc;

		if (!node || node->kind == NODE_NULL)
			continue;
		rc = interpolate_tree(node, &project->env, &project->warnings, err);
		if (rc < 0)
			return rc;
		if (!node_is_scalar(node))
			return node_wrong(node, "text", err);
		if (!is_project_name(node->text))
			return node_error(node, err,
					  "'%.100s' is no name of a project: lower case "
					  "letters, digits, '-' and '_'",
					  node->text);
		*ret = xstrdup(node->text);
		return 0;
	}
	return 0;
}

static int find_name(struct loader *loader, struct node *const *trees, size_t n, char **ret,
		     struct error *err)
{
	const struct project_input *input = loader->input;
	const char *given =
		input->name ? input->name : strv_getenv(&input->env, "COMPOSE_PROJECT_NAME");
	int rc;

	if (given && *given) {
		if (!is_project_name(given))
			return err_set(err, EINVAL,
				       "'%.100s' is no name of a project: lower case "
				       "letters, digits, '-' and '_'",
				       given);
		*ret = xstrdup(given);
		return 0;
	}
	rc = name_from_files(loader, trees, n, ret, err);
	if (rc < 0 || *ret)
		return rc;
	*ret = project_name_of(input->directory);
	if (**ret)
		return 0;
	return err_set(err, EINVAL, "the directory '%.200s' gives no name for the project: see -p",
		       input->directory);
}

static int merge_files(struct loader *loader, struct node **trees, size_t n, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = shape_file(loader, &trees[i], loader->input->directory, err);
		if (rc == 0)
			rc = extend_services(loader, trees[i], err);
		if (rc == 0 && i > 0)
			merge(&schema_file, trees[0], trees[i]);
	}
	if (rc < 0)
		return rc;
	/* What !reset took away may have been needed; the rest is as it should be, and stays so. */
	merge_finish(trees[0]);
	rc = shape_tree(loader, &trees[0], loader->input->directory, err);
	loader->project->tree = take_ptr(trees[0]);
	return rc;
}

static int load_trees(struct loader *loader, struct node **trees, size_t n, struct error *err)
{
	struct project *project = loader->project;
	auto_free char *name = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = parse_file(loader, loader->input->files.items[i], &trees[i], err);
	if (rc == 0)
		rc = find_name(loader, trees, n, &name, err);
	if (rc < 0)
		return rc;
	strv_setenv(&project->env, "COMPOSE_PROJECT_NAME", name);
	rc = merge_files(loader, trees, n, err);
	if (rc < 0)
		return rc;
	node_set_text(project->tree, "name", name);
	project->name = node_get_text(project->tree, "name");
	return 0;
}

int project_load(const struct project_input *input, struct project *ret, struct error *err)
{
	struct loader loader = { .input = input, .project = ret };
	size_t n = input->files.n;
	struct node **trees = xcalloc(n + 1, sizeof(struct node *));
	auto_order struct order order = { 0 };
	int rc;

	*ret = (struct project){ .directory = xstrdup(input->directory) };
	strv_copy(&ret->env, &input->env);
	rc = n ? load_trees(&loader, trees, n, err) : err_set(err, EINVAL, "no file given");
	for (size_t i = 0; i < n; i++)
		node_free(trees[i]);
	free(trees);
	loader_fini(&loader);
	if (rc == 0)
		rc = model_make(ret, input, err);
	return rc < 0 ? rc : graph_order(ret, &order, err);
}
