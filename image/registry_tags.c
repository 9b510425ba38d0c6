/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry_tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "image/load_internal.h"
#include "image/ref.h"
#include "image/registry.h"

#define PAGE_TAGS "1000"
#define PAGE_MAX  (2U << 20) /* bytes: room for all tags on one page */

/* ---- pages ------------------------------------------------------------------------------------ */

/* Among the parameters behind a link's address: rel=next, "next", or "prev next". */
static bool is_next(const char *parameters, size_t len)
{
	auto_free char *text = xstrndup(parameters, len);
	char *rest = text;
	const char *parameter;

	while ((parameter = strsep(&rest, ";"))) {
		auto_free char *value = NULL;
		char *words, *word;

		parameter += strspn(parameter, " \t");
		if (strncasecmp(parameter, "rel", 3) != 0)
			continue;
		parameter += 3 + strspn(parameter + 3, " \t");
		if (*parameter != '=')
			continue;
		value = words = xstrdup(parameter + 1);
		while ((word = strsep(&words, " \t\"")))
			if (strcasecmp(word, "next") == 0)
				return true;
	}
	return false;
}

int registry_next_page(const char *url, const char *link, char **ret, struct error *err)
{
	const char *at = link;

	/* <address>; parameters, <address>; parameters */
	while (at && (at = strchr(at, '<'))) {
		size_t len = strcspn(at + 1, ">");
		const char *behind = at + 1 + len;
		auto_free char *address = xstrndup(at + 1, len);
		auto_free char *shown = str_escape(address);
		size_t end;
		int rc;

		if (!*behind)
			break;
		behind++;
		end = strcspn(behind, "<");
		at = behind + end;
		if (!is_next(behind, end))
			continue;
		rc = http_redirect(url, address, ret, err);
		if (rc < 0)
			return rc;
		if (http_same_origin(url, *ret))
			return 1;
		free(take_ptr(*ret));
		return err_set(err, EPROTO, "the next page of tags is on another host: '%.200s'",
			       shown);
	}
	return 0;
}

/* ---- one page --------------------------------------------------------------------------------- */

static int add_tag(const json_t *value, struct strv *ret, struct error *err)
{
	const char *tag = json_string_value(value);
	auto_free char *name = xasprintf("x:%s", tag ? tag : "");
	auto_free char *shown = str_escape(tag ? tag : "");
	auto_ref struct image_ref ref = { 0 };
	struct error ignored = { 0 };

	if (ref_parse(name, &ref, &ignored) < 0 || *ref.digest || !str_eq(ref.tag, tag))
		return err_set(err, EPROTO, "the registry lists what is no tag: '%.100s'", shown);
	if (strv_has(ret, tag))
		return 0;
	if (ret->n == REGISTRY_MAX_TAGS)
		return err_set(err, E2BIG, "the repository has more than %d tags",
			       REGISTRY_MAX_TAGS);
	strv_add(ret, tag);
	return 0;
}

static int read_page(const struct str *text, struct strv *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	const json_t *tags;
	int rc = json_doc_parse(&doc, "tags", text->text ? text->text : "", text->len, err);

	if (rc < 0)
		return rc;
	tags = json_object_get(doc.root, "tags");
	/* An empty repository has null in some registries. */
	if (!json_is_array(tags) && !json_is_null(tags))
		return err_set(err, EPROTO, "the answer is no list of tags");
	for (size_t i = 0; rc == 0 && i < json_array_size(tags); i++)
		rc = add_tag(json_array_get(tags, i), ret, err);
	return rc;
}

/* @page, which is where the next one is then, or NULL. */
static int fetch_page(struct registry *registry, char **page, struct strv *ret, struct error *err)
{
	auto_exchange struct exchange x = { .request = { .body_fd = -1, .max = PAGE_MAX },
					    .path = take_ptr(*page) };
	int rc;

	strv_add(&x.headers, "Accept: application/json");
	rc = exchange_run(registry, &x, err);
	if (rc == 0)
		rc = read_page(&x.request.text, ret, err);
	if (rc == 0)
		rc = registry_next_page(x.request.url, x.request.link, page, err);
	if (rc > 0 && !http_same_origin(*page, registry->endpoint->base)) {
		free(take_ptr(*page));
		rc = err_set(err, EPROTO, "the next page of tags is on another host");
	}
	return rc < 0 ? rc : 0;
}

static int fetch_tags(struct registry *registry, struct strv *ret, struct error *err)
{
	auto_strv struct strv seen = { 0 };
	char *page = xasprintf("/v2/%s/tags/list?n=" PAGE_TAGS, registry->repository);
	int rc = 0;

	while (rc == 0 && page) {
		auto_free char *shown = str_escape(page);

		if (strv_has(&seen, page))
			rc = err_set(err, ELOOP, "pages of tags lead in a circle: '%.200s'", shown);
		else if (seen.n == REGISTRY_MAX_PAGES)
			rc = err_set(err, E2BIG, "the tags come on more than %d pages",
				     REGISTRY_MAX_PAGES);
		if (rc < 0)
			break;
		strv_add(&seen, page);
		rc = fetch_page(registry, &page, ret, err);
	}
	free(page);
	return rc;
}

/* ---- the whole -------------------------------------------------------------------------------- */

/* The first place that answers; the last one's reason if none does. */
static int fetch_anywhere(struct registry *registry, const struct registry_request *request,
			  struct strv *ret, struct error *err)
{
	int rc = -ENOENT;

	for (size_t i = 0; i < request->n_places && rc < 0; i++) {
		const struct registry_endpoint endpoint = {
			.base = request->places[i].base,
			.is_verified = request->places[i].is_verified,
			.has_credentials = request->places[i].has_credentials,
		};

		*err = (struct error){ 0 };
		strv_fini(ret);
		*ret = (struct strv){ 0 };
		rc = registry_open(registry, &endpoint, err);
		if (rc == 0)
			rc = fetch_tags(registry, ret, err);
	}
	registry->endpoint = NULL;
	return rc;
}

int registry_tags(struct http *http, const struct registry_request *request, int sock,
		  struct error *err)
{
	struct registry registry = registry_for(http, request, "pull");
	auto_json json_t *root = json_object_new();
	json_t *list = json_array_new();
	auto_strv struct strv tags = { 0 };
	auto_free char *text = NULL;
	int rc = fetch_anywhere(&registry, request, &tags, err);

	registry_fini(&registry);
	for (size_t i = 0; i < tags.n; i++)
		json_add(list, json_text(tags.items[i]));
	json_put(root, "tags", list);
	if (rc < 0)
		return rc;
	text = json_to_text(root, JSON_COMPACT);
	return load_send_text(sock, LOAD_RESULT, text, strlen(text), "", err);
}
