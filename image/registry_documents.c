/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry_documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

#define ACCEPT_MANIFESTS                                         \
	"Accept: " MEDIA_TYPE_MANIFEST ", " MEDIA_TYPE_INDEX     \
	", application/vnd.docker.distribution.manifest.v2+json" \
	", application/vnd.docker.distribution.manifest.list.v2+json"

struct document {
	char *text; /* owned */
	size_t len;
	char digest[DIGEST_TEXT];
	char *media_type; /* owned */
};

static void document_fini(struct document *document)
{
	free(document->text);
	free(document->media_type);
}

void documents_fini(struct documents *documents)
{
	free(documents->manifest_text);
	free(documents->config_text);
	image_manifest_fini(&documents->manifest);
	image_config_fini(&documents->config);
}

/* Type without parameters: "text/html; charset=utf-8" */
static char *media_type_of(const struct http_request *request)
{
	const char *type = request->content_type ? request->content_type : "";

	return xstrndup(type, strcspn(type, "; \t"));
}

/* Some registries say only that it is JSON: then it has to say itself what it is. */
static char *own_media_type(const struct document *document)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct error ignored = { 0 };
	const char *type = NULL;

	if (json_doc_parse(&doc, "manifest", document->text, document->len, &ignored) == 0)
		type = json_string_value(json_object_get(doc.root, "mediaType"));
	return xstrdup(type ? type : "");
}

static bool is_manifest(const char *media_type)
{
	enum media_kind kind = media_kind(media_type);

	return kind == MEDIA_INDEX || kind == MEDIA_MANIFEST;
}

static int settle_type(struct document *document, struct error *err)
{
	auto_free char *shown = str_escape(document->media_type);

	if (is_manifest(document->media_type))
		return 0;
	free(document->media_type);
	document->media_type = own_media_type(document);
	if (is_manifest(document->media_type))
		return 0;
	return err_set(err, EPROTO, "the answer is no manifest or index of an image, but '%.100s'",
		       shown);
}

/* @digest: as it must be; NULL: it is by a tag, and the registry may say. */
static int fetch(struct registry *registry, const char *path, const char *digest, uint64_t size,
		 size_t max, const char *accept, struct document *ret, struct error *err)
{
	auto_exchange struct exchange x = { .request = { .body_fd = -1, .max = max },
					    .path = xstrdup(path) };
	struct digest sum;
	int rc;

	strv_add(&x.headers, accept);
	rc = exchange_run(registry, &x, err);
	if (rc < 0)
		return rc;
	ret->len = x.request.text.len;
	ret->media_type = media_type_of(&x.request);
	if (!digest && x.request.digest && digest_is_valid(x.request.digest))
		digest = x.request.digest;
	ret->text = str_take(&x.request.text);
	digest_of(ret->text, ret->len, ret->digest);
	if (!digest)
		return 0;
	digest_init(&sum);
	digest_update(&sum, ret->text, ret->len);
	return digest_verify(&sum, digest, size ? size : ret->len, err);
}

static int fetch_manifest(struct registry *registry, const char *reference, uint64_t size,
			  struct document *ret, struct error *err)
{
	bool is_digest = digest_is_valid(reference);
	auto_free char *path = xasprintf("/v2/%s/manifests/%s", registry->repository, reference);
	int rc = fetch(registry, path, is_digest ? reference : NULL, size, MANIFEST_MAX_SIZE,
		       ACCEPT_MANIFESTS, ret, err);

	if (rc == 0)
		rc = settle_type(ret, err);
	return rc < 0 ? err_wrap(err, "manifest '%s'", reference) : 0;
}

static int choose(const struct image_index *index, const struct platform *wanted,
		  const struct descriptor **ret, struct error *err)
{
	return wanted->os || wanted->architecture ? image_index_choose_for(index, wanted, ret, err)
						  : image_index_choose(index, ret, err);
}

/* Follows indexes: one way down, by digests, so never in a circle. */
static int resolve(struct registry *registry, const struct registry_request *request,
		   struct document *document, char top[DIGEST_TEXT], struct error *err)
{
	int rc = fetch_manifest(registry, request->reference, 0, document, err);

