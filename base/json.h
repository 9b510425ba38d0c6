/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/*
 * JSON text <-> structs by field tables.  A document is loaded by jansson (duplicate keys refused,
 * at most JSON_MAX_DEPTH levels and JSON_MAX_SIZE bytes).  It keeps its text, so that a field of a
 * wrong type is reported as "<name>:<line>:<column>: process.cwd: expected a string, got a number";
 * the place is looked up in the text only then, and costs nothing before.
 */
#define JSON_MAX_DEPTH 128
#define JSON_MAX_SIZE  (8U << 20)

void json_unref(json_t **value); /* NULL is fine */
#define auto_json __attribute__((cleanup(json_unref)))

struct json_doc {
	json_t *root; /* owned; not to be changed, or places are lost */
	char *name;   /* owned: file name for messages */
	char *text;   /* owned, as it was read; NULL if there is none: errors have no place then */
	size_t len;
};

void json_doc_fini(struct json_doc *doc);
#define auto_json_doc __attribute__((cleanup(json_doc_fini)))

/* Parses @text; @name is for messages ("config.json", "<stdin>"). */
int json_doc_parse(struct json_doc *doc, const char *name, const char *text, size_t len,
		   struct error *err);

/* Reads and parses the file @name below @dir_fd (AT_FDCWD allowed); at most 8 MiB. */
int json_doc_load(struct json_doc *doc, int dir_fd, const char *name, struct error *err);

/*
 * Line and column (from 1, in characters) of a value of @doc; false if it is not known.  @path
 * tells true, false and null apart, of which jansson has but one each; NULL: the first of them.
 */
bool json_doc_place(const struct json_doc *doc, const json_t *value, const char *path,
		    int *ret_line, int *ret_column);

/*
 * Where in @doc->text its values begin, in the order of the text; a member of an object has two,
 * that of its key and that of its value.  Caller frees.  One walk, for who needs all places.
 */
size_t *json_doc_offsets(const struct json_doc *doc, size_t *ret_n);

/* -EINVAL that begins with "<name>:<line>:<column>: <path>: ". */
int json_doc_error(const struct json_doc *doc, const json_t *value, const char *path,
		   struct error *err, const char *fmt, ...) PRINTF_LIKE(5, 6);

enum json_type_wanted {
	JSON_FIELD_STRING,  /* char *, owned */
	JSON_FIELD_BOOL,    /* bool */
	JSON_FIELD_INT64,   /* int64_t */
	JSON_FIELD_UINT64,  /* uint64_t */
	JSON_FIELD_UINT32,  /* uint32_t */
	JSON_FIELD_INT,     /* int */
	JSON_FIELD_DOUBLE,  /* double */
	JSON_FIELD_STRINGS, /* struct strv: array of strings */
	JSON_FIELD_PAIRS,   /* struct strv of "key=value": object whose values are strings */
	JSON_FIELD_OBJECT,  /* nested struct at @offset, filled by table @fields */
	JSON_FIELD_HANDLER, /* @handler does what a table cannot (arrays of objects, unions) */
};

struct json_reader; /* the document and the path so far */

typedef int json_field_handler(struct json_reader *reader, const json_t *value, void *field,
			       struct error *err);

enum json_field_flags {
	JSON_REQUIRED = 1,
};

struct json_field {
	const char *name;
	enum json_type_wanted type;
	size_t offset;
	int flags;
	ptrdiff_t present;               /* offset of a bool set to true when given; -1: none */
	const struct json_field *fields; /* JSON_FIELD_OBJECT; ended by a NULL name */
	json_field_handler *handler;
};

/* Fields in the usual forms. */
#define JSON_FIELD(struct_, member, type_, name_)                                      \
	{                                                                              \
		.name = (name_), .type = (type_), .offset = offsetof(struct_, member), \
		.present = -1                                                          \
	}
