/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/output.h"
#include "engine/image_mount.h"
#include "image/image.h"
#include "image/ref.h"
#include "image/store.h"

/* An image's files, for people to look at without a container. */

struct mounted {
	char id[DIGEST_TEXT];
	char *path; /* owned */
};

/* What a command works on, and what it has to say. */
struct mounting {
	struct dir store; /* fd owned */
	int hold;
	struct store_entry *entries; /* owned */
	size_t n_entries;
	struct mounted *items; /* owned */
	size_t n;
	struct error last; /* of those that failed; the others have had their line */
};

static void mounting_fini(struct mounting *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->items[i].path);
	free(m->items);
	store_entries_free(m->entries, m->n_entries);
	close_fd(&m->hold);
	close_fd(&m->store.fd);
}
#define auto_mounting __attribute__((cleanup(mounting_fini)))

static int mounting_init(struct mounting *ret, struct error *err)
{
	*ret = (struct mounting){ .store = { .fd = -1, .path = IMAGE_STORE }, .hold = -1 };
	ret->store.fd = store_open(IMAGE_STORE, err);
	if (ret->store.fd < 0)
		return ret->store.fd;
	ret->hold = store_hold(&ret->store, err);
	if (ret->hold < 0)
		return ret->hold;
	return store_list(&ret->store, &ret->entries, &ret->n_entries, err);
}

static void add(struct mounting *m, const char *id, char *path)
{
	m->items = xrealloc(m->items, m->n + 1, sizeof(*m->items));
	m->items[m->n] = (struct mounted){ .path = path };
	(void)snprintf(m->items[m->n].id, DIGEST_TEXT, "%s", id);
	m->n++;
}

/* All are tried; each failure has its line, the last one by main. */
static void note_failure(struct mounting *m, const struct error *failure)
{
	if (m->last.code)
		log_error("%s", m->last.msg);
	m->last = *failure;
}

static int finish(struct mounting *m, const struct str *out, struct error *err)
{
	int rc = output_print(out, err);

	if (rc == 0 && m->last.code) {
		*err = m->last;
		rc = -err->code;
	}
	return rc;
}

static bool is_first_of_id(const struct mounting *m, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(m->entries[i].id, m->entries[at].id))
			return false;
	return true;
}

/* ---- mount ------------------------------------------------------------------------------------ */

struct mount_options {
	bool has_all;
	char *format;
};

static const struct opt mount_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct mount_options, has_all),
	  .help = "Mount all images" },
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct mount_options, format),
	  .arg = "FORMAT",
	  .help = "json: say what is mounted as an array" },
	OPTS_END,
};

static void mount_fini(void *options)
{
	free(((struct mount_options *)options)->format);
}

static void mount_one(struct mounting *m, const char *reference)
{
	auto_image struct image image = { 0 };
	struct error failure = { 0 };
	char *path = NULL;
	int rc = image_open(&m->store, reference, &image, &failure);

	if (rc == 0) {
		rc = image_mount(&engine_dirs, &image, &path, &failure);
		if (rc < 0)
			(void)err_wrap(&failure, "mount image '%s'", reference);
	}
	if (rc < 0)
		note_failure(m, &failure);
	else
		add(m, image.id, path);
}

static int list_mounts(struct mounting *m, struct error *err)
{
	auto_strv struct strv ids = { 0 };
	int rc = image_mounts(&engine_dirs, &ids, err);

	for (size_t i = 0; rc == 0 && i < ids.n; i++) {
		char *path = image_mount_path(&engine_dirs, ids.items[i]);

		if (path)
			add(m, ids.items[i], path);
	}
	return rc;
}

static json_t *names_of(const struct mounting *m, const char *id, const char **ret_digest)
{
	json_t *names = json_array_new();

	*ret_digest = NULL;
	for (size_t i = 0; i < m->n_entries; i++) {
		if (!str_eq(m->entries[i].id, id))
			continue;
		*ret_digest = m->entries[i].digest;
		if (*m->entries[i].name)
			json_add(names, json_text(m->entries[i].name));
	}
	return names;
}

/* podman's members, as they are spelled there. */
static json_t *mounts_json(const struct mounting *m)
{
	json_t *list = json_array_new();

	for (size_t i = 0; i < m->n; i++) {
		json_t *object = json_object_new();
		json_t *digests = json_array_new();
		const char *digest;
		json_t *names = names_of(m, m->items[i].id, &digest);

		if (digest)
			json_add(digests, json_text(digest));
		json_put_string(object, "id", digest_hex(m->items[i].id));
		json_put(object, "Names", digests);
		json_put(object, "Repositories", names);
		json_put_string(object, "mountpoint", m->items[i].path);
		json_add(list, object);
	}
	return list;
}

