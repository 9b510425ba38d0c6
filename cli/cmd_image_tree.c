/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/human.h"
#include "cli/layer_tree.h"
#include "cli/output.h"
#include "image/image.h"
#include "image/ref.h"
#include "image/store.h"

struct tree_options {
	bool has_above;
};

static const struct opt tree_opts[] = {
	{ .name = "whatrequires",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct tree_options, has_above),
	  .help = "Show what is on top of it in other images" },
	OPTS_END,
};

static uint64_t size_of(void *arg, const char *diff_id)
{
	struct error ignored = { 0 };
	uint64_t size = 0;

	(void)store_layer_size(arg, diff_id, &size, &ignored);
	return size;
}

/* "[a:1 b:2]" */
static char *names_of(const struct store_entry *entries, size_t n, const char *id)
{
	struct str names = { 0 };

	str_add(&names, "[");
	for (size_t i = 0; i < n; i++) {
		auto_free char *shown = str_escape(ref_familiar(entries[i].name));

		if (str_eq(entries[i].id, id) && *entries[i].name)
			str_addf(&names, "%s%s", names.len > 1 ? " " : "", shown);
	}
	str_add(&names, "]");
	return str_take(&names);
}

static int read_layers(const struct dir *store, const char *id, struct strv *ret, struct error *err)
{
	auto_json_doc struct json_doc config = { 0 };
	auto_image struct image image = { 0 };
	const json_t *ids;
	int rc = image_open(store, id, &image, err);

	if (rc == 0)
		rc = image_read_config(store, &image, &config, err);
	if (rc < 0)
		return rc;
	ids = json_object_get(json_object_get(config.root, "rootfs"), "diff_ids");
	for (size_t i = 0; i < json_array_size(ids); i++)
		strv_add(ret, json_string_value(json_array_get(ids, i)));
	return 0;
}

static bool is_first_of_id(const struct store_entry *entries, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(entries[i].id, entries[at].id))
			return false;
	return true;
}

/* All images, each once; *ret_at: the one with @id.  Another one that cannot be read is left out. */
static struct layer_image *read_all(const struct dir *store, const struct store_entry *entries,
				    size_t n, const char *id, size_t *ret_n, size_t *ret_at)
{
	struct layer_image *images = xcalloc(n + 1, sizeof(*images));

	*ret_n = *ret_at = 0;
	for (size_t i = 0; i < n; i++) {
		struct layer_image image = { 0 };
		struct error why = { 0 };

		if (!is_first_of_id(entries, i))
			continue;
		if (read_layers(store, entries[i].id, &image.layers, &why) < 0) {
			log_debug("image '%s': %s", entries[i].id, why.msg);
			strv_fini(&image.layers);
			continue;
		}
		image.names = names_of(entries, n, entries[i].id);
		if (str_eq(entries[i].id, id))
			*ret_at = *ret_n;
		images[(*ret_n)++] = image;
	}
	return images;
}

static int show(struct dir *store, const char *reference, const struct tree_options *o,
		struct error *err)
{
	auto_image struct image image = { 0 };
	auto_str struct str out = { 0 };
	auto_free char *short_id = NULL;
	auto_free char *size = NULL;
	struct store_entry *entries = NULL;
	struct layer_image *images;
	struct layer_tree tree = { .size = size_of, .arg = store };
	size_t n = 0, at;
	int rc = image_open(store, reference, &image, err);

	if (rc == 0)
		rc = store_list(store, &entries, &n, err);
	if (rc < 0)
		return rc;
	images = read_all(store, entries, n, image.id, &tree.n, &at);
	tree.images = images;
	short_id = image_short_id(image.id);
	size = human_size(image.size);
	str_addf(&out, "Image ID: %s\nTags:    %s\nSize:    %s\n", short_id, images[at].names,
		 size);
	str_add(&out, images[at].layers.n ? "Image Layers\n" : "No Image Layers\n");
	if (o->has_above)
		layer_tree_above(&tree, at, &out);
	else
		layer_tree_of(&tree, at, &out);
	layer_images_free(images, tree.n);
	store_entries_free(entries, n);
	return output_print(&out, err);
}

static int run_tree(void *options, const struct strv *args, struct error *err)
{
	auto_fd int fd = store_open(IMAGE_STORE, err);
	struct dir store = { .fd = fd, .path = IMAGE_STORE };
	auto_fd int hold = fd < 0 ? -1 : store_hold(&store, err);

	if (fd < 0 || hold < 0)
		return -err->code;
	return show(&store, args->items[0], options, err);
}

const struct command cmd_image_tree = {
	.name = "image tree",
	.summary = "Show the layers of an image, and which others have them",
	.synopsis = "[OPTIONS] IMAGE",
	.opts = tree_opts,
	.options_size = sizeof(struct tree_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_tree,
};
