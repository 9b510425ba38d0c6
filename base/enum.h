/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Names <-> values, by tables ended by a NULL name. */
struct enum_name {
	const char *name;
	int value;
};

/* 1 and *ret if @name is in the table (exact spelling), else 0. */
int enum_from_name(const struct enum_name *table, const char *name, int *ret);

/* The first name of @value, or NULL. */
const char *enum_to_name(const struct enum_name *table, int value);

/* All names, "a, b, c", for error texts.  Caller frees. */
char *enum_names(const struct enum_name *table);
