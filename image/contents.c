/* SPDX-License-Identifier: Apache-2.0 */
#include "image/contents.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "image/limits.h"
#include "image/manifest.h"
#include "image/tar.h"

static void blob_fini(struct contents_blob *blob)
{
	free(blob->text);
}

void contents_fini(struct contents *contents)
{
	for (size_t i = 0; i < contents->n_images; i++) {
		struct contents_image *image = &contents->images[i];

		strv_fini(&image->names);
		blob_fini(&image->manifest);
		blob_fini(&image->config);
		free(image->layers);
	}
	for (size_t i = 0; i < contents->n_layers; i++)
		close_fd(&contents->layers[i].part.fd);
	free(contents->images);
	free(contents->layers);
	*contents = (struct contents){ 0 };
}

/* ---- blobs ----------------------------------------------------------------------------------- */

static char *blob_path(const char *digest)
{
	return xasprintf("blobs/sha256/%s", digest_hex(digest));
}

static int count_text(struct contents *contents, size_t len, struct error *err)
{
	contents->text += len;
	if (contents->text > LOAD_MAX_TEXT)
		return err_set(err, EFBIG, "manifests and configs of more than %u MiB",
			       LOAD_MAX_TEXT >> 20);
	return 0;
}

/* Reads a document and verifies it by its descriptor. */
static int read_blob(struct contents *contents, const struct archive *archive,
		     const struct descriptor *descriptor, size_t max, struct contents_blob *ret,
		     struct error *err)
{
	auto_free char *path = blob_path(descriptor->digest);
	struct digest digest;
	int rc = archive_read(archive, path, max, &ret->text, &ret->len, err);

	if (rc < 0)
		return rc;
	digest_init(&digest);
	digest_update(&digest, ret->text, ret->len);
	rc = digest_verify(&digest, descriptor->digest, descriptor->size, err);
	if (rc < 0)
		return err_wrap(err, "blob '%s'", descriptor->digest);
	(void)strcpy(ret->digest, descriptor->digest);
	return count_text(contents, ret->len, err);
}

/* The index of a layer like that; each is unpacked once, whatever number of images has it. */
static size_t find_layer(const struct contents *contents, const char *digest, const char *diff_id)
{
	size_t i = 0;

	while (i < contents->n_layers && !(str_eq(contents->layers[i].diff_id, diff_id) &&
					   str_eq(contents->layers[i].digest, digest)))
		i++;
	return i;
}

/* @digest: "" if it is not known */
static int add_layer(struct contents *contents, const struct archive *archive, const char *path,
		     const char *digest, const char *diff_id, struct contents_image *image,
		     struct error *err)
{
	size_t at = find_layer(contents, digest, diff_id);
	struct contents_layer *layer;
	struct archive_part part;
	int rc;

	image->layers[image->n_layers++] = at;
	if (at < contents->n_layers)
		return 0;
	if (at == LOAD_MAX_LAYERS)
		return err_set(err, E2BIG, "more than %u layers", LOAD_MAX_LAYERS);
	rc = archive_find(archive, path, &part, err);
	if (rc < 0)
		return rc;
	contents->layers = xrealloc(contents->layers, at + 1, sizeof(*contents->layers));
	layer = &contents->layers[contents->n_layers++];
	*layer = (struct contents_layer){ .part = part };
	(void)strcpy(layer->digest, digest);
	(void)strcpy(layer->diff_id, diff_id);
	return 0;
}

static int parse_config(const struct contents *contents, const struct contents_blob *blob,
			struct image_config *ret, struct error *err)
{
	auto_free char *name = xasprintf("config '%s'", blob->digest);
	int rc = image_config_parse(name, blob->text, blob->len, ret, err);

	return rc < 0 || contents->is_for_others ? rc : image_config_check_platform(ret, err);
}

/* ---- OCI image layouts ----------------------------------------------------------------------- */

static int check_size(const struct contents_layer *layer, const struct descriptor *descriptor,
		      struct error *err)
{
	if (layer->part.size == descriptor->size)
		return 0;
	return err_set(err, EINVAL, "layer '%s': size is %" PRIu64 " bytes, expected %" PRIu64,
		       descriptor->digest, layer->part.size, descriptor->size);
}

static int add_oci_layers(struct contents *contents, const struct archive *archive,
			  const struct image_manifest *manifest, const struct image_config *config,
			  struct contents_image *image, struct error *err)
{
	int rc = image_layers_match(manifest, config, err);

	image->layers = xcalloc(manifest->n_layers + 1, sizeof(*image->layers));
	for (size_t i = 0; rc == 0 && i < manifest->n_layers; i++) {
		const struct descriptor *descriptor = &manifest->layers[i];
		auto_free char *path = blob_path(descriptor->digest);

		rc = add_layer(contents, archive, path, descriptor->digest,
			       config->diff_ids.items[i], image, err);
		if (rc == 0)
			rc = check_size(&contents->layers[image->layers[i]], descriptor, err);
	}
	return rc;
}

