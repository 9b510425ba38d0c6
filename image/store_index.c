/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/manifest_internal.h"
#include "image/ref.h"
#include "image/store_internal.h"

/* index.json: an OCI index with what we want to know of each image without opening it. */

#define ANNOTATION_ID      "minictr.id"
#define ANNOTATION_CREATED "minictr.created"
#define ANNOTATION_SIZE    "minictr.size"
#define ANNOTATION_SOURCE  "minictr.source"

static void line_fini(struct store_line *line)
{
	free(line->name);
	free(line->media_type);
}

void store_index_fini(struct store_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		line_fini(&index->lines[i]);
	free(index->lines);
	*index = (struct store_index){ 0 };
}

static uint64_t number_of(const struct strv *annotations, const char *key)
{
	const char *text = strv_getenv(annotations, key);

	return text ? strtoull(text, NULL, 10) : 0;
}

static int line_of(const struct descriptor *descriptor, struct store_line *ret, struct error *err)
{
	const char *name = strv_getenv(&descriptor->annotations, ANNOTATION_REF_NAME);
	const char *id = strv_getenv(&descriptor->annotations, ANNOTATION_ID);
	const char *source = strv_getenv(&descriptor->annotations, ANNOTATION_SOURCE);

	if (media_kind(descriptor->media_type) != MEDIA_MANIFEST || !id || !digest_is_valid(id))
		return err_set(err, EINVAL, "entry %s was not written by minictr",
			       descriptor->digest);
	*ret = (struct store_line){
		.name = xstrdup(name),
		.media_type = xstrdup(descriptor->media_type),
		.manifest_size = descriptor->size,
		.created = (int64_t)number_of(&descriptor->annotations, ANNOTATION_CREATED),
		.size = number_of(&descriptor->annotations, ANNOTATION_SIZE),
	};
	memcpy(ret->digest, descriptor->digest, DIGEST_TEXT);
	memcpy(ret->id, id, DIGEST_TEXT);
	if (source && digest_is_valid(source))
		memcpy(ret->source, source, DIGEST_TEXT);
	return 0;
}

int store_index_read(const struct dir *store, struct store_index *ret, struct error *err)
{
	auto_image_index struct image_index index = { 0 };
	auto_store_index struct store_index lines = { 0 };
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = file_read_at(store, STORE_INDEX, INDEX_MAX_SIZE, &text, &len, err);

	if (rc == -ENOENT) {
		*err = (struct error){ 0 };
		*ret = lines;
		return 0;
	}
	if (rc == 0)
		rc = image_index_parse(STORE_INDEX, NULL, text, len, &index, err);
	if (rc == 0 && index.n > 0)
		lines.lines = xcalloc(index.n, sizeof(*lines.lines));
	for (size_t i = 0; rc == 0 && i < index.n; i++) {
		rc = line_of(&index.entries[i], &lines.lines[i], err);
		lines.n += rc == 0;
	}
	if (rc < 0)
		return err_wrap(err, "image store '%s'", store->path);
	*ret = lines;
	lines = (struct store_index){ 0 };
	return 0;
}

static json_t *line_json(const struct store_line *line)
{
	auto_free char *created = xasprintf("%" PRId64, line->created);
	auto_free char *size = xasprintf("%" PRIu64, line->size);
	json_t *object = json_object_new();
	json_t *annotations = json_object_new();

	json_put_string(object, "mediaType", line->media_type);
	json_put_string(object, "digest", line->digest);
	json_put_int(object, "size", (int64_t)line->manifest_size);
	json_put_string(annotations, ANNOTATION_REF_NAME, line->name);
	json_put_string(annotations, ANNOTATION_ID, line->id);
	json_put_string(annotations, ANNOTATION_CREATED, created);
	json_put_string(annotations, ANNOTATION_SIZE, size);
	if (*line->source)
		json_put_string(annotations, ANNOTATION_SOURCE, line->source);
	json_put(object, "annotations", annotations);
	return object;
}

int store_index_write(const struct dir *store, const struct store_index *index, struct error *err)
{
	json_t *lines = json_array_new();
	auto_free char *text = NULL;

	for (size_t i = 0; i < index->n; i++)
		json_add(lines, line_json(&index->lines[i]));
	text = index_text(lines);
	if (index->n > INDEX_MAX_ENTRIES || strlen(text) > INDEX_MAX_SIZE)
		return err_set(err, ENOSPC, "image store '%s': no room for more than %zu images",
			       store->path, index->n - 1);
	return file_replace_at(store, STORE_INDEX, text, strlen(text), 0600, FILE_DURABLE, err);
}

