/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/* Text that grows.  Zero-initialised is empty; @text is NULL until something is added. */
struct str {
	char *text; /* owned, NUL-terminated */
	size_t len;
	size_t room;
};

void str_fini(struct str *s);
void str_add(struct str *s, const char *text);
void str_add_len(struct str *s, const char *text, size_t len);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_clear(struct str *s);

/* Hands the text over ("" if nothing was added), and leaves an empty builder behind. */
char *str_take(struct str *s);

#define auto_str __attribute__((cleanup(str_fini)))

/* A list of texts, NULL-terminated as execve(2) wants it; zero-initialised is empty. */
struct strv {
	char **items; /* owned, each item too; NULL while n is 0 and nothing was ever added */
	size_t n;
	size_t room; /* of the functions below; 0 is fine for items from elsewhere */
};

void strv_fini(struct strv *v);
void strv_add(struct strv *v, const char *text); /* copies */
void strv_take(struct strv *v, char *text);      /* takes over */
void strv_addf(struct strv *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strv_copy(struct strv *to, const struct strv *from);
void strv_remove(struct strv *v, size_t at);
bool strv_has(const struct strv *v, const char *text);

/* Sets NAME=value in a list of such pairs: replaces the first of that name, or adds it. */
void strv_setenv(struct strv *v, const char *name, const char *value);
const char *strv_getenv(const struct strv *v, const char *name);

/* Splits at each @sep; empty fields are kept; "" gives one empty field. */
void strv_split(struct strv *v, const char *text, char sep);

/* Never NULL: an empty list is shared static storage. */
char *const *strv_items(const struct strv *v);

#define auto_strv __attribute__((cleanup(strv_fini)))

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* For the terminal: C0, C1, DEL, bidi controls and broken UTF-8 become \xNN.  Caller frees. */
char *str_escape(const char *text);
