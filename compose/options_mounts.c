/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "compose/options_internal.h"

/* A field of --mount: quoted, so that a path may have commas. */
static void add_field(struct str *text, const char *name, const char *value)
{
	if (!value)
		return;
	str_addf(text, "%s\"%s=", text->len ? "," : "", name);
	for (; *value; value++) {
		if (*value == '"')
			str_add(text, "\"");
		str_add_len(text, value, 1);
	}
	str_add(text, "\"");
}

static bool is_true(const struct node *map, const char *key)
{
	const char *text = node_get_text(map, key);

	return text && text[0] == 't';
}

static int add_mount(struct run_options *o, const struct node *node, const char *text,
		     bool is_source_made, struct error *err)
{
	struct mount_request mount = { 0 };

	if (parse_mount(text, &mount, err) < 0)
		return node_wrap(node, err);
	mount.is_source_made = is_source_made;
	o->mounts = xrealloc(o->mounts, o->n_mounts + 1, sizeof(*o->mounts));
	o->mounts[o->n_mounts++] = mount;
	return 0;
}

/* The volume's name on the machine. */
static const char *volume_name(const struct project *project, const char *key)
{
	for (size_t i = 0; key && i < project->n_volumes; i++) {
		if (strcmp(project->volumes[i].key, key) == 0)
			return project->volumes[i].name;
	}
	return NULL;
}

static int add_volume(const struct project *project, const struct node *item, struct run_options *o,
		      struct error *err)
{
	const char *type = node_get_text(item, "type");
	const char *source = node_get_text(item, "source");
	const struct node *bind = node_get(item, "bind");
	const struct node *tmpfs = node_get(item, "tmpfs");
	auto_str struct str text = { 0 };

	add_field(&text, "type", type);
	add_field(&text, "source",
		  strcmp(type, "volume") == 0 ? volume_name(project, source) : source);
	add_field(&text, "target", node_get_text(item, "target"));
	if (is_true(item, "read_only"))
		str_add(&text, ",readonly");
	add_field(&text, "bind-propagation", node_get_text(bind, "propagation"));
	add_field(&text, "bind-recursive", node_get_text(bind, "recursive"));
	if (is_true(node_get(item, "volume"), "nocopy"))
		str_add(&text, ",volume-nocopy");
	add_field(&text, "tmpfs-size", node_get_text(tmpfs, "size"));
	add_field(&text, "tmpfs-mode", node_get_text(tmpfs, "mode"));
	return add_mount(o, item, text.text, is_true(bind, "create_host_path"), err);
}

static int add_tmpfs(const struct node *item, struct run_options *o, struct error *err)
{
	struct mount_request mount = { 0 };

	if (parse_tmpfs(item->text, &mount, err) < 0)
		return node_wrap(item, err);
	o->mounts = xrealloc(o->mounts, o->n_mounts + 1, sizeof(*o->mounts));
	o->mounts[o->n_mounts++] = mount;
	return 0;
}

static const struct grant_source *find_grant(const struct grant_source *grants, size_t n,
					     const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(grants[i].key, key) == 0)
			return &grants[i];
	}
	return NULL;
}

/* A file of the host, read-only; owner and mode are the file's, as docker leaves them. */
static int add_grant(const struct grant_source *grant, const struct node *item,
		     struct run_options *o, struct error *err)
{
	auto_str struct str text = { 0 };

	if (!grant || !grant->file) {
		(void)node_error(item, err,
				 "only secrets and configs that are files can be mounted");
		err->code = ENOTSUP;
		return -ENOTSUP;
	}
	add_field(&text, "type", "bind");
	add_field(&text, "source", grant->file);
	add_field(&text, "target", node_get_text(item, "target"));
	str_add(&text, ",readonly");
	return add_mount(o, item, text.text, false, err);
}

static int add_grants(const struct node *list, const struct grant_source *grants, size_t n,
		      struct run_options *o, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; list && rc == 0 && i < list->n; i++) {
		const char *source = node_get_text(list->items[i], "source");

		rc = add_grant(find_grant(grants, n, source), list->items[i], o, err);
	}
	return rc;
}

int options_mounts(const struct project *project, const struct service *service,
		   struct run_options *o, struct error *err)
{
	const struct node *volumes = node_get(service->node, "volumes");
	const struct node *tmpfs = node_get(service->node, "tmpfs");
	int rc = 0;

	for (size_t i = 0; volumes && rc == 0 && i < volumes->n; i++)
		rc = add_volume(project, volumes->items[i], o, err);
	for (size_t i = 0; tmpfs && rc == 0 && i < tmpfs->n; i++)
		rc = add_tmpfs(tmpfs->items[i], o, err);
	if (rc == 0)
		rc = add_grants(node_get(service->node, "secrets"), project->secrets,
				project->n_secrets, o, err);
	if (rc == 0)
		rc = add_grants(node_get(service->node, "configs"), project->configs,
				project->n_configs, o, err);
	return rc;
}
