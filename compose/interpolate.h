/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "compose/tree.h"

/*
 * Variables in texts, as the Compose specification has them ("Interpolation"):
 *
 *	$NAME ${NAME}                   the value, or nothing
 *	${NAME:-text}  ${NAME-text}     text if NAME is unset or empty / unset
 *	${NAME:?text}  ${NAME?text}     an error with that text then
 *	${NAME:+text}  ${NAME+text}     text only if NAME is set and not empty / set
 *	$$                              a dollar sign
 *
 * The texts may have variables in turn.
 */
struct variables {
	const struct strv *env;  /* NAME=VALUE: counts most */
	const struct strv *more; /* looked at then; may be NULL */
	struct strv *unset;      /* names that were needed and not there; may be NULL */
	bool is_lenient;         /* a dollar sign that begins no variable stands for itself */
	size_t *budget;          /* bytes that all results together may still have */
};

/* What @variables say of one file may become; more is refused. */
#define INTERPOLATE_MAX (4U << 20)

/* *ret is the caller's to free. */
int interpolate(const char *text, const struct variables *variables, char **ret, struct error *err);

const char *variables_get(const struct variables *variables, const char *name);

/*
 * The same for all values below @node (keys stay as they are); a text that changed is NODE_TEXT.
 * Unset variables are told in @warnings, with the place of the first value that needs them.
 */
int interpolate_tree(struct node *node, const struct strv *env, struct strv *warnings,
		     struct error *err);
