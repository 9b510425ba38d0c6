/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The labels of a project's containers; other tools read the docker ones. */
#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_NUMBER  "com.docker.compose.container-number"
#define LABEL_HASH    "com.docker.compose.config-hash"
#define LABEL_ONEOFF  "com.docker.compose.oneoff"
#define LABEL_FILES   "com.docker.compose.project.config_files"
#define LABEL_DIR     "com.docker.compose.project.working_dir"
#define LABEL_DEPENDS "com.docker.compose.depends_on"
#define LABEL_NETWORK "com.docker.compose.network" /* of a network: its key */
#define LABEL_CONFIG  "minictr.compose.config"     /* service_config() as JSON, for diff.h */
