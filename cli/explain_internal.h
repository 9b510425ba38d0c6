/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/step.h"
#include "base/str.h"

/*
 * Adds @word so that a POSIX shell reads it back as it is.  With @pid (may be NULL) the word
 * "<pid>" and the "<pid>" of "/proc/<pid>" become $PID.
 */
void explain_quote(const char *word, const char *pid, struct str *ret);

/* Adds words separated by blanks. */
void explain_words(char *const *words, const char *pid, struct str *ret);

/* The record as one would type it: "mkdir x", "echo 5 > y", "# note"; without its input. */
void explain_command(const struct step_record *record, const char *pid, struct str *ret);

void explain_script(const struct step_record *records, size_t n, struct str *ret);
