/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/model.h"
#include "engine/options.h"

/* The labels of a project's containers; other tools read the docker ones. */
#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_NUMBER  "com.docker.compose.container-number"
#define LABEL_HASH    "com.docker.compose.config-hash"
#define LABEL_ONEOFF  "com.docker.compose.oneoff"
#define LABEL_FILES   "com.docker.compose.project.config_files"
#define LABEL_DIR     "com.docker.compose.project.working_dir"
#define LABEL_DEPENDS "com.docker.compose.depends_on"
#define LABEL_CONFIG  "minictr.compose.config" /* service_config() as JSON, for diff.h */

/*
 * What container @number (from 1) of a service is run with, but for what run_options does not have:
 * networks, health and restart are in struct service.  -ENOTSUP, with the place, for a key that is
 * understood and cannot be done.  On failure @ret is empty.
 */
int service_options(const struct project *project, const struct service *service, int number,
		    struct run_options *ret, struct error *err);

/* "shop-web-1", or container_name; caller frees. */
char *service_container_name(const struct project *project, const struct service *service,
			     int number);
