/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/file.h"
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

void json_unref(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}

void json_doc_fini(struct json_doc *doc)
{
	json_decref(doc->root);
	free(doc->name);
	free(doc->text);
	*doc = (struct json_doc){ 0 };
}

/* Left alone, jansson opens /dev/urandom for the seed that the kernel gave to us at execve. */
static void seed_hashes(void)
{
	static bool is_seeded;
	const char *random =
		(const char *)getauxval(AT_RANDOM); /* NOLINT: an address by contract */
	size_t seed = 0;

	if (is_seeded)
		return;
	is_seeded = true;
	if (random)
		memcpy(&seed, random + 8, sizeof(seed));
	json_object_seed(seed);
}

/* Counted as a person's editor does: lines end with \n, a UTF-8 sequence is one column. */
static void place_of(const char *text, size_t at, int *ret_line, int *ret_column)
{
	int line = 1;
	int column = 1;

	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

/* Walks the text and the tree that was made of it side by side. */
struct search {
	const char *at;
	const char *end;
	const json_t *target;
	const char *path; /* of the target; NULL: the first one will do */
	struct str here;  /* the path so far */
	const char *found;
};

static void skip_space(struct search *s)
{
	while (s->at < s->end && strchr(" \t\r\n", *s->at) && *s->at)
		s->at++;
}

static bool skip_char(struct search *s, char c)
{
	skip_space(s);
	if (s->at >= s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool skip_string(struct search *s)
{
	if (!skip_char(s, '"'))
		return false;
	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' ? 2 : 1;
	return skip_char(s, '"');
}

static size_t token_length(const char *at, const char *end)
{
	size_t len = 0;

	while (at + len < end && at[len] && !strchr(",]} \t\r\n", at[len]))
		len++;
	return len;
}

static void add_name(struct str *path, const char *name)
{
	if (path->len && name[0] != '[')
		str_add(path, ".");
	str_add(path, name);
}

static void leave(struct str *path, size_t len)
{
	if (path->text) {
		path->len = len;
		path->text[len] = '\0';
	}
}

static bool search_value(struct search *s, const json_t *value);

static bool search_object(struct search *s, const json_t *object)
{
	/* Members come back in the order in which they were read; json_object_iter(3) wants no
	 * const. */
	json_t *members = (json_t *)(uintptr_t)object;
	size_t len = s->here.len;

	if (!skip_char(s, '{'))
		return false;
	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
		if (!skip_string(s) || !skip_char(s, ':'))
			return false;
		add_name(&s->here, json_object_iter_key(i));
		if (!search_value(s, json_object_iter_value(i)))
			return false;
		leave(&s->here, len);
		(void)skip_char(s, ',');
	}
	return skip_char(s, '}');
}

static bool search_array(struct search *s, const json_t *array)
{
	size_t len = s->here.len;

	if (!skip_char(s, '['))
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		str_addf(&s->here, "[%zu]", i);
		if (!search_value(s, json_array_get(array, i)))
			return false;
		leave(&s->here, len);
		(void)skip_char(s, ',');
	}
	return skip_char(s, ']');
}

/* False ends the search: it was found as asked for, or text and tree do not agree. */
static bool search_value(struct search *s, const json_t *value)
{
	skip_space(s);
	if (value == s->target) {
		bool is_it = !s->path || str_eq(s->here.text ? s->here.text : "", s->path);

		if (is_it || !s->found)
			s->found = s->at;
		if (is_it)
			return false;
	}
	if (json_is_object(value))
		return search_object(s, value);
	if (json_is_array(value))
		return search_array(s, value);
	if (json_is_string(value))
		return skip_string(s);
	s->at += token_length(s->at, s->end);
	return true;
}

/* Where the text of @value begins, or NULL. */
static const char *find_text(const struct json_doc *doc, const json_t *value, const char *path)
{
	struct search s = { .target = value, .path = path };

	if (!doc->text || !value)
		return NULL;
	s.at = doc->text;
	s.end = doc->text + doc->len;
	(void)search_value(&s, doc->root);
	str_fini(&s.here);
	return s.found;
}

bool json_doc_place(const struct json_doc *doc, const json_t *value, const char *path,
		    int *ret_line, int *ret_column)
{
	const char *found = find_text(doc, value, path);

	if (found)
		place_of(doc->text, (size_t)(found - doc->text), ret_line, ret_column);
	return found;
}

static int PRINTF_LIKE(5, 0)
	error_at(const struct json_doc *doc, const json_t *value, const char *path,
		 struct error *err, const char *fmt, va_list ap)
{
	auto_free char *name = str_escape(doc->name ? doc->name : "<json>");
	auto_free char *shown = str_escape(path);
	char place[32] = "";
	char text[600];
	int line = 0;
	int column = 0;

	if (json_doc_place(doc, value, path, &line, &column))
		(void)snprintf(place, sizeof(place), ":%d:%d", line, column);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	return err_set(err, EINVAL, "%.200s%s: %.200s%s%s", name, place, shown, *shown ? ": " : "",
		       text);
}

int json_doc_error(const struct json_doc *doc, const json_t *value, const char *path,
		   struct error *err, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = error_at(doc, value, path ? path : "", err, fmt, ap);
	va_end(ap);
	return rc;
}

static void add_frames(struct str *path, const struct frame *frame)
{
	if (!frame)
		return;
	add_frames(path, frame->up);
	if (frame->name)
		add_name(path, frame->name);
}

int json_reader_error(struct json_reader *reader, const json_t *value, struct error *err,
		      const char *fmt, ...)
{
	auto_str struct str path = { 0 };
	va_list ap;
	int rc;

	add_frames(&path, reader->top);
	va_start(ap, fmt);
	rc = error_at(reader->doc, value, path.text ? path.text : "", err, fmt, ap);
	va_end(ap);
	return rc;
}

static int check_depth(const char *name, const char *text, size_t len, struct error *err)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_MAX_DEPTH) {
				int line;
				int column;

				place_of(text, i, &line, &column);
				return err_set(err, EINVAL, "%s:%d:%d: nested more than %d deep",
					       name, line, column, JSON_MAX_DEPTH);
			}
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return 0;
}

