/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * Messages to people and engines.  Library code returns errors and logs only at debug level; who
 * decides to go on logs a warning; main prints the final error once.
 *
 * Text goes to stderr as "minictr: ...".  With a log file (OCI --log) each line is also appended
 * there: text as `time="..." level=error msg="..."`, or JSON with the keys level, msg, time
 * (RFC 3339).
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
int log_to_file(const char *path, bool is_json, struct error *err);

/* The descriptor of that file, or -1. */
int log_descriptor(void);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
