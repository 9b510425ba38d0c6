/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "compose/shape_internal.h"

static bool is_path(const char *source)
{
	return strchr("/.~", source[0]) && source[0];
}

static struct node *true_node(const struct node *like)
{
	return node_new(NODE_BOOL, "true", like);
}

/* The member @name, made as an empty map if it is missing. */
static struct node *map_of(struct node *map, const char *name)
{
	struct node *inner = node_get(map, name);

	if (!inner) {
		inner = node_new(NODE_MAP, NULL, map);
		node_set(map, name, inner);
	}
	return inner;
}

/* One word of the third part of SOURCE:TARGET:OPTIONS. */
static int volume_option(struct node *map, const char *option, bool is_bind, struct error *err)
{
	static const char *const propagations[] = { "private", "rprivate", "shared",
						    "rshared", "slave",    "rslave" };
	static const char *const consistencies[] = { "consistent", "cached", "delegated" };

	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (strcmp(option, propagations[i]) == 0 && is_bind) {
			node_set_text(map_of(map, "bind"), "propagation", option);
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(consistencies); i++) {
		if (strcmp(option, consistencies[i]) == 0) {
			node_set_text(map, "consistency", option);
			return 0;
		}
	}
	if (strcmp(option, "ro") == 0)
		node_set(map, "read_only", true_node(map));
	else if (strcmp(option, "nocopy") == 0 && !is_bind)
		node_set(map_of(map, "volume"), "nocopy", true_node(map));
	else if ((strcmp(option, "z") == 0 || strcmp(option, "Z") == 0) && is_bind)
		node_set_text(map_of(map, "bind"), "selinux", option);
	else if (strcmp(option, "rw") != 0 && strcmp(option, "z") != 0 && strcmp(option, "Z") != 0)
		return node_error(map, err, "unknown option '%.60s'", option);
	return 0;
}

/* [SOURCE:]TARGET[:OPTIONS] -> a map. */
static int volume_from_text(struct node **node, struct error *err)
{
	auto_strv struct strv parts = { 0 };
	auto_strv struct strv options = { 0 };
	bool is_bind;
	struct node *map;
	int rc = 0;

	strv_split(&parts, (*node)->text, ':');
	if (parts.n > 3)
		return node_error(*node, err, "'%.200s': more than two colons", (*node)->text);
	if (!*parts.items[0] || (parts.n > 1 && !*parts.items[1]))
		return node_error(*node, err, "'%.200s': an empty source or target", (*node)->text);
	map = shape_new_map(node);
	is_bind = parts.n > 1 && is_path(parts.items[0]);
	node_set_text(map, "type", is_bind ? "bind" : "volume");
	if (parts.n > 1)
		node_set_text(map, "source", parts.items[0]);
	node_set_text(map, "target", parts.items[parts.n > 1]);
	if (is_bind)
		node_set(map_of(map, "bind"), "create_host_path", true_node(map));
	if (parts.n == 3)
		strv_split(&options, parts.items[2], ',');
	for (size_t i = 0; rc == 0 && i < options.n; i++)
		rc = volume_option(map, options.items[i], is_bind, err);
	return rc;
}

int shape_volume_item(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	if ((*node)->kind == NODE_MAP)
		return 0;
	if (!node_is_scalar(*node) || (*node)->kind == NODE_NULL)
		return node_wrong(*node, "a volume like data:/data, or a map", err);
	return volume_from_text(node, err);
}

static int clean_target(struct node *item, struct error *err)
{
	struct node *target = node_get(item, "target");
	auto_free char *path = path_clean(target->text);

	if (path[0] != '/')
		return node_error(target, err, "'%.200s' is not an absolute path", target->text);
	if (strcmp(path, "/") == 0)
		return node_error(target, err, "the target must not be '/'");
	free(target->text);
	target->text = take_ptr(path);
	return 0;
}

static int check_volume_source(struct shaper *s, const char *type, struct node *item,
			       struct error *err)
{
	struct node *source = node_get(item, "source");
	char *path = NULL;
	int rc;

	if (strcmp(type, "volume") == 0) {
		if (source && !is_valid_name(source->text))
			return node_error(source, err,
					  "'%.100s' is neither the name of a volume "
					  "nor a path that begins with / or .",
					  source->text);
		return 0;
	}
	if (strcmp(type, "tmpfs") == 0)
		return source ? node_error(source, err, "a tmpfs has no source") : 0;
	if (!source)
		return node_error(item, err, "'source' is missing");
	rc = shape_path(s, source, source->text, &path, err);
	if (rc == 0) {
		free(source->text);
		source->text = path;
	}
	return rc;
}

/* docker makes a missing source of a short form, and of a long one unless told otherwise. */
static void set_created(struct node *item)
{
	struct node *bind = map_of(item, "bind");

	if (!node_get(bind, "create_host_path"))
		node_set(bind, "create_host_path", true_node(item));
}

int check_volumes(struct shaper *s, struct node **node, struct error *err)
{
	for (size_t i = 0; i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];
		const char *type = node_get_text(item, "type");
		int rc = clean_target(item, err);

		if (rc == 0)
			rc = check_volume_source(s, type, item, err);
		if (rc < 0)
			return rc;
		if (strcmp(type, "bind") == 0)
			set_created(item);
	}
	return 0;
}

