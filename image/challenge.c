/* SPDX-License-Identifier: Apache-2.0 */
#include "image/challenge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

void challenge_fini(struct challenge *challenge)
{
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
	*challenge = (struct challenge){ 0 };
}

static void skip_spaces(const char **at)
{
	*at += strspn(*at, " \t");
}

/* "quoted \" text" or token: caller frees; NULL if it is neither. */
static char *read_value(const char **at)
{
	auto_str struct str text = { 0 };
	size_t len;

	if (**at != '"') {
		/* A bare value ends where the next parameter begins. */
		len = strcspn(*at, ", \t");
		if (len == 0)
			return NULL;
		*at += len;
		return xstrndup(*at - len, len);
	}
	for ((*at)++; **at != '"'; (*at)++) {
		if (**at == '\\')
			(*at)++;
		if (**at == '\0')
			return NULL;
		str_add_len(&text, *at, 1);
	}
	(*at)++;
	return str_take(&text);
}

static void put(struct challenge *challenge, const char *name, size_t len, char *value)
{
	const struct {
		const char *name;
		char **to;
	} known[] = {
		{ "realm", &challenge->realm },
		{ "service", &challenge->service },
		{ "scope", &challenge->scope },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strlen(known[i].name) != len || strncasecmp(known[i].name, name, len) != 0)
			continue;
		free(*known[i].to);
		*known[i].to = value;
		return;
	}
	free(value);
}

/* name=value, name=value; stops before what is none, such as the next scheme. */
static int read_parameters(const char **at, struct challenge *challenge)
{
	for (;;) {
		const char *name, *equals;
		size_t len;
		char *value;

		skip_spaces(at);
		while (**at == ',') {
			(*at)++;
			skip_spaces(at);
		}
		name = *at;
		len = strcspn(name, "=, \t\"");
		equals = name + len;
		if (len == 0 || *equals != '=')
			return 0;
		*at = equals + 1;
		value = read_value(at);
		if (!value)
			return -EINVAL;
		put(challenge, name, len, value);
	}
}

static enum challenge_kind kind_of(const char *scheme, size_t len)
{
	if (len == 6 && strncasecmp(scheme, "bearer", len) == 0)
		return CHALLENGE_BEARER;
	if (len == 5 && strncasecmp(scheme, "basic", len) == 0)
		return CHALLENGE_BASIC;
	return CHALLENGE_NONE;
}

static bool is_answerable(const struct challenge *challenge)
{
	if (challenge->kind == CHALLENGE_BEARER)
		return challenge->realm && (str_starts(challenge->realm, "https://") ||
					    str_starts(challenge->realm, "http://"));
	return challenge->kind == CHALLENGE_BASIC;
}

int challenge_parse(const char *text, struct challenge *ret, struct error *err)
{
	auto_free char *shown = str_escape(text);
	const char *at = text;

	while (*at) {
		auto_challenge struct challenge challenge = { 0 };
		size_t len;

		skip_spaces(&at);
		len = strcspn(at, " \t,");
		if (len == 0)
			break;
		challenge.kind = kind_of(at, len);
		at += len;
		if (read_parameters(&at, &challenge) < 0)
			break;
		if (is_answerable(&challenge)) {
			*ret = challenge;
			challenge = (struct challenge){ 0 };
			return 0;
		}
	}
	return err_set(err, EINVAL, "it asks for credentials in a way that is not known: '%.200s'",
		       shown);
}

static void add_encoded(struct str *url, const char *text)
{
	for (; *text; text++) {
		if (strchr("-._~:/,", *text) || (*text >= '0' && *text <= '9') ||
		    (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z'))
			str_add_len(url, text, 1);
		else
			str_addf(url, "%%%02X", (unsigned char)*text);
	}
}

char *challenge_token_url(const struct challenge *challenge, const char *scope)
{
	auto_str struct str url = { 0 };
	const char *separator = strchr(challenge->realm, '?') ? "&" : "?";

	str_add(&url, challenge->realm);
	if (challenge->service) {
		str_addf(&url, "%sservice=", separator);
		add_encoded(&url, challenge->service);
		separator = "&";
	}
	if (challenge->scope)
		scope = challenge->scope;
	if (scope) {
		str_addf(&url, "%sscope=", separator);
		add_encoded(&url, scope);
	}
	return str_take(&url);
}