/* The manifest's config and layers. */
static int read_oci_image(struct contents *contents, const struct archive *archive,
			  const struct descriptor *descriptor, struct contents_image *image,
			  struct error *err)
{
	auto_free char *name = xasprintf("manifest '%s'", descriptor->digest);
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	int rc = read_blob(contents, archive, descriptor, MANIFEST_MAX_SIZE, &image->manifest, err);

	if (rc == 0)
		rc = image_manifest_parse(name, descriptor->media_type, image->manifest.text,
					  image->manifest.len, &manifest, err);
	if (rc == 0)
		rc = read_blob(contents, archive, &manifest.config, CONFIG_MAX_SIZE, &image->config,
			       err);
	if (rc == 0)
		rc = parse_config(contents, &image->config, &config, err);
	if (rc == 0)
		rc = add_oci_layers(contents, archive, &manifest, &config, image, err);
	return rc;
}

/* Follows indexes down to the manifest for this machine: one way, not all of them. */
static int read_by_descriptor(struct contents *contents, const struct archive *archive,
			      const struct descriptor *descriptor, int depth,
			      struct contents_image *image, struct error *err)
{
	auto_free char *name = xasprintf("index '%s'", descriptor->digest);
	auto_image_index struct image_index index = { 0 };
	struct contents_blob blob = { 0 };
	const struct descriptor *chosen;
	int rc;

	if (media_kind(descriptor->media_type) != MEDIA_INDEX)
		return read_oci_image(contents, archive, descriptor, image, err);
	if (depth == INDEX_MAX_DEPTH)
		return err_set(err, EINVAL, "%s: more than %d indexes in each other", name,
			       INDEX_MAX_DEPTH);
	rc = read_blob(contents, archive, descriptor, INDEX_MAX_SIZE, &blob, err);
	if (rc == 0)
		rc = image_index_parse(name, descriptor->media_type, blob.text, blob.len, &index,
				       err);
	blob_fini(&blob);
	if (rc == 0)
		rc = image_index_choose(&index, &chosen, err);
	return rc < 0 ? rc : read_by_descriptor(contents, archive, chosen, depth + 1, image, err);
}

static struct contents_image *new_image(struct contents *contents, struct error *err)
{
	if (contents->n_images == LOAD_MAX_IMAGES) {
		err_set(err, E2BIG, "more than %u images", LOAD_MAX_IMAGES);
		return NULL;
	}
	contents->images =
		xrealloc(contents->images, contents->n_images + 1, sizeof(*contents->images));
	contents->images[contents->n_images] = (struct contents_image){ 0 };
	return &contents->images[contents->n_images++];
}

/*
 * Entries of one name are one image for several machines, and so are those without a name: the one
 * to take of them is looked for as in an index of their own.
 */
static int add_named(struct contents *contents, const struct archive *archive,
		     const struct image_index *all, const char *name, struct error *err)
{
	struct image_index same = { .entries = xcalloc(all->n, sizeof(*all->entries)) };
	const struct descriptor *chosen = NULL;
	struct contents_image *image = new_image(contents, err);
	int rc = image ? 0 : -err->code;

	for (size_t i = 0; i < all->n; i++) {
		if (str_eq(descriptor_image_name(&all->entries[i]), name))
			same.entries[same.n++] = all->entries[i];
	}
	if (rc == 0 && same.n == 1)
		chosen = &same.entries[0];
	else if (rc == 0)
		rc = image_index_choose(&same, &chosen, err);
	if (rc == 0 && name)
		strv_add(&image->names, name);
	if (rc == 0)
		rc = read_by_descriptor(contents, archive, chosen, 1, image, err);
	free(same.entries); /* what is in them belongs to @all */
	return rc;
}

static bool is_first_of_name(const struct image_index *index, size_t at)
{
	const char *name = descriptor_image_name(&index->entries[at]);

	for (size_t i = 0; i < at; i++) {
		if (str_eq(descriptor_image_name(&index->entries[i]), name))
			return false;
	}
	return true;
}

static int read_oci(struct contents *contents, const struct archive *archive, struct error *err)
{
	auto_image_index struct image_index index = { 0 };
	auto_free char *text = NULL;
	size_t len;
	int rc = archive_read(archive, "index.json", INDEX_MAX_SIZE, &text, &len, err);

	if (rc == 0)
		rc = image_index_parse("index.json", NULL, text, len, &index, err);
	if (rc == 0 && index.n == 0)
		return err_set(err, ENOENT, "index.json: no image in it");
	for (size_t i = 0; rc == 0 && i < index.n; i++) {
		if (is_first_of_name(&index, i))
			rc = add_named(contents, archive, &index,
				       descriptor_image_name(&index.entries[i]), err);
	}
	return rc;
}

/* ---- docker's archives ----------------------------------------------------------------------- */