#define JSON_FIELD_SET(struct_, member, type_, name_, present_)                        \
	{                                                                              \
		.name = (name_), .type = (type_), .offset = offsetof(struct_, member), \
		.present = (ptrdiff_t)offsetof(struct_, present_),                     \
	}
#define JSON_FIELD_NEEDED(struct_, member, type_, name_)                               \
	{                                                                              \
		.name = (name_), .type = (type_), .offset = offsetof(struct_, member), \
		.flags = JSON_REQUIRED, .present = -1                                  \
	}
#define JSON_FIELD_TABLE(struct_, member, name_, table_)                                         \
	{                                                                                        \
		.name = (name_), .type = JSON_FIELD_OBJECT, .offset = offsetof(struct_, member), \
		.present = -1, .fields = (table_)                                                \
	}
#define JSON_FIELD_BY(struct_, member, name_, handler_)                                           \
	{                                                                                         \
		.name = (name_), .type = JSON_FIELD_HANDLER, .offset = offsetof(struct_, member), \
		.present = -1, .handler = (handler_)                                              \
	}
#define JSON_FIELDS_END      \
	{                    \
		.name = NULL \
	}

/*
 * Fills @object from @doc->root.  Unknown members are ignored (runtime-spec "Extensibility"); a
 * JSON null counts as absent; a wrong type, a number out of range or a missing JSON_REQUIRED
 * member is -EINVAL with its place.  Members not given keep the value they have.
 */
int json_read(const struct json_doc *doc, const struct json_field *fields, void *object,
	      struct error *err);

/*
 * The same for one value inside a handler.  There the path ends with the field's own name already;
 * @name is what comes behind it: "seccomp", "[3]", or NULL for the field's own value.
 */
int json_read_object(struct json_reader *reader, const json_t *value, const char *name,
		     const struct json_field *fields, void *object, struct error *err);
int json_read_strings(struct json_reader *reader, const json_t *value, struct strv *ret,
		      struct error *err);

/*
 * For a handler that reads an array of objects: calls json_read_object() for each element into a
 * zeroed array of @size-byte structs at *ret (owned by the caller), with paths "name[i]".  After a
 * failure *ret and *ret_n hold what was read so far, so that the owner's fini frees it.
 */
int json_read_array(struct json_reader *reader, const json_t *value, size_t size,
		    const struct json_field *fields, void **ret, size_t *ret_n, struct error *err);

/*
 * The same for an object of objects: each one's name goes to the char * at @name_offset of its
 * struct, and stands in paths.
 */
int json_read_map(struct json_reader *reader, const json_t *value, size_t size, size_t name_offset,
		  const struct json_field *fields, void **ret, size_t *ret_n, struct error *err);

/* The same for a document that is an array as a whole. */
int json_read_list(const struct json_doc *doc, size_t size, const struct json_field *fields,
		   void **ret, size_t *ret_n, struct error *err);

/*
 * "<name>:<line>:<column>: <path so far>: <text>" with -EINVAL.  A text that begins with '[' goes on
 * with the path: "[2].path: is not absolute".
 */
int json_reader_error(struct json_reader *reader, const json_t *value, struct error *err,
		      const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Writing: each adds to an object; they end the process if memory is exhausted. */
json_t *json_object_new(void);
json_t *json_array_new(void);
void json_put(json_t *object, const char *key, json_t *value);            /* takes @value over */
void json_put_string(json_t *object, const char *key, const char *value); /* NULL: left out */
void json_put_int(json_t *object, const char *key, int64_t value);
void json_put_bool(json_t *object, const char *key, bool value);
void json_put_strings(json_t *object, const char *key, const struct strv *value);
void json_add(json_t *array, json_t *value); /* takes @value over */
json_t *json_from_strings(char *const *items);
json_t *json_text(const char *value); /* invalid UTF-8 is escaped as \xNN first */

/* @flags as for json_dumps(3).  Caller frees. */
char *json_to_text(const json_t *value, size_t flags);
