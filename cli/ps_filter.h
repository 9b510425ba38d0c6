/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "engine/list.h"

/* Which containers `ps --filter KEY=VALUE` shows, by docker's rules. */

/* Checks one such text and adds it to @filters: an opt_parser. */
int ps_filter_add(const char *text, void *filters, struct error *err);

/*
 * Of one key any value will do, but labels have all to be there; of several keys each has to match.
 * @all: for before= and since=, which name others.  Pure.
 */
bool ps_filter_matches(const struct strv *filters, const struct list_entry *entry,
		       const struct list_entry *all, size_t n);

/* Asks for containers that do not run. */
bool ps_filter_wants_all(const struct strv *filters);
