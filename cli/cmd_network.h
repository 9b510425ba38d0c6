/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* cmd_network.c changes networks, cmd_net_ls.c looks at them. */
extern const struct command cmd_net_create, cmd_net_rm, cmd_net_remove, cmd_net_prune;
extern const struct command cmd_net_connect, cmd_net_disconnect;
extern const struct command cmd_net_ls, cmd_net_list, cmd_net_inspect;

/* Removes the networks that no container is in, and says which. */
int prune_networks(struct error *err);
