/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_internal.h"
#include "base/macros.h"
#include "base/mem.h"

/*
 * The path from the root to the value being read is a chain of frames on the stack: it becomes text
 * only when there is something to report.
 */
struct frame {
	const struct frame *up;
	const char *name; /* as it is shown: "cwd", "[3]"; NULL: adds nothing */
};

struct json_reader {
	const struct json_doc *doc;
	const struct frame *top;
};

static void add_frames(struct str *path, const struct frame *frame)
{
	if (!frame)
		return;
	add_frames(path, frame->up);
	if (frame->name)
		json_add_name(path, frame->name);
}

int json_reader_error(struct json_reader *reader, const json_t *value, struct error *err,
		      const char *fmt, ...)
{
	auto_str struct str path = { 0 };
	va_list ap;
	int rc;

	add_frames(&path, reader->top);
	va_start(ap, fmt);
	rc = json_verror(reader->doc, value, path.text ? path.text : "", err, fmt, ap);
	va_end(ap);
	return rc;
}

/* A value as it is named in "expected a string, got ...". */
static char *describe(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return xstrdup("an object");
	case JSON_ARRAY:
		return xstrdup("an array");
	case JSON_STRING:
		return xstrdup("a string");
	case JSON_INTEGER:
	case JSON_REAL:
		return xstrdup("a number");
	case JSON_TRUE:
		return xstrdup("true");
	case JSON_FALSE:
		return xstrdup("false");
	case JSON_NULL:
		break;
	}
	return xstrdup("null");
}

static int wrong_type(struct json_reader *reader, const json_t *value, const char *wanted,
		      struct error *err)
{
	auto_free char *got = describe(value);

	return json_reader_error(reader, value, err, "expected %s, got %s", wanted, got);
}

/* The number as it was written; false if it is no integer. */
static bool integer_text(const struct json_doc *doc, const json_t *value, const char **ret,
			 size_t *ret_len)
{
	*ret = json_find_text(doc, value, NULL);
	if (!*ret)
		return false;
	*ret_len = json_token_length(*ret, doc->text + doc->len);
	return json_is_whole(*ret, *ret_len);
}

/* An integer from @min to @max, of which one is 0 or both have the same sign. */
static int read_integer(struct json_reader *reader, const json_t *value, int64_t min, uint64_t max,
			uint64_t *ret, struct error *err)
{
	const char *text = NULL;
	size_t len = 0;

	if (json_is_integer(value)) {
		int64_t number = json_integer_value(value);

		if (number >= min && (number < 0 || (uint64_t)number <= max)) {
			*ret = (uint64_t)number;
			return 0;
		}
		return json_reader_error(reader, value, err,
					 "must be from %" PRId64 " to %" PRIu64 ", got %" PRId64,
					 min, max, number);
	}
	if (!json_is_number(value))
		return wrong_type(reader, value, "a number", err);
	if (!integer_text(reader->doc, value, &text, &len))
		return json_reader_error(reader, value, err, "expected a whole number, got %g",
					 json_real_value(value));

	/* Beyond int64_t: see shorten_integers(). */
	errno = 0;
	*ret = strtoull(text, NULL, 10);
	if (text[0] == '-' || errno == ERANGE || *ret > max)
		return json_reader_error(reader, value, err,
					 "must be from %" PRId64 " to %" PRIu64 ", got %.*s", min,
					 max, (int)MIN(len, 40U), text);
	return 0;
}

int json_read_strings(struct json_reader *reader, const json_t *value, struct strv *ret,
		      struct error *err)
{
	const struct frame *up = reader->top;
	auto_strv struct strv items = { 0 };
	int rc = 0;

	if (!json_is_array(value))
		return wrong_type(reader, value, "an array of strings", err);

