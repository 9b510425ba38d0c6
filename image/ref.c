/* SPDX-License-Identifier: Apache-2.0 */
#include "image/ref.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define DEFAULT_HOST   "docker.io"
#define DEFAULT_FOLDER "library"
#define DEFAULT_TAG    "latest"

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DECIMAL      "0123456789"
#define HEXADECIMAL  "0123456789abcdef"

void ref_fini(struct image_ref *ref)
{
	free(ref->name);
	free(ref->tag);
	*ref = (struct image_ref){ 0 };
}

/* Length of a separator of path components' words: one of "." "_" "__", or any number of "-". */
static size_t separator(const char *at)
{
	if (*at == '.')
		return 1;
	if (*at == '_')
		return at[1] == '_' ? 2 : 1;
	return strspn(at, "-");
}

/* Words of lower-case letters and digits with separators between: returns where they end. */
static const char *path_component(const char *at)
{
	size_t word = strspn(at, LOWER_DIGITS);

	if (word == 0)
		return NULL;
	for (;;) {
		size_t gap;

		at += word;
		gap = separator(at);
		if (gap == 0)
			return at;
		word = strspn(at + gap, LOWER_DIGITS);
		if (word == 0)
			return NULL;
		at += gap;
	}
}

static bool is_path(const char *path)
{
	const char *at = path;

	for (;;) {
		at = path_component(at);
		if (!at)
			return false;
		if (*at == '\0')
			return true;
		if (*at++ != '/')
			return false;
	}
}

/* Names with dots between (RFC 1123 labels, upper case allowed), or an IPv6 address in brackets. */
static const char *host_name(const char *at)
{
	if (*at == '[') {
		size_t len = strspn(at + 1, "0123456789abcdefABCDEF:");

		return len > 0 && at[1 + len] == ']' ? at + len + 2 : NULL;
	}
	for (;;) {
		size_t len = strspn(at, LOWER_DIGITS UPPER "-");

		if (len == 0 || at[0] == '-' || at[len - 1] == '-')
			return NULL;
		at += len;
		if (*at != '.')
			return at;
		at++;
	}
}

static bool is_host(const char *host)
{
	const char *at = host_name(host);
	size_t digits;

	if (!at || *at == '\0')
		return at != NULL;
	if (*at++ != ':')
		return false;
	digits = strspn(at, DECIMAL);
	return digits > 0 && digits <= 5 && at[digits] == '\0';
}

/*
 * Whether the first part of a name is a host: it has a dot or a port, or is "localhost", or has
 * upper case, which paths must not have.
 */
static bool looks_like_host(const char *part)
{
	return strpbrk(part, ".:") || strpbrk(part, UPPER) || str_eq(part, "localhost");
}

static bool is_tag(const char *tag)
{
	size_t len = strlen(tag);

	return len > 0 && len <= REF_MAX_TAG && tag[0] != '.' && tag[0] != '-' &&
	       strspn(tag, LOWER_DIGITS UPPER "_.-") == len;
}

/* @name without tag and digest -> with host and folder; NULL and *ret_why if it is none. */
static char *normal_name(const char *name, const char **ret_why)
{
	const char *slash = strchr(name, '/');
	auto_free char *host = xstrndup(name, slash ? (size_t)(slash - name) : 0);
	const char *path = name;
	char *whole;

	if (slash && looks_like_host(host)) {
		path = slash + 1;
	} else {
		free(host);
		host = xstrdup(DEFAULT_HOST);
	}
	*ret_why = "a name must be like [host[:port]/]path";
	if (!is_host(host) || *path == '\0')
		return NULL;
	if (strpbrk(path, UPPER)) {
		*ret_why = "a name must be in lower case";
		return NULL;
	}
	if (!is_path(path))
		return NULL;
	if (str_eq(host, "index." DEFAULT_HOST))
		memmove(host, DEFAULT_HOST, sizeof(DEFAULT_HOST));
	if (str_eq(host, DEFAULT_HOST) && !strchr(path, '/'))
		whole = xasprintf("%s/" DEFAULT_FOLDER "/%s", host, path);
	else
		whole = xasprintf("%s/%s", host, path);
	if (strlen(whole) <= REF_MAX_NAME)
		return whole;
	*ret_why = "a name must not be longer than 255 characters";
	free(whole);
	return NULL;
}

/* Cuts "@digest" and ":tag" off @text; NULL, or what is wrong. */
static const char *split_off(char *text, struct image_ref *ref)
{
	char *at = strchr(text, '@');
	char *slash, *colon;

	/* With a tag it is a name, as what is in "library" is written without that folder. */
	if (strlen(text) == DIGEST_HEX && strspn(text, HEXADECIMAL) == DIGEST_HEX)
		return "64 hexadecimal digits are an id, not a name";
	if (at) {
		if (!digest_is_valid(at + 1))
			return "what follows '@' must be '" DIGEST_PREFIX "' and 64 digits";
		memcpy(ref->digest, at + 1, DIGEST_TEXT);
		*at = '\0';
	}
	slash = strrchr(text, '/');
	colon = strrchr(slash ? slash : text, ':');
	if (colon) {
		if (!is_tag(colon + 1))
			return "a tag must be letters, digits, '_', '.' and '-', at most 128";
		ref->tag = xstrdup(colon + 1);
		*colon = '\0';
	} else if (!at) {
		ref->tag = xstrdup(DEFAULT_TAG);
	}
	return NULL;
}

int ref_parse(const char *text, struct image_ref *ret, struct error *err)
{
	auto_ref struct image_ref ref = { 0 };
	auto_free char *name = xstrdup(text);
	const char *why = split_off(name, &ref);
	auto_free char *shown = NULL;

	if (!why)
		ref.name = normal_name(name, &why);
	if (ref.name) {
		*ret = ref;
		ref = (struct image_ref){ 0 };
		return 0;
	}
	shown = str_escape(text);
	return err_set(err, EINVAL, "invalid image name '%.300s': %s", shown, why);
}

int ref_parse_name(const char *text, struct image_ref *ret, struct error *err)
{
	auto_ref struct image_ref ref = { 0 };
	int rc = ref_parse(text, &ref, err);

	if (rc < 0)
		return rc;
	/* "sha256:12ab" would look like one. */
	if (*ref.digest || str_eq(ref.name, "docker.io/library/sha256"))
		return err_set(err, EINVAL, "name '%.300s': a digest is no name", text);
	*ret = ref;
	ref = (struct image_ref){ 0 };
	return 0;
}

char *ref_text(const struct image_ref *ref)
{
	return xasprintf("%s%s%s%s%s", ref->name, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
			 *ref->digest ? "@" : "", ref->digest);
}

const char *ref_familiar(const char *text)
{
	static const char host[] = DEFAULT_HOST "/";
	static const char folder[] = DEFAULT_FOLDER "/";
	auto_free char *part = NULL;
	const char *path, *slash;

	if (!str_starts(text, host))
		return text;
	path = text + strlen(host);
	if (str_starts(path, folder) && !strchr(path + strlen(folder), '/'))
		return path + strlen(folder);

	/* What would be taken for a host keeps the real one in front. */
	slash = strchr(path, '/');
	part = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	return looks_like_host(part) ? text : path;
}

const char *ref_id_digits(const char *text)
{
	size_t len;

	if (str_starts(text, DIGEST_PREFIX))
		text += strlen(DIGEST_PREFIX);
	len = strspn(text, HEXADECIMAL);
	return len > 0 && len <= DIGEST_HEX && text[len] == '\0' ? text : NULL;
}
