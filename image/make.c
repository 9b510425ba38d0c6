/* SPDX-License-Identifier: Apache-2.0 */
#include "image/make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/manifest_internal.h"
#include "image/signals.h"

#define CHUNK (256U << 10)
#define LAYER "layer"

int make_signal(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t heeded, pending;

	signals_heeded(&heeded);
	(void)sigpending(&pending);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (sigismember(&heeded, signals[i]) && sigismember(&pending, signals[i]))
			return signals[i];
	return 0;
}

bool make_is_cancelled(void)
{
	return make_signal() != 0;
}

/* ---- the place -------------------------------------------------------------------------------- */

static int make_place(struct make *make, struct error *err)
{
	static const char *const names[] = { "root", "blobs", STORE_BLOBS };

	(void)snprintf(make->path, sizeof(make->path), STORE_TMP "/make-%s",
		       make->work.marker + strlen("work-"));
	if (mkdirat(make->store->fd, make->path, 0700) < 0)
		return err_sys(err, "make '%s'", make->path);
	make->dir.path = make->path;
	make->dir.fd = openat(make->store->fd, make->path,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (make->dir.fd < 0)
		return err_sys(err, "open '%s'", make->path);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (mkdirat(make->dir.fd, names[i], 0700) < 0)
			return err_sys(err, "make '%s/%s'", make->path, names[i]);
	make->layer = openat(make->dir.fd, LAYER, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return make->layer < 0 ? err_sys(err, "make '%s/" LAYER "'", make->path) : 0;
}

int make_begin(struct make *make, const struct dir *store, struct error *err)
{
	int rc;

	make->store = store;
	make->dir.fd = -1;
	make->layer = -1;
	rc = store_work_begin(store, LOCK_SHARED, &make->work, err);
	if (rc < 0)
		return rc;
	signals_block(&make->before);
	rc = make_place(make, err);
	if (rc < 0)
		make_end(make, rc, err);
	return rc;
}

void make_end(struct make *make, int rc, const struct error *err)
{
	struct error ignored = { 0 };

	close_fd(&make->layer);
	close_fd(&make->dir.fd);
	(void)tree_remove_at(make->store, make->path, &ignored);
	store_work_end(make->store, &make->work, rc == 0);
	signals_restore(&make->before, rc < 0 && err->status > 128);
}

/* ---- blobs ------------------------------------------------------------------------------------ */

/* What is known of an image that is being put together. */
struct parts {
	struct image_manifest base; /* nothing in it: none */
	struct image_config base_config;
	struct descriptor *layers; /* owned; what is in them is @base's, and the last one's ours */
	size_t n;
	char diff_id[DIGEST_TEXT], config[DIGEST_TEXT];
};

static void parts_fini(struct parts *parts)
{
	image_manifest_fini(&parts->base);
	image_config_fini(&parts->base_config);
	free(parts->layers);
}

static int hash_layer(const struct make *make, struct digest *ret, struct error *err)
{
	auto_free char *chunk = xmalloc(CHUNK);
	ssize_t n;

	digest_init(ret);
	while ((n = pread(make->layer, chunk, CHUNK, (off_t)ret->size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read the new layer");
		digest_update(ret, chunk, (size_t)n);
		if (make_is_cancelled())
			return err_set(err, EINTR, "ended by a signal");
	}
	return 0;
}

/* The new layer, which is its own diff_id: it is not compressed. */
static int put_layer(const struct make *make, struct parts *parts, struct error *err)
{
	static char type[] = MEDIA_TYPE_LAYER;
	auto_free char *path = NULL;
	struct digest digest;
	uint64_t size;
	int rc = hash_layer(make, &digest, err);

	if (rc < 0)
		return rc;
	size = digest.size;
	digest_final(&digest, parts->diff_id);
	path = xasprintf(STORE_BLOBS "/%s", digest_hex(parts->diff_id));
	if (renameat(make->dir.fd, LAYER, make->dir.fd, path) < 0)
		return err_sys(err, "rename the new layer");
	parts->layers[parts->n++] = (struct descriptor){
		.media_type = type,
		.digest = parts->diff_id,
		.size = size,
	};
	return 0;
}

/* A layer of the base is the same file; what the helper verifies it has in the store already. */
static int put_base(const struct make *make, const char *id, struct parts *parts, struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	bool is_name = false;
	size_t at = 0;
	int rc = store_index_read(make->store, &index, err);

	if (rc == 0)
		rc = store_index_find(&index, id, &at, &is_name, err);
	if (rc == 0)
		rc = store_line_read(make->store, &index.lines[at], &parts->base,
				     &parts->base_config, err);
	if (rc < 0)
		return rc;
	free(parts->layers);
	parts->layers = xcalloc(parts->base.n_layers + 1, sizeof(*parts->layers));
	for (size_t i = 0; i < parts->base.n_layers; i++) {
		const char *digest = parts->base.layers[i].digest;
		auto_free char *path = xasprintf(STORE_BLOBS "/%s", digest_hex(digest));

		parts->layers[parts->n++] = parts->base.layers[i];
		if (linkat(make->store->fd, path, make->dir.fd, path, 0) < 0 && errno != EEXIST)
			return errno == ENOENT
				       ? err_set(err, ENOENT,
						 "blob '%s' is not in the store: load or pull the "
						 "image again",
						 digest)
				       : err_sys(err, "link blob '%s'", digest);
	}
	return 0;
}

static int put_text(const struct make *make, const char *path, const char *text, struct error *err)
{
	return file_replace_at(&make->dir, path, text, strlen(text), 0600, FILE_FAST, err);
}

static int put_blob(const struct make *make, const char *text, char ret[DIGEST_TEXT],
		    struct error *err)
{
	auto_free char *path = NULL;

	digest_of(text, strlen(text), ret);
	path = xasprintf(STORE_BLOBS "/%s", digest_hex(ret));
	return put_text(make, path, text, err);
}

/* ---- documents -------------------------------------------------------------------------------- */

/* Lines of history stand for layers in their order: what the base does not tell has an empty one. */
static void fill_history(json_t *history, size_t n_layers)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(history); i++)
		n += !json_is_true(json_object_get(json_array_get(history, i), "empty_layer"));
	for (; n < n_layers; n++)
		json_add(history, json_object_new());
}

static void put_history(json_t *config, const struct make_image *image, size_t n_layers,
			const char *now)
{
	json_t *history = json_object_get(config, "history");
	json_t *line = json_object_new();

	if (!json_is_array(history)) {
		history = json_array_new();
		json_put(config, "history", history);
	}
	fill_history(history, n_layers);
	json_put_string(line, "created", now);
	json_put_string(line, "created_by", image->created_by);
	json_put_string(line, "author", image->author);
	json_put_string(line, "comment", image->comment);
	json_add(history, line);
}

static char *config_text(const struct make_image *image, const struct parts *parts)
{
	json_t *root = json_object_new();
	json_t *ids = json_array_new();
	char now[CLOCK_TEXT];

	clock_format(clock_real_ns(), now);
	json_put_string(image->config, "created", now);
	json_put_string(image->config, "author", image->author);
	json_put_string(image->config, "comment", image->comment);
	for (size_t i = 0; i < parts->base_config.diff_ids.n; i++)
		json_add(ids, json_text(parts->base_config.diff_ids.items[i]));
	json_add(ids, json_text(parts->diff_id));
	json_put_string(root, "type", "layers");
	json_put(root, "diff_ids", ids);
	json_put(image->config, "rootfs", root);
	put_history(image->config, image, parts->base_config.diff_ids.n, now);
	return json_to_text(image->config, JSON_COMPACT);
}

static char *layout_text(const struct descriptor *manifest, const char *name)
{
	json_t *entries = json_array_new();
	json_t *entry = descriptor_json(manifest);
	json_t *annotations = json_object_new();

	json_put_string(annotations, ANNOTATION_REF_NAME, name);
	json_put(entry, "annotations", annotations);
	json_add(entries, entry);
	return index_text(entries);
}

static int put_documents(const struct make *make, const struct make_image *image,
			 struct parts *parts, struct error *err)
{
	static char config_type[] = MEDIA_TYPE_CONFIG, manifest_type[] = MEDIA_TYPE_MANIFEST;
	auto_free char *config = config_text(image, parts);
	struct descriptor top = {
		.media_type = config_type,
		.digest = parts->config,
		.size = strlen(config),
	};
	auto_free char *manifest = NULL;
	auto_free char *index = NULL;
	char digest[DIGEST_TEXT];
	struct descriptor whole = { .media_type = manifest_type, .digest = digest };
	int rc = put_blob(make, config, parts->config, err);

	if (rc < 0)
		return rc;
	manifest = image_manifest_text(&top, parts->layers, parts->n);
	rc = put_blob(make, manifest, digest, err);
	if (rc < 0)
		return rc;
	whole.size = strlen(manifest);
	index = layout_text(&whole, image->reference);
	rc = put_text(make, OCI_LAYOUT_FILE, OCI_LAYOUT_TEXT, err);
	return rc < 0 ? rc : put_text(make, "index.json", index, err);
}

static int load_it(const struct make *make, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", make->store->path, make->path);
	auto_strv struct strv names = { 0 };
	const struct store_input input = {
		.path = path,
		.verb = make->verb,
		.name = make->name,
		.is_quiet = true,
		.is_for_others = true,
	};

	return store_load(make->store->path, &input, &names, err);
}

static int put_all(struct make *make, const struct make_image *image, struct parts *parts,
		   struct error *err)
{
	int rc = image->base ? put_base(make, image->base, parts, err) : 0;

	if (rc == 0 && parts->n == IMAGE_MAX_LAYERS)
		rc = err_set(err, E2BIG, "%zu layers already, the limit is %d", parts->n,
			     IMAGE_MAX_LAYERS);
	if (rc == 0)
		rc = put_layer(make, parts, err);
	if (rc == 0)
		rc = put_documents(make, image, parts, err);
	if (rc == -EINTR && make_is_cancelled())
		(void)err_exit(err, 128 + make_signal());
	return rc < 0 ? err_wrap(err, "%s '%s'", make->verb, make->name) : 0;
}

int make_finish(struct make *make, const struct make_image *image, char ret_id[DIGEST_TEXT],
		struct error *err)
{
	__attribute__((cleanup(parts_fini))) struct parts parts = {
		.layers = xcalloc(1, sizeof(*parts.layers)),
	};
	int rc = put_all(make, image, &parts, err);

	if (rc == 0)
		rc = load_it(make, err);
	if (rc == 0)
		memcpy(ret_id, parts.config, DIGEST_TEXT);
	return rc;
}