/* The config is called by its digest: "<hex>.json", or "blobs/sha256/<hex>". */
static int check_config_name(const char *path, const char *digest, struct error *err)
{
	const char *name = path_base(path);
	size_t len = strcspn(name, ".");
	auto_free char *shown = NULL;

	if (len != DIGEST_HEX || strspn(name, "0123456789abcdef") != DIGEST_HEX ||
	    strncmp(name, digest_hex(digest), DIGEST_HEX) == 0)
		return 0;
	shown = tar_shown(path);
	return err_set(err, EINVAL, "config '%s': digest is %s", shown, digest);
}

static int read_docker_image(struct contents *contents, const struct archive *archive,
			     const struct archive_image *from, struct error *err)
{
	auto_image_config struct image_config config = { 0 };
	struct contents_image *image = new_image(contents, err);
	struct contents_blob *blob;
	int rc;

	if (!image)
		return -err->code;
	blob = &image->config;
	strv_copy(&image->names, &from->repo_tags);
	rc = archive_read(archive, from->config, CONFIG_MAX_SIZE, &blob->text, &blob->len, err);
	if (rc < 0)
		return rc;
	digest_of(blob->text, blob->len, blob->digest);
	rc = check_config_name(from->config, blob->digest, err);
	if (rc == 0)
		rc = count_text(contents, blob->len, err);
	if (rc == 0)
		rc = parse_config(contents, blob, &config, err);
	if (rc == 0 && config.diff_ids.n != from->layers.n)
		rc = err_set(err, EINVAL, "manifest.json has %zu layers, the config %zu diff_ids",
			     from->layers.n, config.diff_ids.n);
	image->layers = xcalloc(from->layers.n + 1, sizeof(*image->layers));
	for (size_t i = 0; rc == 0 && i < from->layers.n; i++)
		rc = add_layer(contents, archive, from->layers.items[i], "",
			       config.diff_ids.items[i], image, err);
	return rc;
}

static int read_docker(struct contents *contents, const struct archive *archive, struct error *err)
{
	auto_archive_index struct archive_index index = { 0 };
	auto_free char *text = NULL;
	size_t len;
	int rc = archive_read(archive, "manifest.json", MANIFEST_MAX_SIZE, &text, &len, err);

	if (rc == 0)
		rc = archive_index_parse("manifest.json", text, len, &index, err);
	if (rc == 0 && index.n == 0)
		return err_set(err, ENOENT, "manifest.json: no image in it");
	for (size_t i = 0; rc == 0 && i < index.n; i++)
		rc = read_docker_image(contents, archive, &index.images[i], err);
	return rc;
}

/* ---- both ------------------------------------------------------------------------------------ */

int contents_read(const struct archive *archive, struct contents *ret, struct error *err)
{
	/* docker writes both since 25.0; index.json says more. */
	if (archive_has(archive, "index.json"))
		return read_oci(ret, archive, err);
	if (archive_has(archive, "manifest.json"))
		return read_docker(ret, archive, err);
	return err_set(err, EINVAL, "no image: neither index.json nor manifest.json is in it");
}

static void make_manifest(const struct contents *contents, struct contents_image *image)
{
	static char config_type[] = MEDIA_TYPE_CONFIG;
	static char layer_types[][sizeof(MEDIA_TYPE_LAYER "+gzip")] = {
		[INFLATE_NONE] = MEDIA_TYPE_LAYER,
		[INFLATE_GZIP] = MEDIA_TYPE_LAYER "+gzip",
		[INFLATE_ZSTD] = MEDIA_TYPE_LAYER "+zstd",
	};
	struct descriptor config = { .media_type = config_type,
				     .digest = image->config.digest,
				     .size = image->config.len };
	struct descriptor *layers = xcalloc(image->n_layers + 1, sizeof(*layers));

	for (size_t i = 0; i < image->n_layers; i++) {
		struct contents_layer *layer = &contents->layers[image->layers[i]];

		layers[i].digest = layer->digest;
		layers[i].size = layer->part.size;
		layers[i].media_type = layer_types[layer->packing];
	}
	image->manifest.text = image_manifest_text(&config, layers, image->n_layers);
	image->manifest.len = strlen(image->manifest.text);
	digest_of(image->manifest.text, image->manifest.len, image->manifest.digest);
	free(layers);
}

void contents_make_manifests(struct contents *contents)
{
	for (size_t i = 0; i < contents->n_images; i++) {
		if (!contents->images[i].manifest.text)
			make_manifest(contents, &contents->images[i]);
	}
}

char *contents_result(const struct contents *contents)
{
	auto_json json_t *root = json_object_new();
	json_t *images = json_array_new();

	for (size_t i = 0; i < contents->n_images; i++) {
		const struct contents_image *image = &contents->images[i];
		json_t *object = json_object_new();
		uint64_t size = 0;

		for (size_t j = 0; j < image->n_layers; j++)
			size += contents->layers[image->layers[j]].unpacked;
		json_put_strings(object, "names", &image->names);
		json_put_string(object, "manifest", image->manifest.digest);
		json_put_int(object, "size", (int64_t)MIN(size, (uint64_t)INT64_MAX));
		json_add(images, object);
	}
	json_put(root, "images", images);
	return json_to_text(root, JSON_COMPACT);
}
