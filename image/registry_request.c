/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/manifest_internal.h"

void registry_request_fini(struct registry_request *request)
{
	char *const texts[] = { request->host,
				request->repository,
				request->reference,
				request->media_type,
				request->user,
				request->password,
				request->identity_token,
				request->ca,
				request->platform.os,
				request->platform.architecture,
				request->platform.variant };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < request->n_places; i++)
		free(request->places[i].base);
	free(request->places);
	*request = (struct registry_request){ 0 };
}

static json_t *place_json(const struct registry_place *place)
{
	json_t *object = json_object_new();

	json_put_string(object, "base", place->base);
	json_put_bool(object, "verified", place->is_verified);
	json_put_bool(object, "credentials", place->has_credentials);
	return object;
}

char *registry_request_text(const struct registry_request *request)
{
	auto_json json_t *root = json_object_new();
	json_t *platform = json_object_new();
	json_t *places = json_array_new();

	json_put_int(root, "verb", request->verb);
	json_put_int(root, "progress", request->progress);
	json_put_int(root, "parallel", request->parallel);
	json_put_int(root, "stallSeconds", request->stall_seconds);
	json_put_string(root, "host", request->host);
	json_put_string(root, "repository", request->repository);
	json_put_string(root, "reference", request->reference);
	json_put_string(root, "mediaType", request->media_type);
	json_put_string(root, "user", request->user);
	json_put_string(root, "password", request->password);
	json_put_string(root, "identityToken", request->identity_token);
	json_put_string(root, "ca", request->ca);
	json_put_string(platform, "os", request->platform.os);
	json_put_string(platform, "architecture", request->platform.architecture);
	json_put_string(platform, "variant", request->platform.variant);
	json_put(root, "platform", platform);
	for (size_t i = 0; i < request->n_places; i++)
		json_add(places, place_json(&request->places[i]));
	json_put(root, "places", places);
	return json_to_text(root, JSON_COMPACT);
}

static const struct json_field place_fields[] = {
	JSON_FIELD_NEEDED(struct registry_place, base, JSON_FIELD_STRING, "base"),
	JSON_FIELD(struct registry_place, is_verified, JSON_FIELD_BOOL, "verified"),
	JSON_FIELD(struct registry_place, has_credentials, JSON_FIELD_BOOL, "credentials"),
	JSON_FIELDS_END,
};

static int read_places(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct registry_request *request = container_of(field, struct registry_request, places);

	return json_read_array(reader, value, sizeof(*request->places), place_fields,
			       (void **)&request->places, &request->n_places, err);
}

#define TEXT(member, name) JSON_FIELD(struct registry_request, member, JSON_FIELD_STRING, name)

static const struct json_field request_fields[] = {
	JSON_FIELD_NEEDED(struct registry_request, verb, JSON_FIELD_INT, "verb"),
	JSON_FIELD(struct registry_request, progress, JSON_FIELD_INT, "progress"),
	JSON_FIELD(struct registry_request, parallel, JSON_FIELD_INT, "parallel"),
	JSON_FIELD(struct registry_request, stall_seconds, JSON_FIELD_INT, "stallSeconds"),
	JSON_FIELD_NEEDED(struct registry_request, host, JSON_FIELD_STRING, "host"),
	JSON_FIELD_NEEDED(struct registry_request, repository, JSON_FIELD_STRING, "repository"),
	TEXT(reference, "reference"),
	TEXT(media_type, "mediaType"),
	TEXT(user, "user"),
	TEXT(password, "password"),
	TEXT(identity_token, "identityToken"),
	TEXT(ca, "ca"),
	JSON_FIELD_TABLE(struct registry_request, platform, "platform", platform_fields),
	JSON_FIELD_BY(struct registry_request, places, "places", read_places),
	JSON_FIELDS_END,
};

int registry_request_parse(const char *text, size_t len, struct registry_request *ret,
			   struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_registry_request struct registry_request request = { 0 };
	int rc = json_doc_parse(&doc, "request", text, len, err);

	if (rc == 0)
		rc = json_read(&doc, request_fields, &request, err);
	if (rc < 0)
		return rc;
	*ret = request;
	request = (struct registry_request){ 0 };
	return 0;
}
