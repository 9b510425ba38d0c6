/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/template.h"
#include "cli/template_internal.h"

static json_t *cell_value(const struct column *column, const void *row)
{
	const void *member = (const char *)row + column->offset;
	const char *text;

	switch (column->kind) {
	case COLUMN_TEXT:
		text = *(const char *const *)member;
		return json_text(text ? text : "");
	case COLUMN_INT:
		return json_integer(*(const int *)member);
	case COLUMN_INT64:
	case COLUMN_UINT64:
		return json_integer(*(const json_int_t *)member);
	case COLUMN_BOOL:
		return json_boolean(*(const bool *)member);
	case COLUMN_STRINGS:
	case COLUMN_PAIRS:
		break;
	}
	return json_from_strings(strv_items(member));
}

/* A row as an object; the headings (@row NULL) as one of the same shape. */
static json_t *row_object(const struct column *columns, const void *row)
{
	json_t *object = json_object_new();

	for (; columns->name; columns++) {
		if (columns->kind != COLUMN_PAIRS)
			json_put(object, columns->name,
				 row ? cell_value(columns, row) : json_text(columns->heading));
	}
	return object;
}

/* What {{.Label "x"}} asks. */
static json_t *row_methods(const struct column *columns, const void *row)
{
	json_t *methods = json_object_new();

	for (; columns->name; columns++) {
		const struct strv *pairs = (const void *)((const char *)row + columns->offset);
		json_t *answers;

		if (columns->kind != COLUMN_PAIRS)
			continue;
		answers = json_object_new();
		for (size_t i = 0; i < pairs->n; i++) {
			const char *equals = strchrnul(pairs->items[i], '=');
			auto_free char *name =
				xstrndup(pairs->items[i], (size_t)(equals - pairs->items[i]));
			auto_free char *key = str_escape(name);

			json_put_string(answers, key, *equals ? equals + 1 : "");
		}
		json_put(methods, columns->name, answers);
	}
	return methods;
}

static size_t cell_width(const char *cell, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += ((unsigned char)cell[i] & 0xc0) != 0x80;
	return width;
}

/* docker's own: three blanks between columns, of which each takes ten at least. */
enum { GAP = 3, COLUMN_MIN = 10, COLUMNS_MAX = 64 };

static void measure(const char *lines, size_t widths[COLUMNS_MAX])
{
	size_t column = 0;

	while (*lines) {
		size_t len = strcspn(lines, "\t\n");

		if (column < COLUMNS_MAX)
			widths[column] = MAX(widths[column], cell_width(lines, len) + GAP);
		lines += len;
		column = *lines == '\t' ? column + 1 : 0;
		lines += *lines != '\0';
	}
}

void output_align(const char *lines, struct str *ret)
{
	size_t widths[COLUMNS_MAX];
	size_t column = 0;

	for (size_t i = 0; i < COLUMNS_MAX; i++)
		widths[i] = COLUMN_MIN;
	measure(lines, widths);

	while (*lines) {
		size_t len = strcspn(lines, "\t\n");

		str_add_len(ret, lines, len);
		if (lines[len] == '\t' && column < COLUMNS_MAX)
			str_addf(ret, "%*s", (int)(widths[column] - cell_width(lines, len)), "");
		else if (lines[len])
			str_add_len(ret, lines + len, 1);
		lines += len;
		column = *lines == '\t' ? column + 1 : 0;
		lines += *lines != '\0';
	}
}

static char *plain_table(const struct column *columns)
{
	struct str text = { 0 };

	for (; columns->name; columns++) {
		if (!columns->is_extra)
			str_addf(&text, "%s{{.%s}}", text.len ? "\t" : "", columns->name);
	}
	return str_take(&text);
}

static int add_rows(const struct template *t, const struct column *columns, const void *rows,
		    size_t n, size_t row_size, struct str *ret, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const void *row = (const char *)rows + i * row_size;
		auto_json json_t *object = row_object(columns, row);
		auto_json json_t *methods = row_methods(columns, row);
		int rc = template_render(t, object, methods, ret, err);

		if (rc < 0)
			return rc;
		str_add(ret, "\n");
	}
	return 0;
}

/*
 * The headings go through the same template; without rows too, a wrong name is found so.  That a
 * function cannot use a heading says nothing of rows.
 */
static int add_headings(const struct template *t, const struct column *columns, bool is_table,
			struct str *ret, struct error *err)
{
	auto_json json_t *headings = row_object(columns, NULL);
	auto_str struct str line = { 0 };
	struct error failure;
	int rc = template_render(t, headings, NULL, &line, &failure);

	if (rc == -ENOENT)
		return err_set(err, EINVAL, "%s", failure.msg);
	if (is_table)
		str_addf(ret, "%s\n", line.text ? line.text : "");
	return 0;
}

static int render_rows(const char *format, bool is_table, const struct column *columns,
		       const void *rows, size_t n, size_t row_size, struct str *ret,
		       struct error *err)
{
	auto_template struct template *t = NULL;
	auto_str struct str lines = { 0 };
	int rc = template_parse(format, &t, err);

	if (rc == 0)
		rc = add_headings(t, columns, is_table, &lines, err);
	if (rc == 0)
		rc = add_rows(t, columns, rows, n, row_size, &lines, err);
	if (rc < 0) {
		err->code = EINVAL;
		return err_wrap(err, "format '%s'", format);
	}
	if (is_table)
		output_align(lines.text, ret);
	else if (lines.len)
		str_add(ret, lines.text);
	return 0;
}

/* An object a line, so that it can be read by people and by line, too. */
static void add_array(const struct column *columns, const void *rows, size_t n, size_t row_size,
		      struct str *ret)
{
	str_add(ret, "[");
	for (size_t i = 0; i < n; i++) {
		auto_json json_t *row = row_object(columns, (const char *)rows + i * row_size);

		str_add(ret, i ? ",\n" : "");
		template_add_json(row, ret);
	}
	str_add(ret, "]\n");
}

int output_rows(const char *format, const struct column *columns, const void *rows, size_t n,
		size_t row_size, struct str *ret, struct error *err)
{
	auto_free char *plain = NULL;
	bool is_table = !format || strcmp(format, "table") == 0;

	if (format && strcmp(format, "json") == 0) {
		add_array(columns, rows, n, row_size, ret);
		return 0;
	}
	if (is_table)
		format = plain = plain_table(columns);
	else if (strcmp(format, "jsonl") == 0)
		format = "{{json .}}";
	else if (str_starts(format, "table ")) {
		is_table = true;
		format += strlen("table ");
	}
	return render_rows(format, is_table, columns, rows, n, row_size, ret, err);
}

int output_value(const char *format, const json_t *value, struct str *ret, struct error *err)
{
	auto_template struct template *t = NULL;
	auto_json json_t *no_methods = json_object_new();
	auto_free char *text = NULL;
	struct error failure;
	int rc;

	if (!format || strcmp(format, "json") == 0) {
		text = json_to_text(value, JSON_INDENT(4) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		str_addf(ret, "%s\n", text);
		return 0;
	}
	rc = template_parse(format, &t, &failure);
	if (rc == 0)
		rc = template_render(t, value, no_methods, ret, &failure);
	if (rc < 0)
		return err_set(err, EINVAL, "format '%s': %s", format, failure.msg);
	str_add(ret, "\n");
	return 0;
}

int output_print(const struct str *text, struct error *err)
{
	if (text->len && fwrite(text->text, 1, text->len, stdout) != text->len)
		return err_sys(err, "write to standard output");
	if (fflush(stdout) != 0)
		return err_sys(err, "write to standard output");
	return 0;
}
