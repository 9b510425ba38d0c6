/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

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

/* What render_parts() is made of. */
void explain_text(const struct step_record *records, size_t n, struct str *ret);
json_t *explain_json(const struct step_record *records, size_t n);

/* Steps of the host alone, bridges among them, and how to take them back, a line a step. */
void explain_script_host(const struct step_record *records, size_t n, struct str *ret_steps,
			 struct str *ret_undo);

/*
 * The script of a container as a part of another one, which is told by the file $STATE whether it
 * has come "up", or "ended" before.
 */
void explain_script_part(const struct step_record *records, size_t n, struct str *ret);

/* Adds @text as the standard input of the command that @out ends with. */
void explain_here_document(const char *word, const char *text, struct str *out);

void explain_script(const struct step_record *records, size_t n, struct str *ret);