void store_index_drop(struct store_index *index, size_t at)
{
	line_fini(&index->lines[at]);
	index->n--;
	memmove(&index->lines[at], &index->lines[at + 1], (index->n - at) * sizeof(*index->lines));
}

/* True if another line than @at leads to the same manifest. */
static bool has_other(const struct store_index *index, size_t at)
{
	for (size_t i = 0; i < index->n; i++)
		if (i != at && str_eq(index->lines[i].digest, index->lines[at].digest))
			return true;
	return false;
}

void store_index_unname(struct store_index *index, size_t at)
{
	if (has_other(index, at)) {
		store_index_drop(index, at);
		return;
	}
	free(index->lines[at].name);
	index->lines[at].name = NULL;
}

static struct store_line *line_with(const struct store_index *index, const char *digest,
				    const char *name)
{
	for (size_t i = 0; i < index->n; i++)
		if (str_eq(index->lines[i].digest, digest) && str_eq(index->lines[i].name, name))
			return &index->lines[i];
	return NULL;
}

static bool has_digest(const struct store_index *index, const char *digest)
{
	for (size_t i = 0; i < index->n; i++)
		if (str_eq(index->lines[i].digest, digest))
			return true;
	return false;
}

void store_index_add(struct store_index *index, const struct store_line *line, const char *name)
{
	struct store_line *here = name ? line_with(index, line->digest, name) : NULL;

	if (here && *line->source)
		memcpy(here->source, line->source, DIGEST_TEXT);
	if (here || (!name && has_digest(index, line->digest)))
		return;
	for (size_t i = index->n; name && i-- > 0;)
		if (str_eq(index->lines[i].name, name))
			store_index_unname(index, i);
	here = line_with(index, line->digest, NULL);
	if (!here) {
		index->lines = xrealloc(index->lines, index->n + 1, sizeof(*index->lines));
		here = &index->lines[index->n++];
		*here = *line;
		here->media_type = xstrdup(line->media_type);
	}
	here->name = xstrdup(name);
	memcpy(here->source, line->source, DIGEST_TEXT);
}

/* name:tag against name[:tag][@digest] as somebody asked for it. */
static bool is_called(const struct store_line *line, const struct image_ref *ref)
{
	size_t len = strlen(ref->name);

	if (!line->name || strncmp(line->name, ref->name, len) != 0)
		return false;
	if (line->name[len] == '@')
		return str_eq(line->name + len + 1, ref->digest);
	if (line->name[len] != ':')
		return false;
	if (ref->tag && !str_eq(line->name + len + 1, ref->tag))
		return false;
	return *ref->digest == '\0' || str_eq(line->digest, ref->digest) ||
	       str_eq(line->source, ref->digest);
}

static int find_id(const struct store_index *index, const char *digits, size_t *ret,
		   struct error *err)
{
	bool is_found = false;

	for (size_t i = 0; i < index->n; i++) {
		if (!str_starts(digest_hex(index->lines[i].id), digits))
			continue;
		if (is_found && !str_eq(index->lines[i].id, index->lines[*ret].id))
			return err_set(err, EINVAL, "'%s' is the beginning of several ids", digits);
		if (!is_found)
			*ret = i;
		is_found = true;
	}
	return is_found;
}

int store_index_find(const struct store_index *index, const char *reference, size_t *ret,
		     bool *ret_is_name, struct error *err)
{
	const char *digits = ref_id_digits(reference);
	auto_ref struct image_ref ref = { 0 };
	auto_free char *shown = NULL;
	size_t at = 0;
	int rc = ref_parse(reference, &ref, err);

	if (rc < 0 && !digits)
		return rc;
	*ret_is_name = rc == 0;
	/* One that was asked for by that digest comes before a tag that happens to lead to it. */
	for (size_t i = 0; rc == 0 && *ref.digest && i < index->n; i++) {
		if (is_called(&index->lines[i], &ref) && strchr(index->lines[i].name, '@')) {
			*ret = i;
			return 0;
		}
	}
	for (size_t i = 0; rc == 0 && i < index->n; i++) {
		if (is_called(&index->lines[i], &ref)) {
			*ret = i;
			return 0;
		}
	}
	rc = digits ? find_id(index, digits, &at, err) : 0;
	if (rc < 0)
		return rc;
	if (rc > 0) {
		*ret = at;
		*ret_is_name = false;
		*err = (struct error){ 0 };
		return 0;
	}
	shown = str_escape(reference);
	return err_set(err, ENOENT, "no such image: '%.300s'", shown);
}
