/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* One step of an ordered job.  @undo may be NULL; it must cope with a half-done @run. */
struct stage {
	const char *name; /* also the heading in --explain */
	int (*run)(void *job, struct error *err);
	void (*undo)(void *job);
};

/*
 * Runs the stages in order.  On failure undoes the failed one and those before it, last first,
 * and returns the negative errno with @err prefixed by the stage's name.
 */
int stages_run(const struct stage *stages, size_t n, void *job, struct error *err);

/* Undoes all of them, last first: the end of a life that stages_run() began. */
void stages_undo(const struct stage *stages, size_t n, void *job);
