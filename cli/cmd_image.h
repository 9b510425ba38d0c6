/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* Images; `image load`, `image ls` and `image rm` are the same as the first three. */
extern const struct command cmd_load, cmd_images, cmd_rmi;
extern const struct command cmd_image_load, cmd_image_ls, cmd_image_rm;
