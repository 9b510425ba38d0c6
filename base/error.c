/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_text(int code)
{
	static _Thread_local char text[64];
	const char *known = strerrordesc_np(code);

	if (!known) {
		(void)snprintf(text, sizeof(text), "error %d", code);
		return text;
	}
	(void)snprintf(text, sizeof(text), "%s", known);

	/* "RFS specific error" keeps its capitals, "No such file" does not. */
	if (text[0] && !isupper((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

int err_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->status = 0;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -code;
}

int err_sys(struct error *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	size_t len;

	err->code = code;
	err->status = 0;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", err_text(code));
	return -code;
}

int err_wrap(struct error *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;
	size_t len;

	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", inner);
	return -err->code;
}

int err_exit(struct error *err, int status)
{
	err->status = status;
	return -err->code;
}
