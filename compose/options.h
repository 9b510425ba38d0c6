/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/labels.h"
#include "compose/model.h"
#include "engine/options.h"

/*
 * What container @number (from 1) of a service is run with.  -ENOTSUP, with the place, for a key
 * that is understood and cannot be done.  On failure @ret is empty.
 */
int service_options(const struct project *project, const struct service *service, int number,
		    struct run_options *ret, struct error *err);

/* "shop-web-1", or container_name; caller frees. */
char *service_container_name(const struct project *project, const struct service *service,
			     int number);
