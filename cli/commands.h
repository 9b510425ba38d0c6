/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct command;

/* All of minictr's, as commands_main() takes them; those of `minictr compose` are its own. */
extern const struct command *const all_commands[];
