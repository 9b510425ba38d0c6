/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compose/dotenv.h"
#include "compose/model_internal.h"

/* Pairs of one env_file; one that is not required may be missing. */
static int read_env_file(struct project *project, const struct project_input *input,
			 const struct node *item, struct strv *pairs, struct error *err)
{
	const struct node *path = node_get(item, "path");
	const char *required = node_get_text(item, "required");
	auto_free char *text = NULL;
	size_t len = 0;
	const struct node *format = node_get(item, "format");
	int rc;

	if (format)
		return node_error(format, err, "minictr cannot do this");
	rc = input->read(input->read_data, path->text, &text, &len, err);
	if (rc == -ENOENT && required && required[0] == 'f')
		return 0;
	if (rc == 0)
		rc = dotenv_parse(path->text, text, len, &project->env, pairs, err);
	return rc < 0 ? node_wrap(path, err) : 0;
}

/* Variables of files first, then those of `environment`; NAME alone is the caller's value. */
static void add_environment(const struct project *project, const struct node *environment,
			    struct strv *pairs)
{
	for (size_t i = 0; environment && i < environment->n; i++) {
		const struct node *item = environment->items[i];
		const char *value = item->kind == NODE_NULL ? strv_getenv(&project->env, item->key)
							    : item->text;

		if (value)
			strv_setenv(pairs, item->key, value);
	}
}

static void set_environment(struct node *service, const struct strv *pairs)
{
	const struct node *old = node_get(service, "environment");
	struct node *map = node_new(NODE_MAP, NULL, old ? old : service);

	for (size_t i = 0; i < pairs->n; i++) {
		const char *equals = strchr(pairs->items[i], '=');
		auto_free char *name =
			xstrndup(pairs->items[i], (size_t)(equals - pairs->items[i]));
		const struct node *given = node_get(old, name);

		node_set(map, name, node_new(NODE_TEXT, equals + 1, given ? given : map));
	}
	node_set(service, "environment", map);
}

/* A label without a value has an empty one. */
static void fill_labels(struct node *service)
{
	struct node *labels = node_get(service, "labels");

	for (size_t i = 0; labels && i < labels->n; i++) {
		if (labels->items[i]->kind == NODE_NULL)
			node_replace(labels->items[i], node_new(NODE_TEXT, "", labels->items[i]));
	}
}

int environment_make(struct project *project, const struct project_input *input,
		     struct node *service, struct error *err)
{
	struct node *files = node_get(service, "env_file");
	const struct node *environment = node_get(service, "environment");
	auto_strv struct strv pairs = { 0 };
	int rc = 0;

	fill_labels(service);
	if (!files && !environment)
		return 0;
	for (size_t i = 0; files && rc == 0 && i < files->n; i++)
		rc = read_env_file(project, input, files->items[i], &pairs, err);
	if (rc < 0)
		return rc;
	add_environment(project, environment, &pairs);
	if (pairs.n > TREE_MAX_ITEMS)
		return node_error(service, err, "limit: more than %d variables", TREE_MAX_ITEMS);
	set_environment(service, &pairs);
	if (files)
		node_free(node_detach(files));
	return 0;
}
