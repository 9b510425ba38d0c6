/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/*
 * What listings print, by --format:
 *
 *	NULL, "table"      aligned columns with headings
 *	"json"             an array of objects
 *	"jsonl"            an object a line
 *	"table TEMPLATE"   aligned at the tabs of the template, with headings
 *	TEMPLATE           a line a row
 *
 * A template is docker's, see cli/template.h.  `-q` is the template of the id.  Every text from
 * outside goes through str_escape(), so that a name cannot drive the terminal.
 */
enum column_kind {
	COLUMN_TEXT,    /* char *, NULL shows as nothing */
	COLUMN_INT,     /* int */
	COLUMN_INT64,   /* int64_t */
	COLUMN_UINT64,  /* uint64_t */
	COLUMN_BOOL,    /* bool */
	COLUMN_STRINGS, /* struct strv: joined by ", "; an array in JSON */
	COLUMN_PAIRS,   /* struct strv of "name=value": only for {{.Label "name"}} */
};

struct column {
	const char *name;    /* in templates and JSON: "ID"; NULL ends the table */
	const char *heading; /* "CONTAINER ID" */
	enum column_kind kind;
	size_t offset;
	bool is_extra; /* only for templates and JSON, not in the plain table */
};

/* Adds @n rows of @row_size bytes to @ret.  -EINVAL if @format names what is not there. */
int output_rows(const char *format, const struct column *columns, const void *rows, size_t n,
		size_t row_size, struct str *ret, struct error *err);

/* Adds a tree (inspect): NULL or "json" as indented JSON, else by a template, with a line's end. */
int output_value(const char *format, const json_t *value, struct str *ret, struct error *err);

/* Aligns the cells of @lines (separated by tabs, lines ended by \n) as docker does. */
void output_align(const char *lines, struct str *ret);

/* Writes all of it to stdout at once. */
int output_print(const struct str *text, struct error *err);
