/* SPDX-License-Identifier: Apache-2.0 */
#include "image/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enum.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/manifest_internal.h"

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static const struct enum_name media_types[] = {
	{ MEDIA_TYPE_INDEX, MEDIA_INDEX },
	{ DOCKER "distribution.manifest.list.v2+json", MEDIA_INDEX },
	{ MEDIA_TYPE_MANIFEST, MEDIA_MANIFEST },
	{ DOCKER "distribution.manifest.v2+json", MEDIA_MANIFEST },
	{ MEDIA_TYPE_CONFIG, MEDIA_CONFIG },
	{ DOCKER "container.image.v1+json", MEDIA_CONFIG },
	{ MEDIA_TYPE_LAYER, MEDIA_LAYER_TAR },
	{ OCI "layer.v1.tar+gzip", MEDIA_LAYER_GZIP },
	{ OCI "layer.v1.tar+zstd", MEDIA_LAYER_ZSTD },
	{ OCI "layer.nondistributable.v1.tar", MEDIA_LAYER_TAR },
	{ OCI "layer.nondistributable.v1.tar+gzip", MEDIA_LAYER_GZIP },
	{ OCI "layer.nondistributable.v1.tar+zstd", MEDIA_LAYER_ZSTD },
	{ DOCKER "image.rootfs.diff.tar", MEDIA_LAYER_TAR },
	{ DOCKER "image.rootfs.diff.tar.gzip", MEDIA_LAYER_GZIP },
	{ DOCKER "image.rootfs.diff.tar.zstd", MEDIA_LAYER_ZSTD },
	{ DOCKER "image.rootfs.foreign.diff.tar", MEDIA_LAYER_TAR },
	{ DOCKER "image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER_GZIP },
	{ NULL, 0 },
};

enum media_kind media_kind(const char *media_type)
{
	int kind = MEDIA_UNKNOWN;

	if (media_type)
		(void)enum_from_name(media_types, media_type, &kind);
	return (enum media_kind)kind;
}

static void platform_fini(struct platform *platform)
{
	free(platform->architecture);
	free(platform->os);
	free(platform->variant);
}

static void descriptor_fini(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	free(descriptor->digest);
	platform_fini(&descriptor->platform);
	strv_fini(&descriptor->annotations);
}

static void descriptors_free(struct descriptor *descriptors, size_t n)
{
	for (size_t i = 0; i < n; i++)
		descriptor_fini(&descriptors[i]);
	free(descriptors);
}

void image_index_fini(struct image_index *index)
{
	descriptors_free(index->entries, index->n);
	*index = (struct image_index){ 0 };
}

void image_manifest_fini(struct image_manifest *manifest)
{
	free(manifest->media_type);
	descriptor_fini(&manifest->config);
	descriptors_free(manifest->layers, manifest->n_layers);
	*manifest = (struct image_manifest){ 0 };
}

void image_config_fini(struct image_config *config)
{
	platform_fini(&config->platform);
	strv_fini(&config->diff_ids);
	image_fini(&config->image);
	*config = (struct image_config){ 0 };
}

int read_digest(struct json_reader *reader, const json_t *value, void *field, struct error *err)
{
	const char *text = json_string_value(value);
	char **digest = field;
	auto_free char *shown = NULL;

	if (!text)
		return json_reader_error(reader, value, err, "expected a digest");
	if (!digest_is_valid(text)) {
		shown = str_escape(text);
		return json_reader_error(reader, value, err,
					 "digest '%.100s' is not '" DIGEST_PREFIX
					 "' and %d digits in lower case",
					 shown, DIGEST_HEX);
	}
	free(*digest);
	*digest = xstrdup(text);
	return 0;
}

static int read_size(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	json_int_t size = json_integer_value(value);

	if (!json_is_integer(value) || size < 0 || (uint64_t)size > BLOB_MAX_SIZE)
		return json_reader_error(reader, value, err,
					 "expected a whole number from 0 to %llu", BLOB_MAX_SIZE);
	*(uint64_t *)field = (uint64_t)size;
	return 0;
}

const struct json_field platform_fields[] = {
	JSON_FIELD(struct platform, architecture, JSON_FIELD_STRING, "architecture"),
	JSON_FIELD(struct platform, os, JSON_FIELD_STRING, "os"),
	JSON_FIELD(struct platform, variant, JSON_FIELD_STRING, "variant"),
	JSON_FIELDS_END,
};

#define NEEDED_BY(struct_, member, name_, handler_)                                               \
	{                                                                                         \
		.name = (name_), .type = JSON_FIELD_HANDLER, .offset = offsetof(struct_, member), \
		.flags = JSON_REQUIRED, .present = -1, .handler = (handler_)                      \
	}

static const struct json_field descriptor_fields[] = {
	JSON_FIELD_NEEDED(struct descriptor, media_type, JSON_FIELD_STRING, "mediaType"),
	NEEDED_BY(struct descriptor, digest, "digest", read_digest),
	NEEDED_BY(struct descriptor, size, "size", read_size),
	JSON_FIELD_TABLE(struct descriptor, platform, "platform", platform_fields),
	JSON_FIELD(struct descriptor, annotations, JSON_FIELD_PAIRS, "annotations"),
	JSON_FIELDS_END,
};

static int check_count(struct json_reader *reader, const json_t *value, size_t max,
		       struct error *err)
{
	size_t n = json_array_size(value);

	if (n > max)
		return json_reader_error(reader, value, err, "%zu entries, the limit is %zu", n,
					 max);
	return 0;
}

static int read_entries(struct json_reader *reader, const json_t *value, void *field,
			struct error *err)
{
	struct image_index *index = container_of(field, struct image_index, entries);
	int rc = check_count(reader, value, INDEX_MAX_ENTRIES, err);

	if (rc < 0)
		return rc;
	return json_read_array(reader, value, sizeof(*index->entries), descriptor_fields,
			       (void **)&index->entries, &index->n, err);
}

static int read_config(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct descriptor *config = field;
	auto_free char *shown = NULL;
	int rc = json_read_object(reader, value, NULL, descriptor_fields, config, err);

	if (rc < 0 || media_kind(config->media_type) == MEDIA_CONFIG)
		return rc;
	shown = str_escape(config->media_type);
	return json_reader_error(reader, value, err, "'%.100s' is not the config of an image",
				 shown);
}

static int read_layers(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct image_manifest *manifest = container_of(field, struct image_manifest, layers);
	int rc = check_count(reader, value, IMAGE_MAX_LAYERS, err);

	if (rc == 0)
		rc = json_read_array(reader, value, sizeof(*manifest->layers), descriptor_fields,
				     (void **)&manifest->layers, &manifest->n_layers, err);
	for (size_t i = 0; rc == 0 && i < manifest->n_layers; i++) {
		auto_free char *shown = NULL;

		if (media_kind(manifest->layers[i].media_type) >= MEDIA_LAYER_TAR)
			continue;
		shown = str_escape(manifest->layers[i].media_type);
		return json_reader_error(reader, json_array_get(value, i), err,
					 "'%.100s' is not a layer that can be unpacked", shown);
	}
	return rc;
}

static const struct json_field index_fields[] = {
	NEEDED_BY(struct image_index, entries, "manifests", read_entries),
	JSON_FIELDS_END,
};

static const struct json_field manifest_fields[] = {
	JSON_FIELD(struct image_manifest, media_type, JSON_FIELD_STRING, "mediaType"),
	NEEDED_BY(struct image_manifest, config, "config", read_config),
	NEEDED_BY(struct image_manifest, layers, "layers", read_layers),
	JSON_FIELDS_END,
};

static bool has(const struct json_doc *doc, const char *name)
{
	const json_t *value = json_object_get(doc->root, name);

	return value && !json_is_null(value);
}

struct header {
	int schema_version;
	char *media_type;
};

static const struct json_field header_fields[] = {
	JSON_FIELD_NEEDED(struct header, schema_version, JSON_FIELD_INT, "schemaVersion"),
	JSON_FIELD(struct header, media_type, JSON_FIELD_STRING, "mediaType"),
	JSON_FIELDS_END,
};

static int check_header(const struct json_doc *doc, const struct header *header,
			enum media_kind kind, const char *media_type, struct error *err)
{
	const json_t *own = json_object_get(doc->root, "mediaType");
	auto_free char *shown = header->media_type ? str_escape(header->media_type) : NULL;

	if (header->schema_version != 2)
		return json_doc_error(doc, json_object_get(doc->root, "schemaVersion"),
				      "schemaVersion", err, "must be 2, got %d",
				      header->schema_version);
	if (has(doc, "manifests") && (has(doc, "layers") || has(doc, "config")))
		return json_doc_error(doc, json_object_get(doc->root, "manifests"), "manifests",
				      err, "must not stand beside 'layers' or 'config'");
	if (!shown)
		return 0;
	if (media_type && !str_eq(header->media_type, media_type))
		return json_doc_error(doc, own, "mediaType", err,
				      "'%.100s' is not what its descriptor says, '%.100s'", shown,
				      media_type);
	if (media_kind(header->media_type) != kind)
		return json_doc_error(doc, own, "mediaType", err, "'%.100s' is not %s", shown,
				      kind == MEDIA_INDEX ? "an index" : "an image's manifest");
	return 0;
}

int parse_limited(struct json_doc *doc, const char *name, const char *text, size_t len, size_t max,
		  struct error *err)
{
	if (len > max)
		return err_set(err, EFBIG, "%s: %zu bytes, the limit is %zu", name, len, max);
	return json_doc_parse(doc, name, text, len, err);
}

/* Index or manifest: @media_type is what the descriptor says, and was understood as @kind. */
static int parse_document(struct json_doc *doc, const char *name, const char *text, size_t len,
			  enum media_kind kind, const char *media_type, struct error *err)
{
	struct header header = { 0 };
	int rc = parse_limited(doc, name, text, len,
			       kind == MEDIA_INDEX ? INDEX_MAX_SIZE : MANIFEST_MAX_SIZE, err);

	if (rc == 0)
		rc = json_read(doc, header_fields, &header, err);
	if (rc == 0)
		rc = check_header(doc, &header, kind, media_type, err);
	free(header.media_type);
	return rc;
}

int image_index_parse(const char *name, const char *media_type, const char *text, size_t len,
		      struct image_index *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct image_index index = { 0 };
	int rc = parse_document(&doc, name, text, len, MEDIA_INDEX, media_type, err);

	if (rc == 0)
		rc = json_read(&doc, index_fields, &index, err);
	if (rc < 0)
		image_index_fini(&index);
	else
		*ret = index;
	return rc;
}

int image_manifest_parse(const char *name, const char *media_type, const char *text, size_t len,
			 struct image_manifest *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct image_manifest manifest = { 0 };
	int rc = parse_document(&doc, name, text, len, MEDIA_MANIFEST, media_type, err);

	if (rc == 0)
		rc = json_read(&doc, manifest_fields, &manifest, err);
	if (rc < 0)
		image_manifest_fini(&manifest);
	else
		*ret = manifest;
	return rc;
}

int image_layers_match(const struct image_manifest *manifest, const struct image_config *config,
		       struct error *err)
{
	if (manifest->n_layers == config->diff_ids.n)
		return 0;
	return err_set(err, EINVAL, "the manifest has %zu layers, the config %zu diff_ids",
		       manifest->n_layers, config->diff_ids.n);
}

static bool is_given(const char *text)
{
	return text && *text;
}

bool platform_runs_here(const struct platform *platform)
{
	return (!is_given(platform->os) || str_eq(platform->os, "linux")) &&
	       (!is_given(platform->architecture) || str_eq(platform->architecture, MINICTR_ARCH));
}

char *platform_text(const struct platform *platform)
{
	auto_str struct str text = { 0 };
	auto_free char *shown = NULL;

	str_add(&text, is_given(platform->os) ? platform->os : "unknown");
	str_addf(&text, "/%s",
		 is_given(platform->architecture) ? platform->architecture : "unknown");
	if (is_given(platform->variant))
		str_addf(&text, "/%s", platform->variant);
	shown = str_escape(text.text);
	return xasprintf("%.100s", shown);
}

/* How well an entry fits: 0 not at all. */
static int fitness(const struct descriptor *entry)
{
	enum media_kind kind = media_kind(entry->media_type);
	const struct platform *platform = &entry->platform;

	if ((kind != MEDIA_INDEX && kind != MEDIA_MANIFEST) || !platform_runs_here(platform))
		return 0;
	if (!is_given(platform->architecture))
		return 1;
	/* The variants of a machine are its generations; the first one runs everywhere. */
	return is_given(platform->variant) && !str_eq(platform->variant, "v1") ? 2 : 3;
}

/* The platforms that an index has, for a message.  Caller frees. */
static char *platforms_text(const struct image_index *index)
{
	auto_str struct str there = { 0 };

	for (size_t i = 0; i < index->n; i++) {
		auto_free char *text = platform_text(&index->entries[i].platform);

		str_addf(&there, "%s%s", i ? ", " : "", text);
	}
	return index->n ? str_take(&there) : xstrdup("none");
}

int image_index_choose(const struct image_index *index, const struct descriptor **ret,
		       struct error *err)
{
	auto_free char *there = NULL;
	int best = 0;

	for (size_t i = 0; i < index->n; i++) {
		int fits = fitness(&index->entries[i]);

		if (fits > best) {
			best = fits;
			*ret = &index->entries[i];
		}
	}
	if (best)
		return 0;
	there = platforms_text(index);
	return err_set(err, ENOENT,
		       "no image for linux/" MINICTR_ARCH " in the index, which has %s", there);
}

static bool is_or_any(const char *is, const char *wanted)
{
	return !is_given(wanted) || !is_given(is) || str_eq(is, wanted);
}

bool platform_is(const struct platform *platform, const struct platform *wanted)
{
	return is_or_any(platform->os, wanted->os) &&
	       is_or_any(platform->architecture, wanted->architecture) &&
	       is_or_any(platform->variant, wanted->variant);
}

int image_index_choose_for(const struct image_index *index, const struct platform *wanted,
			   const struct descriptor **ret, struct error *err)
{
	auto_free char *there = NULL;
	auto_free char *text = platform_text(wanted);

	/* One that says its architecture comes before one that is for any. */
	for (int is_exact = 1; is_exact >= 0; is_exact--) {
		for (size_t i = 0; i < index->n; i++) {
			const struct descriptor *entry = &index->entries[i];
			enum media_kind kind = media_kind(entry->media_type);

			if ((kind != MEDIA_INDEX && kind != MEDIA_MANIFEST) ||
			    !platform_is(&entry->platform, wanted) ||
			    (is_exact && !is_given(entry->platform.architecture)))
				continue;
			*ret = entry;
			return 0;
		}
	}
	there = platforms_text(index);
	return err_set(err, ENOENT, "no image for %s in the index, which has %s", text, there);
}

int image_config_check_platform(const struct image_config *config, struct error *err)
{
	auto_free char *text = NULL;

	if (platform_runs_here(&config->platform))
		return 0;
	text = platform_text(&config->platform);
	return err_set(err, ENOENT, "the image is for platform %s, not for linux/" MINICTR_ARCH,
		       text);
}

const char *descriptor_image_name(const struct descriptor *descriptor)
{
	const char *name = strv_getenv(&descriptor->annotations, "io.containerd.image.name");

	if (!is_given(name))
		name = strv_getenv(&descriptor->annotations, ANNOTATION_REF_NAME);
	return is_given(name) ? name : NULL;
}

void layer_name(const char *diff_id, char ret[LAYER_NAME])
{
	memcpy(ret, digest_hex(diff_id), LAYER_NAME - 1);
	ret[LAYER_NAME - 1] = '\0';
}

json_t *descriptor_json(const struct descriptor *descriptor)
{
	json_t *object = json_object_new();

	json_put_string(object, "mediaType", descriptor->media_type);
	json_put_string(object, "digest", descriptor->digest);
	json_put_int(object, "size", (int64_t)descriptor->size);
	return object;
}

char *index_text(json_t *manifests)
{
	auto_json json_t *root = json_object_new();

	json_put_int(root, "schemaVersion", 2);
	json_put_string(root, "mediaType", MEDIA_TYPE_INDEX);
	json_put(root, "manifests", manifests);
	return json_to_text(root, JSON_COMPACT);
}

char *image_manifest_text(const struct descriptor *config, const struct descriptor *layers,
			  size_t n_layers)
{
	auto_json json_t *manifest = json_object_new();
	json_t *list = json_array_new();

	for (size_t i = 0; i < n_layers; i++)
		json_add(list, descriptor_json(&layers[i]));
	json_put_int(manifest, "schemaVersion", 2);
	json_put_string(manifest, "mediaType", MEDIA_TYPE_MANIFEST);
	json_put(manifest, "config", descriptor_json(config));
	json_put(manifest, "layers", list);
	return json_to_text(manifest, JSON_COMPACT);
}
