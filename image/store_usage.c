/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/store_internal.h"

int store_layer_size(const struct dir *store, const char *diff_id, uint64_t *ret, struct error *err)
{
	char name[LAYER_NAME];
	auto_free char *path = NULL;

	layer_name(diff_id, name);
	path = xasprintf(STORE_LAYERS "/%s", name);
	return tree_size_at(store, path, ret, err);
}

/* ---- all images ------------------------------------------------------------------------------- */

/* A layer or a blob. */
struct thing {
	char name[DIGEST_TEXT + 1]; /* "l" and a diff_id, or "b" and a digest */
	uint64_t size;
	size_t n_images;
	size_t last; /* the image that counted it last, from 1 */
};

struct things {
	struct thing *items; /* owned */
	size_t n;
};

static struct thing *thing_of(struct things *things, char kind, const char *digest)
{
	struct thing *thing;

	for (size_t i = 0; i < things->n; i++) {
		thing = &things->items[i];
		if (thing->name[0] == kind && str_eq(thing->name + 1, digest))
			return thing;
	}
	things->items = xrealloc(things->items, things->n + 1, sizeof(*things->items));
	thing = &things->items[things->n++];
	*thing = (struct thing){ .name[0] = kind };
	memcpy(thing->name + 1, digest, DIGEST_TEXT);
	return thing;
}

/* What is missing takes no room. */
static uint64_t size_of(const struct dir *store, const struct thing *thing)
{
	struct error ignored = { 0 };
	auto_free char *path = NULL;
	uint64_t size = 0;
	struct stat st;

	if (thing->name[0] == 'l') {
		(void)store_layer_size(store, thing->name + 1, &size, &ignored);
		return size;
	}
	path = xasprintf(STORE_BLOBS "/%s", digest_hex(thing->name + 1));
	return fstatat(store->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
}

/* @store: NULL: sizes are known already, or do not matter. */
static void count(const struct dir *store, struct things *things, char kind, const char *digest,
		  size_t image)
{
	struct thing *thing = thing_of(things, kind, digest);

	if (store && thing->n_images == 0)
		thing->size = size_of(store, thing);
	if (thing->last != image)
		thing->n_images++;
	thing->last = image;
}

/* All that belongs to image number @image. */
static int count_image(const struct dir *store, const struct store_line *line, bool is_measured,
		       struct things *things, size_t image, struct error *err)
{
	const struct dir *where = is_measured ? store : NULL;
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	int rc = store_line_read(store, line, &manifest, &config, err);

	if (rc < 0)
		return err_wrap(err, "image '%s'", line->name ? line->name : line->id);
	count(where, things, 'b', line->digest, image);
	count(where, things, 'b', manifest.config.digest, image);
	for (size_t i = 0; i < manifest.n_layers; i++)
		count(where, things, 'b', manifest.layers[i].digest, image);
	for (size_t i = 0; i < config.diff_ids.n; i++)
		count(where, things, 'l', config.diff_ids.items[i], image);
	return 0;
}

static int sum_image(const struct dir *store, const struct store_line *line,
		     const struct things *all, struct store_usage *usage, struct error *err)
{
	struct things own = { 0 };
	int rc = count_image(store, line, false, &own, 1, err);

	for (size_t i = 0; i < own.n; i++) {
		for (size_t j = 0; j < all->n; j++) {
			if (!str_eq(all->items[j].name, own.items[i].name))
				continue;
			usage->size += all->items[j].size;
			usage->shared += all->items[j].n_images > 1 ? all->items[j].size : 0;
		}
	}
	free(own.items);
	return rc;
}

static bool is_first_of_id(const struct store_index *index, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(index->lines[i].id, index->lines[at].id))
			return false;
	return true;
}

int store_usage(const struct dir *store, struct store_usage **ret, size_t *ret_n,
		uint64_t *ret_total, struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	auto_fd int hold = store_hold(store, err);
	auto_free struct store_usage *usage = NULL;
	struct things all = { 0 };
	uint64_t total = 0;
	size_t n = 0;
	int rc = hold < 0 ? hold : store_index_read(store, &index, err);

	usage = xcalloc(index.n + 1, sizeof(*usage));
	for (size_t i = 0; rc == 0 && i < index.n; i++)
		if (is_first_of_id(&index, i))
			rc = count_image(store, &index.lines[i], true, &all, i + 1, err);
	for (size_t i = 0; rc == 0 && i < index.n; i++) {
		if (!is_first_of_id(&index, i))
			continue;
		memcpy(usage[n].id, index.lines[i].id, DIGEST_TEXT);
		rc = sum_image(store, &index.lines[i], &all, &usage[n++], err);
	}
	for (size_t i = 0; i < all.n; i++)
		total += all.items[i].size;
	free(all.items);
	if (rc < 0)
		return rc;
	*ret = take_ptr(usage);
	*ret_n = n;
	*ret_total = total;
	return 0;
}
