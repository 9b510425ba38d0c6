/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/project.h"

/* What containers of a project write. */

/* The last lines of each container of a service, on stderr: why it failed. */
void tail_show(const struct engine_dirs *dirs, const char *project, const char *service);
