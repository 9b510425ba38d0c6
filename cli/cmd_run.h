/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* Containers: making, listing, removing them. */
extern const struct command cmd_exec, cmd_run, cmd_ps, cmd_rm;
