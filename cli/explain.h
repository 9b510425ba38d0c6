/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/enum.h"
#include "base/error.h"
#include "base/step.h"
#include "base/str.h"

/* --explain: what was asked of the kernel, from the records of base/step.h. */
enum explain_form {
	EXPLAIN_NONE,
	EXPLAIN_TEXT,   /* a table with times, then totals */
	EXPLAIN_JSON,   /* an array of records */
	EXPLAIN_SCRIPT, /* a shell script that builds the same container by hand */
};

/* "text", "json", "script": for the option's table. */
extern const struct enum_name explain_forms[];

void explain_render(enum explain_form form, const struct step_record *records, size_t n,
		    struct str *ret);

/* Of several containers: what was done for one, or for networks. */
struct explain_part {
	const char *name; /* the container's; NULL: networks */
	const struct step_record *records;
	size_t n;
	bool is_awaited; /* others have waited until it had done its work */
};

/*
 * The same for several, in this order: a table each and their totals; an array of
 * { "container", "duration_ns", "steps" }; one script that builds them all.
 */
void explain_render_parts(enum explain_form form, const struct explain_part *parts, size_t n,
			  struct str *ret);

/* Begins to record, in memory, for this process and its children; returns the fd (owned). */
int explain_begin(struct error *err);

/* Reads the records of @fd from its beginning and renders them. */
int explain_read(enum explain_form form, int fd, struct str *ret, struct error *err);
