/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macros.h"
#include "compose/yaml.h"

/* YAML 1.2.2, 10.3.2 "Tag Resolution" of the core schema. */

static const char digits[] = "0123456789";

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_int(const char *text)
{
	size_t len;

	if (str_starts(text, "0o"))
		return text[2] && !text[2 + strspn(text + 2, "01234567")];
	if (str_starts(text, "0x"))
		return text[2] && !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
	text += *text == '-' || *text == '+';
	len = strspn(text, digits);
	return len && !text[len];
}

static bool is_float(const char *text)
{
	static const char *const infinite[] = { ".inf", ".Inf", ".INF" };
	static const char *const no_number[] = { ".nan", ".NaN", ".NAN" };
	size_t whole, parts = 0;

	if (is_one_of(text, no_number, ARRAY_LEN(no_number)))
		return true;
	text += *text == '-' || *text == '+';
	if (is_one_of(text, infinite, ARRAY_LEN(infinite)))
		return true;
	whole = strspn(text, digits);
	text += whole;
	if (*text == '.') {
		parts = strspn(text + 1, digits);
		text += 1 + parts;
	}
	if (whole + parts == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		whole = strspn(text, digits);
		if (whole == 0)
			return false;
		text += whole;
	}
	return !*text;
}

enum node_kind yaml_kind_of(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const bools[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	if (is_one_of(text, nulls, ARRAY_LEN(nulls)))
		return NODE_NULL;
	if (is_one_of(text, bools, ARRAY_LEN(bools)))
		return NODE_BOOL;
	if (is_int(text))
		return NODE_INT;
	return is_float(text) ? NODE_FLOAT : NODE_TEXT;
}
