/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/explain_internal.h"

/* Words as a shell reads them. */

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-+=./:,@%^";

/* Bytes that a terminal would act on; a shell's quotes leave them as they are. */
static bool drives_terminal(const char *text, size_t len)
{
	auto_free char *part = xstrndup(text, len);
	auto_free char *escaped = NULL;

	for (char *c = part; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	escaped = str_escape(part);
	return strcmp(part, escaped) != 0;
}

/* printf's escapes keep the script free of control characters. */
static void quote_by_printf(const char *text, size_t len, struct str *ret)
{
	str_add(ret, "\"$(printf '");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c && strchr(plain, c) && c != '%')
			str_add_len(ret, text + i, 1);
		else
			str_addf(ret, "\\%03o", c);
	}
	str_add(ret, "')\"");
}

static void quote_part(const char *text, size_t len, struct str *ret)
{
	if (strspn(text, plain) >= len) {
		str_add_len(ret, text, len);
	} else if (drives_terminal(text, len)) {
		quote_by_printf(text, len, ret);
	} else {
		str_add(ret, "'");
		for (size_t i = 0; i < len; i++) {
			if (text[i] == '\'')
				str_add(ret, "'\\''");
			else
				str_add_len(ret, text + i, 1);
		}
		str_add(ret, "'");
	}
}

/* True if @text begins with @name as a whole: of a path all its components. */
static bool begins_with(const char *text, const char *name, bool is_path)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 &&
	       (!is_path || text[len] == '/' || text[len] == '\0' || text[len] == ':');
}

static bool is_at_proc(const char *word, const char *at)
{
	static const char proc[] = "/proc/";
	size_t len = strlen(proc);

	return (size_t)(at - word) >= len && strncmp(at - len, proc, len) == 0;
}

/* The length of the name that @at, in @word, is replaced by, and that name; 0: none. */
static size_t name_at(const char *word, const char *at, const struct explain_names *names,
		      const char **ret)
{
	bool is_start = at == word || strchr("=:,", at[-1]);

	if (names->pid && (strcmp(word, names->pid) == 0 || is_at_proc(word, at)) &&
	    begins_with(at, names->pid, true)) {
		*ret = "\"$PID\"";
		return strlen(names->pid);
	}
	if (names->root && is_start && begins_with(at, names->root, true)) {
		*ret = "$ROOT";
		return strlen(names->root);
	}
	if (names->id && begins_with(at, names->id, false)) {
		*ret = "$ID";
		return strlen(names->id);
	}
	return 0;
}

void explain_quote(const char *word, const struct explain_names *names, struct str *ret)
{
	const char *from = word;

	if (!*word)
		str_add(ret, "''");
	for (const char *at = word; names && *at;) {
		const char *name = NULL;
		size_t len = name_at(word, at, names, &name);

		if (!len) {
			at++;
			continue;
		}
		quote_part(from, (size_t)(at - from), ret);
		str_add(ret, name);
		at += len;
		from = at;
	}
	quote_part(from, strlen(from), ret);
}

void explain_words(char *const *words, const struct explain_names *names, struct str *ret)
{
	for (size_t i = 0; words[i]; i++) {
		if (i)
			str_add(ret, " ");
		explain_quote(words[i], names, ret);
	}
}

/* ---- finding them ----------------------------------------------------------------------------- */

#define ID_LENGTH 64 /* of the engine's ids: hexadecimal digits */

static const char *find_id(const struct step_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (char **word = records[i].argv; *word; word++) {
			const char *last = path_base(*word);

			if (strlen(last) == ID_LENGTH &&
			    strspn(last, "0123456789abcdef") == ID_LENGTH)
				return last;
		}
	}
	return NULL;
}

/* Where init goes before it makes that its root. */
static const char *find_root(const struct step_record *records, size_t n)
{
	const char *root = NULL;

	for (size_t i = 0; i < n; i++) {
		char **argv = records[i].argv;

		if (records[i].kind != STEP_RUN || records[i].who != STEP_INIT || !argv[0])
			continue;
		if (strcmp(argv[0], "pivot_root") == 0)
			return root;
		root = strcmp(argv[0], "cd") == 0 && argv[1] ? argv[1] : NULL;
	}
	return NULL;
}

void explain_find_names(const struct step_record *records, size_t n, struct explain_names *ret)
{
	const char *root = find_root(records, n);

	*ret = (struct explain_names){ .id = find_id(records, n) };
	/* A shell splits what it puts in for a name. */
	if (root && strlen(root) > strlen("$ROOT") && strspn(root, plain) == strlen(root))
		ret->root = root;
}
