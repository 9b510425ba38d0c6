/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/output.h"
#include "engine/commit.h"

struct commit_options {
	struct strv changes;
	char *author, *message;
	bool is_pausing;
};

static const struct opt commit_opts[] = {
	{ .name = "author",
	  .letter = 'a',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct commit_options, author),
	  .arg = "NAME",
	  .help = "Who made it, like 'Ada <ada@example.org>'" },
	IMAGE_MAKE_OPTS(struct commit_options),
	{ .name = "pause",
	  .letter = 'p',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct commit_options, is_pausing),
	  .help = "Pause a running container meanwhile; --pause=false: do not" },
	OPTS_END,
};

/* The flag is on unless it is switched off. */
static void commit_init(void *options)
{
	((struct commit_options *)options)->is_pausing = true;
}

static void commit_fini(void *options)
{
	struct commit_options *o = options;

	strv_fini(&o->changes);
	free(o->author);
	free(o->message);
}

static int run_commit(void *options, const struct strv *args, struct error *err)
{
	const struct commit_options *o = options;
	const struct commit commit = {
		.reference = args->n > 1 ? args->items[1] : NULL,
		.author = o->author,
		.message = o->message,
		.changes = &o->changes,
		.is_pausing = o->is_pausing,
	};
	auto_str struct str out = { 0 };
	char id[DIGEST_TEXT];
	int rc = commit_container(&engine_dirs, args->items[0], &commit, id, err);

	if (rc < 0)
		return rc;
	str_addf(&out, "%s\n", id);
	return output_print(&out, err);
}

#define COMMIT_COMMAND(name_, group_)                                                             \
	{                                                                                         \
		.name = (name_), .group = (group_),                                               \
		.summary = "Make an image of what a container has become",                        \
		.synopsis = "[OPTIONS] CONTAINER [NAME[:TAG]]",                                   \
		.details = "The image of the container with one more layer: what it has added, "  \
			   "changed and removed.\nWhat is mounted in it, volumes among that, is " \
			   "left out. Prints the image's id.",                                    \
		.opts = commit_opts, .options_size = sizeof(struct commit_options),               \
		.options_init = commit_init, .options_fini = commit_fini, .min_args = 1,          \
		.max_args = 2, .run = run_commit                                                  \
	}

const struct command cmd_commit = COMMIT_COMMAND("commit", "Containers");
const struct command cmd_container_commit = COMMIT_COMMAND("container commit", NULL);
