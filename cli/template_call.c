/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/template_internal.h"

/* ---- values ----------------------------------------------------------------------------------- */

bool template_is_true(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
		return json_real_value(value) != 0;
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return false;
}

void template_add_json(const json_t *value, struct str *ret)
{
	/* ASCII only: escapes of JSON for whatever a terminal could misunderstand. */
	auto_free char *text = json_to_text(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	str_add(ret, text);
}

void template_add_value(const json_t *value, struct str *ret)
{
	auto_free char *escaped = NULL;
	bool is_strings = json_is_array(value);

	for (size_t i = 0; is_strings && i < json_array_size(value); i++)
		is_strings = json_is_string(json_array_get(value, i));

	if (json_is_string(value)) {
		escaped = str_escape(json_string_value(value));
		str_add(ret, escaped);
	} else if (is_strings) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			str_add(ret, i ? ", " : "");
			template_add_value(json_array_get(value, i), ret);
		}
	} else {
		template_add_json(value, ret);
	}
}

/* ---- functions -------------------------------------------------------------------------------- */

static int refuse(const struct call *call, struct error *err)
{
	auto_str struct str args = { 0 };

	for (size_t i = 0; i < call->n; i++) {
		str_add(&args, " ");
		template_add_json(call->args[i], &args);
	}
	return err_set(err, EINVAL, "'%s' cannot do this:%s", call->name,
		       args.text ? args.text : "");
}

static int call_json(const struct call *call, json_t **ret, struct error *err)
{
	auto_str struct str text = { 0 };

	(void)err;
	template_add_json(call->args[0], &text);
	*ret = json_text(text.text);
	return 0;
}

static int call_len(const struct call *call, json_t **ret, struct error *err)
{
	const json_t *value = call->args[0];

	if (json_is_string(value))
		*ret = json_integer((json_int_t)json_string_length(value));
	else if (json_is_array(value))
		*ret = json_integer((json_int_t)json_array_size(value));
	else if (json_is_object(value))
		*ret = json_integer((json_int_t)json_object_size(value));
	else
		return refuse(call, err);
	return 0;
}

/* A key that is not there gives nothing, an index that is not there is an error: Go's rules. */
static int call_index(const struct call *call, json_t **ret, struct error *err)
{
	json_t *value = call->args[0];

	for (size_t i = 1; i < call->n; i++) {
		const json_t *key = call->args[i];

		if (json_is_object(value) && json_is_string(key)) {
			value = json_object_get(value, json_string_value(key));
			if (!value)
				break;
		} else if (json_is_array(value) && json_is_integer(key) &&
			   json_integer_value(key) >= 0 &&
			   (size_t)json_integer_value(key) < json_array_size(value)) {
			value = json_array_get(value, (size_t)json_integer_value(key));
		} else {
			return refuse(call, err);
		}
	}
	*ret = value ? json_incref(value) : json_text("");
	return 0;
}

/* slice X [FROM [TO]] */
static int call_slice(const struct call *call, json_t **ret, struct error *err)
{
	size_t len = json_string_length(call->args[0]);
	size_t from = 0, to = len;
	auto_free char *text = NULL;

	for (size_t i = 1; i < call->n; i++) {
		json_int_t at = json_integer_value(call->args[i]);

		if (!json_is_integer(call->args[i]) || at < 0 || (size_t)at > len)
			return refuse(call, err);
		*(i == 1 ? &from : &to) = (size_t)at;
	}
	if (!json_is_string(call->args[0]) || from > to)
		return refuse(call, err);
	text = xstrndup(json_string_value(call->args[0]) + from, to - from);
	*ret = json_text(text);
	return 0;
}

