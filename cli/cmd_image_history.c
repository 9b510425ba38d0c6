/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/human.h"
#include "cli/output.h"
#include "image/image.h"
#include "image/store.h"

struct history_options {
	bool is_quiet, is_whole, is_human;
	char *format;
};

static const struct opt history_opts[] = {
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct history_options, format),
	  .arg = "FORMAT",
	  .help = "table, json (an array), jsonl, or a template like {{.CreatedBy}}" },
	{ .name = "human",
	  .letter = 'H',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct history_options, is_human),
	  .help = "Sizes and times for people; --human=false: bytes and RFC 3339" },
	{ .name = "no-trunc",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct history_options, is_whole),
	  .help = "Show commands and ids as a whole" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct history_options, is_quiet),
	  .help = "Show ids only" },
	OPTS_END,
};

/* The flag is on unless it is switched off. */
static void history_init(void *options)
{
	((struct history_options *)options)->is_human = true;
}

static void history_fini(void *options)
{
	free(((struct history_options *)options)->format);
}

struct row {
	char *id, *since, *at, *by, *size, *comment;
};

#define COLUMN(name, heading, member)                                    \
	{                                                                \
		name, heading, COLUMN_TEXT, offsetof(struct row, member) \
	}

static const struct column columns[] = {
	COLUMN("ID", "IMAGE", id),
	COLUMN("CreatedSince", "CREATED", since),
	{ "CreatedAt", "CREATED AT", COLUMN_TEXT, offsetof(struct row, at), .is_extra = true },
	COLUMN("CreatedBy", "CREATED BY", by),
	COLUMN("Size", "SIZE", size),
	COLUMN("Comment", "COMMENT", comment),
	{ NULL },
};

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].id);
		free(rows[i].since);
		free(rows[i].at);
		free(rows[i].by);
		free(rows[i].size);
		free(rows[i].comment);
	}
	free(rows);
}

static const char *text_of(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text ? text : "";
}

/* At most 45 characters of a command. */
static char *shortened(const char *text, bool is_whole)
{
	static const size_t room = 44;
	size_t n = 0, at = 0;

	if (is_whole)
		return xstrdup(text);
	while (text[at] && n < room) {
		at++;
		while (((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
		n++;
	}
	return text[at] ? xasprintf("%.*s…", (int)at, text) : xstrdup(text);
}

static void put_time(struct row *row, const char *created, bool is_human)
{
	const char *at = created;
	struct error ignored = { 0 };
	int64_t ns = 0;

	if (clock_read(&at, &ns, &ignored) < 0 || *at) {
		row->since = xstrdup("N/A");
		row->at = xstrdup("N/A");
		return;
	}
	row->at = xstrdup(created);
	if (is_human) {
		auto_free char *age = human_duration((clock_real_ns() - ns) / 1000000000);

		row->since = xasprintf("%s ago", age);
	} else {
		row->since = xstrdup(created);
	}
}

/* Rows of the layers, which the config lists without those entries that have none. */
static size_t make_rows(const struct dir *store, const struct image *image, const json_t *config,
			const struct history_options *o, struct row *rows)
{
	const json_t *history = json_object_get(config, "history");
	const json_t *layers = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	size_t n = json_array_size(history), layer = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *entry = json_array_get(history, i);
		struct row *row = &rows[n - 1 - i];
		struct error ignored = { 0 };
		uint64_t size = 0;
		const char *diff_id = NULL;

		if (!json_is_true(json_object_get(entry, "empty_layer")))
			diff_id = json_string_value(json_array_get(layers, layer++));
		if (diff_id)
			(void)store_layer_size(store, diff_id, &size, &ignored);
		row->id = i + 1 < n     ? xstrdup("<missing>")
			  : o->is_whole ? xstrdup(image->id)
					: image_short_id(image->id);
		put_time(row, text_of(entry, "created"), o->is_human);
		row->by = shortened(text_of(entry, "created_by"), o->is_whole);
		row->size = o->is_human ? human_size(size)
					: xasprintf("%llu", (unsigned long long)size);
		row->comment = xstrdup(text_of(entry, "comment"));
	}
	return n;
}

static int show(const struct dir *store, const char *reference, const struct history_options *o,
		struct error *err)
{
	auto_json_doc struct json_doc config = { 0 };
	auto_image struct image image = { 0 };
	auto_str struct str out = { 0 };
	struct row *rows;
	size_t n;
	int rc = image_open(store, reference, &image, err);

	if (rc == 0)
		rc = image_read_config(store, &image, &config, err);
	if (rc < 0)
		return rc;
	n = json_array_size(json_object_get(config.root, "history"));
	rows = xcalloc(n + 1, sizeof(*rows));
	n = make_rows(store, &image, config.root, o, rows);
	rc = output_rows(o->is_quiet ? "{{.ID}}" : o->format, columns, rows, n, sizeof(*rows), &out,
			 err);
	rows_free(rows, n);
	return rc < 0 ? rc : output_print(&out, err);
}

static int run_history(void *options, const struct strv *args, struct error *err)
{
	auto_fd int fd = store_open(IMAGE_STORE, err);
	const struct dir store = { .fd = fd, .path = IMAGE_STORE };
	auto_fd int hold = fd < 0 ? -1 : store_hold(&store, err);

	if (fd < 0 || hold < 0)
		return -err->code;
	return show(&store, args->items[0], options, err);
}

#define HISTORY_COMMAND(name_, group_)                                                         \
	{                                                                                      \
		.name = (name_), .group = (group_),                                            \
		.summary = "Show how an image came about, layer by layer",                     \
		.synopsis = "[OPTIONS] IMAGE", .opts = history_opts,                           \
		.options_size = sizeof(struct history_options), .options_init = history_init,  \
		.options_fini = history_fini, .min_args = 1, .max_args = 1, .run = run_history \
	}

const struct command cmd_history = HISTORY_COMMAND("history", "Images");
const struct command cmd_image_history = HISTORY_COMMAND("image history", NULL);
