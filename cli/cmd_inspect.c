/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_look.h"
#include "cli/output.h"
#include "engine/inspect.h"

enum type { TYPE_ANY, TYPE_CONTAINER, TYPE_IMAGE };

struct inspect_options {
	char *format;
	int type;
};

static const struct enum_name types[] = {
	{ "", TYPE_ANY },
	{ "container", TYPE_CONTAINER },
	{ "image", TYPE_IMAGE },
	{ NULL, 0 },
};

#define FORMAT_OPTION                                                                   \
	{                                                                               \
		.name = "format", .letter = 'f', .kind = OPT_STRING,                    \
		.offset = OPT_FIELD(struct inspect_options, format), .arg = "FORMAT",   \
		.help = "json (an object a line), or a template like {{.State.Status}}" \
	}

static const struct opt inspect_opts[] = {
	FORMAT_OPTION,
	{ .name = "type",
	  .kind = OPT_ENUM,
	  .offset = OPT_FIELD(struct inspect_options, type),
	  .arg = "TYPE",
	  .names = types,
	  .help = "container or image; else a container comes first" },
	OPTS_END,
};

static const struct opt typed_opts[] = {
	FORMAT_OPTION,
	OPTS_END,
};

static void inspect_fini(void *options)
{
	free(((struct inspect_options *)options)->format);
}

static int find(int type, const char *text, json_t **ret, struct error *err)
{
	int rc = -ENOENT;

	if (type != TYPE_IMAGE)
		rc = inspect_container(&engine_dirs, text, ret, err);
	if (type == TYPE_IMAGE || (type == TYPE_ANY && rc == -ENOENT))
		rc = inspect_image(&engine_dirs, text, ret, err);
	if (rc == -ENOENT && type == TYPE_ANY)
		return err_set(err, ENOENT, "no such object: '%s'", text);
	return rc;
}

static int render(const char *format, const json_t *found, struct str *out, struct error *err)
{
	size_t n = json_array_size(found);
	int rc = 0;

	if (!format)
		return output_value(NULL, found, out, err);
	if (strcmp(format, "json") == 0)
		format = "{{json .}}";
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = output_value(format, json_array_get(found, i), out, err);
	return rc;
}

/* What there is is shown, whatever else is not there. */
static int inspect(int type, const char *format, const struct strv *names, struct error *err)
{
	auto_json json_t *found = json_array_new();
	auto_str struct str out = { 0 };
	struct error last = { 0 };
	int rc;

	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	for (size_t i = 0; i < names->n; i++) {
		struct error failure = { 0 };
		json_t *json = NULL;

		if (find(type, names->items[i], &json, &failure) == 0) {
			json_add(found, json);
			continue;
		}
		if (last.code)
			log_error("%s", last.msg);
		last = failure;
	}
	rc = render(format, found, &out, err);
	if (rc == 0)
		rc = output_print(&out, err);
	if (rc < 0 || !last.code)
		return rc;
	*err = last;
	return -last.code;
}

static int run_inspect(void *options, const struct strv *args, struct error *err)
{
	const struct inspect_options *o = options;

	return inspect(o->type, o->format, args, err);
}

static int run_container_inspect(void *options, const struct strv *args, struct error *err)
{
	return inspect(TYPE_CONTAINER, ((struct inspect_options *)options)->format, args, err);
}

static int run_image_inspect(void *options, const struct strv *args, struct error *err)
{
	return inspect(TYPE_IMAGE, ((struct inspect_options *)options)->format, args, err);
}

const struct command cmd_inspect = {
	.name = "inspect",
	.group = "Containers",
	.summary = "Show all that is known of containers or images",
	.synopsis = "[OPTIONS] NAME|ID [NAME|ID...]",
	.opts = inspect_opts,
	.options_size = sizeof(struct inspect_options),
	.options_fini = inspect_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_inspect,
};

const struct command cmd_container_inspect = {
	.name = "container inspect",
	.summary = "Show all that is known of containers",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.opts = typed_opts,
	.options_size = sizeof(struct inspect_options),
	.options_fini = inspect_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_container_inspect,
};

const struct command cmd_image_inspect = {
	.name = "image inspect",
	.summary = "Show all that is known of images",
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.opts = typed_opts,
	.options_size = sizeof(struct inspect_options),
	.options_fini = inspect_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_image_inspect,
};
