/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* Commands that look at containers and change nothing. */
extern const struct command cmd_events, cmd_inspect, cmd_logs, cmd_port, cmd_stats, cmd_top;
extern const struct command cmd_container_inspect, cmd_image_inspect;
