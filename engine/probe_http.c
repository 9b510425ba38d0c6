/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/probe_http.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "engine/health.h"

char *probe_http_request(const struct health_target *target)
{
	return xasprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: minictr-healthcheck\r\n"
			 "Accept: */*\r\nConnection: close\r\n\r\n",
			 target->path, target->authority);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reason phrases are printable or obs-text (RFC 9112, 4). */
static bool is_reason(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* One whole line without its end: "HTTP/1.1 200 OK" -> 200, or -EPROTO. */
static int parse_line(const char *line, size_t len)
{
	static const char version[] = "HTTP/1.";
	const size_t at = sizeof(version) - 1;
	int status;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len < at + 5 || memcmp(line, version, at) != 0 || !is_digit(line[at]) ||
	    line[at + 1] != ' ')
		return -EPROTO;
	line += at + 2;
	len -= at + 2;
	if (!is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]))
		return -EPROTO;
	if (len > 3 && (line[3] != ' ' || !is_reason(line + 4, len - 4)))
		return -EPROTO;
	status = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	return status >= 100 && status <= 599 ? status : -EPROTO;
}

/* Where the header ends that begins at @data: behind an empty line; 0: not yet. */
static size_t header_end(const char *data, size_t len)
{
	const char *at = data;
	const char *line_end;

	while ((line_end = memchr(at, '\n', len - (size_t)(at - data)))) {
		size_t line = (size_t)(line_end - at);

		if (line == 0 || (line == 1 && *at == '\r'))
			return (size_t)(line_end + 1 - data);
		at = line_end + 1;
	}
	return 0;
}

int probe_http_status(const char *data, size_t len)
{
	const bool is_full = len >= PROBE_HTTP_MAX;

	for (;;) {
		const char *end = memchr(data, '\n', len);
		size_t skip;
		int status;

		/* What cannot become a status line is told before its end comes. */
		if (!end)
			return is_full || memcmp(data, "HTTP/1.", MIN(len, sizeof("HTTP/1.") - 1))
				       ? -EPROTO
				       : 0;
		status = parse_line(data, (size_t)(end - data));
		if (status < 0 || status >= 200)
			return status;
		skip = header_end(data, len);
		if (!skip)
			return is_full ? -EPROTO : 0;
		data += skip;
		len -= skip;
	}
}
