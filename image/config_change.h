/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/error.h"

struct strv;

/*
 * Changes what an image says about running it, the member "config" of its config, by lines as they
 * stand in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME,
 * WORKDIR.  $NAME and ${NAME} are variables of the image where docker has it so (ENV, EXPOSE, LABEL,
 * STOPSIGNAL, USER, VOLUME, WORKDIR); a backslash or single quotes keep them from being that.
 *
 * Pure.  -EINVAL with one line that has the change; @config may be half changed then.
 */
int config_change_all(json_t *config, const struct strv *changes, struct error *err);
