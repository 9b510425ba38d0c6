/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void str_fini(struct str *s)
{
	free(s->text);
	*s = (struct str){ 0 };
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->text)
		s->text[0] = '\0';
}

static void make_room(struct str *s, size_t more)
{
	size_t need = s->len + more + 1;

	if (need <= s->room)
		return;
	s->room = MAX(need, s->room * 2);
	s->text = xrealloc(s->text, s->room, 1);
}

void str_add_len(struct str *s, const char *text, size_t len)
{
	make_room(s, len);
	if (len)
		memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_len(s, text, strlen(text));
}

void str_addf(struct str *s, const char *fmt, ...)
{
	const size_t room = s->room - s->len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(room ? s->text + s->len : NULL, room, fmt, ap);
	va_end(ap);
	if (len < 0) {
		if (room)
			s->text[s->len] = '\0';
		return;
	}
	if ((size_t)len < room) {
		s->len += (size_t)len;
		return;
	}

	make_room(s, (size_t)len);
	va_start(ap, fmt);
	(void)vsnprintf(s->text + s->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	s->len += (size_t)len;
}

char *str_take(struct str *s)
{
	char *text = s->text ? s->text : xstrdup("");

	*s = (struct str){ 0 };
	return text;
}

void strv_fini(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){ 0 };
}

void strv_take(struct strv *v, char *text)
{
	if (v->room < v->n + 2) {
		v->room = MAX(2 * v->room, v->n + 2);
		v->items = xrealloc(v->items, v->room, sizeof(*v->items));
	}
	v->items[v->n++] = text;
	v->items[v->n] = NULL;
}

void strv_add(struct strv *v, const char *text)
{
	strv_take(v, xstrdup(text));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	strv_take(v, len < 0 ? xstrdup("") : text);
}

void strv_copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->items[i]);
}

void strv_remove(struct strv *v, size_t at)
{
	free(v->items[at]);
	/* With the NULL at the end. */
	memmove(v->items + at, v->items + at + 1, (v->n - at) * sizeof(*v->items));
	v->n--;
}

bool strv_has(const struct strv *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->items[i], text) == 0)
			return true;
	}
	return false;
}

static bool is_variable(const char *pair, const char *name)
{
	size_t len = strlen(name);

	return strncmp(pair, name, len) == 0 && pair[len] == '=';
}

void strv_setenv(struct strv *v, const char *name, const char *value)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!is_variable(v->items[i], name))
			continue;
		free(v->items[i]);
		v->items[i] = xasprintf("%s=%s", name, value);
		return;
	}
	strv_addf(v, "%s=%s", name, value);
}

const char *strv_getenv(const struct strv *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++) {
		if (is_variable(v->items[i], name))
			return v->items[i] + strlen(name) + 1;
	}
	return NULL;
}

void strv_split(struct strv *v, const char *text, char sep)
{
	for (;;) {
		const char *end = strchrnul(text, sep);

		strv_take(v, xstrndup(text, (size_t)(end - text)));
		if (!*end)
			return;
		text = end + 1;
	}
}

char *const *strv_items(const struct strv *v)
{
	static char *const none[] = { NULL };

	return v->items ? v->items : none;
}

bool str_eq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text);
	size_t tail = strlen(suffix);

	return len >= tail && strcmp(text + len - tail, suffix) == 0;
}

/* Decodes one UTF-8 sequence; returns its length, or 0 if it is not well formed. */
static size_t decode(const unsigned char *p, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
	uint32_t code = p[0];

	if (len == 4 && (p[0] & 0xf8) != 0xf0)
		return 0;
	if (len > 1)
		code = p[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < smallest[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

static bool is_shown(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	/* Marks that reorder what a reader sees. */
	return !((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
		 code == 0x200e || code == 0x200f || code == 0x61c);
}

char *str_escape(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	struct str out = { 0 };

	while (*p) {
		uint32_t code = 0;
		size_t len = decode(p, &code);

		if (len && is_shown(code)) {
			str_add_len(&out, (const char *)p, len);
		} else {
			len = len ? len : 1;
			for (size_t i = 0; i < len; i++)
				str_addf(&out, "\\x%02x", p[i]);
		}
		p += len;
	}
	return str_take(&out);
}
