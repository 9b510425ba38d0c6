/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "cli/command.h"

/* The verbs of an OCI runtime, as engines call them (runc's command line). */
extern const struct command oci_create, oci_start, oci_run, oci_state, oci_kill, oci_delete;
extern const struct command oci_list, oci_spec, oci_ps, oci_pause, oci_resume, oci_exec;
extern const struct command oci_features, oci_update, oci_events;
extern const struct command oci_checkpoint, oci_restore; /* refused */

struct cgroup;
struct container_state;

/* The group of the container @id and what is known of it; "container does not exist" if unknown. */
int oci_open_cgroup(const char *id, struct container_state *ret, struct cgroup **ret_cgroup,
		    struct error *err);

/* Where the state of OCI containers is: --root, or the default; absolute, borrowed. */
void oci_set_root(const char *root);
const char *oci_root(void);

/* --systemd-cgroup: create and run have systemd make the group. */
void oci_set_systemd(void);

/* Options were given that only callers of runc give: what they look for in errors is said. */
void oci_set_caller(void);

/*
 * Some verbs have the names of commands of the engine: the runtime's is meant with --root, or if the
 * state root has a container @id, or if nobody has one and the caller takes us for runc.
 */
bool oci_is_meant(const char *id);
bool oci_has_root(void); /* --root was given */
