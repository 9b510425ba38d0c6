/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/ref.h"
#include "image/signals.h"
#include "image/store_helper.h"
#include "image/store_internal.h"

/*
 * Our half of a load.  What a stranger packed is only read by minictr-image, which confines itself;
 * it gets directory and input as open files, and answers with one JSON document:
 *
 *	{"images": [{"names": ["busybox:latest"], "manifest": "sha256:...", "size": 4096}]}
 *	{"error": "archive.tar: layer 2: ...", "code": 22}
 *
 * By then blobs and layers are in the store, but nothing leads to them.  We look at manifest and
 * config of each image ourselves, make the names normal, and write index.json.  A helper that
 * fails, dies or is not believed leaves things that index.json does not lead to: swept.
 */
#define RESULT_MAX (4U << 20)

struct loaded {
	struct strv names; /* raw */
	char *manifest;
	char *source; /* of a pull: what led to it */
	uint64_t size;
};

struct result {
	char *error;
	int code;
	struct loaded *images;
	size_t n;
};

static void result_fini(struct result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		strv_fini(&r->images[i].names);
		free(r->images[i].manifest);
		free(r->images[i].source);
	}
	free(r->images);
	free(r->error);
}

static const struct json_field loaded_fields[] = {
	JSON_FIELD(struct loaded, names, JSON_FIELD_STRINGS, "names"),
	JSON_FIELD_NEEDED(struct loaded, manifest, JSON_FIELD_STRING, "manifest"),
	JSON_FIELD(struct loaded, source, JSON_FIELD_STRING, "source"),
	JSON_FIELD(struct loaded, size, JSON_FIELD_UINT64, "size"),
	JSON_FIELDS_END,
};

static int read_images(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct result *r = container_of(field, struct result, images);

	return json_read_array(reader, value, sizeof(*r->images), loaded_fields,
			       (void **)&r->images, &r->n, err);
}

static const struct json_field result_fields[] = {
	JSON_FIELD(struct result, error, JSON_FIELD_STRING, "error"),
	JSON_FIELD(struct result, code, JSON_FIELD_INT, "code"),
	JSON_FIELD_BY(struct result, images, "images", read_images),
	JSON_FIELDS_END,
};

/* Everything about one load. */
struct load {
	const struct dir *store;
	struct store_work work;
	const char *name; /* of the input, for messages */
	int input;
	int result; /* memfd */
	bool is_quiet;
	bool is_for_others;
	const char *verb;
	struct store_pull *pull; /* NULL: it is an archive */
};

/* Why there is no answer. */
static int tell_end(const struct load *l, int status, struct error *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, EIO, "%s '%s': minictr-image was killed by signal %d (%s)",
			       l->verb, l->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(err, EIO, "%s '%s': minictr-image ended with status %d and no answer",
		       l->verb, l->name, WEXITSTATUS(status));
}

static int read_result(const struct load *l, int status, struct result *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;
	auto_free char *shown = NULL;
	struct stat st;
	ssize_t len;
	int rc;

	if (fstat(l->result, &st) < 0)
		return err_sys(err, "read the answer of minictr-image");
	if (st.st_size == 0)
		return tell_end(l, status, err);
	if (st.st_size > (off_t)RESULT_MAX)
		return err_set(err, EFBIG, "%s '%s': the answer of minictr-image is too long",
			       l->verb, l->name);
	text = xmalloc((size_t)st.st_size + 1);
	len = pread(l->result, text, (size_t)st.st_size, 0);
	if (len != st.st_size)
		return err_set(err, EIO, "%s '%s': cannot read the answer of minictr-image",
			       l->verb, l->name);
	text[len] = '\0';
	rc = json_doc_parse(&doc, "minictr-image", text, (size_t)len, err);
	if (rc == 0)
		rc = json_read(&doc, result_fields, ret, err);
	if (rc < 0)
		return rc;
	if (ret->error) {
		shown = str_escape(ret->error);
		return err_set(err, ret->code > 0 && ret->code < 4096 ? ret->code : EINVAL, "%s",
			       shown);
	}
	return status != 0 ? tell_end(l, status, err) : 0;
}