static bool is_integer(const char *token, size_t len)
{
	for (size_t i = token[0] == '-' ? 1 : 0; i < len; i++) {
		if (token[i] < '0' || token[i] > '9')
			return false;
	}
	return true;
}

/*
 * jansson keeps integers in 64 bits with a sign and refuses what lies above, while engines write
 * RLIM_INFINITY as 18446744073709551615.  A number too long is made a real of the same length
 * ("184467440737095516e2"), so that places stay right; read_integer() goes back to the text.
 */
static bool shorten_integers(char *text, size_t len)
{
	static const size_t digits_of_max = 19;
	bool in_string = false;
	bool is_changed = false;

	for (size_t i = 0; i < len; i++) {
		size_t size;

		if (text[i] == '"') {
			in_string = !in_string;
		} else if (in_string && text[i] == '\\') {
			i++;
		} else if (!in_string && (text[i] == '-' || (text[i] >= '0' && text[i] <= '9'))) {
			size = token_length(text + i, text + len);
			if (size >= digits_of_max && is_integer(text + i, size)) {
				memcpy(text + i + size - 2, "e2", 2);
				is_changed = true;
			}
			i += size - 1;
		}
	}
	return is_changed;
}

static json_t *load(const char *text, size_t len, json_error_t *error)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, error);
	auto_free char *copy = NULL;

	if (root || json_error_code(error) != json_error_numeric_overflow)
		return root;

	copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!shorten_integers(copy, len))
		return NULL;
	return json_loadb(copy, len, JSON_REJECT_DUPLICATES, error);
}

/* Takes @text over, also on failure. */
static int parse_owned(struct json_doc *doc, const char *name, char *text, size_t len,
		       struct error *err)
{
	auto_free char *owned = text;
	auto_free char *shown = str_escape(name);
	json_error_t error;
	json_t *root;
	int rc;

	rc = check_depth(shown, owned, len, err);
	if (rc < 0)
		return rc;

	seed_hashes();
	root = load(owned, len, &error);
	if (!root) {
		bool has_nul = json_error_code(&error) == json_error_null_character;
		auto_free char *what =
			str_escape(has_nul ? "a string has a NUL in it" : error.text);

		return err_set(err, EINVAL, "%s:%d:%d: %s", shown, MAX(error.line, 1),
			       MAX(error.column, 1), what);
	}
	*doc = (struct json_doc){
		.root = root, .name = xstrdup(name), .text = take_ptr(owned), .len = len
	};
	return 0;
}

int json_doc_parse(struct json_doc *doc, const char *name, const char *text, size_t len,
		   struct error *err)
{
	char *copy;

	if (len > JSON_MAX_SIZE)
		return err_set(err, EFBIG, "%s: larger than %u MiB", name, JSON_MAX_SIZE >> 20);
	copy = xmalloc(len + 1);
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return parse_owned(doc, name, copy, len, err);
}

int json_doc_load(struct json_doc *doc, int dir_fd, const char *name, struct error *err)
{
	const struct dir dir = { .fd = dir_fd, .path = "." };
	char *text = NULL;
	size_t len = 0;
	int rc = file_read_at(&dir, name, JSON_MAX_SIZE, &text, &len, err);

	if (rc == -EFBIG)
		return err_set(err, EFBIG, "%s: larger than %u MiB", name, JSON_MAX_SIZE >> 20);
	if (rc < 0)
		return err_set(err, -rc, "read '%s': %s", name, err_text(-rc));
	return parse_owned(doc, name, text, len, err);
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
	*ret = find_text(doc, value, NULL);
	if (!*ret)
		return false;
	*ret_len = token_length(*ret, doc->text + doc->len);
	return is_integer(*ret, *ret_len);
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

static json_t *must(json_t *value)
{
	if (!value)
		abort();
	return value;
}

json_t *json_object_new(void)
{
	seed_hashes();
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
