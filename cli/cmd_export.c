/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cli/archive_file.h"
#include "cli/cmd_image.h"
#include "engine/events.h"
#include "engine/root.h"
#include "image/tar_tree.h"

/* The root file system of a container, for others. */

struct export_options {
	char *output;
};

static const struct opt export_opts[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct export_options, output),
	  .arg = "FILE",
	  .help = "Write to it, instead of standard output" },
	OPTS_END,
};

static void export_fini(void *options)
{
	free(((struct export_options *)options)->output);
}

static int export_to(void *arg, int fd, const char *name, struct error *err)
{
	const struct root *root = arg;
	const struct tar_tree tree = { .root = root->dir };
	auto_tar_writer struct tar_writer writer;
	int rc;

	tar_writer_init(&writer, fd, name);
	rc = tar_write_tree(&writer, &tree, err);
	/* Before the end mark: who reads it knows then that something is missing. */
	if (rc == 0)
		rc = root_check(root, err);
	return rc < 0 ? rc : tar_write_end(&writer, err);
}

static int run_export(void *options, const struct strv *args, struct error *err)
{
	const struct export_options *o = options;
	auto_root struct root root;
	int rc = root_find(&engine_dirs, args->items[0], &root, err);

	if (rc == 0)
		rc = archive_refuses_terminal("export", o->output, err);
	if (rc < 0)
		return rc;
	rc = root_open_whole(&root, err);
	if (rc == 0)
		rc = archive_write(o->output, export_to, &root, err);
	if (rc == 0)
		event_add(&engine_dirs, &root.record, "export", 0, NULL);
	return rc < 0 ? err_wrap(err, "export '%s'", args->items[0]) : 0;
}

#define EXPORT_COMMAND(name_, group_)                                                             \
	{                                                                                         \
		.name = (name_), .group = (group_),                                               \
		.summary = "Write a container's files into a tar archive",                        \
		.synopsis = "[OPTIONS] CONTAINER",                                                \
		.details =                                                                        \
			"What is mounted in it, volumes among that, is left out. `import` makes " \
			"an image of it.",                                                        \
		.opts = export_opts, .options_size = sizeof(struct export_options),               \
		.options_fini = export_fini, .min_args = 1, .max_args = 1, .run = run_export      \
	}

const struct command cmd_export = EXPORT_COMMAND("export", "Containers");
const struct command cmd_container_export = EXPORT_COMMAND("container export", NULL);