/* A line each: its first name, or its id, and where it is. */
static void add_lines(const struct mounting *m, struct str *out)
{
	auto_str struct str lines = { 0 };

	for (size_t i = 0; i < m->n; i++) {
		const char *ignored;
		auto_json json_t *names = names_of(m, m->items[i].id, &ignored);
		const char *name = json_string_value(json_array_get(names, 0));
		auto_free char *shown = str_escape(name ? name : digest_hex(m->items[i].id));

		str_addf(&lines, "%s\t%s\n", shown, m->items[i].path);
	}
	if (lines.len)
		output_align(lines.text, out);
}

static int run_mount(void *options, const struct strv *args, struct error *err)
{
	const struct mount_options *o = options;
	auto_mounting struct mounting m;
	auto_str struct str out = { 0 };
	auto_json json_t *list = NULL;
	int rc = mounting_init(&m, err);

	if (rc == 0 && o->format && !str_eq(o->format, "json"))
		rc = err_set(err, EINVAL, "image mount: --format '%s': json is known", o->format);
	if (rc == 0 && o->has_all && args->n)
		rc = err_set(err, EINVAL, "image mount: --all, or IMAGE");
	if (rc == 0 && !o->has_all && !args->n)
		rc = list_mounts(&m, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; o->has_all && i < m.n_entries; i++)
		if (is_first_of_id(&m, i))
			mount_one(&m, m.entries[i].id);
	for (size_t i = 0; i < args->n; i++)
		mount_one(&m, args->items[i]);
	list = mounts_json(&m);
	if (o->format)
		rc = output_value(o->format, list, &out, err);
	else if (args->n == 1 && m.n == 1)
		str_addf(&out, "%s\n", m.items[0].path);
	else
		add_lines(&m, &out);
	return rc < 0 ? rc : finish(&m, &out, err);
}

const struct command cmd_image_mount = {
	.name = "image mount",
	.summary = "Mount the files of images, read-only",
	.synopsis = "[OPTIONS] [IMAGE...]",
	.details =
		"Prints where; without IMAGE, what is mounted. An image that is mounted twice is "
		"to be\nunmounted twice, and cannot be removed meanwhile. Nothing is mounted after a "
		"reboot.",
	.opts = mount_opts,
	.options_size = sizeof(struct mount_options),
	.options_fini = mount_fini,
	.max_args = ARGS_MANY,
	.run = run_mount,
};

/* ---- unmount ---------------------------------------------------------------------------------- */

struct unmount_options {
	bool has_all, is_forced;
};

static const struct opt unmount_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct unmount_options, has_all),
	  .help = "Unmount all images that are mounted" },
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct unmount_options, is_forced),
	  .help = "At once, though somebody may use it, or has mounted it as well" },
	OPTS_END,
};

static void unmount_id(struct mounting *m, const char *id, const char *reference, bool is_forced,
		       struct str *out)
{
	struct error failure = { 0 };

	if (image_unmount(&engine_dirs, id, is_forced, &failure) == 0) {
		str_addf(out, "%s\n", digest_hex(id));
		return;
	}
	(void)err_wrap(&failure, "unmount image '%s'", reference);
	note_failure(m, &failure);
}

static void unmount_one(struct mounting *m, const char *reference, bool is_forced, struct str *out)
{
	auto_image struct image image = { 0 };
	struct error failure = { 0 };

	if (image_open(&m->store, reference, &image, &failure) < 0)
		note_failure(m, &failure);
	else
		unmount_id(m, image.id, reference, is_forced, out);
}

static int run_unmount(void *options, const struct strv *args, struct error *err)
{
	const struct unmount_options *o = options;
	auto_mounting struct mounting m;
	auto_strv struct strv ids = { 0 };
	auto_str struct str out = { 0 };
	int rc = mounting_init(&m, err);

	if (rc == 0 && o->has_all == (args->n > 0))
		rc = err_set(err, EINVAL, "image unmount: --all, or IMAGE");
	if (rc == 0 && o->has_all)
		rc = image_mounts(&engine_dirs, &ids, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ids.n; i++)
		unmount_id(&m, ids.items[i], ids.items[i], o->is_forced, &out);
	for (size_t i = 0; i < args->n; i++)
		unmount_one(&m, args->items[i], o->is_forced, &out);
	return finish(&m, &out, err);
}

#define UNMOUNT_COMMAND(name_)                                                         \
	{                                                                              \
		.name = (name_), .summary = "Unmount the files of images",             \
		.synopsis = "[OPTIONS] IMAGE...", .opts = unmount_opts,                \
		.details = "Prints the ids. One that was mounted several times stays " \
			   "until the last of them.",                                  \
		.options_size = sizeof(struct unmount_options), .max_args = ARGS_MANY, \
		.run = run_unmount                                                     \
	}

const struct command cmd_image_unmount = UNMOUNT_COMMAND("image unmount");
const struct command cmd_image_umount = UNMOUNT_COMMAND("image umount");
