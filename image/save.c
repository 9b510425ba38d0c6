/* SPDX-License-Identifier: Apache-2.0 */
#include "image/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/manifest_internal.h"
#include "image/store_internal.h"
#include "image/tar_write.h"

#define ANNOTATION_CONTAINERD_NAME "io.containerd.image.name"

#define CHUNK (256U << 10)

/* One image, with all names that it was asked for by. */
struct saved_image {
	const struct store_line *line;
	struct image_manifest manifest;
	struct strv names;
};

struct saving {
	const struct save *save;
	const struct dir *store;
	struct tar_writer tar;
	struct saved_image *images; /* owned */
	size_t n;
	struct strv blobs; /* digests that have been written */
};

static void saving_fini(struct saving *s)
{
	for (size_t i = 0; i < s->n; i++) {
		image_manifest_fini(&s->images[i].manifest);
		strv_fini(&s->images[i].names);
	}
	free(s->images);
	strv_fini(&s->blobs);
	tar_writer_fini(&s->tar);
}

/* ---- what is asked for ------------------------------------------------------------------------ */

static struct saved_image *image_of(struct saving *s, const struct store_line *line)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->images[i].line->digest, line->digest))
			return &s->images[i];
	s->images = xrealloc(s->images, s->n + 1, sizeof(*s->images));
	s->images[s->n] = (struct saved_image){ .line = line };
	return &s->images[s->n++];
}

static int find(struct saving *s, const struct store_index *index, const char *reference,
		struct error *err)
{
	auto_image_config struct image_config config = { 0 };
	struct saved_image *image;
	bool is_name = false;
	size_t at = 0;
	int rc = store_index_find(index, reference, &at, &is_name, err);

	if (rc < 0)
		return rc;
	image = image_of(s, &index->lines[at]);
	/* One by a digest has no name for others. */
	if (is_name && !strchr(index->lines[at].name, '@') &&
	    !strv_has(&image->names, index->lines[at].name))
		strv_add(&image->names, index->lines[at].name);
	if (image->manifest.config.digest)
		return 0;
	rc = store_line_read(s->store, image->line, &image->manifest, &config, err);
	return rc < 0 ? err_wrap(err, "image '%s'", reference) : 0;
}

/* ---- where it goes ---------------------------------------------------------------------------- */

static int begin_file(struct saving *s, const char *path, uint64_t size, int *ret,
		      struct error *err)
{
	const struct tar_member member = { .path = path, .type = '0', .mode = 0644, .size = size };

	if (s->save->fd >= 0)
		return tar_write_member(&s->tar, &member, err);
	*ret = openat(s->save->dir.fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0644);
	return *ret < 0 ? err_sys(err, "make '%s/%s'", s->save->name, path) : 0;
}

static int put_data(struct saving *s, int fd, const char *data, size_t len, struct error *err)
{
	if (fd < 0)
		return tar_write_data(&s->tar, data, len, err);
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "write into '%s'", s->save->name);
		data += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

static int put_text(struct saving *s, const char *path, const char *text, struct error *err)
{
	auto_fd int fd = -1;
	int rc = begin_file(s, path, strlen(text), &fd, err);

	return rc < 0 ? rc : put_data(s, fd, text, strlen(text), err);
}

static int put_directory(struct saving *s, const char *path, struct error *err)
{
	auto_free char *with_slash = xasprintf("%s/", path);
	const struct tar_member member = { .path = with_slash, .type = '5', .mode = 0755 };

	if (s->save->fd >= 0)
		return tar_write_member(&s->tar, &member, err);
	return mkdirat(s->save->dir.fd, path, 0755) < 0
		       ? err_sys(err, "make '%s/%s'", s->save->name, path)
		       : 0;
}

/* ---- blobs ------------------------------------------------------------------------------------ */

/* Copies and verifies: a blob that was damaged on the disk is not handed on. */
static int copy_blob(struct saving *s, int from, int to, const struct descriptor *blob,
		     struct error *err)
{
	auto_free char *chunk = xmalloc(CHUNK);
	struct digest digest;
	int rc = 0;

	digest_init(&digest);
	while (rc == 0 && digest.size < blob->size) {
		ssize_t n = read(from, chunk, MIN(CHUNK, blob->size - digest.size));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read it");
		if (n == 0)
			break;
		digest_update(&digest, chunk, (size_t)n);
		rc = put_data(s, to, chunk, (size_t)n, err);
	}
	return rc < 0 ? rc : digest_verify(&digest, blob->digest, blob->size, err);
}

