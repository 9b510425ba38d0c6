/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Reads the text of a .env file or an env_file (compose-spec "Env_file format"):
 *
 *	NAME=plain text         # a comment begins behind a blank
 *	export NAME="a\tb $OTHER"
 *	NAME='as it stands, over
 *	several lines'
 *	NAME                    # the value that @env has, if any
 *
 * Variables in plain and double-quoted values are those of @env, then those of the lines above.
 * Pairs are set in @ret, which keeps what it has otherwise.  Errors begin with "<name>:<line>: ".
 */
int dotenv_parse(const char *name, const char *text, size_t len, const struct strv *env,
		 struct strv *ret, struct error *err);