static int call_join(const struct call *call, json_t **ret, struct error *err)
{
	const char *between = json_string_value(call->args[1]);
	auto_str struct str text = { 0 };

	if (!json_is_array(call->args[0]) || !between)
		return refuse(call, err);
	for (size_t i = 0; i < json_array_size(call->args[0]); i++) {
		const json_t *item = json_array_get(call->args[0], i);

		str_add(&text, i ? between : "");
		if (json_is_string(item))
			str_add(&text, json_string_value(item));
		else
			template_add_json(item, &text);
	}
	*ret = json_text(text.text ? text.text : "");
	return 0;
}

static int call_split(const struct call *call, json_t **ret, struct error *err)
{
	const char *text = json_string_value(call->args[0]);
	const char *by = json_string_value(call->args[1]);

	if (!text || !by || !*by)
		return refuse(call, err);
	*ret = json_array_new();
	for (;;) {
		const char *end = strstr(text, by);
		auto_free char *part = xstrndup(text, end ? (size_t)(end - text) : strlen(text));

		json_add(*ret, json_text(part));
		if (!end)
			return 0;
		text = end + strlen(by);
	}
}

/* Letters of ASCII only. */
static int change_case(const struct call *call, json_t **ret, bool is_upper, bool is_first_only,
		       struct error *err)
{
	auto_free char *text = xstrdup(json_string_value(call->args[0]));

	if (!text)
		return refuse(call, err);
	for (char *c = text; *c; c++) {
		if (is_upper && *c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (!is_upper && *c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
		if (is_first_only)
			break;
	}
	*ret = json_text(text);
	return 0;
}

static int call_lower(const struct call *call, json_t **ret, struct error *err)
{
	return change_case(call, ret, false, false, err);
}

static int call_upper(const struct call *call, json_t **ret, struct error *err)
{
	return change_case(call, ret, true, false, err);
}

static int call_title(const struct call *call, json_t **ret, struct error *err)
{
	return change_case(call, ret, true, true, err);
}

static int call_truncate(const struct call *call, json_t **ret, struct error *err)
{
	json_int_t len = json_integer_value(call->args[1]);
	auto_free char *text = NULL;

	if (!json_is_string(call->args[0]) || !json_is_integer(call->args[1]) || len < 0)
		return refuse(call, err);
	text = xstrndup(json_string_value(call->args[0]),
			MIN((size_t)len, json_string_length(call->args[0])));
	*ret = json_text(text);
	return 0;
}

/* Go puts blanks between those that are no texts; docker's users do not rely on it. */
static void add_all(const struct call *call, const char *between, struct str *text)
{
	for (size_t i = 0; i < call->n; i++) {
		str_add(text, i ? between : "");
		if (json_is_string(call->args[i]))
			str_add(text, json_string_value(call->args[i]));
		else
			template_add_value(call->args[i], text);
	}
}

static int call_print(const struct call *call, json_t **ret, struct error *err)
{
	auto_str struct str text = { 0 };

	(void)err;
	add_all(call, "", &text);
	*ret = json_text(text.text ? text.text : "");
	return 0;
}

static int call_println(const struct call *call, json_t **ret, struct error *err)
{
	auto_str struct str text = { 0 };

	(void)err;
	add_all(call, " ", &text);
	str_add(&text, "\n");
	*ret = json_text(text.text);
	return 0;
}

/* %s, %v and %d without more show a value, %q one in quotes. */
static int call_printf(const struct call *call, json_t **ret, struct error *err)
{
	const char *format = json_string_value(call->args[0]);
	auto_str struct str text = { 0 };
	size_t next = 1;

	if (!format)
		return refuse(call, err);
	for (; *format; format++) {
		if (*format != '%') {
			str_add_len(&text, format, 1);
			continue;
		}
		format++;
		if (*format == '%') {
			str_add(&text, "%");
			continue;
		}
		if (!*format || !strchr("svdq", *format) || next >= call->n)
			return refuse(call, err);
		if (*format == 'q')
			template_add_json(call->args[next++], &text);
		else
			add_all(&(struct call){ "", &call->args[next++], 1 }, "", &text);
	}
	if (next != call->n)
		return refuse(call, err);
	*ret = json_text(text.text ? text.text : "");
	return 0;
}

/* ---- comparing -------------------------------------------------------------------------------- */

/* -1, 0, 1; or 2 if they cannot be compared. */
static int compare(const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b)) {
		int order = strcmp(json_string_value(a), json_string_value(b));

		return order < 0 ? -1 : order > 0;
	}
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		return x < y ? -1 : x > y;
	}
	return 2;
}