char *target_identity(const struct node *item)
{
	auto_free char *clean = path_clean(node_get_text(item, "target"));

	return take_ptr(clean);
}

/* ---- secrets and configs -------------------------------------------------------------------- */

int shape_grant_item(struct shaper *s, struct node **node, struct error *err)
{
	auto_free char *name = NULL;

	(void)s;
	if ((*node)->kind == NODE_MAP)
		return 0;
	if (!node_is_scalar(*node) || (*node)->kind == NODE_NULL)
		return node_wrong(*node, "a name, or a map", err);
	name = xstrdup((*node)->text);
	node_set_text(shape_new_map(node), "source", name);
	return 0;
}

/* "0440" is octal to people, whatever the schema of YAML says. */
static int check_mode(const struct node *mode, struct error *err)
{
	const char *text = mode->text + (str_starts(mode->text, "0o") ? 2 : 0);
	size_t len = strspn(text, "01234567");

	if (len == 0 || len > 5 || text[len])
		return node_error(mode, err, "'%.60s' is no mode like 0440", mode->text);
	return 0;
}

static int check_grant(struct node *item, const char *directory, struct error *err)
{
	struct node *target = node_get(item, "target");
	struct node *mode = node_get(item, "mode");
	auto_free char *path =
		path_join(directory, target ? target->text : node_get_text(item, "source"));
	auto_free char *clean = path_clean(path);

	if (target && target->text[0] != '/' && !path_is_below(clean, directory))
		return node_error(target, err, "'%.200s' leads out of %s", target->text, directory);
	if (strcmp(clean, directory) == 0 || strcmp(clean, "/") == 0)
		return node_error(target ? target : item, err, "the target is a directory");
	node_set_text(item, "target", clean);
	return mode ? check_mode(mode, err) : 0;
}

static int check_grants(struct node *list, const char *directory, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->n; i++)
		rc = check_grant(list->items[i], directory, err);
	return rc;
}

int check_secrets(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	return check_grants(*node, "/run/secrets", err);
}

int check_configs(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	return check_grants(*node, "/", err);
}

char *source_identity(const struct node *item)
{
	const char *target = node_get_text(item, "target");
	const char *source = node_get_text(item, "source");

	return xstrdup(target ? target : source);
}

/* ---- devices, tmpfs, files ------------------------------------------------------------------- */

/* SOURCE[:TARGET[:PERMISSIONS]] */
int shape_device_item(struct shaper *s, struct node **node, struct error *err)
{
	auto_strv struct strv parts = { 0 };
	struct node *map;

	(void)s;
	if ((*node)->kind == NODE_MAP)
		return 0;
	if (!node_is_scalar(*node) || (*node)->kind == NODE_NULL)
		return node_wrong(*node, "a device like /dev/fuse, or a map", err);
	strv_split(&parts, (*node)->text, ':');
	if (parts.n > 3 || parts.items[0][0] != '/')
		return node_error(*node, err, "'%.100s' is not SOURCE[:TARGET[:rwm]]",
				  (*node)->text);
	map = shape_new_map(node);
	node_set_text(map, "source", parts.items[0]);
	node_set_text(map, "target", parts.items[parts.n > 1]);
	node_set_text(map, "permissions", parts.n > 2 ? parts.items[2] : "rwm");
	return 0;
}

int check_tmpfs(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	for (size_t i = 0; i < (*node)->n; i++) {
		struct mount_request request = { 0 };

		if (parse_tmpfs((*node)->items[i]->text, &request, err) < 0)
			return node_wrap((*node)->items[i], err);
		mount_request_fini(&request);
	}
	return 0;
}

/* A single path is a list of one. */
int shape_env_files(struct shaper *s, struct node **node, struct error *err)
{
	struct node *list;

	(void)s;
	(void)err;
	if ((*node)->kind == NODE_LIST)
		return 0;
	list = node_new(NODE_LIST, NULL, *node);
	node_add(list, node_copy(*node));
	node_replace(*node, list);
	*node = list;
	return 0;
}

int shape_env_file_item(struct shaper *s, struct node **node, struct error *err)
{
	auto_free char *path = NULL;

	(void)s;
	if ((*node)->kind == NODE_MAP)
		return 0;
	if (!node_is_scalar(*node) || (*node)->kind == NODE_NULL)
		return node_wrong(*node, "a path, or a map", err);
	path = xstrdup((*node)->text);
	node_set_text(shape_new_map(node), "path", path);
	return 0;
}

/* A path of a file of the project, made absolute. */
int shape_file_path(struct shaper *s, struct node **node, struct error *err)
{
	char *path = NULL;
	int rc;

	if (strstr((*node)->text, "://"))
		return node_error(*node, err, "'%.200s' is not a file here", (*node)->text);
	rc = shape_path(s, *node, (*node)->text, &path, err);
	if (rc == 0) {
		free((*node)->text);
		(*node)->text = path;
	}
	return rc;
}

char *path_identity(const struct node *item)
{
	return xstrdup(node_get_text(item, "path"));
}
