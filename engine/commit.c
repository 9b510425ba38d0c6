/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/commit.h"

#include <errno.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/events.h"
#include "engine/inspect.h"
#include "engine/list.h"
#include "engine/root.h"
#include "engine/verbs.h"
#include "image/config_change.h"
#include "image/image.h"
#include "image/limits.h"
#include "image/make.h"
#include "image/ref.h"
#include "image/tar_tree.h"

/* ---- documents -------------------------------------------------------------------------------- */

static bool is_empty(const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) == 0;
	return json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0);
}

json_t *commit_config(const struct record *record, const struct image *image)
{
	/* image-spec config.md; the rest of what `inspect` shows is the container's own. */
	static const char *const keys[] = { "User",   "ExposedPorts", "Env",     "Entrypoint",
					    "Cmd",    "Healthcheck",  "Volumes", "WorkingDir",
					    "Labels", "StopSignal" };
	const struct list_entry entry = { .record = *record };
	const struct inspect_input in = { .entry = &entry, .image = image, .hostname = "" };
	auto_json json_t *all = inspect_config(&in);
	json_t *config = json_object_new();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *value = json_object_get(all, keys[i]);

		if (value && !is_empty(value))
			json_put(config, keys[i], json_incref(value));
	}
	return config;
}

/* The document of the container's image as it is to be of the new one; checks what is asked for. */
static int make_document(const struct dir *store, const struct root *root,
			 const struct commit *commit, json_t **ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_image struct image image = { 0 };
	auto_ref struct image_ref ref = { 0 };
	json_t *running;
	int rc = commit->reference ? ref_parse_name(commit->reference, &ref, err) : 0;

	if (rc == 0)
		rc = image_open(store, root->record.image_id, &image, err);
	if (rc == 0)
		rc = image_read_config(store, &image, &doc, err);
	if (rc < 0)
		return rc;
	running = commit_config(&root->record, &image);
	*ret = json_deep_copy(doc.root);
	json_put(*ret, "config", running);
	/* docker's, of the image below */
	(void)json_object_del(*ret, "container");
	(void)json_object_del(*ret, "container_config");
	return config_change_all(running, commit->changes, err);
}

static char *command_of(const struct record *record)
{
	struct str text = { 0 };

	for (size_t i = 0; i < record->command.n; i++)
		str_addf(&text, "%s%s", i ? " " : "", record->command.items[i]);
	return str_take(&text);
}

/* ---- the layer -------------------------------------------------------------------------------- */

static int write_layer(const struct root *root, const struct make *make, struct error *err)
{
	const struct tar_tree tree = {
		.root = root->dir,
		.is_layer = true,
		.max_size = LOAD_MAX_SPOOL,
		.is_cancelled = make_is_cancelled,
	};
	auto_tar_writer struct tar_writer writer;
	int rc;

	tar_writer_init(&writer, make->layer, "the new layer");
	rc = tar_write_tree(&writer, &tree, err);
	return rc < 0 ? rc : tar_write_end(&writer, err);
}

/* *ret: what to let go of later; -1: it does not run (any more). */
static int pause_it(const struct root *root, int *ret, struct error *err)
{
	int rc = verb_hold(root->dirs, root->record.name, err);

	*ret = MAX(rc, -1);
	if (rc == -ESRCH)
		*err = (struct error){ 0 };
	return rc == -ESRCH ? 0 : MIN(rc, 0);
}

static int read_changes(struct root *root, const struct commit *commit, const struct make *make,
			struct error *err)
{
	int hold = -1;
	int rc = commit->is_pausing && root->is_running ? pause_it(root, &hold, err) : 0;

	if (rc == 0)
		rc = root_open_changes(root, err);
	if (rc == 0)
		rc = write_layer(root, make, err);
	verb_let_go(&hold);
	return rc < 0 ? rc : root_check(root, err);
}

/* ---- the whole -------------------------------------------------------------------------------- */

/* With docker's attributes. */
static void tell(const struct root *root, const struct commit *commit, const char *id)
{
	const char *const attributes[] = {
		"comment",  commit->message ? commit->message : "",     "imageID", id,
		"imageRef", commit->reference ? commit->reference : "", NULL,
	};

	event_add(root->dirs, &root->record, "commit", 0, attributes);
}

static int commit_root(struct root *root, const struct dir *store, const struct commit *commit,
		       char ret_id[DIGEST_TEXT], struct error *err)
{
	auto_free char *command = command_of(&root->record);
	auto_json json_t *config = NULL;
	struct make_image image = {
		.reference = commit->reference,
		.base = root->record.image_id,
		.author = commit->author,
		.comment = commit->message,
		.created_by = command,
	};
	struct make make = { .verb = "commit", .name = root->record.name };
	int rc = make_document(store, root, commit, &config, err);

	if (rc == 0)
		rc = make_begin(&make, store, err);
	if (rc < 0)
		return rc;
	/* The work holds the store, too; and to clean up behind a failure nobody else may. */
	close_fd(&root->store_hold);
	image.config = config;
	rc = read_changes(root, commit, &make, err);
	if (rc < 0) {
		(void)err_wrap(err, "commit '%s'", root->record.name);
		if (rc == -EINTR)
			(void)err_exit(err, 128 + make_signal());
	} else {
		rc = make_finish(&make, &image, ret_id, err);
	}
	make_end(&make, rc, err);
	if (rc == 0)
		tell(root, commit, ret_id);
	return rc;
}

int commit_container(const struct engine_dirs *dirs, const char *text, const struct commit *commit,
		     char ret_id[DIGEST_TEXT], struct error *err)
{
	auto_free char *path = path_join(dirs->data, "images");
	auto_root struct root root;
	auto_fd int fd = -1;
	struct dir store = { .path = path };
	int rc = root_find(dirs, text, &root, err);

	if (rc == 0 && !root.record.image_id)
		rc = err_set(
			err, EINVAL,
			"container '%s' was not made from an image: export it, and import that",
			root.record.name);
	if (rc < 0)
		return rc;
	fd = store_open(path, err);
	if (fd < 0)
		return fd;
	store.fd = fd;
	return commit_root(&root, &store, commit, ret_id, err);
}
