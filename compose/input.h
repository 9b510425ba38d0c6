/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/model.h"

/* What a command line says about the project it is for. */
struct project_choice {
	struct strv files; /* -f; none: COMPOSE_FILE, or the usual names here or above */
	struct strv
		env_files; /* --env-file; none: .env of the project's directory, if it is there */
	struct strv profiles;
	struct strv services;
	char *name;
	char *directory; /* --project-directory; NULL: that of the first file */
};

void project_choice_fini(struct project_choice *choice);

/*
 * Finds the files, and what variables they may use: the environment of the caller, then .env.
 * *ret reads files of this machine; the caller's to project_input_fini().
 */
int project_input_make(const struct project_choice *choice, struct project_input *ret,
		       struct error *err);