	if (rc == 0)
		memcpy(top, document->digest, DIGEST_TEXT);
	for (int depth = 1; rc == 0 && media_kind(document->media_type) == MEDIA_INDEX; depth++) {
		auto_image_index struct image_index index = { 0 };
		auto_free char *name = xasprintf("index '%s'", document->digest);
		const struct descriptor *chosen = NULL;

		if (depth == INDEX_MAX_DEPTH)
			return err_set(err, EINVAL, "%s: more than %d indexes in each other", name,
				       INDEX_MAX_DEPTH - 1);
		rc = image_index_parse(name, document->media_type, document->text, document->len,
				       &index, err);
		if (rc == 0)
			rc = choose(&index, &request->platform, &chosen, err);
		if (rc < 0)
			return rc;
		document_fini(document);
		*document = (struct document){ 0 };
		rc = fetch_manifest(registry, chosen->digest, chosen->size, document, err);
	}
	return rc;
}

static int check_platform(const struct registry_request *request, const struct image_config *config,
			  struct error *err)
{
	const struct platform *wanted = &request->platform;
	auto_free char *is = platform_text(&config->platform);
	auto_free char *text = platform_text(wanted);

	if (!wanted->os && !wanted->architecture)
		return image_config_check_platform(config, err);
	/* The variant stands in indexes, and seldom in a config. */
	if (platform_is(&config->platform, wanted))
		return 0;
	return err_set(err, ENOENT, "the image is for platform %s, not for %s", is, text);
}

/* Layers that stand somewhere else, by addresses in the manifest (CVE-2020-15157): never asked for. */
static int check_layers(const struct documents *documents, struct error *err)
{
	for (size_t i = 0; i < documents->manifest.n_layers; i++) {
		const char *type = documents->manifest.layers[i].media_type;
		auto_free char *shown = str_escape(type ? type : "");

		if (strstr(shown, ".foreign.") || strstr(shown, ".nondistributable."))
			return err_set(err, ENOTSUP,
				       "layer %zu: '%.100s': foreign layers are not fetched", i + 1,
				       shown);
	}
	return 0;
}

static int fetch_config(struct registry *registry, const struct registry_request *request,
			struct documents *ret, struct error *err)
{
	__attribute__((cleanup(document_fini))) struct document document = { 0 };
	const struct descriptor *config = &ret->manifest.config;
	auto_free char *path = xasprintf("/v2/%s/blobs/%s", registry->repository, config->digest);
	auto_free char *name = xasprintf("config '%s'", config->digest);
	int rc = fetch(registry, path, config->digest, config->size, CONFIG_MAX_SIZE, "Accept: */*",
		       &document, err);

	if (rc < 0)
		return err_wrap(err, "%s", name);
	ret->config_text = take_ptr(document.text);
	ret->config_len = document.len;
	rc = image_config_parse(name, ret->config_text, ret->config_len, &ret->config, err);
	if (rc == 0)
		rc = image_layers_match(&ret->manifest, &ret->config, err);
	return rc < 0 ? rc : check_platform(request, &ret->config, err);
}

int documents_fetch(struct registry *registry, const struct registry_request *request,
		    struct documents *ret, struct error *err)
{
	__attribute__((cleanup(document_fini))) struct document document = { 0 };
	auto_free char *name = NULL;
	int rc = resolve(registry, request, &document, ret->digest, err);

	if (rc < 0)
		return rc;
	name = xasprintf("manifest '%s'", document.digest);
	rc = image_manifest_parse(name, document.media_type, document.text, document.len,
				  &ret->manifest, err);
	if (rc < 0)
		return rc;
	rc = check_layers(ret, err);
	if (rc < 0)
		return err_wrap(err, "%s", name);
	memcpy(ret->manifest_digest, document.digest, DIGEST_TEXT);
	ret->manifest_text = take_ptr(document.text);
	ret->manifest_len = document.len;
	return fetch_config(registry, request, ret, err);
}
