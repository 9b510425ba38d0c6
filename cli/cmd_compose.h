/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* `minictr compose [OPTIONS] COMMAND`: stacks from project files. */
extern const struct command cmd_compose;
