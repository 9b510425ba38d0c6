/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/archive_file.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "image/save.h"
#include "image/store.h"

/* Names for images, and images for others. */

/* ---- tag -------------------------------------------------------------------------------------- */

static int run_tag(void *options, const struct strv *args, struct error *err)
{
	auto_fd int fd = store_open(IMAGE_STORE, err);
	const struct dir store = { .fd = fd, .path = IMAGE_STORE };

	(void)options;
	if (fd < 0)
		return fd;
	return store_tag(&store, args->items[0], args->items[1], NULL, err);
}

#define TAG_COMMAND(name_, group_)                                                              \
	{                                                                                       \
		.name = (name_), .group = (group_), .summary = "Give an image a further name",  \
		.synopsis = "IMAGE NAME[:TAG]",                                                 \
		.details = "Another image that had the name stays without one.", .min_args = 2, \
		.max_args = 2, .run = run_tag                                                   \
	}

const struct command cmd_tag = TAG_COMMAND("tag", "Images");
const struct command cmd_image_tag = TAG_COMMAND("image tag", NULL);

/* ---- save ------------------------------------------------------------------------------------- */

enum { FORMAT_DOCKER_ARCHIVE, FORMAT_OCI_ARCHIVE, FORMAT_OCI_DIR };

struct save_options {
	char *output;
	int format;
};

static const struct enum_name formats[] = {
	{ "docker-archive", FORMAT_DOCKER_ARCHIVE },
	{ "oci-archive", FORMAT_OCI_ARCHIVE },
	{ "oci-dir", FORMAT_OCI_DIR },
	{ NULL, 0 },
};

static const struct opt save_opts[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct save_options, output),
	  .arg = "FILE",
	  .help = "Write to it, instead of standard output" },
	{ .name = "format",
	  .kind = OPT_ENUM,
	  .offset = OPT_FIELD(struct save_options, format),
	  .arg = "FORMAT",
	  .names = formats,
	  .help = "docker-archive (a layout with docker's manifest.json), oci-archive, or oci-dir" },
	OPTS_END,
};

static void save_fini(void *options)
{
	free(((struct save_options *)options)->output);
}

/* Into a new directory, which goes again if that fails. */
static int save_to_dir(const struct dir *store, struct save *save, struct error *err)
{
	struct error ignored = { 0 };
	const struct dir here = { .fd = AT_FDCWD, .path = "" };
	int rc;

	if (mkdir(save->name, 0755) < 0)
		return err_sys(err, "make directory '%s'", save->name);
	save->dir.fd = open(save->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	save->dir.path = save->name;
	rc = save->dir.fd < 0 ? err_sys(err, "open directory '%s'", save->name)
			      : store_save(store, save, err);
	close_fd(&save->dir.fd);
	if (rc < 0)
		(void)tree_remove_at(&here, save->name, &ignored);
	return rc;
}

struct save_job {
	const struct dir *store;
	struct save *save;
};

static int save_to(void *arg, int fd, const char *name, struct error *err)
{
	const struct save_job *job = arg;

	job->save->fd = fd;
	job->save->name = name;
	return store_save(job->store, job->save, err);
}

static int run_save(void *options, const struct strv *args, struct error *err)
{
	const struct save_options *o = options;
	struct save save = {
		.references = args,
		.format = o->format == FORMAT_DOCKER_ARCHIVE ? SAVE_DOCKER : SAVE_OCI,
		.fd = -1,
		.dir = { .fd = -1 },
		.name = o->output,
	};
	auto_fd int fd = -1;

	if (!o->output && o->format == FORMAT_OCI_DIR)
		return err_set(err, EINVAL, "save: --format oci-dir needs --output");
	if (archive_refuses_terminal("save", o->output, err) < 0)
		return -err->code;
	fd = store_open(IMAGE_STORE, err);
	if (fd < 0)
		return fd;

	const struct dir store = { .fd = fd, .path = IMAGE_STORE };

	struct save_job job = { .store = &store, .save = &save };

	if (o->format == FORMAT_OCI_DIR)
		return save_to_dir(&store, &save, err);
	return archive_write(o->output, save_to, &job, err);
}

#define SAVE_COMMAND(name_, group_)                                                                \
	{                                                                                          \
		.name = (name_), .group = (group_), .summary = "Save images to an archive",        \
		.synopsis = "[OPTIONS] IMAGE [IMAGE...]",                                          \
		.details = "Layers are as they came; each blob is verified while it is written.\n" \
			   "`load` of minictr, docker, podman and others read it.",                \
		.opts = save_opts, .options_size = sizeof(struct save_options),                    \
		.options_fini = save_fini, .min_args = 1, .max_args = ARGS_MANY, .run = run_save   \
	}

const struct command cmd_save = SAVE_COMMAND("save", "Images");
const struct command cmd_image_save = SAVE_COMMAND("image save", NULL);
