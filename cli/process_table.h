/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* Some processes of the host, for `top` and the runtime's `ps`.  Both add lines to @out. */

/* One line of cells each, with @prefix in front, for output_align(); sorts @pids. */
#define PROCESS_HEADING "UID\tPID\tPPID\tC\tSTIME\tTTY\tTIME\tCMD\n"
void process_rows(pid_t *pids, size_t n, const char *prefix, struct str *out);

/* As `ps -ef` shows them; sorts @pids.  What has ended is left out. */
void process_table(pid_t *pids, size_t n, struct str *out);

/* By the host's ps(1) with these options: its heading, and the lines of @pids. */
int process_table_by_ps(const struct strv *options, const pid_t *pids, size_t n, struct str *out,
			struct error *err);
