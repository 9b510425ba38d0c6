/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/agree.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/cmd_network.h"
#include "cli/human.h"
#include "cli/output.h"
#include "engine/list.h"
#include "engine/reconcile.h"
#include "image/ref.h"
#include "image/store.h"

/* What all of it takes on the disk, and how to have less. */

/* ---- looking ---------------------------------------------------------------------------------- */

/* A container or a volume. */
struct tree {
	const char *name; /* borrowed */
	uint64_t size;
	bool is_active;
};

struct disk {
	struct store_entry *entries;
	size_t n_entries;
	struct store_usage *images;
	size_t n_images;
	uint64_t images_size;
	struct list_entry *containers;
	size_t n_containers;
	struct tree *container_trees; /* as many */
	struct strv volumes;
	struct tree *volume_trees; /* as many */
};

static void disk_fini(struct disk *d)
{
	store_entries_free(d->entries, d->n_entries);
	free(d->images);
	list_free(d->containers, d->n_containers);
	free(d->container_trees);
	strv_fini(&d->volumes);
	free(d->volume_trees);
}

static uint64_t tree_size(const char *path)
{
	const struct dir here = { .fd = AT_FDCWD, .path = "" };
	struct error ignored = { 0 };
	uint64_t size = 0;

	/* What has no writable layer has no size. */
	(void)tree_size_at(&here, path, &size, &ignored);
	return size;
}

static bool is_running(const struct list_entry *entry)
{
	return entry->status == LIST_RUNNING || entry->status == LIST_PAUSED ||
	       entry->status == LIST_RESTARTING;
}

static size_t count_users(const struct disk *d, const char *image_id)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_containers; i++)
		n += str_eq(d->containers[i].record.image_id, image_id);
	return n;
}

static bool has_volume(const struct disk *d, const char *name)
{
	for (size_t i = 0; i < d->n_containers; i++) {
		const struct run_options *o = &d->containers[i].record.options;

		for (size_t j = 0; j < o->n_mounts; j++)
			if (str_eq(o->mounts[j].source, name))
				return true;
	}
	return false;
}

static int look_at_images(struct disk *d, struct error *err)
{
	auto_fd int fd = store_open(IMAGE_STORE, err);
	const struct dir store = { .fd = fd, .path = IMAGE_STORE };
	int rc = fd < 0 ? fd : store_list(&store, &d->entries, &d->n_entries, err);

	return rc < 0 ? rc : store_usage(&store, &d->images, &d->n_images, &d->images_size, err);
}

static void look_at_volumes(struct disk *d)
{
	auto_free char *path = path_join(engine_dirs.data, "volumes");
	const struct dir here = { .fd = AT_FDCWD, .path = "" };
	struct error ignored = { 0 };

	(void)dir_names_at(&here, path, &d->volumes, &ignored);
	d->volume_trees = xcalloc(d->volumes.n + 1, sizeof(*d->volume_trees));
	for (size_t i = 0; i < d->volumes.n; i++) {
		auto_free char *tree = path_join(path, d->volumes.items[i]);

		d->volume_trees[i] =
			(struct tree){ .name = d->volumes.items[i],
				       .size = tree_size(tree),
				       .is_active = has_volume(d, d->volumes.items[i]) };
	}
}

static int look(struct disk *d, struct error *err)
{
	int rc = list_containers(&engine_dirs, &d->containers, &d->n_containers, err);

	if (rc == 0)
		rc = look_at_images(d, err);
	if (rc < 0)
		return rc;
	d->container_trees = xcalloc(d->n_containers + 1, sizeof(*d->container_trees));
	for (size_t i = 0; i < d->n_containers; i++) {
		const char *name = d->containers[i].record.name;
		auto_free char *upper = xasprintf("%s/containers/%s/upper", engine_dirs.data, name);

		d->container_trees[i] = (struct tree){
			.name = name,
			.size = tree_size(upper),
			.is_active = is_running(&d->containers[i]),
		};
	}
	look_at_volumes(d);
	return 0;
}

/* ---- df --------------------------------------------------------------------------------------- */

struct df_options {
	char *format;
	bool is_verbose;
};