	for (size_t i = 0; rc == 0 && i < json_array_size(value); i++) {
		const json_t *item = json_array_get(value, i);
		const char *text = json_string_value(item);
		char name[24];
		const struct frame frame = { .up = up, .name = name };

		if (text) {
			strv_add(&items, text);
			continue;
		}
		(void)snprintf(name, sizeof(name), "[%zu]", i);
		reader->top = &frame;
		rc = wrong_type(reader, item, "a string", err);
		reader->top = up;
	}
	if (rc < 0)
		return rc;
	strv_fini(ret);
	*ret = items;
	items = (struct strv){ 0 };
	return 0;
}

static int read_pair(struct json_reader *reader, const char *key, const json_t *value,
		     struct strv *pairs, struct error *err)
{
	const struct frame frame = { .up = reader->top, .name = key };
	const char *text = json_string_value(value);
	int rc = 0;

	if (text && *key && !strchr(key, '=')) {
		strv_addf(pairs, "%s=%s", key, text);
		return 0;
	}
	reader->top = &frame;
	if (!text)
		rc = wrong_type(reader, value, "a string", err);
	else
		rc = json_reader_error(reader, value, err, "a key must not be empty or have a '='");
	reader->top = frame.up;
	return rc;
}

static int read_pairs(struct json_reader *reader, const json_t *value, struct strv *ret,
		      struct error *err)
{
	json_t *members = (json_t *)(uintptr_t)value; /* json_object_iter(3) wants no const */
	auto_strv struct strv pairs = { 0 };

	if (!json_is_object(value))
		return wrong_type(reader, value, "an object", err);

	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
		int rc = read_pair(reader, json_object_iter_key(i), json_object_iter_value(i),
				   &pairs, err);

		if (rc < 0)
			return rc;
	}
	strv_fini(ret);
	*ret = pairs;
	pairs = (struct strv){ 0 };
	return 0;
}

static int read_string(struct json_reader *reader, const json_t *value, char **ret,
		       struct error *err)
{
	if (!json_is_string(value))
		return wrong_type(reader, value, "a string", err);
	free(*ret);
	*ret = xstrdup(json_string_value(value));
	return 0;
}

static int read_bool(struct json_reader *reader, const json_t *value, bool *ret, struct error *err)
{
	if (!json_is_boolean(value))
		return wrong_type(reader, value, "true or false", err);
	*ret = json_is_true(value);
	return 0;
}

static int read_double(struct json_reader *reader, const json_t *value, double *ret,
		       struct error *err)
{
	if (!json_is_number(value))
		return wrong_type(reader, value, "a number", err);
	*ret = json_number_value(value);
	return 0;
}

static int read_number(struct json_reader *reader, const json_t *value, enum json_type_wanted type,
		       void *field, struct error *err)
{
	static const struct {
		int64_t min;
		uint64_t max;
		size_t size;
	} ranges[] = {
		[JSON_FIELD_INT64] = { INT64_MIN, INT64_MAX, sizeof(int64_t) },
		[JSON_FIELD_UINT64] = { 0, UINT64_MAX, sizeof(uint64_t) },
		[JSON_FIELD_UINT32] = { 0, UINT32_MAX, sizeof(uint32_t) },
		[JSON_FIELD_INT] = { INT32_MIN, INT32_MAX, sizeof(int) },
	};
	uint64_t number = 0;
	int rc = read_integer(reader, value, ranges[type].min, ranges[type].max, &number, err);

	if (rc < 0)
		return rc;
	if (ranges[type].size == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)number;
	else
		*(uint64_t *)field = number;
	return 0;
}

static int read_object(struct json_reader *reader, const json_t *value,
		       const struct json_field *fields, void *object, struct error *err);

