/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How many letters to change from one to the other (inserted, dropped, replaced, swapped). */
size_t word_distance(const char *a, const char *b);

/* True if somebody who typed @typed may well have meant @word. */
bool word_is_close(const char *typed, const char *word);
