/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/output.h"
#include "image/import.h"
#include "image/store.h"

struct import_options {
	struct strv changes;
	char *message, *platform;
};

static const struct opt import_opts[] = {
	IMAGE_MAKE_OPTS(struct import_options),
	{ .name = "platform",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct import_options, platform),
	  .arg = "PLATFORM",
	  .help = "What the image is for, like linux/arm64, if not for this machine" },
	OPTS_END,
};

static void import_fini(void *options)
{
	struct import_options *o = options;

	strv_fini(&o->changes);
	free(o->message);
	free(o->platform);
}

static int run_import(void *options, const struct strv *args, struct error *err)
{
	const struct import_options *o = options;
	bool is_input = str_eq(args->items[0], "-");
	const struct import import = {
		.path = is_input ? NULL : args->items[0],
		.fd = STDIN_FILENO,
		.reference = args->n > 1 ? args->items[1] : NULL,
		.platform = o->platform,
		.message = o->message,
		.changes = &o->changes,
	};
	auto_str struct str out = { 0 };
	auto_fd int fd = -1;
	struct dir store = { .path = IMAGE_STORE };
	char id[DIGEST_TEXT];
	int rc;

	if (str_starts(args->items[0], "http://") || str_starts(args->items[0], "https://"))
		return err_set(err, EINVAL,
			       "import '%s': nothing is fetched: give it as a file, or on standard "
			       "input by -",
			       args->items[0]);
	if (is_input && isatty(STDIN_FILENO))
		return err_set(err, EINVAL, "import: a FILE, or a tar on standard input");
	fd = store_open(IMAGE_STORE, err);
	if (fd < 0)
		return fd;
	store.fd = fd;
	rc = store_import(&store, &import, id, err);
	if (rc < 0)
		return rc;
	str_addf(&out, "%s\n", id);
	return output_print(&out, err);
}

#define IMPORT_COMMAND(name_, group_)                                                            \
	{                                                                                        \
		.name = (name_), .group = (group_),                                              \
		.summary = "Make an image of the files in a tar archive",                        \
		.synopsis = "[OPTIONS] FILE|- [NAME[:TAG]]",                                     \
		.details = "The archive is plain, or compressed by gzip or zstd: what `export` " \
			   "writes, or any\nother. Prints the image's id.",                      \
		.opts = import_opts, .options_size = sizeof(struct import_options),              \
		.options_fini = import_fini, .min_args = 1, .max_args = 2, .run = run_import     \
	}

const struct command cmd_import = IMPORT_COMMAND("import", "Images");
const struct command cmd_image_import = IMPORT_COMMAND("image import", NULL);
