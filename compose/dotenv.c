/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/dotenv.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "compose/interpolate.h"

static const char blanks[] = " \t\v\f\r";

struct reader {
	const char *at;
	int line;
	const struct strv *env;
	struct strv *pairs;
	size_t budget;
};

/* To the next statement: over empty lines, and comments that stand alone. */
static bool skip_to_statement(struct reader *r)
{
	for (;;) {
		r->at += strspn(r->at, blanks);
		if (*r->at == '#')
			r->at = strchrnul(r->at, '\n');
		if (*r->at != '\n')
			return *r->at;
		r->at++;
		r->line++;
	}
}

static bool is_name_letter(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("_.-", c));
}

/* NAME up to '=' or ':', or alone on its line. */
static int read_name(struct reader *r, char **ret, bool *ret_has_value, struct error *err)
{
	const char *end;

	if (str_starts(r->at, "export") && r->at[6] && strchr(" \t", r->at[6]))
		r->at += 6 + strspn(r->at + 6, blanks);
	for (end = r->at; is_name_letter(*end); end++)
		;
	*ret = xstrndup(r->at, (size_t)(end - r->at));
	end += strspn(end, blanks);
	*ret_has_value = *end == '=' || *end == ':';
	if (!**ret)
		return err_set(err, EINVAL, "a line must begin with NAME=");
	if (!*ret_has_value && *end && *end != '\n' && *end != '#')
		return err_set(err, EINVAL, "'%.40s' is followed by '%c', not by '='", *ret, *end);
	r->at = *ret_has_value ? end + 1 : end;
	if (*ret_has_value)
		r->at += strspn(r->at, blanks);
	return 0;
}

/* Up to the end of the line, or the comment on it. */
static char *read_plain(struct reader *r)
{
	const char *end = strchrnul(r->at, '\n');
	const char *stop = end;
	char *text;

	for (const char *p = r->at; p < end; p++) {
		if (*p == '#' && (p == r->at || strchr(blanks, p[-1]))) {
			stop = p;
			break;
		}
	}
	while (stop > r->at && strchr(blanks, stop[-1]))
		stop--;
	text = xstrndup(r->at, (size_t)(stop - r->at));
	r->at = end;
	return text;
}

/* An escape of a double-quoted text; a dollar sign is doubled, as interpolate() reads it. */
static void add_escape(struct str *out, char c)
{
	static const char letters[] = "nrtabfv";
	static const char meant[] = "\n\r\t\a\b\f\v";
	const char *letter = strchr(letters, c);

	if (c == '$')
		str_add(out, "$$");
	else if (letter && c)
		str_add_len(out, &meant[letter - letters], 1);
	else if (c == '"' || c == '\\' || c == '\'')
		str_add_len(out, &c, 1);
	else
		str_addf(out, "\\%c", c);
}

static int read_quoted(struct reader *r, char quote, char **ret, struct error *err)
{
	auto_str struct str out = { 0 };
	const char *p = r->at + 1;
	int lines = 0;

	for (; *p && *p != quote; p++) {
		lines += *p == '\n';
		if (*p == '\\' && p[1] && (quote == '"' || p[1] == quote)) {
			p++;
			if (quote == '"')
				add_escape(&out, *p);
			else
				str_add_len(&out, p, 1);
		} else {
			str_add_len(&out, p, 1);
		}
	}
	if (!*p)
		return err_set(err, EINVAL, "the quotes are not closed");
	r->line += lines;
	r->at = p + 1 + strspn(p + 1, blanks);
	if (*r->at && *r->at != '\n' && *r->at != '#')
		return err_set(err, EINVAL, "the closing quote is followed by '%.20s'", r->at);
	r->at = strchrnul(r->at, '\n');
	*ret = str_take(&out);
	return 0;
}

static int read_value(struct reader *r, char **ret, struct error *err)
{
	const struct variables variables = {
		.env = r->env,
		.more = r->pairs,
		.is_lenient = true,
		.budget = &r->budget,
	};
	auto_free char *text = NULL;
	char quote = *r->at;
	int rc = 0;

	if (quote == '\'' || quote == '"')
		rc = read_quoted(r, quote, &text, err);
	else
		text = read_plain(r);
	if (rc < 0)
		return rc;
	if (quote != '\'')
		return interpolate(text, &variables, ret, err);
	*ret = take_ptr(text);
	return 0;
}

static int read_statement(struct reader *r, struct error *err)
{
	auto_free char *name = NULL;
	auto_free char *value = NULL;
	const char *inherited;
	bool has_value = false;
	int rc = read_name(r, &name, &has_value, err);

	if (rc == 0 && has_value)
		rc = read_value(r, &value, err);
	if (rc < 0)
		return rc;
	inherited = has_value ? value : strv_getenv(r->env, name);
	if (inherited)
		strv_setenv(r->pairs, name, inherited);
	return 0;
}

int dotenv_parse(const char *name, const char *text, size_t len, const struct strv *env,
		 struct strv *ret, struct error *err)
{
	auto_strv struct strv pairs = { 0 };
	struct reader r = { .line = 1, .env = env, .pairs = &pairs, .budget = INTERPOLATE_MAX };

	if (strlen(text) != len)
		return err_set(err, EINVAL, "%s: has a NUL byte in it", name);
	/* Editors of other systems begin a file with U+FEFF. */
	r.at = str_starts(text, "\xef\xbb\xbf") ? text + 3 : text;
	while (skip_to_statement(&r)) {
		int rc;

		if (pairs.n == TREE_MAX_ITEMS)
			return err_set(err, E2BIG, "%s:%d: limit: more than %d variables", name,
				       r.line, TREE_MAX_ITEMS);
		rc = read_statement(&r, err);
		if (rc < 0)
			return err_wrap(err, "%s:%d", name, r.line);
	}
	for (size_t i = 0; i < pairs.n; i++) {
		const char *equals = strchr(pairs.items[i], '=');
		auto_free char *key = xstrndup(pairs.items[i], (size_t)(equals - pairs.items[i]));

		strv_setenv(ret, key, equals + 1);
	}
	return 0;
}
