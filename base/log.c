/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level highest = LOG_LEVEL_WARNING;
static int file = -1;
static bool file_is_json;

void log_set_level(enum log_level level)
{
	highest = level;
}

int log_to_file(const char *path, bool is_json, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return err_sys(err, "open log '%s'", path);
	close_fd(&file);
	file = fd;
	file_is_json = is_json;
	return 0;
}

int log_descriptor(void)
{
	return file;
}

/* A JSON or logfmt string: both take backslash escapes. */
static void add_quoted(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addf(out, "\\%c", *p);
		else if (*p < 0x20)
			str_addf(out, "\\u%04x", *p);
		else
			str_add_len(out, (const char *)p, 1);
	}
	str_add(out, "\"");
}

static void write_to_file(enum log_level level, const char *text)
{
	auto_str struct str line = { 0 };
	char now[32];
	time_t seconds = time(NULL);
	struct tm tm;

	(void)strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	if (file_is_json) {
		str_addf(&line, "{\"level\":\"%s\",\"msg\":", level_names[level]);
		add_quoted(&line, text);
		str_addf(&line, ",\"time\":\"%s\"}\n", now);
	} else {
		str_addf(&line, "time=\"%s\" level=%s msg=", now, level_names[level]);
		add_quoted(&line, text);
		str_add(&line, "\n");
	}
	(void)!write(file, line.text, line.len);
}

static void PRINTF_LIKE(2, 0) log_line(enum log_level level, const char *fmt, va_list ap)
{
	auto_free char *text = NULL;
	auto_free char *shown = NULL;
	auto_str struct str line = { 0 };
	int saved = errno;

	if (level > highest)
		return;
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}

	/* File names and what others wrote may be part of it: one line, no control characters. */
	shown = str_escape(text);
	if (file >= 0)
		write_to_file(level, shown);
	str_addf(&line, "minictr: %s%s%s\n", level == LOG_LEVEL_ERROR ? "" : level_names[level],
		 level == LOG_LEVEL_ERROR ? "" : ": ", shown);
	(void)!write(STDERR_FILENO, line.text, line.len);
	errno = saved;
}

#define DEFINE_LOG(name, level)           \
	void name(const char *fmt, ...)   \
	{                                 \
		va_list ap;               \
                                          \
		va_start(ap, fmt);        \
		log_line(level, fmt, ap); \
		va_end(ap);               \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
