/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/str.h"

struct run_options;

/*
 * --network, into the struct run_options at @field: "NAME", several "NAME,NAME", or the long form
 * "name=NAME,alias=NAME,ip=ADDRESS".
 */
int run_network_parse(const char *text, void *field, struct error *err);

/* --network-alias and --ip: checked, and kept as they are. */
int run_alias_parse(const char *text, void *field, struct error *err);   /* struct strv */
int run_address_parse(const char *text, void *field, struct error *err); /* char * */

/*
 * Puts --network-alias and --ip (which may be NULL) to the first network, and refuses what does not
 * go together.
 */
int run_networks_finish(struct run_options *o, const struct strv *aliases, const char *address,
			struct error *err);
