/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/opts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/word.h"

/* The words not read yet, and where what is read goes. */
struct reader {
	const struct opt *table;
	char *const *words;
	int left;
	void *options;
};

static bool is_end(const struct opt *opt)
{
	return !opt->name && !opt->letter && opt->kind != OPT_HEADING;
}

static const struct opt *find_long(const struct opt *table, const char *name, size_t len)
{
	for (; !is_end(table); table++) {
		if (table->name && strlen(table->name) == len &&
		    strncmp(table->name, name, len) == 0)
			return table;
	}
	return NULL;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (; !is_end(table); table++) {
		if (table->letter == letter)
			return table;
	}
	return NULL;
}

static int unknown_long(const struct opt *table, const char *name, struct error *err)
{
	const struct opt *best = NULL;

	for (; !is_end(table); table++) {
		if (!table->name || !table->help || !word_is_close(name, table->name))
			continue;
		if (!best || word_distance(name, table->name) < word_distance(name, best->name))
			best = table;
	}
	if (best)
		return err_set(err, EINVAL, "unknown option '--%s': did you mean '--%s'?", name,
			       best->name);
	return err_set(err, EINVAL, "unknown option '--%s'", name);
}

static int parse_enum(const struct opt *opt, const char *text, int *ret, struct error *err)
{
	auto_free char *names = NULL;

	if (enum_from_name(opt->names, text, ret))
		return 0;
	names = enum_names(opt->names);
	return err_set(err, EINVAL, "'%s' is none of %s", text, names);
}

static int parse_integer(const struct opt *opt, const char *text, void *field, struct error *err)
{
	bool has_range = opt->min || opt->max;
	bool is_wide = opt->kind == OPT_INT64;
	int64_t min = has_range ? opt->min : is_wide ? INT64_MIN : INT_MIN;
	int64_t max = has_range ? opt->max : is_wide ? INT64_MAX : INT_MAX;
	int64_t value = 0;
	int rc = parse_int64(text, min, max, &value, err);

	if (rc < 0)
		return rc;
	if (is_wide)
		*(int64_t *)field = value;
	else
		*(int *)field = (int)value;
	return 0;
}

static int parse_value(const struct opt *opt, const char *text, void *field, struct error *err)
{
	switch (opt->kind) {
	case OPT_FLAG:
		return parse_bool(text, field, err);
	case OPT_STRING:
		free(*(char **)field);
		*(char **)field = xstrdup(text);
		return 0;
	case OPT_LIST:
		strv_add(field, text);
		return 0;
	case OPT_INT:
	case OPT_INT64:
		return parse_integer(opt, text, field, err);
	case OPT_UINT64:
		return parse_uint64(text, UINT64_MAX, field, err);
	case OPT_SIZE:
		return parse_size(text, field, err);
	case OPT_DURATION:
		return parse_duration(text, field, err);
	case OPT_CPUS:
		return parse_cpus(text, field, err);
	case OPT_ENUM:
		return parse_enum(opt, text, field, err);
	case OPT_PARSE:
		return opt->parse(text, field, err);
	case OPT_HEADING:
		break;
	}
	return err_set(err, EINVAL, "not an option");
}

static int set_value(struct reader *r, const struct opt *opt, const char *as_typed,
		     const char *text, struct error *err)
{
	int rc = parse_value(opt, text, (char *)r->options + opt->offset, err);

	if (rc < 0)
		return err_wrap(err, "option '%s'", as_typed);
	if (opt->present)
		*(bool *)((char *)r->options + opt->present - 1) = true;
	return 0;
}

/* The value stands in the same word (@attached), is implied, or is the next word. */
static int take_value(struct reader *r, const struct opt *opt, const char *as_typed,
		      const char *attached, struct error *err)
{
	const char *text = attached;

	if (!text && opt->kind == OPT_FLAG)
		text = "true";
	if (!text)
		text = opt->optional;
	if (!text) {
		if (r->left == 0)
			return err_set(err, EINVAL, "option '%s' needs a value: %s", as_typed,
				       opt->arg ? opt->arg : "VALUE");
		text = *r->words++;
		r->left--;
	}
	return set_value(r, opt, as_typed, text, err);
}

