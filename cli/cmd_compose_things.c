/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/cmd_compose_internal.h"
#include "cli/human.h"
#include "cli/output.h"
#include "cli/process_table.h"
#include "cli/ps_text.h"
#include "compose/world.h"
#include "image/digest.h"
#include "image/ref.h"
#include "image/store.h"

struct look_options {
	struct project_choice choice;
	char *format;
	bool is_quiet;
};

static void look_fini(void *options)
{
	struct look_options *o = options;

	project_choice_fini(&o->choice);
	free(o->format);
}

/* The containers of the named services, or of all that the project has. */
static int look(struct look_options *o, const struct strv *args, struct project *project,
		struct world *world, bool **wanted, struct error *err)
{
	int rc = geteuid() == 0 ? 0 : err_set(err, EPERM, "containers are shown to root only");

	/* Whatever a profile made is shown, too. */
	strv_add(&o->choice.profiles, "*");
	if (rc == 0)
		rc = project_choose(args, &o->choice, project, wanted, err);
	return rc < 0 ? rc : world_look(&engine_dirs, project->name, world, err);
}

static bool is_wanted(const struct project *project, const bool *wanted,
		      const struct existing *container)
{
	ssize_t index = project_find(project, container->service);

	return index >= 0 && wanted[index];
}

/* ---- top -------------------------------------------------------------------------------------- */

static const struct opt top_opts[] = { CHOICE_OPTS(struct look_options, 'f'), OPTS_END };

static int run_top(void *options, const struct strv *args, struct error *err)
{
	auto_project struct project project = { 0 };
	auto_world struct world world = { 0 };
	auto_free bool *wanted = NULL;
	auto_str struct str table = { 0 };
	auto_str struct str out = { 0 };
	int rc = look(options, args, &project, &world, &wanted, err);

	for (size_t i = 0; rc == 0 && i < world.n_containers; i++) {
		const struct existing *container = &world.containers[i];
		auto_free char *whose =
			xasprintf("%s\t%d\t", container->service, container->number);

		if (!world.of[i]->pid || !is_wanted(&project, wanted, container))
			continue;
		if (!table.len)
			str_add(&table, "SERVICE\t#\t" PROCESS_HEADING);
		rc = top_add_processes(world.of[i], whose, &table, err);
	}
	if (rc < 0)
		return rc;
	output_align(table.text ? table.text : "", &out);
	return output_print(&out, err);
}

const struct command compose_top = {
	.name = "compose top",
	.group = "Stacks",
	.summary = "Show the processes of its containers",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.opts = top_opts,
	.options_size = sizeof(struct look_options),
	.options_fini = look_fini,
	.max_args = ARGS_MANY,
	.run = run_top,
};

/* ---- images ----------------------------------------------------------------------------------- */

static const struct opt images_opts[] = {
	CHOICE_OPTS(struct look_options, 'f'),
	{ "format", 0, OPT_STRING, OPT_FIELD(struct look_options, format), "FORMAT",
	  "table, json (an array), jsonl, or a template like {{.Repository}}" },
	{ "quiet", 'q', OPT_FLAG, OPT_FIELD(struct look_options, is_quiet), NULL, "Show ids only" },
	OPTS_END,
};

struct row {
	const char *container;
	char *repository, *tag, *id, *since, *size;
};

#define COLUMN(name, heading, member)                                    \
	{                                                                \
		name, heading, COLUMN_TEXT, offsetof(struct row, member) \
	}

static const struct column columns[] = {
	COLUMN("ContainerName", "CONTAINER", container),
	COLUMN("Repository", "REPOSITORY", repository),
	COLUMN("Tag", "TAG", tag),
	COLUMN("ID", "IMAGE ID", id),
	COLUMN("Size", "SIZE", size),
	COLUMN("CreatedSince", "CREATED", since),
	{ NULL },
};

/* Its name may mean another image by now. */
static const struct store_entry *find_image(const struct store_entry *entries, size_t n,
					    const char *id)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(entries[i].id, id))
			return &entries[i];
	}
	return NULL;
}

static struct row row_of(const struct existing *container, const struct record *record,
			 const struct store_entry *image)
{
	const char *name = ref_familiar(record->image);
	const char *end = strchrnul(name, '@'); /* a digest says nothing of a tag */
	const char *slash = memrchr(name, '/', (size_t)(end - name));
	const char *from = slash ? slash : name;
	const char *colon = memchr(from, ':', (size_t)(end - from));
	const char *no_tag = *end ? "<none>" : "latest";
	int64_t created = image ? image->created : 0;
	auto_free char *age = human_duration((int64_t)time(NULL) - created);

	return (struct row){
		.container = container->name,
		.repository = xstrndup(name, (size_t)((colon ? colon : end) - name)),
		.tag = colon ? xstrndup(colon + 1, (size_t)(end - colon - 1)) : xstrdup(no_tag),
		.id = xstrndup(digest_hex(record->image_id), 12),
		.since = created ? xasprintf("%s ago", age) : xstrdup("N/A"),
		.size = image ? human_size(image->size) : xstrdup("N/A"),
	};
}

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].repository);
		free(rows[i].tag);
		free(rows[i].id);
		free(rows[i].since);
		free(rows[i].size);
	}
	free(rows);
}

static int list_images(struct store_entry **ret, size_t *ret_n, struct error *err)
{
	auto_free char *path = path_join(engine_dirs.data, "images");
	auto_fd int fd = store_open(path, err);
	const struct dir store = { .fd = fd, .path = path };

	return fd < 0 ? fd : store_list(&store, ret, ret_n, err);
}

static int run_images(void *options, const struct strv *args, struct error *err)
{
	struct look_options *o = options;
	auto_project struct project project = { 0 };
	auto_world struct world world = { 0 };
	auto_free bool *wanted = NULL;
	auto_str struct str out = { 0 };
	struct store_entry *entries = NULL;
	size_t n = 0, n_rows = 0;
	struct row *rows;
	int rc = look(o, args, &project, &world, &wanted, err);

	if (rc == 0)
		rc = list_images(&entries, &n, err);
	if (rc < 0)
		return rc;
	rows = xcalloc(world.n_containers + 1, sizeof(*rows));
	for (size_t i = 0; i < world.n_containers; i++) {
		const struct record *record = &world.of[i]->record;

		if (record->image_id && is_wanted(&project, wanted, &world.containers[i]))
			rows[n_rows++] = row_of(&world.containers[i], record,
						find_image(entries, n, record->image_id));
	}
	rc = output_rows(o->is_quiet ? "{{.ID}}" : o->format, columns, rows, n_rows, sizeof(*rows),
			 &out, err);
	rows_free(rows, n_rows);
	store_entries_free(entries, n);
	return rc < 0 ? rc : output_print(&out, err);
}

const struct command compose_images = {
	.name = "compose images",
	.group = "Stacks",
	.summary = "List the images that its containers were made of",
	.synopsis = "[OPTIONS] [FILE...] [SERVICE...]",
	.opts = images_opts,
	.options_size = sizeof(struct look_options),
	.options_fini = look_fini,
	.max_args = ARGS_MANY,
	.run = run_images,
};
