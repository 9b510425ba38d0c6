/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/json_internal.h"
#include "base/mem.h"

static json_t *must(json_t *value)
{
	if (!value)
		abort();
	return value;
}

json_t *json_object_new(void)
{
	json_seed();
	return must(json_object());
}

json_t *json_array_new(void)
{
	return must(json_array());
}

json_t *json_text(const char *value)
{
	auto_free char *escaped = NULL;
	json_t *text = json_string(value);

	if (text)
		return text;
	escaped = str_escape(value);
	return must(json_string(escaped));
}

void json_put(json_t *object, const char *key, json_t *value)
{
	auto_free char *escaped = NULL;

	/* A key of invalid UTF-8 is refused, and the value given back, as if memory were short. */
	if (json_object_set(object, key, must(value)) < 0) {
		escaped = str_escape(key);
		if (json_object_set(object, escaped, value) < 0)
			abort();
	}
	json_decref(value);
}

void json_put_string(json_t *object, const char *key, const char *value)
{
	if (value)
		json_put(object, key, json_text(value));
}

void json_put_int(json_t *object, const char *key, int64_t value)
{
	json_put(object, key, json_integer(value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
	json_put(object, key, json_boolean(value));
}

void json_put_strings(json_t *object, const char *key, const struct strv *value)
{
	json_put(object, key, json_from_strings(strv_items(value)));
}

void json_add(json_t *array, json_t *value)
{
	if (json_array_append_new(array, must(value)) < 0)
		abort();
}

json_t *json_from_strings(char *const *items)
{
	json_t *array = json_array_new();

	for (; *items; items++)
		json_add(array, json_text(*items));
	return array;
}

char *json_to_text(const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags);

	if (!text)
		abort();
	return text;
}