/* @word is what follows "--". */
static int take_long(struct reader *r, const char *word, struct error *err)
{
	const char *equals = strchrnul(word, '=');
	size_t len = (size_t)(equals - word);
	const char *value = *equals ? equals + 1 : NULL;
	const struct opt *opt = find_long(r->table, word, len);
	auto_free char *name = xstrndup(word, len);
	auto_free char *as_typed = xasprintf("--%s", name);

	if (opt)
		return take_value(r, opt, as_typed, value, err);
	if (strcmp(name, "help") == 0)
		return OPTS_HELP;

	opt = str_starts(name, "no-") ? find_long(r->table, name + 3, len - 3) : NULL;
	if (!opt || opt->kind != OPT_FLAG)
		return unknown_long(r->table, name, err);
	if (value)
		return err_set(err, EINVAL, "option '%s' takes no value", as_typed);
	return set_value(r, opt, as_typed, "false", err);
}

/* @letters is what follows "-": flags, of which the last may be another option with its value. */
static int take_letters(struct reader *r, const char *letters, struct error *err)
{
	while (*letters) {
		const struct opt *opt = find_letter(r->table, *letters);
		const char as_typed[] = { '-', *letters++, '\0' };
		const char *value = NULL;
		int rc;

		if (!opt && as_typed[1] == 'h')
			return OPTS_HELP;
		if (!opt)
			return err_set(err, EINVAL, "unknown option '%s'", as_typed);
		if (*letters == '=' || (*letters && opt->kind != OPT_FLAG)) {
			value = letters + (*letters == '=');
			letters = "";
		}
		rc = take_value(r, opt, as_typed, value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int opts_parse(const struct opt *table, bool stops_at_arg, int argc, char *const argv[],
	       void *options, struct strv *args, struct error *err)
{
	struct reader r = { .table = table, .words = argv, .left = argc, .options = options };
	bool is_over = false;

	while (r.left > 0) {
		const char *word = *r.words++;
		int rc = 0;

		r.left--;
		if (is_over || word[0] != '-' || word[1] == '\0') {
			strv_add(args, word);
			is_over |= stops_at_arg;
		} else if (strcmp(word, "--") == 0) {
			is_over = true;
		} else if (word[1] == '-') {
			rc = take_long(&r, word + 2, err);
		} else {
			rc = take_letters(&r, word + 1, err);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* Width of the screen that the help is made for, and where the explanations begin at the latest. */
enum { COLUMNS = 80, HELP_AT_MOST = 30 };

void opts_help_line(struct str *ret, const char *left, const char *help, size_t at)
{
	size_t column = strlen(left);

	str_add(ret, left);
	if (column + 2 > at) {
		str_add(ret, "\n");
		column = 0;
	}
	while (*help) {
		size_t room = COLUMNS - at;
		size_t len = strlen(help);

		if (len > room) {
			/* Break at the last blank that fits; a longer word keeps its length. */
			for (len = room; len > 0 && help[len] != ' '; len--)
				;
			if (len == 0)
				len = strcspn(help, " ");
		}
		str_addf(ret, "%*s%.*s\n", (int)(at - column), "", (int)len, help);
		help += len;
		help += *help == ' ';
		column = 0;
	}
}

static char *left_side(const struct opt *opt)
{
	struct str left = { 0 };

	if (opt->letter)
		str_addf(&left, "  -%c%s", opt->letter, opt->name ? ", " : "");
	else
		str_add(&left, "      ");
	if (opt->name)
		str_addf(&left, "--%s", opt->name);
	if (opt->arg && opt->optional)
		str_addf(&left, "[=%s]", opt->arg);
	else if (opt->arg)
		str_addf(&left, " %s", opt->arg);
	return str_take(&left);
}

static size_t help_column(const struct opt *table)
{
	size_t at = 0;

	for (; !is_end(table); table++) {
		auto_free char *left = left_side(table);

		if (table->kind != OPT_HEADING && table->help && strlen(left) + 2 <= HELP_AT_MOST)
			at = MAX(at, strlen(left) + 2);
	}
	return at ? at : HELP_AT_MOST;
}

void opts_help(const struct opt *table, struct str *ret)
{
	size_t at = help_column(table);

	for (; !is_end(table); table++) {
		auto_free char *left = NULL;

		if (table->kind == OPT_HEADING) {
			str_addf(ret, "\n%s:\n", table->help);
		} else if (table->help) {
			left = left_side(table);
			opts_help_line(ret, left, table->help, at);
		}
	}
}
