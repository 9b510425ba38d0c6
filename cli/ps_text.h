/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "engine/list.h"

/* What `ps` says of a container, for other listings.  Callers free. */
char *ps_status_text(const struct list_entry *entry, int64_t now); /* "Up 3 seconds" */
char *ps_ports_text(const struct list_entry *entry);               /* "0.0.0.0:80->80/tcp" */

/*
 * Adds what listens on the host for @port ("80", "53/udp") of a running container, a line each.
 * -ENOENT if it is not published.
 */
int ports_text(const struct list_entry *entry, const char *port, struct str *out,
	       struct error *err);

/*
 * Adds a line (PROCESS_HEADING) for each process of a running container, with @prefix in front:
 * cells for output_align().
 */
int top_add_processes(const struct list_entry *entry, const char *prefix, struct str *out,
		      struct error *err);
