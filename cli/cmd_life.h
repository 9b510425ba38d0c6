/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* Containers that are there: starting, stopping and waiting for them. */
extern const struct command cmd_start, cmd_stop, cmd_restart, cmd_kill, cmd_wait, cmd_pause,
	cmd_unpause, cmd_update, cmd_rename;
