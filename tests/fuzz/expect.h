/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What is promised of every input. */
static inline void expect(bool is_true)
{
	if (!is_true)
		abort();
}

/* The input as a text, ended by a NUL behind it.  Caller owns it. */
static inline char *input_text(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
