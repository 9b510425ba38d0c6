/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"

/* Images; `image load`, `image ls` and `image rm` are the same as the first three. */
extern const struct command cmd_load, cmd_images, cmd_rmi;
extern const struct command cmd_image_load, cmd_image_ls, cmd_image_rm;

/* cmd_image_history.c, cmd_image_prune.c, cmd_image_share.c */
extern const struct command cmd_history, cmd_image_history;
extern const struct command cmd_image_prune;
extern const struct command cmd_tag, cmd_image_tag, cmd_save, cmd_image_save;

/* cmd_commit.c */
extern const struct command cmd_commit, cmd_container_commit;

/* cmd_export.c */
extern const struct command cmd_export, cmd_container_export;

/* cmd_import.c */
extern const struct command cmd_import, cmd_image_import;

/* cmd_image_mount.c */
extern const struct command cmd_image_mount, cmd_image_unmount, cmd_image_umount;

/* cmd_image_tree.c */
extern const struct command cmd_image_tree;

/* cmd_registry.c */
extern const struct command cmd_pull, cmd_image_pull, cmd_push, cmd_image_push;
extern const struct command cmd_login, cmd_logout;

/* cmd_system.c */
extern const struct command cmd_system_df, cmd_system_prune;
