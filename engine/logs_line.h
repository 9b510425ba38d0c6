/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * One message of a container as a line of docker's json-file log:
 *
 *	{"log":"text\n","stream":"stdout","time":"2026-11-23T00:21:25.533092484Z"}
 *
 * A message is a line of output; one longer than 16 KiB is several, of which only the last ends with
 * a newline.  What is not UTF-8 becomes U+FFFD, as docker has it.  Pure.
 */
enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

/* What docker's copier takes at once, newline included. */
#define LOG_MESSAGE_MAX 16384

/* No line of a log is longer: six characters for a byte, and the rest. */
#define LOG_LINE_MAX (LOG_MESSAGE_MAX * 6 + 256)

struct log_entry {
	enum log_stream stream;
	int64_t time_ns;
	const char *data; /* with its newline, if it has one */
	size_t len;
};

/* Adds the line, with a newline at its end. */
void log_line_encode(const struct log_entry *entry, struct str *out);

/*
 * The other way: @line[0..len) without its newline.  entry->data points into @data, whose content is
 * replaced.  False if it is none: torn by a crash, or no log at all.
 */
bool log_line_decode(const char *line, size_t len, struct str *data, struct log_entry *ret);
