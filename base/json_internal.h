/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

/* What json.c has for json_read.c and json_write.c. */

/* Seeds jansson's hashes, once. */
void json_seed(void);

/* Where the text of @value begins, or NULL; @path as for json_doc_place(). */
const char *json_find_text(const struct json_doc *doc, const json_t *value, const char *path);

/* Length of the number or word at @at. */
size_t json_token_length(const char *at, const char *end);

/* True if a number is written with digits only, but for a sign. */
bool json_is_whole(const char *token, size_t len);

/* Adds "name" or "[3]" to a path. */
void json_add_name(struct str *path, const char *name);

int json_verror(const struct json_doc *doc, const json_t *value, const char *path,
		struct error *err, const char *fmt, va_list ap) PRINTF_LIKE(5, 0);
