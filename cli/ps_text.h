/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "engine/list.h"

/* What `ps` says of a container, for other listings.  Callers free. */
char *ps_status_text(const struct list_entry *entry, int64_t now); /* "Up 3 seconds" */
char *ps_ports_text(const struct list_entry *entry);               /* "0.0.0.0:80->80/tcp" */
