/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/step.h"
#include "base/str.h"

/*
 * What stands in commands for what differs from run to run, or is too long to read: variables of
 * the shell.  NULL: none.  Borrowed.
 */
struct explain_names {
	const char *pid;  /* "$PID", as a word and in /proc/PID */
	const char *root; /* $ROOT: the container's root, as the host names it */
	const char *id;   /* $ID: the container's, wherever it stands */
};

/* Finds id and root in what was recorded. */
void explain_find_names(const struct step_record *records, size_t n, struct explain_names *ret);

/* Adds @word so that a POSIX shell reads it back as it is; @names may be NULL. */
void explain_quote(const char *word, const struct explain_names *names, struct str *ret);

/* Adds words separated by blanks. */
void explain_words(char *const *words, const struct explain_names *names, struct str *ret);

/* The record as one would type it: "mkdir x", "echo 5 > y", "# note"; without its input. */
void explain_command(const struct step_record *record, const struct explain_names *names,
		     struct str *ret);

void explain_script(const struct step_record *records, size_t n, struct str *ret);
