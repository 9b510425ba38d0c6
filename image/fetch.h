/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/enum.h"
#include "base/error.h"

/*
 * Images that a container is to be made of: whether they are asked for at their registry first, as
 * `docker run --pull` and the Compose specification's pull_policy say.
 */
enum fetch_policy {
	FETCH_MISSING, /* if they are not in the store */
	FETCH_ALWAYS,
	FETCH_NEVER,
};
extern const struct enum_name fetch_policies[];

/*
 * 1: @reference is to be pulled first; 0: not, be it there or not.  -EINVAL: it is no name, nor the
 * beginning of one id.
 */
int fetch_is_needed(const char *store_path, const char *reference, enum fetch_policy policy,
		    struct error *err);

/*
 * Pulls it, with progress on stderr unless @is_quiet.  Fails as remote_pull() does; where it was
 * needed for want of one in the store, err->msg begins with "no such image: 'x'".
 */
int fetch_image(const char *store_path, const char *reference, enum fetch_policy policy,
		bool is_quiet, struct error *err);