static const struct opt df_opts[] = {
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct df_options, format),
	  .arg = "FORMAT",
	  .help = "table, json (an array), jsonl, or a template like {{.Type}}" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct df_options, is_verbose),
	  .help = "Show each image, container and volume" },
	OPTS_END,
};

static void df_fini(void *options)
{
	free(((struct df_options *)options)->format);
}

struct df_row {
	const char *type;
	uint64_t total, active;
	char *size, *reclaimable;
};

static const struct column df_columns[] = {
	{ "Type", "TYPE", COLUMN_TEXT, offsetof(struct df_row, type) },
	{ "TotalCount", "TOTAL", COLUMN_UINT64, offsetof(struct df_row, total) },
	{ "Active", "ACTIVE", COLUMN_UINT64, offsetof(struct df_row, active) },
	{ "Size", "SIZE", COLUMN_TEXT, offsetof(struct df_row, size) },
	{ "Reclaimable", "RECLAIMABLE", COLUMN_TEXT, offsetof(struct df_row, reclaimable) },
	{ NULL },
};

static void fill_sizes(struct df_row *row, uint64_t size, uint64_t reclaimable)
{
	auto_free char *free_size = human_size(reclaimable);

	row->size = human_size(size);
	row->reclaimable = size ? xasprintf("%s (%d%%)", free_size,
					    (int)((double)reclaimable * 100 / (double)size))
				: xstrdup(free_size);
}

static struct df_row images_row(const struct disk *d)
{
	struct df_row row = { .type = "Images", .total = d->n_images };
	uint64_t used = 0;

	/* Of those in use, what they share with each other counts as often: no more than there is. */
	for (size_t i = 0; i < d->n_images; i++) {
		bool is_used = count_users(d, d->images[i].id) > 0;

		row.active += is_used;
		used += is_used ? d->images[i].size : 0;
	}
	fill_sizes(&row, d->images_size, d->images_size - MIN(used, d->images_size));
	return row;
}

static struct df_row trees_row(const char *type, const struct tree *trees, size_t n)
{
	struct df_row row = { .type = type, .total = n };
	uint64_t size = 0, idle = 0;

	for (size_t i = 0; i < n; i++) {
		row.active += trees[i].is_active;
		size += trees[i].size;
		idle += trees[i].is_active ? 0 : trees[i].size;
	}
	fill_sizes(&row, size, idle);
	return row;
}

static void add_images(const struct disk *d, struct str *out)
{
	auto_str struct str lines = { 0 };

	str_add(out, "Images space usage:\n\n");
	str_add(&lines, "IMAGE\tIMAGE ID\tSIZE\tSHARED SIZE\tUNIQUE SIZE\tCONTAINERS\n");
	for (size_t i = 0; i < d->n_entries; i++) {
		const struct store_entry *entry = &d->entries[i];

		for (size_t j = 0; j < d->n_images; j++) {
			const struct store_usage *usage = &d->images[j];
			auto_free char *name =
				str_escape(*entry->name ? ref_familiar(entry->name) : "<none>");
			auto_free char *id = image_short_id(entry->id);
			auto_free char *size = human_size(usage->size);
			auto_free char *shared = human_size(usage->shared);
			auto_free char *unique = human_size(usage->size - usage->shared);

			if (str_eq(usage->id, entry->id))
				str_addf(&lines, "%s\t%s\t%s\t%s\t%s\t%zu\n", name, id, size,
					 shared, unique, count_users(d, entry->id));
		}
	}
	output_align(lines.text, out);
}

static void add_trees(const char *heading, const char *columns, const struct tree *trees, size_t n,
		      struct str *out)
{
	auto_str struct str lines = { 0 };

	str_addf(out, "\n%s space usage:\n\n", heading);
	str_add(&lines, columns);
	for (size_t i = 0; i < n; i++) {
		auto_free char *size = human_size(trees[i].size);
		auto_free char *name = str_escape(trees[i].name);

		str_addf(&lines, "%s\t%s\t%s\n", name, trees[i].is_active ? "yes" : "no", size);
	}
	output_align(lines.text, out);
}

