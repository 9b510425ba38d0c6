/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * Who we are to a registry, where docker's users keep it: $DOCKER_CONFIG or ~/.docker, config.json,
 * with `auths`, `credsStore` and `credHelpers` (programs docker-credential-NAME).
 */
struct credentials {
	char *user, *password;
	char *identity_token; /* instead of both */
};

void credentials_fini(struct credentials *credentials);
#define auto_credentials __attribute__((cleanup(credentials_fini)))

/* All NULL if there are none for @host ("docker.io"). */
int credentials_find(const char *host, struct credentials *ret, struct error *err);

/*
 * Keeps them, by the helper that is configured or else in the file (0600), whose other content stays.
 * *ret_where: the file or the helper, owned by the caller.
 */
int credentials_store(const char *host, const struct credentials *credentials, char **ret_where,
		      struct error *err);

/* Forgets them: 1, or 0 if there were none. */
int credentials_erase(const char *host, struct error *err);
