/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "image/manifest_internal.h"

/* The config of an image, and docker's list of images in an archive. */

/* The keys of an object, whose values say nothing: ExposedPorts, Volumes. */
static int read_keys(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	json_t *members = (json_t *)(uintptr_t)value; /* json_object_iter(3) wants no const */

	if (!json_is_object(value))
		return json_reader_error(reader, value, err, "expected an object");
	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i))
		strv_add(field, json_object_iter_key(i));
	return 0;
}

/*
 * A name alone must never be completed from our own environment (CVE-2026-57231), so that there is
 * none.
 */
static int read_env(struct json_reader *reader, const json_t *value, void *field, struct error *err)
{
	int rc = json_read_strings(reader, value, field, err);
	const struct strv *env = field;

	for (size_t i = 0; rc == 0 && i < env->n; i++) {
		const char *equals = strchr(env->items[i], '=');
		auto_free char *shown = NULL;

		if (equals && equals != env->items[i])
			continue;
		shown = str_escape(env->items[i]);
		return json_reader_error(reader, json_array_get(value, i), err,
					 "'%.100s' is not NAME=VALUE", shown);
	}
	return rc;
}

static int read_diff_ids(struct json_reader *reader, const json_t *value, void *field,
			 struct error *err)
{
	int rc = json_read_strings(reader, value, field, err);
	const struct strv *ids = field;

	if (rc == 0 && ids->n > IMAGE_MAX_LAYERS)
		return json_reader_error(reader, value, err, "%zu layers, the limit is %d", ids->n,
					 IMAGE_MAX_LAYERS);
	for (size_t i = 0; rc == 0 && i < ids->n; i++) {
		auto_free char *again = NULL;

		rc = read_digest(reader, json_array_get(value, i), &again, err);
	}
	return rc;
}

/* RFC 3339; what is no such time, or before 1970, is not known. */
static int64_t parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours = 0, minutes = 0;
	int64_t seconds;

	if (!rest)
		return 0;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest == '+' || *rest == '-') {
		if (sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2)
			return 0;
		if (*rest == '-') {
			hours = -hours;
			minutes = -minutes;
		}
	} else if (!str_eq(rest, "Z") && !str_eq(rest, "z")) {
		return 0;
	}
	seconds = (int64_t)timegm(&tm) - hours * 3600 - minutes * 60;
	return seconds > 0 ? seconds : 0;
}

static int read_created(struct json_reader *reader, const json_t *value, void *field,
			struct error *err)
{
	if (!json_is_string(value))
		return json_reader_error(reader, value, err, "expected a time");
	*(int64_t *)field = parse_time(json_string_value(value));
	return 0;
}

#define HEALTH(member, type, name) JSON_FIELD(struct image_healthcheck, member, type, name)

static const struct json_field healthcheck_fields[] = {
	HEALTH(test, JSON_FIELD_STRINGS, "Test"),
	HEALTH(interval_ns, JSON_FIELD_INT64, "Interval"),
	HEALTH(timeout_ns, JSON_FIELD_INT64, "Timeout"),
	HEALTH(start_period_ns, JSON_FIELD_INT64, "StartPeriod"),
	HEALTH(start_interval_ns, JSON_FIELD_INT64, "StartInterval"),
	HEALTH(retries, JSON_FIELD_INT, "Retries"),
	JSON_FIELDS_END,
};

static const struct json_field running_fields[] = {
	JSON_FIELD_BY(struct image, env, "Env", read_env),
	JSON_FIELD(struct image, entrypoint, JSON_FIELD_STRINGS, "Entrypoint"),
	JSON_FIELD(struct image, cmd, JSON_FIELD_STRINGS, "Cmd"),
	JSON_FIELD(struct image, user, JSON_FIELD_STRING, "User"),
	JSON_FIELD(struct image, working_dir, JSON_FIELD_STRING, "WorkingDir"),
	JSON_FIELD(struct image, stop_signal, JSON_FIELD_STRING, "StopSignal"),
	JSON_FIELD_BY(struct image, volumes, "Volumes", read_keys),
	JSON_FIELD_BY(struct image, exposed_ports, "ExposedPorts", read_keys),
	JSON_FIELD(struct image, labels, JSON_FIELD_PAIRS, "Labels"),
	JSON_FIELD_TABLE(struct image, healthcheck, "Healthcheck", healthcheck_fields),
	JSON_FIELDS_END,
};

