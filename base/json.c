/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/file.h"
#include "base/json_internal.h"
#include "base/mem.h"

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
void json_seed(void)
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
	const char *text;
	size_t *offsets; /* of keys and values, if somebody wants them */
	size_t n_offsets;
};

static void note_offset(struct search *s)
{
	if (!s->offsets)
		return;
	/* Room doubles at powers of two. */
	if ((s->n_offsets & (s->n_offsets - 1)) == 0)
		s->offsets = xrealloc(s->offsets, MAX(2 * s->n_offsets, 1U), sizeof(*s->offsets));
	s->offsets[s->n_offsets++] = (size_t)(s->at - s->text);
}

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

size_t json_token_length(const char *at, const char *end)
{
	size_t len = 0;

	while (at + len < end && at[len] && !strchr(",]} \t\r\n", at[len]))
		len++;
	return len;
}

void json_add_name(struct str *path, const char *name)
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
		skip_space(s);
		note_offset(s);
		if (!skip_string(s) || !skip_char(s, ':'))
			return false;
		json_add_name(&s->here, json_object_iter_key(i));
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
	note_offset(s);
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
	s->at += json_token_length(s->at, s->end);
	return true;
}

/* Where the text of @value begins, or NULL. */
const char *json_find_text(const struct json_doc *doc, const json_t *value, const char *path)
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

size_t *json_doc_offsets(const struct json_doc *doc, size_t *ret_n)
{
	struct search s = { .at = doc->text, .end = doc->text + doc->len, .text = doc->text };

	s.offsets = xcalloc(1, sizeof(*s.offsets));
	(void)search_value(&s, doc->root);
	str_fini(&s.here);
	*ret_n = s.n_offsets;
	return s.offsets;
}

bool json_doc_place(const struct json_doc *doc, const json_t *value, const char *path,
		    int *ret_line, int *ret_column)
{
	const char *found = json_find_text(doc, value, path);

	if (found)
		place_of(doc->text, (size_t)(found - doc->text), ret_line, ret_column);
	return found;
}

int json_verror(const struct json_doc *doc, const json_t *value, const char *path,
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
	return err_set(err, EINVAL, "%.200s%s: %.200s%s%s", name, place, shown,
		       *shown && text[0] != '[' ? ": " : "", text);
}

int json_doc_error(const struct json_doc *doc, const json_t *value, const char *path,
		   struct error *err, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = json_verror(doc, value, path ? path : "", err, fmt, ap);
	va_end(ap);
	return rc;
}

static int bad_text(const char *name, const char *text, size_t at, const char *what,
		    struct error *err)
{
	int line;
	int column;

	place_of(text, at, &line, &column);
	return err_set(err, EINVAL, "%s:%d:%d: %s", name, line, column, what);
}

/* jansson recurses deeper than we like, and overlooks a NUL byte behind a number. */
static int check_text(const char *name, const char *text, size_t len, struct error *err)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\0')
			return bad_text(name, text, i, "a NUL byte", err);
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_MAX_DEPTH)
				return bad_text(name, text, i, "nested too deep", err);
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return 0;
}

bool json_is_whole(const char *token, size_t len)
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
			size = json_token_length(text + i, text + len);
			if (size >= digits_of_max && json_is_whole(text + i, size)) {
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

	rc = check_text(shown, owned, len, err);
	if (rc < 0)
		return rc;

	json_seed();
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
