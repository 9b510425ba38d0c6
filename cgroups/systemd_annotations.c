/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cgroups/systemd_properties.h"

#define PREFIX "org.systemd.property."

/* A value as its text says it. */
struct value {
	const char *type; /* static */
	uint64_t number;
	double real; /* of a number, whatever its type */
	struct strv texts;
};

static void value_fini(struct value *v)
{
	strv_fini(&v->texts);
}

/* ---- GVariant text (gvariant-text-format of GLib): as much of it as properties need */

static const struct number_type {
	const char *word, *type;
	int64_t min;
	uint64_t max;
} number_types[] = {
	{ "byte", "y", 0, UINT8_MAX },    { "int16", "n", INT16_MIN, INT16_MAX },
	{ "uint16", "q", 0, UINT16_MAX }, { "int32", "i", INT32_MIN, INT32_MAX },
	{ "uint32", "u", 0, UINT32_MAX }, { "int64", "x", INT64_MIN, INT64_MAX },
	{ "uint64", "t", 0, UINT64_MAX },
};

static const char *skip_space(const char *text)
{
	return text + strspn(text, " \t\n");
}

/* Takes the word @word and the space behind it. */
static bool take_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0 || !strchr(" \t", (*at)[len]) || !(*at)[len])
		return false;
	*at = skip_space(*at + len);
	return true;
}

/* 'text' or "text"; a backslash stands before a quote, a backslash, or n and t. */
static bool read_text(const char **at, struct strv *ret)
{
	auto_str struct str text = { 0 };
	const char *p = *at;
	char quote = *p++;

	if (quote != '\'' && quote != '"')
		return false;
	for (; *p && *p != quote; p++) {
		char c = *p;

		if (c == '\\') {
			c = *++p;
			if (!c || !strchr("'\"\\nt", c))
				return false;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		str_add_len(&text, &c, 1);
	}
	if (!*p)
		return false;
	strv_take(ret, str_take(&text));
	*at = skip_space(p + 1);
	return true;
}

static bool read_list(const char **at, struct value *v)
{
	const char *p = *at;

	if (*p != '[')
		return false;
	p = skip_space(p + 1);
	while (*p != ']') {
		if (!read_text(&p, &v->texts))
			return false;
		if (*p == ',')
			p = skip_space(p + 1);
		else if (*p != ']')
			return false;
	}
	v->type = "as";
	*at = skip_space(p + 1);
	return true;
}

static bool read_integer(const char **at, const struct number_type *type, struct value *v)
{
	struct error ignored;
	int64_t number;
	bool is_read;

	if (**at == '-') {
		is_read = parse_int64(*at, type->min, 0, &number, &ignored) == 0;
		v->number = (uint64_t)number;
		v->real = (double)number;
	} else {
		is_read = parse_uint64(*at, type->max, &v->number, &ignored) == 0;
		v->real = (double)v->number;
	}
	v->type = type->type;
	*at += strlen(*at);
	return is_read;
}

static bool read_real(const char **at, struct value *v)
{
	char *end;

	if (!**at || strspn(*at, "0123456789.eE+-") != strlen(*at))
		return false;
	v->real = strtod(*at, &end);
	v->type = "d";
	memcpy(&v->number, &v->real, sizeof(v->number));
	*at = end;
	return true;
}

static bool read_value(const char *text, struct value *v)
{
	static const struct number_type plain = { "", "i", INT32_MIN, INT32_MAX };
	const char *at = skip_space(text);
	bool is_list = take_word(&at, "@as");
	bool is_path = !is_list && take_word(&at, "objectpath");

	if (str_eq(at, "true") || str_eq(at, "false")) {
		v->type = "b";
		v->number = *at == 't';
		return true;
	}
	if (is_list || *at == '[')
		return read_list(&at, v) && !*at;
	if (is_path || *at == '\'' || *at == '"') {
		v->type = is_path ? "o" : "s";
		return read_text(&at, &v->texts) && !*at;
	}
	for (size_t i = 0; i < ARRAY_LEN(number_types); i++)
		if (take_word(&at, number_types[i].word))
			return read_integer(&at, &number_types[i], v) && !*at;
	if (take_word(&at, "double") || strpbrk(at, ".eE"))
		return read_real(&at, v) && !*at;
	return read_integer(&at, &plain, v) && !*at;
}

/* ---- names */

static bool is_property_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len >= 3 && !name[len];
}

/* What is ours to say, and what reaches beyond the one unit: systemd.unit(5). */
static bool is_refused(const char *name)
{
	static const char *const names[] = {
		"PIDs",
		"Slice",
		"Delegate",
		"Requires",
		"Requisite",
		"Wants",
		"BindsTo",
		"PartOf",
		"Upholds",
		"Conflicts",
		"OnFailure",
		"OnSuccess",
		"Triggers",
		"PropagatesReloadTo",
		"PropagatesStopTo",
		"ReloadPropagatedFrom",
		"StopPropagatedFrom",
		"JoinsNamespaceOf",
		"RequiredBy",
		"WantedBy",
		"RefuseManualStop",
		"Controller",
		"Scope",
		"User",
		"Group",
		"PAMName",
	};

	if (str_ends(name, "Action"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

/* "TimeoutStopSec" is not on D-Bus, "TimeoutStopUSec" is. */
static bool is_in_seconds(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && str_ends(name, "Sec") && name[len - 4] >= 'a' && name[len - 4] <= 'z';
}

static int seconds_to_us(struct value *v, struct error *err)
{
	if (v->texts.n || str_eq(v->type, "as") || *v->type == 'b')
		return err_set(err, EINVAL, "it is no number of seconds");
	/* The same bounds as systemd's "infinity" of time has. */
	if (!(v->real >= 0) || v->real > 1e12)
		return err_set(err, ERANGE, "%g seconds are out of range", v->real);
	v->type = "t";
	v->number = (uint64_t)(v->real * 1e6);
	return 0;
}

static int put_property(struct unit_properties *p, const char *name, const char *text,
			struct error *err)
{
	auto_free char *long_name = NULL;
	__attribute__((cleanup(value_fini))) struct value v = { 0 };
	struct unit_property *item;
	int rc = 0;

	if (!is_property_name(name))
		return err_set(err, EINVAL, "that is no name of a property");
	if (is_refused(name))
		return err_set(err, EPERM, "a container may not set that");
	if (!read_value(text, &v)) {
		auto_free char *clean = str_escape(text);

		return err_set(err, EINVAL, "cannot read '%s': use true, 'text', uint64 5, ['a']",
			       clean);
	}
	if (is_in_seconds(name)) {
		long_name = xasprintf("%.*sUSec", (int)strlen(name) - 3, name);
		rc = seconds_to_us(&v, err);
	}
	if (rc < 0)
		return rc;
	unit_put_number(p, long_name ? long_name : name, v.type, v.number);
	item = &p->items[p->n - 1];
	item->texts = v.texts;
	v.texts = (struct strv){ 0 };
	return 0;
}

int unit_put_annotations(struct unit_properties *p, const struct strv *annotations,
			 struct error *err)
{
	for (size_t i = 0; i < annotations->n; i++) {
		const char *pair = annotations->items[i];
		const char *equals = strchr(pair, '=');
		auto_free char *key = xstrndup(pair, equals ? (size_t)(equals - pair) : 0);
		int rc;

		if (!str_starts(key, PREFIX))
			continue;
		rc = put_property(p, key + strlen(PREFIX), equals + 1, err);
		if (rc < 0) {
			auto_free char *clean = str_escape(key);

			return err_wrap(err, "annotation '%s'", clean);
		}
	}
	return 0;
}