static int put_blob(struct saving *s, const struct descriptor *blob, struct error *err)
{
	auto_free char *path = xasprintf(STORE_BLOBS "/%s", digest_hex(blob->digest));
	auto_fd int from = -1;
	auto_fd int to = -1;
	struct stat st;
	int rc;

	if (strv_has(&s->blobs, blob->digest))
		return 0;
	strv_add(&s->blobs, blob->digest);
	from = openat(s->store->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 && errno == ENOENT)
		return err_set(err, ENOENT,
			       "blob '%s' is not in the store: load or pull the image again",
			       blob->digest);
	if (from < 0 || fstat(from, &st) < 0)
		return err_sys(err, "open blob '%s'", blob->digest);
	/* Before a header says how many bytes come. */
	if ((uint64_t)st.st_size != blob->size)
		return err_set(err, EINVAL, "blob '%s': it has %lld bytes instead of %llu",
			       blob->digest, (long long)st.st_size, (unsigned long long)blob->size);
	rc = begin_file(s, path, blob->size, &to, err);
	if (rc < 0)
		return rc;
	rc = copy_blob(s, from, to, blob, err);
	return rc < 0 ? err_wrap(err, "blob '%s'", blob->digest) : 0;
}

static int put_image(struct saving *s, const struct saved_image *image, struct error *err)
{
	char digest[DIGEST_TEXT];
	const struct descriptor manifest = { .digest = digest, .size = image->line->manifest_size };
	int rc = 0;

	memcpy(digest, image->line->digest, sizeof(digest));
	for (size_t i = 0; rc == 0 && i < image->manifest.n_layers; i++)
		rc = put_blob(s, &image->manifest.layers[i], err);
	if (rc == 0)
		rc = put_blob(s, &image->manifest.config, err);
	if (rc == 0)
		rc = put_blob(s, &manifest, err);
	return rc;
}

/* ---- documents -------------------------------------------------------------------------------- */

static json_t *entry_json(const struct store_line *line, const char *name)
{
	json_t *entry = json_object_new();
	json_t *annotations = json_object_new();

	json_put_string(entry, "mediaType", line->media_type);
	json_put_string(entry, "digest", line->digest);
	json_put_int(entry, "size", (int64_t)line->manifest_size);
	if (name) {
		/* containerd and docker read the one, podman and skopeo the other. */
		json_put_string(annotations, ANNOTATION_CONTAINERD_NAME, name);
		json_put_string(annotations, ANNOTATION_REF_NAME, name);
	}
	json_put(entry, "annotations", annotations);
	return entry;
}

static char *layout_text(const struct saving *s)
{
	json_t *entries = json_array_new();

	for (size_t i = 0; i < s->n; i++) {
		const struct saved_image *image = &s->images[i];

		for (size_t j = 0; j < image->names.n; j++)
			json_add(entries, entry_json(image->line, image->names.items[j]));
		if (image->names.n == 0)
			json_add(entries, entry_json(image->line, NULL));
	}
	return index_text(entries);
}

/* docker's manifest.json, with paths into the layout. */
static char *docker_text(const struct saving *s)
{
	auto_json json_t *root = json_array_new();

	for (size_t i = 0; i < s->n; i++) {
		const struct saved_image *image = &s->images[i];
		auto_free char *config =
			xasprintf(STORE_BLOBS "/%s", digest_hex(image->manifest.config.digest));
		auto_strv struct strv layers = { 0 };
		json_t *object = json_object_new();

		for (size_t j = 0; j < image->manifest.n_layers; j++)
			strv_addf(&layers, STORE_BLOBS "/%s",
				  digest_hex(image->manifest.layers[j].digest));
		json_put_string(object, "Config", config);
		json_put_strings(object, "RepoTags", &image->names);
		json_put_strings(object, "Layers", &layers);
		json_add(root, object);
	}
	return json_to_text(root, JSON_COMPACT);
}

static int put_documents(struct saving *s, struct error *err)
{
	auto_free char *index = layout_text(s);
	auto_free char *docker = docker_text(s);
	int rc = put_text(s, OCI_LAYOUT_FILE, OCI_LAYOUT_TEXT, err);

	if (rc == 0)
		rc = put_text(s, "index.json", index, err);
	if (rc == 0 && s->save->format == SAVE_DOCKER)
		rc = put_text(s, "manifest.json", docker, err);
	return rc;
}

static int put_all(struct saving *s, struct error *err)
{
	int rc = put_directory(s, "blobs", err);

	if (rc == 0)
		rc = put_directory(s, STORE_BLOBS, err);
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = put_image(s, &s->images[i], err);
	if (rc == 0)
		rc = put_documents(s, err);
	if (rc == 0 && s->save->fd >= 0)
		rc = tar_write_end(&s->tar, err);
	return rc;
}

int store_save(const struct dir *store, const struct save *save, struct error *err)
{
	__attribute__((cleanup(saving_fini))) struct saving s = { .save = save, .store = store };
	auto_store_index struct store_index index = { 0 };
	auto_fd int hold = store_hold(store, err);
	int rc = MIN(hold, 0);

	tar_writer_init(&s.tar, save->fd, save->name);
	if (rc == 0)
		rc = store_index_read(store, &index, err);
	for (size_t i = 0; rc == 0 && i < save->references->n; i++)
		rc = find(&s, &index, save->references->items[i], err);
	return rc < 0 ? rc : put_all(&s, err);
}
