/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* The verbs of an OCI runtime, as engines call them (runc's command line). */
extern const struct command oci_create, oci_start, oci_run, oci_state, oci_kill, oci_delete;
extern const struct command oci_list, oci_spec, oci_ps, oci_pause, oci_resume, oci_exec;

/* Where the state of OCI containers is: --root, or the default; absolute, borrowed. */
void oci_set_root(const char *root);
const char *oci_root(void);