static int call_eq(const struct call *call, json_t **ret, struct error *err)
{
	bool is_equal = false;

	(void)err;
	/* With several: the first is one of the others. */
	for (size_t i = 1; i < call->n; i++)
		is_equal |= json_equal(call->args[0], call->args[i]) ||
			    compare(call->args[0], call->args[i]) == 0;
	*ret = json_boolean(is_equal);
	return 0;
}

static int call_ne(const struct call *call, json_t **ret, struct error *err)
{
	json_t *is_equal = NULL;

	(void)call_eq(call, &is_equal, err);
	*ret = json_boolean(!json_is_true(is_equal));
	json_decref(is_equal);
	return 0;
}

static int call_order(const struct call *call, json_t **ret, struct error *err)
{
	int order = compare(call->args[0], call->args[1]);
	bool is_less = call->name[0] == 'l';

	if (order == 2)
		return refuse(call, err);
	*ret = json_boolean((is_less ? order < 0 : order > 0) ||
			    (call->name[1] == 'e' && order == 0));
	return 0;
}

/* The first that decides it, or the last. */
static int call_logic(const struct call *call, json_t **ret, struct error *err)
{
	bool is_and = strcmp(call->name, "and") == 0;
	size_t i = 0;

	(void)err;
	while (i + 1 < call->n && template_is_true(call->args[i]) == is_and)
		i++;
	*ret = json_incref(call->args[i]);
	return 0;
}

static int call_not(const struct call *call, json_t **ret, struct error *err)
{
	(void)err;
	*ret = json_boolean(!template_is_true(call->args[0]));
	return 0;
}

/* ---- the table -------------------------------------------------------------------------------- */

static const struct function {
	const char *name;
	int (*run)(const struct call *call, json_t **ret, struct error *err);
	size_t min, max;
} functions[] = {
	{ "and", call_logic, 1, SIZE_MAX },
	{ "eq", call_eq, 2, SIZE_MAX },
	{ "ge", call_order, 2, 2 },
	{ "gt", call_order, 2, 2 },
	{ "index", call_index, 1, SIZE_MAX },
	{ "join", call_join, 2, 2 },
	{ "json", call_json, 1, 1 },
	{ "le", call_order, 2, 2 },
	{ "len", call_len, 1, 1 },
	{ "lower", call_lower, 1, 1 },
	{ "lt", call_order, 2, 2 },
	{ "ne", call_ne, 2, 2 },
	{ "not", call_not, 1, 1 },
	{ "or", call_logic, 1, SIZE_MAX },
	{ "print", call_print, 0, SIZE_MAX },
	{ "printf", call_printf, 1, SIZE_MAX },
	{ "println", call_println, 0, SIZE_MAX },
	{ "slice", call_slice, 1, 3 },
	{ "split", call_split, 2, 2 },
	{ "title", call_title, 1, 1 },
	{ "truncate", call_truncate, 2, 2 },
	{ "upper", call_upper, 1, 1 },
};

static const struct function *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	}
	return NULL;
}

bool template_has_function(const char *name)
{
	return find(name) != NULL;
}

int template_call(const struct call *call, json_t **ret, struct error *err)
{
	const struct function *function = find(call->name);

	if (!function)
		return err_set(err, EINVAL, "there is no function '%s'", call->name);
	if (call->n < function->min || call->n > function->max)
		return err_set(err, EINVAL, "'%s' takes %s%zu arguments", call->name,
			       call->n < function->min ? "at least " : "at most ",
			       call->n < function->min ? function->min : function->max);
	return function->run(call, ret, err);
}
