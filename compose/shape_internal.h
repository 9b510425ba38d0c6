/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/shape.h"

/* What shape.c and schema.c have from the files that know one thing each. */

int shape_scalar(const struct key *key, struct node *node, struct error *err);

/* shape_ports.c */
key_shaper shape_ports, check_ports, check_expose, check_allows;
key_identity port_identity, allow_identity;

/* shape_mounts.c */
key_shaper shape_volume_item, shape_grant_item, shape_device_item, check_volumes, check_configs;
key_shaper check_secrets, check_tmpfs, shape_env_files, shape_env_file_item, shape_file_path;
key_identity target_identity, source_identity, path_identity;

/* shape_service.c */
key_shaper shape_depends_on, shape_health_test, check_health_test, shape_extra_hosts, shape_ulimits;
key_shaper shape_extends, shape_build, shape_restart, check_hostname;
key_shaper check_capabilities, check_addresses, check_address, check_signal, check_absolute;
key_shaper check_security, check_cpu_list, check_no_nulls, shape_external;
key_shaper check_name_text, check_subnet, check_network_mode;