static int read_value(struct json_reader *reader, const json_t *value,
		      const struct json_field *field, void *member, struct error *err)
{
	switch (field->type) {
	case JSON_FIELD_STRING:
		return read_string(reader, value, member, err);
	case JSON_FIELD_BOOL:
		return read_bool(reader, value, member, err);
	case JSON_FIELD_DOUBLE:
		return read_double(reader, value, member, err);
	case JSON_FIELD_STRINGS:
		return json_read_strings(reader, value, member, err);
	case JSON_FIELD_PAIRS:
		return read_pairs(reader, value, member, err);
	case JSON_FIELD_OBJECT:
		return read_object(reader, value, field->fields, member, err);
	case JSON_FIELD_HANDLER:
		return field->handler(reader, value, member, err);
	case JSON_FIELD_INT64:
	case JSON_FIELD_UINT64:
	case JSON_FIELD_UINT32:
	case JSON_FIELD_INT:
		break;
	}
	return read_number(reader, value, field->type, member, err);
}

static int read_field(struct json_reader *reader, const json_t *parent,
		      const struct json_field *field, void *object, struct error *err)
{
	const json_t *value = json_object_get(parent, field->name);
	const struct frame frame = { .up = reader->top, .name = field->name };
	int rc = 0;

	reader->top = &frame;
	if (value && !json_is_null(value)) {
		rc = read_value(reader, value, field, (char *)object + field->offset, err);
		if (rc >= 0 && field->present >= 0)
			*(bool *)((char *)object + field->present) = true;
	} else if (field->flags & JSON_REQUIRED) {
		rc = json_reader_error(reader, value ? value : parent, err, "missing");
	}
	reader->top = frame.up;
	return rc;
}

static int read_object(struct json_reader *reader, const json_t *value,
		       const struct json_field *fields, void *object, struct error *err)
{
	if (!json_is_object(value))
		return wrong_type(reader, value, "an object", err);

	for (; fields->name; fields++) {
		int rc = read_field(reader, value, fields, object, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int json_read(const struct json_doc *doc, const struct json_field *fields, void *object,
	      struct error *err)
{
	struct json_reader reader = { .doc = doc };

	return read_object(&reader, doc->root, fields, object, err);
}

int json_read_object(struct json_reader *reader, const json_t *value, const char *name,
		     const struct json_field *fields, void *object, struct error *err)
{
	const struct frame frame = { .up = reader->top, .name = name };
	int rc;

	reader->top = &frame;
	rc = read_object(reader, value, fields, object, err);
	reader->top = frame.up;
	return rc;
}

int json_read_array(struct json_reader *reader, const json_t *value, size_t size,
		    const struct json_field *fields, void **ret, size_t *ret_n, struct error *err)
{
	size_t n = json_array_size(value);
	char *items;

	if (!json_is_array(value))
		return wrong_type(reader, value, "an array", err);
	if (n == 0)
		return 0;

	items = xcalloc(n, size);
	*ret = items;
	for (size_t i = 0; i < n; i++) {
		char name[24];
		int rc;

		(void)snprintf(name, sizeof(name), "[%zu]", i);
		*ret_n = i + 1;
		rc = json_read_object(reader, json_array_get(value, i), name, fields,
				      items + i * size, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int json_read_map(struct json_reader *reader, const json_t *value, size_t size, size_t name_offset,
		  const struct json_field *fields, void **ret, size_t *ret_n, struct error *err)
{
	json_t *object, *item;
	const char *name;
	char *items;

	if (!json_is_object(value))
		return wrong_type(reader, value, "an object", err);
	if (json_object_size(value) == 0)
		return 0;

	items = xcalloc(json_object_size(value), size);
	*ret = items;
	/* The iteration macro wants a pointer to something that it may change, and does not. */
	memcpy(&object, &value, sizeof(object));
	json_object_foreach(object, name, item) {
		char *one = items + (*ret_n)++ * size;
		char *copy = xstrdup(name);
		int rc;

		memcpy(one + name_offset, &copy, sizeof(copy));
		rc = json_read_object(reader, item, name, fields, one, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int json_read_list(const struct json_doc *doc, size_t size, const struct json_field *fields,
		   void **ret, size_t *ret_n, struct error *err)
{
	struct json_reader reader = { .doc = doc };

	return json_read_array(&reader, doc->root, size, fields, ret, ret_n, err);
}
