/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

struct json_reader;
struct port_mapping;
struct run_options;

/*
 * Options as JSON, so that a container can be made again: what is set, under the names of the
 * members.  Texts of a container are bytes, which JSON's are not: one that is no UTF-8 is written
 * as {"hex": "..."}.
 *
 * Left out is what belongs to the command and not to the container: is_detached.
 */
json_t *run_options_to_json(const struct run_options *options);

/* A json_field_handler: @options is a struct run_options that is filled, and freed by its owner. */
int run_options_read(struct json_reader *reader, const json_t *value, void *options,
		     struct error *err);

/* Ports alone; on failure too, *ret is the caller's. */
json_t *ports_to_json(const struct port_mapping *ports, size_t n);
int ports_read(struct json_reader *reader, const json_t *value, struct port_mapping **ret,
	       size_t *ret_n, struct error *err);
