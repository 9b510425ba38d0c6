/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "image/ref.h"
#include "image/store_internal.h"

/* rmi.  Under the exclusive lock: nobody loads, and nobody is between finding an image and noting
 * that a container uses it. */

struct doomed {
	const char *reference; /* as it was asked for */
	char id[DIGEST_TEXT];
	struct strv names;    /* that the image loses */
	struct strv diff_ids; /* of its layers */
	struct strv layers;   /* their directories */
	bool is_last;         /* no name is left then */
	const char *user;     /* a container that uses the image; NULL */
};

static void doomed_fini(struct doomed *d)
{
	strv_fini(&d->names);
	strv_fini(&d->diff_ids);
	strv_fini(&d->layers);
}

/* A damaged image has no known layers, and can be removed all the same. */
static void find_layers(const struct dir *store, const struct store_line *line, struct doomed *d)
{
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	struct error err = { 0 };

	if (store_line_read(store, line, &manifest, &config, &err) < 0)
		return;
	for (size_t i = 0; i < config.diff_ids.n; i++) {
		char name[LAYER_NAME];

		layer_name(config.diff_ids.items[i], name);
		strv_add(&d->layers, name);
		strv_add(&d->diff_ids, config.diff_ids.items[i]);
	}
}

static int find(const struct dir *store, const struct store_index *index, const char *reference,
		const struct store_removal *removal, struct doomed *d, struct error *err)
{
	size_t at = 0, n_names = 0;
	bool is_name = false;
	int rc = store_index_find(index, reference, &at, &is_name, err);

	if (rc < 0)
		return rc;
	d->reference = reference;
	memcpy(d->id, index->lines[at].id, DIGEST_TEXT);
	for (size_t i = 0; i < index->n; i++) {
		const struct store_line *line = &index->lines[i];

		if (!str_eq(line->id, d->id) || !line->name)
			continue;
		n_names++;
		if (!is_name || i == at)
			strv_add(&d->names, line->name);
	}
	d->is_last = d->names.n == n_names;
	find_layers(store, &index->lines[at], d);
	if (removal->user)
		d->user = removal->user(removal->arg, d->id, &d->layers);
	return 0;
}

static int check(const struct doomed *d, const struct store_removal *removal, struct error *err)
{
	auto_free char *shown = str_escape(d->reference);

	if (d->user && removal->keeps_used)
		return err_set(err, EBUSY, "%s uses image '%.200s'", d->user, shown);
	if (d->names.n > 1 && !removal->is_forced)
		return err_set(
			err, EBUSY,
			"remove image '%.200s': it has %zu names: remove them, or use --force",
			shown, d->names.n);
	if (d->is_last && d->user && !(removal->is_forced && d->names.n > 0))
		return err_set(err, EBUSY, "remove image '%.200s': %s uses it", shown, d->user);
	return 0;
}

/* An image in use only loses its names: its lines stay, each manifest once. */
static void take_out(struct store_index *index, const struct doomed *d)
{
	for (size_t i = index->n; i-- > 0;) {
		const struct store_line *line = &index->lines[i];
		bool is_named = line->name && strv_has(&d->names, line->name);

		if (!str_eq(line->id, d->id) || (line->name && !is_named))
			continue;
		if (d->is_last && d->user)
			store_index_unname(index, i);
		else if (d->is_last || is_named)
			store_index_drop(index, i);
	}
}

static void tell(const struct store_removal *removal, enum store_change change, const char *what)
{
	if (removal->report)
		removal->report(removal->arg, change, what);
}

static bool is_layer_there(const struct dir *store, const char *layer)
{
	auto_free char *path = xasprintf(STORE_LAYERS "/%s", layer);

	return faccessat(store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int carry_out(const struct dir *store, struct store_index *index, const struct doomed *d,
		     const struct store_removal *removal, struct error *err)
{
	int rc;

	take_out(index, d);
	rc = store_index_write(store, index, err);
	/* Removing is what people do when the disk is full. */
	if (rc == -ENOSPC && store_make_room(store, index, err) == 0)
		rc = store_index_write(store, index, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < d->names.n; i++)
		tell(removal, STORE_UNTAGGED, d->names.items[i]);
	if (!d->is_last || d->user)
		return 0;

	rc = store_sweep(store, err);
	if (rc < 0)
		return err_wrap(err, "remove image '%s'", d->id);
	tell(removal, STORE_DELETED, d->id);
	for (size_t i = d->layers.n; i-- > 0;)
		if (!is_layer_there(store, d->layers.items[i]))
			tell(removal, STORE_DELETED, d->diff_ids.items[i]);
	return 0;
}

int store_remove(const struct dir *store, const char *reference,
		 const struct store_removal *removal, struct error *err)
{
	__attribute__((cleanup(doomed_fini))) struct doomed d = { 0 };
	auto_store_index struct store_index index = { 0 };
	struct store_work work = { .lock = -1 };
	int rc = store_work_begin(store, LOCK_EXCLUSIVE, &work, err);

	if (rc < 0)
		return rc;
	rc = store_index_read(store, &index, err);
	if (rc == 0)
		rc = find(store, &index, reference, removal, &d, err);
	if (rc == 0)
		rc = check(&d, removal, err);
	if (rc < 0) {
		store_work_end(store, &work, true);
		return rc;
	}
	rc = carry_out(store, &index, &d, removal, err);
	store_work_end(store, &work, rc == 0);
	return rc;
}
