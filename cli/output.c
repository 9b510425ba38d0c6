/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"

/* A piece of a template: text as it stands, or a value by its path. */
struct part {
	char *literal; /* owned; NULL: it is a value */
	char *path;    /* owned: "State.Pid"; "" is the whole */
	bool is_json;
};

struct template
{
	struct part *parts; /* owned */
	size_t n;
};

static void template_fini(struct template *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->parts[i].literal);
		free(t->parts[i].path);
	}
	free(t->parts);
	*t = (struct template){ 0 };
}

#define auto_template __attribute__((cleanup(template_fini)))

static void add_part(struct template *t, struct part part)
{
	t->parts = xrealloc(t->parts, t->n + 1, sizeof(*t->parts));
	t->parts[t->n++] = part;
}

/* \t and \n may be typed as two characters, since a shell's quotes keep them so. */
static char *unescape(const char *text, size_t len)
{
	struct str out = { 0 };

	for (size_t i = 0; i < len; i++) {
		bool is_pair = text[i] == '\\' && i + 1 < len;

		if (is_pair && text[i + 1] == 't')
			str_add(&out, "\t");
		else if (is_pair && text[i + 1] == 'n')
			str_add(&out, "\n");
		else
			str_add_len(&out, text + i, 1);
		i += is_pair && (text[i + 1] == 't' || text[i + 1] == 'n');
	}
	return str_take(&out);
}

static bool is_path(const char *path)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	if (path[0] != '.' || strspn(path, allowed) != strlen(path) || strstr(path, ".."))
		return false;
	return !path[1] || !str_ends(path, ".");
}

/* What stands between {{ and }}: ".Name", "json .", "json .Name". */
static int parse_action(const char *text, size_t len, struct template *t, struct error *err)
{
	struct part part = { 0 };
	auto_free char *action = NULL;
	const char *path;

	for (; len && text[0] == ' '; text++)
		len--;
	while (len && text[len - 1] == ' ')
		len--;
	action = xstrndup(text, len);
	path = action;
	if (str_starts(action, "json ")) {
		part.is_json = true;
		path += strlen("json ");
		path += strspn(path, " ");
	}
	if (!is_path(path))
		return err_set(err, EINVAL,
			       "'{{%s}}' is not understood: there are {{.Name}}, {{json .}} and "
			       "{{json .Name}}",
			       action);
	part.path = xstrdup(path + 1);
	add_part(t, part);
	return 0;
}

static int template_parse(const char *text, struct template *t, struct error *err)
{
	while (*text) {
		const char *open = strstr(text, "{{");
		size_t len = open ? (size_t)(open - text) : strlen(text);
		const char *close;
		int rc;

		if (len)
			add_part(t, (struct part){ .literal = unescape(text, len) });
		if (!open)
			return 0;
		close = strstr(open, "}}");
		if (!close)
			return err_set(err, EINVAL, "'{{' without '}}'");
		rc = parse_action(open + 2, (size_t)(close - open - 2), t, err);
		if (rc < 0)
			return rc;
		text = close + 2;
	}
	return 0;
}

static const json_t *find_path(const json_t *value, const char *path)
{
	while (*path && value) {
		size_t len = strcspn(path, ".");
		auto_free char *name = xstrndup(path, len);

		value = json_object_get(value, name);
		path += len + (path[len] == '.');
	}
	return value;
}

static void add_json(const json_t *value, struct str *ret)
{
	/* ASCII only: escapes of JSON for whatever a terminal could misunderstand. */
	auto_free char *text = json_to_text(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	str_add(ret, text);
}

/* As Go prints it, but for objects, whose JSON is more use than "map[...]". */
static void add_plain(const json_t *value, struct str *ret)
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
			add_plain(json_array_get(value, i), ret);
		}
	} else {
		add_json(value, ret);
	}
}

static int template_render(const struct template *t, const json_t *value, struct str *ret,
			   struct error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct part *part = &t->parts[i];
		const json_t *found;

		if (part->literal) {
			str_add(ret, part->literal);
			continue;
		}
		found = find_path(value, part->path);
		if (!found)
			return err_set(err, EINVAL, "there is no '.%s'", part->path);
		if (part->is_json)
			add_json(found, ret);
		else
			add_plain(found, ret);
	}
	str_add(ret, "\n");
	return 0;
}

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
		break;
	}
	return json_from_strings(strv_items(member));
}

/* A row as an object; the headings (@row NULL) as one of the same shape. */
static json_t *row_object(const struct column *columns, const void *row)
{
	json_t *object = json_object_new();

	for (; columns->name; columns++)
		json_put(object, columns->name,
			 row ? cell_value(columns, row) : json_text(columns->heading));
	return object;
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
		auto_json json_t *row = row_object(columns, (const char *)rows + i * row_size);
		int rc = template_render(t, row, ret, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The headings go through the same template; without rows too, a wrong name is found so. */
static int render_rows(const char *format, bool is_table, const struct column *columns,
		       const void *rows, size_t n, size_t row_size, struct str *ret,
		       struct error *err)
{
	auto_json json_t *headings = row_object(columns, NULL);
	auto_template struct template t = { 0 };
	auto_str struct str lines = { 0 };
	int rc = template_parse(format, &t, err);

	if (rc == 0)
		rc = template_render(&t, headings, &lines, err);
	if (rc == 0 && !is_table)
		str_clear(&lines);
	if (rc == 0)
		rc = add_rows(&t, columns, rows, n, row_size, &lines, err);
	if (rc < 0)
		return err_wrap(err, "format '%s'", format);

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
		add_json(row, ret);
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
	auto_template struct template t = { 0 };
	auto_free char *text = NULL;
	int rc;

	if (!format || strcmp(format, "json") == 0) {
		text = json_to_text(value, JSON_INDENT(4) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		str_addf(ret, "%s\n", text);
		return 0;
	}
	rc = template_parse(format, &t, err);
	if (rc == 0)
		rc = template_render(&t, value, ret, err);
	return rc < 0 ? err_wrap(err, "format '%s'", format) : 0;
}

int output_print(const struct str *text, struct error *err)
{
	if (text->len && fwrite(text->text, 1, text->len, stdout) != text->len)
		return err_sys(err, "write to standard output");
	if (fflush(stdout) != 0)
		return err_sys(err, "write to standard output");
	return 0;
}