static int run_df(void *options, const struct strv *args, struct error *err)
{
	const struct df_options *o = options;
	__attribute__((cleanup(disk_fini))) struct disk disk = { 0 };
	auto_str struct str out = { 0 };
	int rc;

	(void)args;
	if (o->is_verbose && o->format)
		return err_set(err, EINVAL, "--verbose and --format do not go together");
	rc = look(&disk, err);
	if (rc < 0)
		return rc;
	if (o->is_verbose) {
		add_images(&disk, &out);
		add_trees("Containers", "CONTAINER\tRUNNING\tSIZE\n", disk.container_trees,
			  disk.n_containers, &out);
		add_trees("Local Volumes", "VOLUME\tUSED\tSIZE\n", disk.volume_trees,
			  disk.volumes.n, &out);
		return output_print(&out, err);
	}

	struct df_row rows[] = {
		images_row(&disk),
		trees_row("Containers", disk.container_trees, disk.n_containers),
		trees_row("Local Volumes", disk.volume_trees, disk.volumes.n),
	};

	rc = output_rows(o->format, df_columns, rows, ARRAY_LEN(rows), sizeof(*rows), &out, err);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		free(rows[i].size);
		free(rows[i].reclaimable);
	}
	return rc < 0 ? rc : output_print(&out, err);
}

const struct command cmd_system_df = {
	.name = "system df",
	.group = "System",
	.summary = "Show what images, containers and volumes take on the disk",
	.synopsis = "[OPTIONS]",
	.details = "Images count with their layers both unpacked and as they came; what several\n"
		   "share counts once in the sum, and is told apart by --verbose.",
	.opts = df_opts,
	.options_size = sizeof(struct df_options),
	.options_fini = df_fini,
	.run = run_df,
};

/* ---- prune ------------------------------------------------------------------------------------ */

struct prune_options {
	struct prune images; /* first, for prune_parse() */
	bool is_forced;
};

static const struct opt prune_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct prune_options, images.has_all),
	  .help = "Remove all images that no container uses, not only those without a name" },
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct prune_options, is_forced),
	  .help = "Do not ask first" },
	OPTS_END,
};

static void options_fini(void *options)
{
	prune_fini(&((struct prune_options *)options)->images);
}

static int prune_containers(uint64_t *freed, struct error *err)
{
	__attribute__((cleanup(disk_fini))) struct disk disk = { 0 };
	bool has_any = false;
	int rc = look(&disk, err);

	for (size_t i = 0; rc == 0 && i < disk.n_containers; i++) {
		const struct list_entry *entry = &disk.containers[i];
		struct error failure = { 0 };

		if (entry->status != LIST_EXITED && entry->status != LIST_CREATED)
			continue;
		if (container_remove(&engine_dirs, entry->record.id, false, &failure) < 0) {
			/* It has been started, or removed, meanwhile. */
			log_debug("%s", failure.msg);
			continue;
		}
		printf("%s%s\n", has_any ? "" : "Deleted Containers:\n", entry->record.id);
		has_any = true;
		*freed += disk.container_trees[i].size;
	}
	if (has_any)
		printf("\n");
	return rc;
}

static int run_prune(void *options, const struct strv *args, struct error *err)
{
	const struct prune_options *o = options;
	uint64_t freed = 0;
	int rc;

	(void)args;
	if (geteuid() != 0)
		return err_set(err, EPERM, "containers and images are removed by root only");
	if (!o->is_forced &&
	    !agree(o->images.has_all ? "This will remove all stopped containers, all networks not "
				       "used by a container and all images without one."
				     : "This will remove all stopped containers, all networks not "
				       "used by a container and all dangling images."))
		return 0;
	rc = prune_containers(&freed, err);
	if (rc == 0)
		rc = prune_networks(err);
	if (rc == 0)
		rc = prune_images(&o->images, &freed, err);
	return rc < 0 ? rc : prune_tell(freed, err);
}

const struct command cmd_system_prune = {
	.name = "system prune",
	.group = "System",
	.summary = "Remove stopped containers, unused networks and images",
	.synopsis = "[OPTIONS]",
	.details = "Volumes stay.",
	.opts = prune_opts,
	.options_size = sizeof(struct prune_options),
	.options_fini = options_fini,
	.run = run_prune,
};