static const struct json_field rootfs_fields[] = {
	JSON_FIELD_BY(struct image_config, diff_ids, "diff_ids", read_diff_ids),
	JSON_FIELDS_END,
};

static int read_rootfs(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	return json_read_object(reader, value, NULL, rootfs_fields, field, err);
}

static const struct json_field config_fields[] = {
	JSON_FIELD(struct image_config, platform.architecture, JSON_FIELD_STRING, "architecture"),
	JSON_FIELD(struct image_config, platform.os, JSON_FIELD_STRING, "os"),
	JSON_FIELD(struct image_config, platform.variant, JSON_FIELD_STRING, "variant"),
	JSON_FIELD_BY(struct image_config, created, "created", read_created),
	JSON_FIELD_TABLE(struct image_config, image, "config", running_fields),
	{ .name = "rootfs",
	  .type = JSON_FIELD_HANDLER,
	  .flags = JSON_REQUIRED,
	  .present = -1,
	  .handler = read_rootfs },
	JSON_FIELDS_END,
};

int image_config_parse(const char *name, const char *text, size_t len, struct image_config *ret,
		       struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_image_config struct image_config config = { 0 };
	int rc = parse_limited(&doc, name, text, len, CONFIG_MAX_SIZE, err);

	if (rc == 0)
		rc = json_read(&doc, config_fields, &config, err);
	if (rc < 0)
		return rc;
	config.image.architecture = xstrdup(config.platform.architecture);
	config.image.os = xstrdup(config.platform.os);
	*ret = config;
	config = (struct image_config){ 0 };
	return 0;
}

void archive_index_fini(struct archive_index *index)
{
	for (size_t i = 0; i < index->n; i++) {
		free(index->images[i].config);
		strv_fini(&index->images[i].repo_tags);
		strv_fini(&index->images[i].layers);
	}
	free(index->images);
	*index = (struct archive_index){ 0 };
}

static const struct json_field archive_fields[] = {
	JSON_FIELD_NEEDED(struct archive_image, config, JSON_FIELD_STRING, "Config"),
	JSON_FIELD(struct archive_image, repo_tags, JSON_FIELD_STRINGS, "RepoTags"),
	JSON_FIELD_NEEDED(struct archive_image, layers, JSON_FIELD_STRINGS, "Layers"),
	JSON_FIELDS_END,
};

int archive_index_parse(const char *name, const char *text, size_t len, struct archive_index *ret,
			struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_archive_index struct archive_index index = { 0 };
	int rc = parse_limited(&doc, name, text, len, MANIFEST_MAX_SIZE, err);

	if (rc == 0 && json_array_size(doc.root) > INDEX_MAX_ENTRIES)
		return json_doc_error(&doc, doc.root, "", err, "%zu images, the limit is %d",
				      json_array_size(doc.root), INDEX_MAX_ENTRIES);
	if (rc == 0)
		rc = json_read_list(&doc, sizeof(*index.images), archive_fields,
				    (void **)&index.images, &index.n, err);
	for (size_t i = 0; rc == 0 && i < index.n; i++)
		if (index.images[i].layers.n > IMAGE_MAX_LAYERS)
			rc = json_doc_error(&doc, json_array_get(doc.root, i), "", err,
					    "%zu layers, the limit is %d", index.images[i].layers.n,
					    IMAGE_MAX_LAYERS);
	if (rc < 0)
		return rc;
	*ret = index;
	index = (struct archive_index){ 0 };
	return 0;
}
