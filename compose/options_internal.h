/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/options.h"

/* options_mounts.c: volumes, tmpfs, secrets and configs that are files. */
int options_mounts(const struct project *project, const struct service *service,
		   struct run_options *o, struct error *err);
