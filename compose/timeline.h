/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* How long services took to come up, each beside the others.  Pure. */
struct timeline_row {
	const char *name, *state;
	int64_t begun_ns; /* since the beginning of it all: it waited until then */
	int64_t ready_ns;
};

/* Adds lines: "web   85 ms  healthy  ....####", a dot for waiting, a # for working. */
void timeline_render(const struct timeline_row *rows, size_t n, struct str *ret);
