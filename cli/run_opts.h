/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/explain.h"
#include "cli/opts.h"
#include "engine/options.h"

/* What the command line of `minictr run` says. */
struct run_request {
	struct run_options options;
	bool has_no_health;
	int explain;                 /* enum explain_form */
	struct strv network_aliases; /* --network-alias */
	char *address;               /* --ip */
	struct strv env_file;        /* from --env-file; -e counts more, whatever the order */
	int pull;                    /* enum fetch_policy */
	bool pulls_quietly;
};

void run_request_fini(void *request);

/* The table of `minictr run`, for a struct run_request. */
extern const struct opt run_opts[];

/*
 * Completes @request when all options are read: IMAGE and COMMAND from @args (with --rootfs there
 * is no IMAGE), the environment merged.  -EINVAL for what does not go together.
 */
int run_request_finish(struct run_request *request, const struct strv *args, struct error *err);
