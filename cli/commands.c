/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include "cli/cmd_compose.h"
#include "cli/cmd_image.h"
#include "cli/cmd_life.h"
#include "cli/cmd_look.h"
#include "cli/cmd_network.h"
#include "cli/cmd_oci.h"
#include "cli/cmd_run.h"
#include "cli/command.h"

/* clang-format off */
const struct command *const all_commands[] = {
	/* The runtime's come before the engine's of the same name. */
	&oci_run,
	&oci_ps,
	&oci_start,
	&oci_kill,
	&oci_pause,
	&oci_exec,
	&oci_update,
	&oci_events,

	&cmd_run,
	&cmd_start,
	&cmd_stop,
	&cmd_restart,
	&cmd_kill,
	&cmd_wait,
	&cmd_pause,
	&cmd_unpause,
	&cmd_update,
	&cmd_rename,
	&cmd_ps,
	&cmd_rm,
	&cmd_exec,

	&cmd_container_inspect,
	&cmd_events,
	&cmd_inspect,
	&cmd_logs,
	&cmd_port,
	&cmd_stats,
	&cmd_top,

	&cmd_load,
	&cmd_images,
	&cmd_rmi,
	&cmd_image_load,
	&cmd_image_ls,
	&cmd_image_rm,
	&cmd_image_inspect,
	&cmd_pull,
	&cmd_push,
	&cmd_login,
	&cmd_logout,
	&cmd_commit,
	&cmd_container_commit,
	&cmd_export,
	&cmd_container_export,
	&cmd_history,
	&cmd_import,
	&cmd_image_import,
	&cmd_save,
	&cmd_tag,
	&cmd_image_history,
	&cmd_image_mount,
	&cmd_image_tree,
	&cmd_image_unmount,
	&cmd_image_umount,
	&cmd_image_prune,
	&cmd_image_pull,
	&cmd_image_push,
	&cmd_image_save,
	&cmd_image_tag,
	&cmd_system_df,
	&cmd_system_prune,

	&cmd_net_connect,
	&cmd_net_create,
	&cmd_net_disconnect,
	&cmd_net_inspect,
	&cmd_net_list,
	&cmd_net_ls,
	&cmd_net_prune,
	&cmd_net_remove,
	&cmd_net_rm,

	&cmd_compose,

	&oci_create,
	&oci_state,
	&oci_delete,
	&oci_list,
	&oci_spec,
	&oci_resume,
	&oci_features,
	&oci_checkpoint,
	&oci_restore,
	NULL,
};
/* clang-format on */
