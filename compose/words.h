/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/str.h"

/*
 * Splits a command as a shell would: blanks separate, '...' and "..." and \ hold together.  Nothing
 * else of a shell is done: "&&" and "*" are words like others.
 */
int words_split(const char *text, struct strv *ret, struct error *err);