static int check_layers(const struct dir *store, const struct image_config *config,
			struct error *err)
{
	for (size_t i = 0; i < config->diff_ids.n; i++) {
		char name[LAYER_NAME];
		auto_free char *path = NULL;
		struct stat st;

		layer_name(config->diff_ids.items[i], name);
		path = xasprintf(STORE_LAYERS "/%s", name);
		if (fstatat(store->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(err, "layer %zu: '%s'", i + 1, path);
		if (!S_ISDIR(st.st_mode))
			return err_set(err, ENOTDIR, "layer %zu: '%s' is no directory", i + 1,
				       path);
	}
	return 0;
}

/* What the index says of an image, from its documents, which must be as they are called. */
static int look_at(const struct load *l, const struct loaded *image, struct store_line *ret,
		   struct error *err)
{
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	const struct dir *store = l->store;
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = digest_check(image->manifest, "manifest", err);

	if (rc == 0)
		rc = store_blob_read(store, image->manifest, -1, MANIFEST_MAX_SIZE, &text, &len,
				     err);
	if (rc < 0)
		return rc;
	memcpy(ret->digest, image->manifest, DIGEST_TEXT);
	ret->manifest_size = len;
	rc = store_line_read(store, ret, &manifest, &config, err);
	if (rc == 0 && !l->is_for_others)
		rc = image_config_check_platform(&config, err);
	if (rc == 0)
		rc = check_layers(store, &config, err);
	if (rc < 0)
		return rc;
	memcpy(ret->id, manifest.config.digest, DIGEST_TEXT);
	ret->media_type =
		manifest.media_type ? take_ptr(manifest.media_type) : xstrdup(MEDIA_TYPE_MANIFEST);
	ret->created = config.created;
	ret->size = image->size;
	return 0;
}

/* "name:tag" of a raw name; NULL, and a warning, if that is none. */
static char *normal_name(const char *raw, const char *input)
{
	auto_ref struct image_ref ref = { 0 };
	struct error err = { 0 };

	if (ref_parse(raw, &ref, &err) < 0) {
		log_warning("load '%s': loaded without a name: %s", input, err.msg);
		return NULL;
	}
	/* A name with a digest alone says what the image is, not how to call it. */
	return ref.tag ? xasprintf("%s:%s", ref.name, ref.tag) : NULL;
}

/* It gets the name that was asked for, whatever it says of itself. */
static int add_pulled(const struct load *l, const struct loaded *image, struct store_line *line,
		      struct store_index *index, struct strv *names, struct error *err)
{
	int rc = digest_check(image->source, "what the name leads to", err);

	l->pull->is_new = true;
	for (size_t i = 0; i < index->n; i++)
		if (str_eq(index->lines[i].name, l->pull->name) &&
		    str_eq(index->lines[i].digest, line->digest))
			l->pull->is_new = false;
	if (rc == 0) {
		memcpy(line->source, image->source, DIGEST_TEXT);
		memcpy(l->pull->source, image->source, DIGEST_TEXT);
		store_index_add(index, line, l->pull->name);
		strv_add(names, l->pull->name);
	}
	free(line->media_type);
	return rc;
}

static int add_image(const struct load *l, const struct loaded *image, struct store_index *index,
		     struct strv *names, struct error *err)
{
	struct store_line line = { 0 };
	size_t before = names->n;
	int rc = look_at(l, image, &line, err);

	if (l->pull)
		return rc < 0 ? rc : add_pulled(l, image, &line, index, names, err);
	for (size_t i = 0; rc == 0 && i < image->names.n; i++) {
		auto_free char *name = normal_name(image->names.items[i], l->name);

		if (!name || strv_has(names, name))
			continue;
		store_index_add(index, &line, name);
		strv_add(names, name);
	}
	if (rc == 0 && names->n == before) {
		store_index_add(index, &line, NULL);
		strv_add(names, line.id);
	}
	free(line.media_type);
	return rc;
}

static int add_images(const struct load *l, const struct result *r, struct strv *names,
		      struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	auto_fd int lock = lock_acquire(l->store, "index.lock", LOCK_EXCLUSIVE, err);
	int rc = MIN(lock, 0);

	if (rc == 0)
		rc = store_index_read(l->store, &index, err);
	for (size_t i = 0; rc == 0 && i < r->n; i++)
		rc = add_image(l, &r->images[i], &index, names, err);
	if (rc == 0)
		rc = store_index_write(l->store, &index, err);
	return rc;
}

static int load(const struct load *l, struct strv *ret_names, struct error *err)
{
	__attribute__((cleanup(result_fini))) struct result r = { 0 };
	auto_strv struct strv names = { 0 };
	const struct store_helper helper = {
		.store = l->store,
		.lock = l->work.lock,
		.input = l->input,
		.result = l->result,
		.output = -1,
		.name = l->name,
		.verb = l->verb,
		.is_for_others = l->is_for_others && !l->pull,
		.is_quiet = l->is_quiet,
		.is_pull = l->pull != NULL,
	};
	int status = 0, signal = 0;
	int rc = store_helper_run(&helper, &status, &signal, err);

	if (rc == 0)
		rc = read_result(l, status, &r, err);
	if (rc < 0 && signal)
		return err_exit(err, 128 + signal);
	if (rc == 0 && r.n == 0)
		rc = err_set(err, EINVAL, "%s '%s': no image in it", l->verb, l->name);
	if (rc < 0)
		return rc;
	rc = add_images(l, &r, &names, err);
	if (rc < 0)
		return err_wrap(err, "%s '%s'", l->verb, l->name);
	for (size_t i = 0; i < names.n; i++)
		strv_add(ret_names, names.items[i]);
	return 0;
}

int store_load(const char *store_path, const struct store_input *input, struct strv *ret_names,
	       struct error *err)
{
	auto_fd int input_fd = input->path ? open(input->path, O_RDONLY | O_CLOEXEC) : -1;
	auto_fd int result_fd = -1;
	auto_fd int store_fd = -1;
	auto_free char *name = NULL;
	sigset_t before;
	int rc;

	if (input->pull)
		name = xstrdup(ref_familiar(input->pull->name));
	else if (input->name)
		name = xstrdup(input->name);
	else
		name = input->path ? str_escape(input->path) : xstrdup("standard input");
	if (input->path && input_fd < 0)
		return err_sys(err, "load '%s'", name);
	store_fd = store_open(store_path, err);
	if (store_fd < 0)
		return store_fd;
	result_fd = memfd_create("result", MFD_CLOEXEC);
	if (result_fd < 0)
		return err_sys(err, "make room for the answer of minictr-image");

	const struct dir store = { .fd = store_fd, .path = store_path };
	struct load l = {
		.store = &store,
		.name = name,
		.input = input->path ? input_fd : input->fd,
		.result = result_fd,
		.is_quiet = input->is_quiet,
		.is_for_others = input->pull ? input->pull->is_for_others : input->is_for_others,
		.verb = input->verb   ? input->verb
			: input->pull ? "pull"
				      : "load",
		.pull = input->pull,
	};

	rc = store_work_begin(&store, LOCK_SHARED, &l.work, err);
	if (rc < 0)
		return rc;
	signals_block(&before);
	rc = load(&l, ret_names, err);
	store_work_end(&store, &l.work, rc == 0);
	signals_restore(&before, rc < 0 && err->status > 128);
	return rc;
}

int store_unwrap(const struct store_unwrap *u, struct error *err)
{
	__attribute__((cleanup(result_fini))) struct result r = { 0 };
	auto_fd int result = memfd_create("result", MFD_CLOEXEC);
	const struct load l = { .name = u->name, .verb = u->verb, .result = result };
	const struct store_helper helper = {
		.store = &u->root,
		.lock = u->lock,
		.input = u->input,
		.result = result,
		.output = u->output,
		.name = u->name,
		.verb = u->verb,
	};
	int status = 0, signal = 0;
	int rc;

	if (result < 0)
		return err_sys(err, "make room for the answer of minictr-image");
	rc = store_helper_run(&helper, &status, &signal, err);
	if (rc == 0)
		rc = read_result(&l, status, &r, err);
	return rc < 0 && signal ? err_exit(err, 128 + signal) : rc;
}
