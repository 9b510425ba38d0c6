/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/store_internal.h"

/*
 * What belongs to an image is what index.json leads to: its manifest, its config, and the
 * directories of its config's layers.  Everything else in the store is from a load that did not
 * come to its end, or from an image that was taken out of the index.  Both leave an entry in tmp
 * until it has been removed, so that a crash at any moment is only a delay: whoever opens the store
 * next and finds nobody at work goes on here.
 *
 * Containers need no look here: an image that one of them uses stays in the index, though perhaps
 * without a name (image/store_remove.c).
 */
struct reachable {
	struct strv blobs;  /* hex digits */
	struct strv layers; /* directory names */
};

static void reachable_fini(struct reachable *r)
{
	strv_fini(&r->blobs);
	strv_fini(&r->layers);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strv *names)
{
	if (names->n > 0)
		qsort(names->items, names->n, sizeof(*names->items), compare);
}

static bool has_name(const struct strv *sorted, const char *name)
{
	return sorted->n > 0 &&
	       bsearch(&name, sorted->items, sorted->n, sizeof(*sorted->items), compare);
}

static int add_reachable(const struct dir *store, const struct store_line *line,
			 struct reachable *r, struct error *err)
{
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	int rc = store_line_read(store, line, &manifest, &config, err);

	if (rc < 0)
		return err_wrap(err, "image '%s'", line->name ? line->name : line->id);
	strv_add(&r->blobs, digest_hex(line->digest));
	strv_add(&r->blobs, digest_hex(manifest.config.digest));
	for (size_t i = 0; i < manifest.n_layers; i++)
		strv_add(&r->blobs, digest_hex(manifest.layers[i].digest));
	for (size_t i = 0; i < config.diff_ids.n; i++) {
		char name[LAYER_NAME];

		layer_name(config.diff_ids.items[i], name);
		strv_add(&r->layers, name);
	}
	return 0;
}

/*
 * A layer leaves its name in one step.  Removed in place, half of it would be there after a crash,
 * and the next load of that layer would take it for the whole.
 */
static int remove_layer(const struct dir *store, const char *name, struct error *err)
{
	auto_free char *from = xasprintf(STORE_LAYERS "/%s", name);
	auto_free char *to = xasprintf(STORE_TMP "/gone-%s", name);
	int rc = tree_remove_at(store, to, err);

	if (rc < 0)
		return rc;
	if (renameat(store->fd, from, store->fd, to) < 0)
		return err_sys(err, "remove '%s/%s'", store->path, from);
	return tree_remove_at(store, to, err);
}

static int remove_entry(const struct dir *store, const char *folder, const char *name,
			struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);

	return str_eq(folder, STORE_LAYERS) ? remove_layer(store, name, err)
					    : tree_remove_at(store, path, err);
}

/* Removes all in @folder that is not in @keep; goes on after a failure, and returns the first. */
static int remove_others(const struct dir *store, const char *folder, const struct strv *keep,
			 struct error *err)
{
	auto_strv struct strv names = { 0 };
	int rc = dir_names_at(store, folder, &names, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < names.n; i++) {
		struct error later = { 0 };

		if (has_name(keep, names.items[i]))
			continue;
		if (remove_entry(store, folder, names.items[i], &later) < 0 && rc == 0) {
			rc = -later.code;
			*err = later;
		}
	}
	return rc;
}

/* What a file_replace_at() left that was killed. */
static int remove_temporaries(const struct dir *store, struct error *err)
{
	auto_strv struct strv names = { 0 };
	int rc = dir_names_at(store, ".", &names, err);

	for (size_t i = 0; rc == 0 && i < names.n; i++)
		if (str_starts(names.items[i], ".tmp-"))
			rc = tree_remove_at(store, names.items[i], err);
	return rc;
}

/*
 * What came of a pull that did not come to its end is kept for the next one, for a while.  The time is
 * that of the last byte, and whoever is at work has our lock.
 */
static int remove_old_partials(const struct dir *store, struct error *err)
{
	auto_strv struct strv names = { 0 };
	struct stat st;
	int rc;

	if (fstatat(store->fd, STORE_PARTIAL, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	rc = dir_names_at(store, STORE_PARTIAL, &names, err);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		auto_free char *path = xasprintf(STORE_PARTIAL "/%s", names.items[i]);

		if (fstatat(store->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    time(NULL) - st.st_mtime > PARTIAL_MAX_AGE)
			rc = tree_remove_at(store, path, err);
	}
	return rc;
}

static int find_reachable(const struct dir *store, const struct store_index *index,
			  struct reachable *r, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < index->n; i++)
		rc = add_reachable(store, &index->lines[i], r, err);
	sort(&r->blobs);
	sort(&r->layers);
	return rc;
}

int store_sweep(const struct dir *store, struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	__attribute__((cleanup(reachable_fini))) struct reachable r = { 0 };
	static const struct strv nothing;
	int rc = store_index_read(store, &index, err);

	if (rc == 0)
		rc = find_reachable(store, &index, &r, err);
	if (rc == 0)
		rc = remove_others(store, STORE_BLOBS, &r.blobs, err);
	if (rc == 0)
		rc = remove_others(store, STORE_LAYERS, &r.layers, err);
	if (rc == 0)
		rc = remove_temporaries(store, err);
	if (rc == 0)
		rc = remove_old_partials(store, err);
	/* Last: as long as something is in tmp, this is not done. */
	if (rc == 0)
		rc = remove_others(store, STORE_TMP, &nothing, err);
	return rc;
}

int store_make_room(const struct dir *store, const struct store_index *index, struct error *err)
{
	__attribute__((cleanup(reachable_fini))) struct reachable r = { 0 };
	int rc = find_reachable(store, index, &r, err);

	return rc < 0 ? rc : remove_others(store, STORE_LAYERS, &r.layers, err);
}
