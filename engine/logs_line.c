/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/logs_line.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"

static const char *const streams[LOG_STREAMS] = { "stdout", "stderr" };

/* ---- writing ---------------------------------------------------------------------------------- */

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the character at @p, at most @len; 0 if it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *p, size_t len)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (n == 0 || p[0] > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation(p[i]))
			return 0;
	}
	/* Overlong, a surrogate, or beyond the last plane. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* What stands for itself: '<', '>' and '&' do not, for docker's sake. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void escape(unsigned char c, struct str *out)
{
	static const char digits[] = "0123456789abcdef";
	char code[] = "\\u0000";

	switch (c) {
	case '"':
		str_add_len(out, "\\\"", 2);
		break;
	case '\\':
		str_add_len(out, "\\\\", 2);
		break;
	case '\n':
		str_add_len(out, "\\n", 2);
		break;
	case '\r':
		str_add_len(out, "\\r", 2);
		break;
	default:
		code[4] = digits[c >> 4];
		code[5] = digits[c & 0xf];
		str_add_len(out, code, 6);
	}
}

static void encode_text(const char *data, size_t len, struct str *out)
{
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = 0; i < len;) {
		size_t begin = i;
		size_t n;

		while (i < len && is_plain(p[i]))
			i++;
		str_add_len(out, data + begin, i - begin);
		if (i == len)
			break;
		n = utf8_length(p + i, len - i);
		if (n == 0)
			str_add_len(out, "\\ufffd", 6);
		else if (n == 1)
			escape(p[i], out);
		/* U+2028 and U+2029 end lines in JavaScript. */
		else if (n == 3 && p[i] == 0xe2 && p[i + 1] == 0x80 && (p[i + 2] & 0xfe) == 0xa8)
			str_addf(out, "\\u202%x", p[i + 2] & 0xf);
		else
			str_add_len(out, data + i, n);
		i += n ? n : 1;
	}
}

void log_line_encode(const struct log_entry *entry, struct str *out)
{
	char time[CLOCK_TEXT];

	clock_format(entry->time_ns, time);
	str_add_len(out, "{\"log\":\"", 8);
	encode_text(entry->data, entry->len, out);
	str_add(out, "\",\"stream\":\"");
	str_add(out, streams[entry->stream]);
	str_add(out, "\",\"time\":\"");
	str_add(out, time);
	str_add_len(out, "\"}\n", 3);
}

/* ---- reading ---------------------------------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

static bool skip(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	return true;
}

static bool read_hex(struct cursor *c, unsigned int *ret)
{
	*ret = 0;
	for (int i = 0; i < 4; i++, c->at++) {
		static const char digits[] = "0123456789abcdef";
		char lower = c->at < c->end ? (char)(*c->at | 0x20) : '\0';
		const char *digit = lower ? strchr(digits, lower) : NULL;

		if (!digit || (*c->at < '0'))
			return false;
		*ret = *ret * 16 + (unsigned int)(digit - digits);
	}
	return true;
}

static void add_utf8(unsigned int code, struct str *out)
{
	char buf[4];
	size_t n = 0;

	if (code < 0x80) {
		buf[n++] = (char)code;
	} else if (code < 0x800) {
		buf[n++] = (char)(0xc0 | code >> 6);
		buf[n++] = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		buf[n++] = (char)(0xe0 | code >> 12);
		buf[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		buf[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		buf[n++] = (char)(0xf0 | code >> 18);
		buf[n++] = (char)(0x80 | (code >> 12 & 0x3f));
		buf[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		buf[n++] = (char)(0x80 | (code & 0x3f));
	}
	str_add_len(out, buf, n);
}

/* Behind "\u"; a pair of surrogates is one character. */
static bool read_unicode(struct cursor *c, struct str *out)
{
	unsigned int code, low;

	if (!read_hex(c, &code) || (code >= 0xdc00 && code < 0xe000))
		return false;
	if (code >= 0xd800 && code < 0xdc00) {
		if (!skip(c, "\\u") || !read_hex(c, &low) || low < 0xdc00 || low >= 0xe000)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	add_utf8(code, out);
	return true;
}

static bool read_escape(struct cursor *c, struct str *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (c->at == c->end)
		return false;
	if (*c->at == 'u') {
		c->at++;
		return read_unicode(c, out);
	}
	name = *c->at ? strchr(names, *c->at) : NULL;
	if (!name)
		return false;
	str_add_len(out, &values[name - names], 1);
	c->at++;
	return true;
}

/* Behind the opening quote, to behind the closing one. */
static bool read_text(struct cursor *c, struct str *out)
{
	for (;;) {
		const char *begin = c->at;

		while (c->at < c->end && *c->at != '"' && *c->at != '\\')
			c->at++;
		str_add_len(out, begin, (size_t)(c->at - begin));
		if (c->at == c->end)
			return false;
		if (*c->at++ == '"')
			return true;
		if (!read_escape(c, out))
			return false;
	}
}

static bool read_stream(struct cursor *c, enum log_stream *ret)
{
	for (int i = 0; i < LOG_STREAMS; i++) {
		if (skip(c, streams[i])) {
			*ret = (enum log_stream)i;
			return true;
		}
	}
	return false;
}

static bool read_time(struct cursor *c, int64_t *ret)
{
	char text[CLOCK_TEXT + 8];
	size_t len = MIN((size_t)(c->end - c->at), sizeof(text) - 1);
	const char *at = text;
	struct error ignored;

	memcpy(text, c->at, len);
	text[len] = '\0';
	if (clock_read(&at, ret, &ignored) < 0)
		return false;
	c->at += at - text;
	return true;
}

bool log_line_decode(const char *line, size_t len, struct str *data, struct log_entry *ret)
{
	struct cursor c = { .at = line, .end = line + len };

	str_clear(data);
	if (!skip(&c, "{\"log\":\"") || !read_text(&c, data) || !skip(&c, ",\"stream\":\"") ||
	    !read_stream(&c, &ret->stream) || !skip(&c, "\",\"time\":\"") ||
	    !read_time(&c, &ret->time_ns) || !skip(&c, "\"}") || c.at != c.end)
		return false;
	ret->data = data->text ? data->text : "";
	ret->len = data->len;
	return true;
}
