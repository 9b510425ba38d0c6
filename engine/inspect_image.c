/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/inspect.h"
#include "engine/inspect_internal.h"
#include "image/image.h"
#include "image/ref.h"
#include "image/store.h"

/* The member at @path, with its case as it may be: text, or "". */
static void put_text_of(json_t *object, const char *key, const json_t *config, const char *name)
{
	inspect_put_text(object, key, json_string_value(json_object_get(config, name)));
}

static json_t *copy_of(const json_t *value)
{
	json_t *copy = value ? json_deep_copy(value) : NULL;

	return copy ? copy : json_null();
}

static json_t *root_of(const json_t *config)
{
	json_t *root = json_object_new();

	json_put_string(root, "Type", "layers");
	json_put(root, "Layers",
		 copy_of(json_object_get(json_object_get(config, "rootfs"), "diff_ids")));
	return root;
}

json_t *inspect_image_json(const struct image *image, const json_t *config, const struct strv *tags,
			   const struct strv *digests)
{
	json_t *json = json_object_new();

	json_put_string(json, "Id", image->id);
	json_put_strings(json, "RepoTags", tags);
	json_put_strings(json, "RepoDigests", digests);
	json_put_string(json, "Parent", "");
	put_text_of(json, "Comment", config, "comment");
	put_text_of(json, "Created", config, "created");
	json_put_string(json, "DockerVersion", "");
	put_text_of(json, "Author", config, "author");
	json_put(json, "Config", copy_of(json_object_get(config, "config")));
	put_text_of(json, "Architecture", config, "architecture");
	if (json_object_get(config, "variant"))
		put_text_of(json, "Variant", config, "variant");
	put_text_of(json, "Os", config, "os");
	json_put_int(json, "Size", (int64_t)image->size);
	json_put(json, "RootFS", root_of(config));
	return json;
}

/* "docker.io/library/x:1" -> "x" */
static char *repository(const char *name)
{
	const char *text = ref_familiar(name);
	const char *slash = strrchr(text, '/');
	const char *colon = strpbrk(slash ? slash : text, ":@");

	return xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
}

static int find_names(const struct dir *store, const struct image *image, struct strv *tags,
		      struct strv *digests, struct error *err)
{
	struct store_entry *entries = NULL;
	size_t n = 0;
	int rc = store_list(store, &entries, &n, err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		auto_free char *name = repository(entries[i].name);
		auto_free char *digest = xasprintf(
			"%s@%s", name, *entries[i].source ? entries[i].source : entries[i].digest);

		if (strcmp(entries[i].id, image->id) != 0 || !*entries[i].name)
			continue;
		if (!strchr(entries[i].name, '@'))
			strv_add(tags, ref_familiar(entries[i].name));
		if (!strv_has(digests, digest))
			strv_add(digests, digest);
	}
	store_entries_free(entries, n);
	return rc;
}

static int look_at(const struct dir *store, const char *text, json_t **ret, struct error *err)
{
	auto_json_doc struct json_doc config = { 0 };
	auto_image struct image image = { 0 };
	auto_strv struct strv tags = { 0 };
	auto_strv struct strv digests = { 0 };
	int rc = image_open(store, text, &image, err);

	if (rc == 0)
		rc = image_read_config(store, &image, &config, err);
	if (rc == 0)
		rc = find_names(store, &image, &tags, &digests, err);
	if (rc == 0)
		*ret = inspect_image_json(&image, config.root, &tags, &digests);
	return rc;
}

int inspect_image(const struct engine_dirs *dirs, const char *text, json_t **ret, struct error *err)
{
	auto_free char *path = path_join(dirs->data, "images");
	auto_fd int fd = store_open(path, err);
	auto_fd int hold = -1;
	const struct dir store = { .fd = fd, .path = path };

	if (fd < 0)
		return fd;
	hold = store_hold(&store, err);
	return hold < 0 ? hold : look_at(&store, text, ret, err);
}
