/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "runtime/spec.h"

/* Inside of runtime/spec*.c (and exec_spec.c) only: tables that several of them use. */

extern const struct json_field spec_linux_fields[];   /* on struct spec */
extern const struct json_field spec_process_fields[]; /* on struct spec_process */

json_field_handler spec_read_seccomp; /* on struct spec_seccomp */

/* "key=value" texts of an object of strings are JSON_FIELD_PAIRS; ids are uint32_t. */
int spec_read_ids(struct json_reader *reader, const json_t *value, uint32_t **ret, size_t *ret_n,
		  struct error *err);
